"""What strategies take and hand to one another: inputs, results, the carry between chunks, and its form on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Shaped

from mlx_vader.backends.base import Backend
from mlx_vader.pieces import Pieces
from mlx_vader.process import Packed

#: Colours in [0, 1], or levels from 0 to 255 (uint8).
Pixels = Shaped[np.ndarray, "h w 3"] | Pieces


class Input(NamedTuple):
    """One frame as the network sees it. `hint`: 1 artifact, -1 clean, 0 unknown. `source`: whatever travels with it."""

    pixels: Pixels
    hint: Float32[np.ndarray, "h w 1"] | Pieces | None = None
    source: Any = None


class Result(NamedTuple):
    """A restored frame in [0, 1] and the predicted mask (1 = artifact), float32; float16 of frames that are cut.

    `finite` is False where the network gave NaN or infinity and the frame's own pixels stand in. `source` is the
    input's.
    """

    frame: Float[np.ndarray, "h w 3"]
    mask: Float[np.ndarray, "h w 1"] | None
    finite: bool = True
    source: Any = None


@dataclass(frozen=True)
class Carry:
    """All that is needed to go on after a chunk with frames `position`, `position + 1`, …

    `held`: results for the first of those frames, that wait to be cross-faded with the clip to come.
    """

    position: int = 0
    state: Any = None
    held: tuple[Result, ...] = ()


class ResultChunk(NamedTuple):
    """Results in order, and what to begin the next chunk with."""

    results: Sequence[Result]
    carry: Carry


def pack(carry: Carry, backend: Backend) -> Packed:
    """The carry as numpy arrays; `unpack` gives the same carry back, bit for bit, without the sources of `held`."""
    arrays = {f"state/{name}": array for name, array in backend.pack(carry.state).items()}
    arrays["position"] = np.array(carry.position)
    if carry.held:
        arrays["held/frames"] = np.stack([result.frame for result in carry.held])
        arrays["held/finite"] = np.array([result.finite for result in carry.held])
        if carry.held[0].mask is not None:
            arrays["held/masks"] = np.stack([result.mask for result in carry.held if result.mask is not None])
    return arrays


def unpack(arrays: Packed, backend: Backend) -> Carry:
    """The carry that `pack` was given; `{}` is the start of a video."""
    if not arrays:
        return Carry()
    state = {
        name.removeprefix("state/"): array for name, array in arrays.items() if name.startswith("state/")
    }
    frames = arrays.get("held/frames", ())
    masks = arrays.get("held/masks", [None] * len(frames))
    held = [
        Result(*held) for held in zip(frames, masks, map(bool, arrays.get("held/finite", ())), strict=True)
    ]
    return Carry(int(arrays["position"]), backend.unpack(state), tuple(held))
