"""Frames too large for one call, in overlapping tiles: 8K in the memory of a smaller video.

A tile sees `OVERLAP` pixels of its neighbours. Where a network's receptive field fits into that, the result is that of
the whole frame; where it does not, the ramp between tiles hides the seam. Memory that is a feature map is one for the
whole frame, cut like the frame; memory of a fixed shape is one for each tile. What lies between tiles is kept in half
precision: a sixteenth of a level of 8 bits.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from mlx_vader.arrays import LARGE_FRAME
from mlx_vader.backends.base import Backend, Outputs
from mlx_vader.pieces import Pieces
from mlx_vader.process import Packed

#: The side of a tile's own part, and what it sees of its neighbours on each side; multiples of every network's stride.
TILE, OVERLAP = 1024, 64
#: Pixels on each side of a seam over which one tile fades into the next.
RAMP = 8


class Tile(NamedTuple):
    """One stretch of rows or columns: the part that is seen, and where the part that counts begins and ends."""

    seen: slice
    start: int
    stop: int


#: Outputs and maps of cut frames.
HALF = np.float16


def tiled(
    backend: Backend, most_pixels: int = LARGE_FRAME, tile: int = TILE, overlap: int = OVERLAP
) -> "TiledBackend":
    """The backend, which cuts frames of more than `most_pixels` into tiles; the same one if it does so already."""
    return backend if isinstance(backend, TiledBackend) else TiledBackend(backend, most_pixels, tile, overlap)


class TiledBackend:
    """A backend over another one. Inputs of frames that are cut may be `Pieces`.

    States of cut frames are arrays of the inner backend's packed layout.
    """

    def __init__(self, backend: Backend, most_pixels: int, tile: int, overlap: int) -> None:
        self.name, self.device, self.emulated = backend.name, backend.device, backend.emulated
        self.interface, self.takes_levels = backend.interface, backend.takes_levels
        self._backend, self._most, self._tile, self._overlap = backend, most_pixels, tile, overlap

    def cuts(self, height: int, width: int) -> bool:
        """Whether frames of this size are cut."""
        return height * width > self._most

    def run(self, inputs: Mapping[str, np.ndarray | Pieces], state: Any = None) -> Outputs:
        """See `Backend`; what frames that are cut give is float16."""
        height, width = next(iter(inputs.values())).shape[1:3]
        if not self.cuts(height, width):
            return self._backend.run({name: np.asarray(array) for name, array in inputs.items()}, state)
        values: dict[str, np.ndarray] = {}
        before: Packed = state or {}
        after: Packed = {}
        for rows in tiles(height, self._tile, self._overlap):
            for columns in tiles(width, self._tile, self._overlap):
                part = {name: array[:, rows.seen, columns.seen] for name, array in inputs.items()}
                outputs = self._backend.run(part, self._unpacked(before, rows, columns))
                for name, value in outputs.values.items():
                    stride = self._output_stride(name)
                    shape = (len(value), -(-height // stride), -(-width // stride), value.shape[-1])
                    whole = values.setdefault(name, np.zeros(shape, HALF))
                    _lay(whole, value, _scaled(rows, stride), _scaled(columns, stride))
                self._keep(after, self._backend.pack(outputs.state), rows, columns, (height, width))
        return Outputs(values, after)

    def pack(self, state: Any) -> Packed:
        """See `Backend`."""
        return dict(state) if _is_tiled(state) else self._backend.pack(state)

    def unpack(self, arrays: Packed) -> Any:
        """See `Backend`."""
        return dict(arrays) if _is_tiled(arrays) else self._backend.unpack(arrays)

    def _output_stride(self, name: str) -> int:
        return next(port.stride for port in self.interface.outputs if port.name == name)

    def _unpacked(self, state: Packed, rows: Tile, columns: Tile) -> Any:
        """The inner backend's state for one tile; None where a video begins."""
        arrays = {}
        for name, array in state.items():
            kind, key, *about = name.split("|")
            if kind == "map":
                axis, dtype = int(about[0]), about[1]
                stride = self._state_stride(key)
                cut = [slice(None)] * array.ndim
                cut[axis], cut[axis + 1] = (_scaled(side, stride).seen for side in (rows, columns))
                arrays[key] = array[tuple(cut)].astype(dtype)
            elif about == [_place(rows, columns)]:
                arrays[key] = array
        return self._backend.unpack(arrays) if arrays else None

    def _keep(self, after: Packed, arrays: Packed, rows: Tile, columns: Tile, size: tuple[int, int]) -> None:
        """Puts one tile's packed state where it belongs in the whole frame's."""
        for key, array in arrays.items():
            stride = self._state_stride(key)
            if not stride:
                after[f"tile|{key}|{_place(rows, columns)}"] = array
                continue
            down, across = _scaled(rows, stride), _scaled(columns, stride)
            axis = _spatial_axis(array.shape, (_length(down.seen), _length(across.seen)))
            shape = list(array.shape)
            shape[axis], shape[axis + 1] = -(-size[0] // stride), -(-size[1] // stride)
            whole = after.setdefault(f"map|{key}|{axis}|{array.dtype}", np.zeros(shape, HALF))
            _lay(
                np.moveaxis(whole, (axis, axis + 1), (1, 2)),
                np.moveaxis(array, (axis, axis + 1), (1, 2)),
                down,
                across,
            )

    def _state_stride(self, name: str) -> int:
        """Frame pixels for each element of a state that is a feature map; 0 for one of a fixed shape."""
        return next(0 if port.fixed else port.stride for port in self.interface.state if port.name == name)


def tiles(length: int, tile: int, overlap: int) -> Iterator[Tile]:
    """Stretches of about `tile` pixels that cover `length`; each begins at a multiple of `tile`."""
    starts = list(range(0, length, tile))
    # A last stretch that is shorter than what it sees of its neighbour belongs to that one.
    if len(starts) > 1 and length - starts[-1] < overlap:
        starts.pop()
    for start, stop in zip(starts, [*starts[1:], length], strict=True):
        yield Tile(slice(max(start - overlap, 0), min(stop + overlap, length)), start, stop)


def _lay(whole: np.ndarray, part: np.ndarray, rows: Tile, columns: Tile) -> None:
    """Puts a tile's result, axes 1 and 2, into the whole: on a ramp over what the tiles before it left there."""
    top, left = max(rows.start - RAMP, rows.seen.start), max(columns.start - RAMP, columns.seen.start)
    bottom, right = min(rows.stop + RAMP, rows.seen.stop), min(columns.stop + RAMP, columns.seen.stop)
    target = whole[:, top:bottom, left:right]
    given = part[:, top - rows.seen.start :, left - columns.seen.start :][:, : bottom - top, : right - left]
    weight = _ramp(top, rows.start, bottom - top)[:, None] * _ramp(left, columns.start, right - left)
    weight = weight.reshape(1, *weight.shape, *(1,) * (whole.ndim - 3))
    target[...] = target + weight * (given - target)


def _ramp(first: int, start: int, length: int) -> np.ndarray:
    """Rises from 0 to 1 over the pixels around `start`, the seam with the tile before; 1 where there is none."""
    if first == start:
        return np.ones(length, np.float32)
    places = np.arange(first, first + length) - start
    return np.clip((places + RAMP + 0.5) / (2 * RAMP), 0, 1).astype(np.float32)


def _scaled(tile: Tile, stride: int) -> Tile:
    def up(value: int) -> int:
        return -(-value // stride)

    return Tile(slice(up(tile.seen.start), up(tile.seen.stop)), up(tile.start), up(tile.stop))


def _length(side: slice) -> int:
    return side.stop - side.start


def _place(rows: Tile, columns: Tile) -> str:
    return f"{rows.start},{columns.start}"


def _is_tiled(state: Any) -> bool:
    return isinstance(state, dict) and any(name.startswith(("map|", "tile|")) for name in state)


def _spatial_axis(shape: tuple[int, ...], size: tuple[int, int]) -> int:
    """The axis of the height in a packed feature map, whose layout is the backend's own."""
    return next(axis for axis in range(len(shape) - 1) if shape[axis : axis + 2] == size)
