"""Inputs from files, outputs to files: images (PNG, JPEG …), `.npy` arrays, `.npz` collections."""

import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from convert.features import CHANNELS, Feature
from mlx_vader.errors import UsageError
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.writing import written_beside

#: Told what was done with a file, for whoever has to believe the result.
Note = Callable[[str], None]

#: Channels of a picture in colours.
COLOURS = 3
_PIL_MODES = {"RGB": "RGB", "BGR": "RGB", "GRAYSCALE": "L", "GRAYSCALE_FLOAT16": "F"}


def read_inputs(given: Sequence[str], inputs: Sequence[Feature], note: Note = print) -> dict[str, Any]:
    """The inputs from `NAME=FILE` or, where one input is left that the file fits, `FILE`.

    Raises `UsageError` for a name, a file or a shape that does not fit.
    """
    names = {feature.name: feature for feature in inputs}
    data: dict[str, Any] = {}
    for text in given:
        name, file = _named(text, names)
        if Path(file).suffix == ".npz":
            data |= {key: array for key, array in _load(Path(file)).items() if not name or key == name}
            continue
        feature = names[name] if name else _only(file, [f for f in inputs if f.name not in data])
        data[feature.name] = _read(Path(file), feature, note)
    return data


def _named(text: str, names: Mapping[str, Any]) -> tuple[str, str]:
    """(name, file) of `NAME=FILE`; no name for a file alone. A file's own name may hold `=`."""
    name, separator, file = text.partition("=")
    if not separator:
        return "", text
    if name in names:
        return name, file
    if Path(text).exists():
        return "", text
    raise UsageError(f"there is no {name!r}", hint=f"there are {', '.join(names)}")


def _only(file: str, free: Sequence[Feature]) -> Feature:
    """The one input that a file fits: a picture the one in colours, or the one that takes pictures at all; an array
    the one of its shape.
    """
    if Path(file).suffix == ".npy":
        shape = np.shape(_load(Path(file)))
        fitting = [feature for feature in free if feature.kind == "array" and feature.takes(shape)]
    else:
        fitting = [feature for feature in free if _channels(feature)[0]]
        fitting = [feature for feature in fitting if _channels(feature)[0] == COLOURS] or fitting
    if len(fitting) == 1:
        return fitting[0]
    if len(free) == 1:
        return free[0]
    raise UsageError(
        f"which input is {file}?", hint=f"--input NAME={file}; the inputs are {'; '.join(map(str, free))}"
    )


def _load(file: Path) -> Any:
    try:
        # Mapped: an array that claims to be larger than its file takes no memory.
        loaded = np.load(file, allow_pickle=False, mmap_mode="r")
        if isinstance(loaded, np.lib.npyio.NpzFile):
            return {key: loaded[key] for key in loaded.files}
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {file}", hint="check the path") from error
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"{file} holds no numpy arrays", hint="write it with numpy.save") from error
    return loaded


def _read(file: Path, feature: Feature, note: Note) -> Any:
    if file.suffix == ".npy":
        return _load(file)
    try:
        with Image.open(file) as opened:
            image = opened.copy()
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {file}", hint="check the path") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UsageError(
            f"{file} is no image that can be read", hint="PNG, JPEG and the like, .npy or .npz"
        ) from error
    if feature.kind == "image":
        mode = _PIL_MODES[feature.color]
        if image.mode != mode:
            note(f"{feature.name}: {file.name} converted from {image.mode} to {mode}")
        return image.convert(mode)
    return _as_array(image, file, feature, note)


def _channels(feature: Feature) -> tuple[int, str]:
    """(channels, where they are) of an input that can hold an image; (0, "") of another."""
    if feature.kind == "image":
        return CHANNELS[feature.color], "image"
    shape = feature.shape or (feature.shapes[0] if feature.shapes else ())
    if feature.kind != "array" or len(shape) not in (3, 4) or (len(shape) == 4 and shape[0] != 1):
        return 0, ""
    if shape[-3] in (1, 3):
        return shape[-3], "first"
    return (shape[-1], "last") if shape[-1] in (1, 3) else (0, "")


def _as_array(image: Image.Image, file: Path, feature: Feature, note: Note) -> np.ndarray:
    """In [0, 1], with the channels where the input has them."""
    channels, where = _channels(feature)
    if not channels:
        raise UsageError(f"the input {feature.name!r} is no image", hint=f"give it as .npy; it is {feature}")
    mode = "RGB" if channels == 3 else "L"
    pixels = to_unit(np.asarray(image.convert(mode)))
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    note(f"{feature.name}: {file.name} as {mode} in [0, 1], channels {where}")
    array = pixels.transpose(2, 0, 1) if where == "first" else pixels
    return array[None] if len(feature.shape) == 4 else array


def write_outputs(
    results: Mapping[str, Any], outputs: Sequence[Feature], targets: Sequence[str], note: Note = print
) -> list[Path]:
    """Writes outputs to `NAME=FILE`, or to `FILE`: the one image, the one output, or all as `.npz`.

    Raises `UsageError` for a name or a kind of file that does not fit.
    """
    names = {feature.name: feature for feature in outputs}
    written = []
    for text in targets:
        name, file = _named(text, names) if "=" in text else ("", text)
        path = Path(file)
        if path.suffix == ".npz":
            _save_all({name: results[name]} if name else results, path)
        else:
            name = name or _only_output(path, results)
            _write(results[name], path, name, note)
        written.append(path)
    return written


def _only_output(path: Path, results: Mapping[str, Any]) -> str:
    """The one output that goes into such a file: a picture the one in colours, or the one that is a picture at all."""
    if path.suffix == ".npy":
        fitting = list(results)
    else:
        pictures = {name: pixels for name in results if (pixels := _pixels(results[name])) is not None}
        colours = [name for name, pixels in pictures.items() if pixels.shape[-1] == COLOURS]
        fitting = colours or list(pictures)
    if len(fitting) != 1:
        raise UsageError(
            f"which output goes to {path}?", hint=f"-o NAME={path}; the outputs are {', '.join(results)}"
        )
    return fitting[0]


def _save_all(results: Mapping[str, Any], path: Path) -> None:
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in results.items()}
    with written_beside(path) as partial:
        np.savez(partial, **arrays)


def _write(value: Any, path: Path, name: str, note: Note) -> None:
    if path.suffix == ".npy":
        with written_beside(path) as partial:
            np.save(partial, np.asarray(value))
        return
    if path.suffix.lower() not in Image.registered_extensions():
        raise UsageError(f"cannot write {path.name}", hint="a .png, .jpg, .npy or .npz")
    pixels = _pixels(value)
    if pixels is None:
        raise UsageError(f"the output {name!r} is no image", hint=f"-o {name}={path.with_suffix('.npy')}")
    if pixels.dtype != np.uint8:
        outside = float(np.mean(~((pixels >= 0) & (pixels <= 1))))
        if outside:
            note(f"{name}: {outside:.2%} of the values are outside [0, 1] and were cut")
        pixels = to_levels(np.nan_to_num(pixels))
    with written_beside(path) as partial:
        Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0]).save(partial)


def _pixels(value: Any) -> np.ndarray | None:
    """(height, width, 1 or 3) of an image, or of an array that can be one; None of another."""
    if isinstance(value, Image.Image):
        return np.atleast_3d(np.asarray(value))[..., :3]
    array = np.asarray(value)
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 3 or array.dtype.kind != "f":
        return None
    array = array.astype(np.float32)
    if array.shape[0] in (1, 3):
        return array.transpose(1, 2, 0)
    return array if array.shape[-1] in (1, 3) else None
