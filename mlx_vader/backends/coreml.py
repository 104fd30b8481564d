"""A converted network, frame by frame: in Core ML on a Mac, in the emulator elsewhere.

A package takes `frames`, fp16 or an 8-bit image, and a `hint` (of a network that takes one), and gives `restored` and
`mask` (of a network that predicts one); see `convert/coreml.py`. Its memory is either `NAME_in` and `NAME_out` with
each frame, or a Core ML state, with a function for each size. It accepts the sizes it was converted for; smaller frames
are extended by reflection and cropped back.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float16, Float32
from PIL import Image

from convert.shapes import Shapes, Size, parse_shapes
from mlx_vader.backends.base import Packed, Restored, Source
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.layers.padding import reflected_indices
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.models import registry
from mlx_vader.models.base import Network

#: Names as Core ML has them, and as coremltools has them.
COMPUTE_UNITS = {
    "all": "ALL",
    "cpuAndGPU": "CPU_AND_GPU",
    "cpuAndNeuralEngine": "CPU_AND_NE",
    "cpuOnly": "CPU_ONLY",
}


@runtime_checkable
class Model(Protocol):
    """What this backend uses of coremltools' `MLModel`, which the emulator has too."""

    def predict(self, data: dict[str, Any], state: Any = None) -> dict[str, Any]:
        """One frame; `state` is changed in place."""
        ...

    def make_state(self) -> Any:
        """All zeros."""
        ...


@dataclass(frozen=True)
class Facts:
    """What a package says of itself. `functions`: name by size, of packages that keep their memory as states."""

    network: Network
    stride: int
    window: int
    shapes: Shapes
    functions: dict[Size, str]
    images: bool

    @classmethod
    def of(cls, metadata: dict[str, str]) -> "Facts":
        """Reads the package's own metadata. Raises VaderError for a package that somebody else made."""
        if "vader.network" not in metadata:
            raise VaderError(
                "this package was not made by vader-mlx",
                hint="vader-mlx convert makes packages; vader-mlx run runs anybody's",
            )
        stride = int(metadata["vader.stride"])
        functions = json.loads(metadata.get("vader.functions", "{}"))
        return cls(
            registry.build(metadata["vader.network"], **json.loads(metadata["vader.spec"])),
            stride,
            int(metadata["vader.window"]),
            parse_shapes(metadata["vader.shapes"], stride),
            {parse_shapes(size).default: name for name, size in functions.items()},
            metadata.get("vader.io") == "image",
        )


@dataclass(frozen=True)
class RunningState:
    """A Core ML state, which each frame changes in place, and the size that its function is for."""

    size: Size
    handle: Any


class CoreMLBackend:
    """A package, frame by frame; a clip of many frames is a loop.

    `open_model` loads the function of a name (None: the only one). While the model works on a frame, a second
    thread prepares the next one and reads the last one's results.
    """

    name = "coreml"

    def __init__(
        self, facts: Facts, open_model: Callable[[str | None], Model], device: str, *, emulated: bool = False
    ) -> None:
        self.facts = facts
        self.device = device
        self.emulated = emulated
        self.stride = facts.stride
        self.window = facts.window
        self.takes_hint = facts.network.takes_hint
        self._open = open_model
        self._models: dict[str | None, Model] = {}
        self._other = ThreadPoolExecutor(1)

    def restore(self, frames: Float32[np.ndarray, "t h w c"], state: Any = None) -> Restored:
        """Restores a clip; see `Backend`. Raises UsageError for frames larger than the package accepts.

        A state of Core ML's is changed in place: the one that was given is the one that is returned.
        """
        frame_size = Size(*frames.shape[1:3])
        size = fitting_size(self.facts.shapes, frame_size, self.stride)
        model = self._model(size)
        state = self._started(model, state, size)
        results = []
        prepared = self._other.submit(self._prepared, frames[0], size)
        for following in [*frames[1:], None]:
            data = prepared.result()
            if following is not None:
                prepared = self._other.submit(self._prepared, following, size)
            out, state = self._step(model, data, state)
            results.append(self._other.submit(_read, out, frame_size))
        restored, masks = zip(*(result.result() for result in results), strict=True)
        mask = None if masks[0] is None else np.stack(masks)
        return Restored(np.stack(restored), mask, state)

    def _model(self, size: Size) -> Model:
        function = self.facts.functions.get(size)
        if function not in self._models:
            self._models[function] = self._open(function)
        return self._models[function]

    def _started(self, model: Model, state: Any, size: Size) -> Any:
        """The state in the form that the function of `size` takes: arrays or a Core ML state."""
        if not self.facts.functions or not self.facts.network.state_spec(*size):
            return state or fresh_state(self.facts.network, size)
        if isinstance(state, RunningState) and state.size == size:
            return state
        handle = model.make_state()
        for name, array in self.pack(state).items():
            handle.write_state(name, array)
        return RunningState(size, handle)

    def _step(self, model: Model, data: dict[str, Any], state: Any) -> tuple[dict[str, Any], Any]:
        if isinstance(state, RunningState):
            return model.predict(data, state.handle), state
        out = model.predict({**data, **{f"{name}_in": array for name, array in state.items()}})
        return out, {name: out[f"{name}_out"].astype(np.float16) for name in state}

    def _prepared(self, frame: Float32[np.ndarray, "h w c"], size: Size) -> dict[str, Any]:
        """The frame as the package takes it: `(1, 3, H, W)` fp16 or an 8-bit image, and `(1, 1, H, W)` of hint."""
        rows = reflected_indices(frame.shape[0], size.height)
        columns = reflected_indices(frame.shape[1], size.width)
        padded = frame[rows][:, columns]
        colours = padded[..., :3]
        data = {"frames": Image.fromarray(to_levels(colours)) if self.facts.images else _array(colours)}
        if self.takes_hint:
            data["hint"] = _array(padded[..., 3:] if frame.shape[-1] == 4 else np.zeros_like(padded[..., :1]))
        return data

    def pack(self, state: Any) -> Packed:
        """The state as numpy arrays."""
        if not isinstance(state, RunningState):
            return dict(state or {})
        names = self.facts.network.state_spec(*state.size)
        return {name: np.array(state.handle.read_state(name), np.float16) for name in names}

    def unpack(self, arrays: Packed) -> Packed | None:
        """The state from numpy arrays; it becomes a Core ML state with the next frame."""
        return dict(arrays) or None


def _array(image: Float32[np.ndarray, "h w c"]) -> Float16[np.ndarray, "1 c h w"]:
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float16)


def _read(
    out: dict[str, Any], size: Size
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w 1"] | None]:
    return _pixels(out["restored"], size), _pixels(out["mask"], size) if "mask" in out else None


def _pixels(value: Any, size: Size) -> Float32[np.ndarray, "h w c"]:
    """An output, array or image, cropped to the frame."""
    if isinstance(value, Image.Image):
        # Core ML's colour images have a fourth, opaque channel; a mask is one channel of floats.
        levels = np.atleast_3d(np.asarray(value))[..., :3]
        pixels = to_unit(levels) if levels.dtype == np.uint8 else levels
    else:
        pixels = value[0].transpose(1, 2, 0)
    return np.ascontiguousarray(pixels[: size.height, : size.width], np.float32)


def fitting_size(shapes: Shapes, frame: Size, stride: int) -> Size:
    """The smallest size of the package that holds the frame. Raises UsageError when there is none."""
    if shapes.kind == "range":
        low, high = shapes.sizes
        height, width = (
            max(-(-side // stride) * stride, least) for side, least in zip(frame, low, strict=True)
        )
        fitting = [Size(height, width)] if height <= high.height and width <= high.width else []
    else:
        fitting = [size for size in shapes.sizes if size.height >= frame.height and size.width >= frame.width]
    if not fitting:
        raise UsageError(
            f"frames of {frame} do not fit the package, which accepts {shapes}",
            hint="convert with --shapes for this size, or use --backend mlx",
        )
    return min(fitting, key=lambda size: size.height * size.width)


def fresh_state(network: Network, size: Size) -> Packed:
    """All zeros. Feature maps are channels last in MLX's specification and channels first in a package."""
    spec = network.state_spec(*size)
    return {
        name: np.zeros((1, shape[2], *shape[:2]) if len(shape) == 3 else (1, *shape), np.float16)
        for name, shape in spec.items()
    }


def load(source: Source, compute_units: str = "all") -> CoreMLBackend:
    """A backend for a package's path. Raises VaderError for a missing or unreadable package.

    Without Core ML the package runs in the emulator, whatever the compute units.
    """
    if compute_units not in COMPUTE_UNITS:
        raise UsageError(
            f"there are no compute units {compute_units!r}", hint=f"choose one of {', '.join(COMPUTE_UNITS)}"
        )
    path = Path(str(source))
    if not path.is_dir():
        raise UsageError(f"{source} does not exist", hint="vader-mlx convert makes packages")
    from convert.package import read_spec

    facts = Facts.of(dict(read_spec(path).description.metadata.userDefined))
    if sys.platform == "darwin":
        return CoreMLBackend(
            facts, lambda name: _open(path, name, compute_units), f"Core ML ({compute_units})"
        )
    return emulated(path, facts)


def emulated(path: Path, facts: Facts) -> CoreMLBackend:
    """The package in the emulator, rounding to fp16 as the device would."""
    from convert.emulator import EmulatedModel

    return CoreMLBackend(
        facts, lambda name: EmulatedModel(path, function_name=name), "Core ML (emulated)", emulated=True
    )


def _open(path: Path, function: str | None, compute_units: str) -> Any:
    from convert.quiet import quiet

    with quiet():
        import coremltools as ct
    units = getattr(ct.ComputeUnit, COMPUTE_UNITS[compute_units])
    try:
        return ct.models.MLModel(str(path), compute_units=units, function_name=function)
    except Exception as error:  # coremltools raises RuntimeError, ValueError and plain Exception
        raise VaderError(f"{path} cannot be read as a Core ML package: {error}") from error
