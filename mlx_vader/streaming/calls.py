"""One clip through a backend: in calls of a bounded size, and safe from NaN."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mlx_vader import backends
from mlx_vader.backends import Backend, Restored
from mlx_vader.streaming.results import Frame, Result

#: A call to the network takes at most this many pixels, and at least one window. More would multiply the peak memory
#: and gain nothing: at 256x256 one frame a call takes 25 ms, sixteen take 28 each (PyTorch, `lite`, two cores).
PIXELS_A_CALL = 512 * 512


def restore(backend: Backend, clip: Sequence[Frame], state: Any) -> Iterator[tuple[list[Result], Any]]:
    """Results of a clip, call by call, each with the state after it.

    Where the network's window allows it, the clip is cut into smaller calls; the network's contract says that this
    changes nothing.
    """
    step = frames_a_call(clip[0], backend.interface.window)
    for start in range(0, len(clip), step):
        frames = np.stack(clip[start : start + step])
        frames, hint = frames[..., :3], frames[..., 3:] if frames.shape[-1] == 4 else None
        results, state = _finite(frames, backends.restore(backend, np.ascontiguousarray(frames), state, hint))
        yield results, state


def restore_all(backend: Backend, clip: Sequence[Frame], state: Any) -> tuple[list[Result], Any]:
    """All results of a clip, and the state after its last frame."""
    results: list[Result] = []
    for part, after in restore(backend, clip, state):
        results += part
        state = after
    return results, state


def frames_a_call(frame: Frame, window: int) -> int:
    """How many frames of this size make one call: a multiple of the window, at least one."""
    return max(PIXELS_A_CALL // (frame.shape[0] * frame.shape[1]) // window, 1) * window


def _finite(frames: np.ndarray, restored: Restored) -> tuple[list[Result], Any]:
    """The results, with the frame's own pixels where the network gave NaN or infinity.

    Such a call has spoiled the state as well: the next one begins as if at the start of a video.
    """
    masks = restored.mask if restored.mask is not None else [None] * len(frames)
    # A sum is finite exactly when all of its terms are, and costs a tenth of looking at each.
    if np.isfinite(restored.frames.sum()) and (restored.mask is None or np.isfinite(restored.mask.sum())):
        return [
            Result(frame, mask) for frame, mask in zip(restored.frames, masks, strict=True)
        ], restored.state
    return [_repaired(*row) for row in zip(frames, restored.frames, masks, strict=True)], None


def _repaired(source: Frame, restored: Frame, mask: np.ndarray | None) -> Result:
    good = np.isfinite(restored)
    mask = None if mask is None else np.nan_to_num(mask, nan=0.0, posinf=1.0, neginf=0.0)
    return Result(np.where(good, restored, np.nan_to_num(source)), mask, bool(good.all()))
