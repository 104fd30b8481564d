"""One clip through a backend: in calls of a bounded size, and safe from NaN."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mlx_vader.backends import Restored, restore
from mlx_vader.backends.base import Backend
from mlx_vader.masks import UNKNOWN
from mlx_vader.pieces import Pieces
from mlx_vader.streaming.results import Input, Pixels, Result

#: A call to the network takes at most this many pixels, and at least one window. More would multiply the peak memory
#: and gain nothing: at 256x256 one frame a call takes 25 ms, sixteen take 28 each (PyTorch, `lite`, two cores).
MAX_PIXELS_PER_CALL = 512 * 512


def restore_calls(backend: Backend, clip: Sequence[Input], state: Any) -> Iterator[tuple[list[Result], Any]]:
    """Results of a clip, call by call, each with the state after it.

    Where the network's window allows it, the clip is cut into smaller calls; the network's contract says that this
    changes nothing.
    """
    step = frames_per_call(clip[0].pixels, backend.interface.window)
    for start in range(0, len(clip), step):
        part = clip[start : start + step]
        restored = restore(backend, _stacked([one.pixels for one in part]), state, _hints(part))
        yield _finite(part, restored)


def restore_clip(backend: Backend, clip: Sequence[Input], state: Any) -> tuple[list[Result], Any]:
    """All results of a clip, and the state after its last frame."""
    results: list[Result] = []
    for part, after in restore_calls(backend, clip, state):
        results += part
        state = after
    return results, state


def frames_per_call(frame: Pixels, window: int) -> int:
    """How many frames of this size make one call: a multiple of the window, at least one."""
    return max(MAX_PIXELS_PER_CALL // (frame.shape[0] * frame.shape[1]) // window, 1) * window


def _stacked(images: Sequence[np.ndarray | Pieces]) -> np.ndarray | Pieces:
    """A batch of images; one alone is not copied: it may be large, or not even whole."""
    if len(images) == 1:
        clip: np.ndarray | Pieces = images[0][None]
        return clip
    return np.stack([np.asarray(image) for image in images])


def _hints(clip: Sequence[Input]) -> np.ndarray | Pieces | None:
    if all(one.hint is None for one in clip):
        return None
    shape = (*clip[0].pixels.shape[:2], 1)
    return _stacked([np.full(shape, UNKNOWN, np.float32) if one.hint is None else one.hint for one in clip])


def _finite(clip: Sequence[Input], restored: Restored) -> tuple[list[Result], Any]:
    """The results, with the frame's own pixels where the network gave NaN or infinity.

    Such a call has spoiled the state as well: the next one begins as if at the start of a video.
    """
    masks = restored.mask if restored.mask is not None else [None] * len(clip)
    rows = zip(clip, restored.frames, masks, strict=True)
    if _is_finite(restored.frames) and (restored.mask is None or _is_finite(restored.mask)):
        return [Result(frame, mask, True, one.source) for one, frame, mask in rows], restored.state
    return [_repaired(*row) for row in rows], None


def _is_finite(values: np.ndarray) -> bool:
    """A sum is finite exactly when all of its terms are, and costs a tenth of looking at each."""
    return bool(np.isfinite(values.sum(dtype=np.float32)))


def _repaired(given: Input, restored: np.ndarray, mask: np.ndarray | None) -> Result:
    good = np.isfinite(restored)
    own = np.asarray(given.pixels)
    own = own / np.float32(255) if own.dtype == np.uint8 else own
    mask = None if mask is None else np.nan_to_num(mask, nan=0.0, posinf=1.0, neginf=0.0)
    return Result(np.where(good, restored, np.nan_to_num(own)), mask, bool(good.all()), given.source)
