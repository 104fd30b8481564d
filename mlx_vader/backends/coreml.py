"""A converted network in Core ML: on the Neural Engine, the GPU and the CPU of a Mac.

A package takes one frame at a time, `frames` and `NAME_in` for each state, and gives `restored`, `mask` (of a network
that predicts one) and `NAME_out`, all fp16 (see `convert/coreml.py`). It accepts the sizes it was converted for;
smaller frames are extended by reflection and cropped back.
"""

import json
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float16, Float32

from convert.shapes import Shapes, Size, parse_shapes
from mlx_vader.backends.base import Packed, Restored, Source
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.layers.padding import reflected_indices
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
    """What this backend uses of coremltools' `MLModel`."""

    user_defined_metadata: dict[str, str]

    def predict(self, data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One frame."""
        ...


class CoreMLBackend:
    """A package, frame by frame; a clip of many frames is a loop."""

    name = "coreml"

    def __init__(self, model: Model, device: str) -> None:
        facts = model.user_defined_metadata
        if "vader.network" not in facts:
            raise VaderError(
                "this package was not made by vader-mlx",
                hint="vader-mlx convert -c X.safetensors -o X.mlpackage",
            )
        self.model = model
        self.device = device
        self.stride = int(facts["vader.stride"])
        self.window = int(facts["vader.window"])
        self.shapes = parse_shapes(facts["vader.shapes"], self.stride)
        self._network = registry.build(facts["vader.network"], **json.loads(facts["vader.spec"]))

    def restore(self, frames: Float32[np.ndarray, "t h w 3"], state: Packed | None = None) -> Restored:
        """Restores a clip; see `Backend`. Raises UsageError for frames larger than the package accepts."""
        height, width = frames.shape[1:3]
        size = fitting_size(self.shapes, Size(height, width), self.stride)
        state = state or fresh_state(self._network, size)
        restored, masks = [], []
        for frame in frames:
            out = self.model.predict(
                {"frames": _padded(frame, size), **{f"{name}_in": state[name] for name in state}}
            )
            state = {name: out[f"{name}_out"].astype(np.float16) for name in state}
            restored.append(_cropped(out["restored"], height, width))
            if "mask" in out:
                masks.append(_cropped(out["mask"], height, width))
        return Restored(np.stack(restored), np.stack(masks) if masks else None, state)

    def pack(self, state: Packed | None) -> Packed:
        """The state as it is: numpy arrays."""
        return dict(state or {})

    def unpack(self, arrays: Packed) -> Packed | None:
        """The state from numpy arrays."""
        return dict(arrays) or None


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


def _padded(frame: Float32[np.ndarray, "h w 3"], size: Size) -> Float16[np.ndarray, "1 3 h2 w2"]:
    rows = reflected_indices(frame.shape[0], size.height)
    columns = reflected_indices(frame.shape[1], size.width)
    return np.ascontiguousarray(frame[rows][:, columns].transpose(2, 0, 1)[None], np.float16)


def _cropped(image: np.ndarray, height: int, width: int) -> Float32[np.ndarray, "h w c"]:
    return np.ascontiguousarray(image[0, :, :height, :width].transpose(1, 2, 0), np.float32)


def load(source: Source, compute_units: str = "all") -> CoreMLBackend:
    """A backend for a package's path. Raises VaderError for a missing or unreadable package."""
    if compute_units not in COMPUTE_UNITS:
        raise UsageError(
            f"there are no compute units {compute_units!r}", hint=f"choose one of {', '.join(COMPUTE_UNITS)}"
        )
    if not Path(str(source)).is_dir():
        raise UsageError(f"{source} does not exist", hint="vader-mlx convert makes packages")
    return CoreMLBackend(_open(Path(str(source)), compute_units), f"Core ML ({compute_units})")


def _open(path: Path, compute_units: str) -> Any:
    from convert.quiet import quiet

    with quiet():
        import coremltools as ct
    try:
        return ct.models.MLModel(
            str(path), compute_units=getattr(ct.ComputeUnit, COMPUTE_UNITS[compute_units])
        )
    except Exception as error:  # coremltools raises RuntimeError, ValueError and plain Exception
        raise VaderError(f"{path} cannot be read as a Core ML package: {error}") from error
