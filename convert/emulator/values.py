"""What users give and get: arrays and images in, checked; arrays and images out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from convert.emulator.registry import held
from convert.emulator.rounding import Flags, rounded
from convert.features import Feature
from convert.program import Type
from mlx_vader.errors import UsageError

#: Colour space → modes of PIL images that Core ML takes for it.
_MODES = {"RGB": ("RGB", "RGBA"), "BGR": ("RGB", "RGBA"), "GRAYSCALE": ("L",), "GRAYSCALE_FLOAT16": ("F",)}


def check_names(given: Mapping[str, Any], features: Sequence[Feature], states: Sequence[str]) -> None:
    """Raises `UsageError` for inputs that are missing or unknown."""
    names = [feature.name for feature in features]
    has = f"the inputs are {'; '.join(map(str, features)) or 'none'}"
    for name in given:
        if name in states:
            raise UsageError(
                f"{name!r} is a state, not an input", hint="give predict(..., state=) what make_state() made"
            )
        if name not in names:
            raise UsageError(f"there is no input {name!r}", hint=has)
    missing = [feature.name for feature in features if feature.name not in given and not feature.optional]
    if missing:
        raise UsageError(f"the input {', '.join(map(repr, missing))} is missing", hint=has)


def check_pairing(given: Mapping[str, Any], features: Sequence[Feature]) -> None:
    """Raises `UsageError` unless all inputs with a list of shapes have the shapes of one place in their lists.

    Core ML takes no others: apple/coremltools #2271. Shapes that are in no list are left to `to_input`.
    """
    shapes = {
        feature.name: _shape(given[feature.name])
        for feature in features
        if feature.shapes and given.get(feature.name) is not None
    }
    lists = {feature.name: feature.shapes for feature in features}
    places = [
        {at for at, shape in enumerate(lists[name]) if shape == given_shape}
        for name, given_shape in shapes.items()
        if given_shape in lists[name]
    ]
    if places and not set.intersection(*places):
        first, *others = shapes
        wanted = ", ".join(f"{name} {_text(lists[name][min(places[0])])}" for name in others)
        raise UsageError(
            f"Core ML does not take these shapes together: {', '.join(f'{n} {_text(s)}' for n, s in shapes.items())}",
            hint=f"with {first} {_text(shapes[first])} goes {wanted}",
        )


def _text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _shape(value: Any) -> tuple[int, ...]:
    if isinstance(value, Image.Image):
        return value.height, value.width
    return tuple(np.shape(value))


def to_input(value: Any, feature: Feature, of: Type, flags: Flags | None) -> Any:
    """A user's value as the program takes it. Raises `UsageError` for what does not fit the input.

    With `flags` half precision is rounded, and what it cannot hold is noted there.
    """
    tensor = _from_image(value, feature) if feature.kind == "image" else _from_array(value, feature)
    tensor = held(tensor, of.dtype)
    if flags is None or of.dtype != "fp16":
        return tensor
    flags.check("input", feature.name, tensor, [tensor])
    return rounded(tensor)


def _from_array(value: Any, feature: Feature) -> Tensor:
    if value is None:
        return torch.full(feature.shape, feature.default)
    if isinstance(value, Image.Image):
        raise UsageError(f"the input {feature.name!r} is an image", hint=f"it takes an array: {feature}")
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and feature.dtype.startswith("int")):
        raise UsageError(
            f"the input {feature.name!r} holds {array.dtype}", hint=f"it takes {feature.dtype}: {feature}"
        )
    feature.check_shape(array.shape)
    wide = np.int64 if feature.dtype.startswith("int") else np.float32
    return torch.from_numpy(np.array(array, wide))


def _from_image(value: Any, feature: Feature) -> Tensor:
    """(1, channels, height, width) in 0 … 255, or as it is for floating-point images."""
    modes = _MODES[feature.color]
    if not isinstance(value, Image.Image):
        raise UsageError(
            f"the input {feature.name!r} is a {type(value).__name__}", hint=f"it takes a PIL image: {feature}"
        )
    if value.mode not in modes:
        raise UsageError(
            f"the input {feature.name!r} is an image of mode {value.mode}",
            hint=f"it takes {' or '.join(modes)}: image.convert({modes[0]!r})",
        )
    feature.check_shape((value.height, value.width))
    pixels = np.atleast_3d(np.asarray(value, np.float32))[..., :3]
    if feature.color == "BGR":
        pixels = pixels[..., ::-1]
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())


def to_output(value: Any, feature: Feature, *, half: bool) -> Any:
    """A result as users get it. Without half precision, fp16 arrays come in fp32, as they were computed."""
    if not isinstance(value, Tensor):
        return value
    if feature.kind == "image":
        return _to_image(value, feature)
    dtype = np.dtype(feature.dtype or "float32")
    array = value.numpy()
    return array.astype(np.float32 if dtype == np.float16 and not half else dtype)


def _to_image(value: Tensor, feature: Feature) -> Image.Image:
    """Colours come with an opaque alpha channel, as from Core ML. Levels are rounded and cut to 0 … 255."""
    pixels = value[0].permute(1, 2, 0).numpy()
    if feature.color == "GRAYSCALE_FLOAT16":
        return Image.fromarray(np.ascontiguousarray(pixels[..., 0], np.float32))
    levels = np.rint(np.nan_to_num(pixels).clip(0, 255)).astype(np.uint8)
    if feature.color == "GRAYSCALE":
        return Image.fromarray(np.ascontiguousarray(levels[..., 0]))
    if feature.color == "BGR":
        levels = levels[..., ::-1]
    return Image.fromarray(np.concatenate([levels, np.full_like(levels[..., :1], 255)], -1))
