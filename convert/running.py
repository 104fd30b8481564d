"""Runs a converted network frame by frame: in Core ML on a Mac, in the emulator elsewhere.

A package takes the inputs of its network's interface, fp16 or 8-bit images, and gives its outputs. Its memory is either
`NAME_in` and `NAME_out` with each frame, or a Core ML state, with a function for each size. It accepts the sizes it was
converted for; smaller frames are extended by reflection and results cropped back.
"""

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float16, Float32, Shaped
from PIL import Image

from convert.facts import PackageFacts
from convert.shapes import Shapes, Size
from convert.tracing import state_input, state_output
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.interface import Interface, Port
from mlx_vader.layers.padding import reflected_indices
from mlx_vader.levels import to_levels, to_unit

#: Names as Core ML has them, and as coremltools has them.
COMPUTE_UNITS = {
    "all": "ALL",
    "cpuAndGPU": "CPU_AND_GPU",
    "cpuAndNeuralEngine": "CPU_AND_NE",
    "cpuOnly": "CPU_ONLY",
}

#: Arrays by name: outputs of a stream, `(t, …)`, or a state.
Arrays = dict[str, np.ndarray]

#: A level from 0 to 255 → its fraction in half precision.
_FRACTIONS = to_unit(np.arange(256, dtype=np.uint8)).astype(np.float16)


@runtime_checkable
class Model(Protocol):
    """What is used of coremltools' `MLModel`, which the emulator has too."""

    def predict(self, data: dict[str, Any], state: Any = None) -> dict[str, Any]:
        """One frame; `state` is changed in place."""
        ...

    def make_state(self) -> Any:
        """All zeros."""
        ...


class WatchedModel:
    """An emulated model that shows its inputs by name, and the results of each operation, to two callbacks."""

    def __init__(
        self,
        model: Any,
        on_result: Callable[..., None],
        on_input: Callable[[str, Any], None] = lambda name, value: None,
    ) -> None:
        self._model, self._on_result, self._on_input = model, on_result, on_input
        self.make_state = model.make_state

    def predict(self, data: dict[str, Any], state: Any = None) -> dict[str, Any]:
        """The model's."""
        for name, value in data.items():
            self._on_input(name, value)
        result: dict[str, Any] = self._model.predict(data, state, watch=self._on_result)
        return result


#: Opens the function of a name; None: the only one.
OpenModel = Callable[[str | None], Model]


@dataclass(frozen=True)
class RunningState:
    """A Core ML state, which each frame changes in place, and the size that its function is for."""

    size: Size
    handle: Any


class PackageRunner:
    """A package, frame by frame; a clip of many frames is a loop.

    While the model works on a frame, a second thread prepares the next one and reads the last one's results.
    """

    def __init__(self, facts: PackageFacts, open_model: OpenModel) -> None:
        self.facts = facts
        self.interface = facts.interface
        self._open = open_model
        self._models: dict[str | None, Model] = {}
        self._other = ThreadPoolExecutor(1)

    def run(self, inputs: Mapping[str, np.ndarray], state: Any = None) -> tuple[Arrays, Any]:
        """Outputs by name, `(t, h, w, c)` in float32, and the state after the last frame.

        Inputs are float32; frames may be levels from 0 to 255 in uint8. Raises UsageError for frames larger than the
        package accepts. A state of Core ML's is changed in place: the one that was given is the one that is returned.
        """
        self.interface.check_inputs(inputs)
        sizes = {port.name: inputs[port.name].shape[1:3] for port in self._maps(inputs)}
        frame_size = Size(*self.interface.frame_size(sizes))
        size = fitting_size(self.facts.shapes, frame_size, self.interface.stride)
        model = self._model(size)
        state = self._started(model, state, size)
        count = len(next(iter(inputs.values())))
        results = []
        prepared = self._other.submit(self._prepared, inputs, 0, size)
        for time in range(count):
            data = prepared.result()
            if time + 1 < count:
                prepared = self._other.submit(self._prepared, inputs, time + 1, size)
            out, state = self._step(model, data, state)
            results.append(self._other.submit(self._read, out, frame_size))
        frames = [result.result() for result in results]
        names = [port.name for port in self.interface.outputs]
        return {name: np.stack([frame[name] for frame in frames]) for name in names}, state

    def pack(self, state: Any) -> Arrays:
        """The state as numpy arrays; `unpack` gives the same state back, bit for bit."""
        if not isinstance(state, RunningState):
            return dict(state or {})
        return {
            port.name: np.array(state.handle.read_state(port.name), np.float16)
            for port in self.interface.state
        }

    def unpack(self, arrays: Arrays) -> Arrays | None:
        """The state from numpy arrays; it becomes a Core ML state with the next frame."""
        return dict(arrays) or None

    def _maps(self, inputs: Mapping[str, np.ndarray]) -> list[Port]:
        return [port for port in self.interface.inputs if port.name in inputs and not port.flat]

    def _model(self, size: Size) -> Model:
        function = self.facts.functions.get(size)
        if function not in self._models:
            self._models[function] = self._open(function)
        return self._models[function]

    def _started(self, model: Model, state: Any, size: Size) -> Any:
        """The state in the form that the function of `size` takes: arrays or a Core ML state."""
        if not self.facts.stateful or not self.interface.state:
            return state or fresh_state(self.interface, size)
        if isinstance(state, RunningState) and state.size == size:
            return state
        handle = model.make_state()
        for name, array in self.pack(state).items():
            handle.write_state(name, array)
        return RunningState(size, handle)

    def _step(self, model: Model, data: dict[str, Any], state: Any) -> tuple[dict[str, Any], Any]:
        if isinstance(state, RunningState):
            return model.predict(data, state.handle), state
        out = model.predict({**data, **{state_input(name): array for name, array in state.items()}})
        return out, {name: out[state_output(name)].astype(np.float16) for name in state}

    def _prepared(self, inputs: Mapping[str, np.ndarray], time: int, size: Size) -> dict[str, Any]:
        """A frame's inputs as the package takes them: `(1, c, h, w)` in fp16, or an 8-bit image."""
        data: dict[str, Any] = {}
        for port in self.interface.inputs:
            if port.name not in inputs:
                data[port.name] = np.zeros((1, *port.planes(*size)), np.float16)
            elif port.flat:
                data[port.name] = inputs[port.name][time][None].astype(np.float16)
            else:
                image = _extended(inputs[port.name][time], port, size)
                pixels = self.facts.images and port.kind == "frames"
                data[port.name] = _image(image) if pixels else _array(image)
        return data

    def _read(self, out: dict[str, Any], size: Size) -> Arrays:
        return {port.name: _cropped(out[port.name], port, size) for port in self.interface.outputs}


def _extended(image: Shaped[np.ndarray, "h w c"], port: Port, size: Size) -> Shaped[np.ndarray, "h2 w2 c"]:
    height, width, _ = port.shape(*size)
    if image.shape[0] != height:
        image = image[reflected_indices(image.shape[0], height)]
    return image if image.shape[1] == width else image[:, reflected_indices(image.shape[1], width)]


def _image(frame: Shaped[np.ndarray, "h w 3"]) -> Image.Image:
    """Pixels; levels go in as they are."""
    return Image.fromarray(np.ascontiguousarray(frame if frame.dtype == np.uint8 else to_levels(frame)))


def _array(image: Shaped[np.ndarray, "h w c"]) -> Float16[np.ndarray, "1 c h w"]:
    planes = image.transpose(2, 0, 1)[None]
    if planes.dtype == np.uint8:
        return _FRACTIONS[np.ascontiguousarray(planes)]
    return np.ascontiguousarray(planes, np.float16)


def _cropped(value: Any, port: Port, size: Size) -> Float32[np.ndarray, "..."]:
    """An output, array or image, cropped to the frame."""
    if port.flat:
        return np.asarray(value[0], np.float32)
    height, width, channels = port.shape(*size)
    if isinstance(value, Image.Image):
        # Core ML's colour images have a fourth, opaque channel; a mask is one channel of floats.
        levels = np.atleast_3d(np.asarray(value))[:height, :width, :channels]
        pixels = to_unit(levels) if levels.dtype == np.uint8 else levels
    else:
        pixels = value[0].transpose(1, 2, 0)[:height, :width]
    return np.ascontiguousarray(pixels, np.float32)


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


def fresh_state(interface: Interface, size: Size) -> Arrays:
    """All zeros, as a package takes them."""
    return {port.name: np.zeros((1, *port.planes(*size)), np.float16) for port in interface.state}


def opener(package: Path, units: str) -> OpenModel:
    """Opens functions of a package in Core ML on a Mac, whatever the compute units in the emulator elsewhere."""
    return partial(_in_core_ml, package, units) if sys.platform == "darwin" else partial(_emulated, package)


def _emulated(package: Path, function: str | None) -> Model:
    from convert.emulator import EmulatedModel

    return EmulatedModel(package, function_name=function)


def _in_core_ml(package: Path, units: str, function: str | None) -> Model:
    from convert.quiet import quiet

    with quiet():
        import coremltools as ct
    try:
        model: Model = ct.models.MLModel(
            str(package),
            compute_units=getattr(ct.ComputeUnit, COMPUTE_UNITS[units]),
            function_name=function,
        )
    except Exception as error:  # coremltools raises RuntimeError, ValueError and plain Exception
        raise VaderError(f"{package} cannot be read as a Core ML package: {error}") from error
    return model
