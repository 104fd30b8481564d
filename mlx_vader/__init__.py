"""vader-mlx: removes watermarks, logos, text and degradations from video.

`load` a network, `clean` a video, `mask` its marks or `inpaint` what a mask shows, `convert` to Core ML; the rooms
behind them are in the packages below.
"""

from typing import TYPE_CHECKING

from mlx_vader import _blas
from mlx_vader.lazy import lazily
from mlx_vader.versions import VERSION

if TYPE_CHECKING:
    from convert import convert
    from convert.weights import twin
    from mlx_vader.checkpoints import load
    from mlx_vader.jobs.clean import clean
    from mlx_vader.jobs.inpaint import inpaint
    from mlx_vader.jobs.mask import mask
    from mlx_vader.layers.rep import fuse
    from mlx_vader.models.registry import build

__version__ = VERSION
__all__ = ["build", "clean", "convert", "fuse", "inpaint", "load", "mask", "twin"]

_HOMES = {
    "build": "mlx_vader.models.registry",
    "clean": "mlx_vader.jobs.clean",
    "convert": "convert",
    "fuse": "mlx_vader.layers.rep",
    "inpaint": "mlx_vader.jobs.inpaint",
    "mask": "mlx_vader.jobs.mask",
    "load": "mlx_vader.checkpoints",
    "twin": "convert.weights",
}

_blas.install()


__getattr__ = lazily(__name__, _HOMES)
