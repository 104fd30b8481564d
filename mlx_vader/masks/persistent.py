"""Marks that a network sees at the same place all along a video, while the scene moves behind them.

A network that looks at one frame takes signs, windows, lettering and hands for marks. What it sees is believed only
where all of this holds:

- it persists: the network marks the place in nearly every one of the frames that are looked at;
- the scene moves behind it: around the place the picture changes, and at the place it changes less, as behind something
  that is laid over it. On a still scene a mark and a sign cannot be told apart;
- it is small.

Where the network marks much more than what is believed, it does not know this material, and nothing is believed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from scipy import ndimage

from mlx_vader.arrays import Mask
from mlx_vader.levels import to_levels
from mlx_vader.masks.decision import Decision
from mlx_vader.process import Finding, FoundMark, Packed, SourceFrame, Video

#: Places in the video that are looked at, and how many frames the network sees at each: the last one counts.
LOOKS, FRAMES_PER_LOOK = 12, 3
#: A video with fewer frames shows no persistence.
FEWEST_FRAMES = 24
#: So many damaged frames a look passes over.
MOST_PASSED = 240
#: Pictures larger than this are made smaller before they are compared.
MOST_PIXELS = 1280 * 720
#: A seed is marked in this share of the looks; what touches a seed belongs to it from the lower share on.
SEED_SHARE, GROWN_SHARE = 0.85, 0.5
#: The least standard deviation over time around a mark (1 = white), and how much less it is to be on the mark.
LEAST_MOTION, STILLER = 0.02, 0.85
#: The largest mark, and all marks together, as shares of the frame.
LARGEST_MARK, MOST_MARKED = 0.05, 0.12
#: What else the network may mark, as a share of the frame, before it is not believed at all.
MOST_DOUBT = 0.01
#: Pixels around a mark in which the motion of the scene is measured, and which may belong to the mark's edge.
_EDGE, _RING = 4, 16


class PersistentMarks:
    """A mask source: the same mask for all frames. `see(frames)` is what a network marks in the last of them."""

    def __init__(self, see: Callable[[Iterator[SourceFrame]], Mask], weights: str) -> None:
        self.finding = Finding()
        self._see, self._weights = see, weights
        self._mask: Mask = np.zeros((1, 1, 1), np.float32)
        self._each: list[Mask] = []

    def identity(self) -> dict[str, Any]:
        """The network's weights and how it is asked."""
        return {"mask": f"persistent {self._weights} {LOOKS}x{FRAMES_PER_LOOK}"}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Looks at frames all along the video; keeps what was seen after each look."""
        self._mask, self._each = np.zeros((video.height, video.width, 1), np.float32), []
        if video.frames < FEWEST_FRAMES:
            self.finding = Finding(
                "undecidable", reason=f"{_frames(video.frames)} cannot show that a mark stands still"
            )
            return
        reduction = max(1, round(np.sqrt(video.height * video.width / MOST_PIXELS)))
        seen, luma = list(kept.get("seen", ())), list(kept.get("luma", ()))
        for start in np.linspace(0, video.frames - FRAMES_PER_LOOK, LOOKS).astype(int)[len(seen) :]:
            frames = _Remembering(_whole_frames(video, int(start)))
            seen.append(to_levels(_reduced(self._see(frames)[..., 0], reduction)))
            luma.append(to_levels(_reduced(frames.last.rgb.mean(axis=-1), reduction)))
            yield {"seen": np.stack(seen), "luma": np.stack(luma)}
        self._decide(np.stack(seen), np.stack(luma), video.height, video.width, reduction)

    def choose(self, numbers: Sequence[int]) -> None:
        """See `Choosable`."""
        nothing = np.zeros_like(self._mask)
        self._mask = np.maximum.reduce([nothing, *(self._each[number] for number in numbers)])

    def masks(self, start: int) -> Iterator[Mask]:
        """The same one again and again."""
        while True:
            yield self._mask

    def _decide(
        self,
        seen: UInt8[np.ndarray, "n h w"],
        luma: UInt8[np.ndarray, "n h w"],
        height: int,
        width: int,
        reduction: int,
    ) -> None:
        decided, each = decide(seen, luma)

        def enlarged(mask: Bool[np.ndarray, "h2 w2"]) -> Mask:
            large = mask.repeat(reduction, axis=0).repeat(reduction, axis=1)[:height, :width]
            missing = (0, height - large.shape[0]), (0, width - large.shape[1])
            return np.pad(large, missing, mode="edge")[..., None].astype(np.float32)

        self._mask, self._each = enlarged(decided.mask), [enlarged(mask) for mask in each]
        self.finding = decided.finding.scaled(reduction, reduction)


def decide(
    seen: UInt8[np.ndarray, "n h w"], luma: UInt8[np.ndarray, "n h w"]
) -> tuple[Decision, list[Bool[np.ndarray, "h w"]]]:
    """What to believe, and the pixels of each mark, be it believed or not.

    `seen` and `luma`: the network's mask and the brightness at each look, 0 to 255.
    """
    marked = seen > 127
    share = marked.mean(axis=0)
    change = luma.std(axis=0, dtype=np.float32) / 255
    labels, _ = ndimage.label(share >= GROWN_SHARE, structure=np.ones((3, 3)))
    believed = np.zeros(share.shape, bool)
    marks, each = [], []
    still = False
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        place = _Place(labels == label, box)
        if share[place.inside].max() < SEED_SHARE:
            continue
        moves = place.scene_moves(change)
        taken = moves and place.inside.mean() <= LARGEST_MARK
        still |= not moves
        if taken:
            believed |= place.inside
        confidence = float(seen[:, place.inside].mean() / 255)
        marks.append(FoundMark(place.xywh, round(confidence, 3), "taken" if taken else "left"))
        each.append(place.inside)
    doubt = (marked & ~ndimage.binary_dilation(believed, iterations=_EDGE)).mean(axis=(1, 2))
    reason = _doubt(believed, float(np.median(doubt)), marks=marks, still=still)
    if reason:
        left = tuple(replace(mark, treated="left") for mark in marks)
        return Decision(np.zeros_like(believed), Finding("undecidable", left, reason)), each
    return Decision(believed, Finding("found" if believed.any() else "nothing", tuple(marks))), each


def _doubt(believed: Bool[np.ndarray, "h w"], more: float, *, marks: list[FoundMark], still: bool) -> str:
    """Why nothing is believed, if that is so. `more`: what else is marked, as a share of the picture."""
    if marks and not believed.any():
        return (
            "what may be marks cannot be told from the scene" if still else "what may be a mark is very large"
        )
    if more > MOST_DOUBT:
        return f"the network takes another {100 * more:.0f} % of the picture for marks, which is not to be believed"
    if believed.mean() > MOST_MARKED:
        return f"the network takes {100 * believed.mean():.0f} % of the picture for marks"
    return ""


class _Place:
    """Connected pixels of a mask."""

    def __init__(self, inside: Bool[np.ndarray, "h w"], box: tuple[slice, slice]) -> None:
        self.inside = inside
        self._near = tuple(slice(max(side.start - _RING, 0), side.stop + _RING) for side in box)
        rows, columns = box
        self.xywh = columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start

    def scene_moves(self, change: Float32[np.ndarray, "h w"]) -> bool:
        """Whether the picture changes around the place, and less at the place itself."""
        inside, change = self.inside[self._near], change[self._near]
        ring = ndimage.binary_dilation(inside, iterations=_RING)
        ring &= ~ndimage.binary_dilation(inside, iterations=_EDGE)
        if not ring.any():
            return False
        around = float(np.median(change[ring]))
        return around >= LEAST_MOTION and float(np.median(change[inside])) <= STILLER * around


def _whole_frames(video: Video, start: int) -> Iterator[Any]:
    """The frames of a look at `start`: the next that are not damaged, or those at the beginning, or as they are."""
    for first in (start, 0):
        stop = min(first + FRAMES_PER_LOOK + MOST_PASSED, video.frames)
        frames = (frame for frame in video.read(first, stop) if not frame.damaged)
        whole = islice(frames, FRAMES_PER_LOOK)
        found = next(whole, None)
        if found is not None:
            yield found
            yield from whole
            return
    yield from video.read(start, start + FRAMES_PER_LOOK)


class _Remembering:
    """An iterator that knows what it gave last: three frames of 8K at once would take more than a gigabyte."""

    def __init__(self, frames: Iterator[Any]) -> None:
        self._frames = frames
        self.last: Any = None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.last = next(self._frames)
        return self.last


def _reduced(image: Float32[np.ndarray, "h w"], factor: int) -> Float32[np.ndarray, "h2 w2"]:
    """The means of `factor` x `factor` pixels; a rest at the border is dropped."""
    height, width = image.shape[0] // factor, image.shape[1] // factor
    blocks = image[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return blocks.mean(axis=(1, 3))


def _frames(count: int) -> str:
    return "one picture" if count == 1 else f"{count} frames"
