"""Marks that stand still, found by a network from statistics over time; no network that restores frames is asked.

What nothing proves is not touched: a mark is taken where the scene changes behind it, by motion or by a cut. Where
nothing changes, a mark cannot be told from a sign, and the finding says so.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from scipy import ndimage

from mlx_vader.arrays import Mask
from mlx_vader.levels import to_levels
from mlx_vader.masks.decision import Decision, decision
from mlx_vader.masks.static.statistics import LUMA, changing, statistics
from mlx_vader.process import Finding, FoundMark, Packed, SourceFrame, Video

#: Frames that are looked at, and the fewest that show anything.
SAMPLES, FEWEST = 32, 8
#: Larger pictures are made smaller first.
MOST_PIXELS = 1280 * 720
#: Frames nearer to each other than this are read in one go: seeking would decode as many.
READ_THROUGH = 48
#: So many samples are looked at before what was seen is kept.
KEEP_EVERY = 8
#: A mark is where the network is so sure, and what touches it as far as it is so sure.
SURE, GROWN = 0.8, 0.5
#: Parts of a mark lie at most so far from each other, as a share of the picture's height.
TOGETHER = 0.02
#: A mark has at least so many pixels.
SMALLEST = 24
#: A pixel has changed if the picture did near it in this share of the samples.
CHANGED = 0.1
#: Around a mark, as a share of the height, so much of the picture has to have changed.
AROUND, PROVED = 0.03, 0.3
#: What passes behind a mark changes it by at most this share of what it changes around it. A sign it covers.
STILLER = 0.9
#: Where as much of the whole picture has changed, a mark on even ground is believed if the network is so sure.
MOVES_AS_A_WHOLE, VERY_SURE = 0.5, 0.8
#: Where less of the picture has changed, nothing can be decided.
STILL = 0.04
#: More of the picture than this is no mark.
MOST_MARKED = 0.5


class Seen(NamedTuple):
    """What the network says: how likely each pixel is a mark's, and that nothing can be decided; 0 to 1."""

    mask: Float32[np.ndarray, "h w"]
    undecidable: float


#: The network, on statistics.
See = Callable[[Float32[np.ndarray, "h w channels"]], Seen]


class StaticMarks:
    """A mask source: the same mask for all frames. `weights` names the network's."""

    def __init__(self, see: See, weights: str) -> None:
        self.finding = Finding()
        self._see, self._weights = see, weights
        self._mask: Mask = np.zeros((1, 1, 1), np.float32)

    def identity(self) -> dict[str, Any]:
        """The network's weights and how often it looks."""
        return {"mask": f"static {self._weights} {SAMPLES}"}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Looks at frames all along the video; keeps them, and in the end what the network says of them."""
        self._mask = np.zeros((video.height, video.width, 1), np.float32)
        if video.frames < FEWEST:
            self.finding = Finding("undecidable", reason="so few frames cannot show that a mark stands still")
            return
        if "mask" not in kept:
            for kept in self._looked(video, kept):  # noqa: B020 - goes on from what was kept
                yield kept
        decided = _judged(kept)
        rows, columns = decided.mask.shape
        self.finding = decided.finding.scaled(video.height / rows, video.width / columns)
        size = video.width, video.height
        enlarged = cv2.resize(decided.mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        self._mask = (enlarged > 0.5).astype(np.float32)[..., None]

    def masks(self, start: int) -> Iterator[Mask]:
        """The same one again and again."""
        while True:
            yield self._mask

    def _looked(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The frames, some at a time, and last what is made of them."""
        frames = list(kept.get("frames", ()))
        places = np.unique(np.linspace(0, video.frames - 1, min(SAMPLES, video.frames)).round().astype(int))
        for frame in sampled(video, [int(place) for place in places[len(frames) :]]):
            frames.append(_reduced(frame.levels))
            if len(frames) % KEEP_EVERY == 0 and len(frames) < len(places):
                yield {"frames": np.stack(frames)}
        yield _evidence(np.stack(frames), self._see)


def find(frames: UInt8[np.ndarray, "n h w 3"], see: See) -> Decision:
    """The marks in frames that are spread over a video, in levels."""
    return _judged(_evidence(frames, see))


def _evidence(frames: UInt8[np.ndarray, "n h w 3"], see: See) -> Packed:
    seen = see(statistics(frames))
    luma = np.stack([frame.astype(np.float32) @ LUMA for frame in frames])
    return {
        "mask": to_levels(seen.mask),
        "undecidable": np.array(seen.undecidable),
        "changed": changing(luma).mean(axis=0) > CHANGED,
        "spread": luma.std(axis=0).astype(np.float16),
    }


def _judged(evidence: Packed) -> Decision:
    mask = evidence["mask"].astype(np.float32) / 255
    changed, spread = evidence["changed"].astype(bool), evidence["spread"].astype(np.float32)
    return decide(mask, float(evidence["undecidable"]), changed, spread)


def sampled(video: Video, places: list[int]) -> Iterator[SourceFrame]:
    """The frame at each of the places, which rise; instead of a damaged one the next whole frame, if there is one."""
    near = len(places) > 1 and (places[-1] - places[0]) / (len(places) - 1) <= READ_THROUGH
    groups = [places] if near else [[place] for place in places]
    for group in groups:
        stop = group[-1] + 1 if near else min(group[-1] + READ_THROUGH, video.frames)
        yield from _picked(video.read(group[0], stop), group)


def _picked(frames: Iterator[SourceFrame], places: list[int]) -> Iterator[SourceFrame]:
    wanted, damaged = iter(places), None
    place = next(wanted, None)
    for number, frame in enumerate(frames, start=places[0]):
        if place is None:
            return
        if number < place:
            continue
        if frame.damaged:
            damaged = frame
            continue
        damaged = None
        yield frame
        # Places that were passed over with damaged frames are not made up for.
        place = next((later for later in wanted if later > number), None)
    if damaged is not None and place is not None:
        yield damaged


def decide(
    mask: Float32[np.ndarray, "h w"],
    undecidable: float,
    changed: Bool[np.ndarray, "h w"],
    spread: Float32[np.ndarray, "h w"],
) -> Decision:
    """What to believe.

    `mask`: how likely each pixel is a mark's; `changed`: where the scene has changed; `spread`: the standard deviation
    of each pixel's brightness over time, in levels.
    """
    likely, _ = ndimage.label(mask > GROWN, structure=np.ones((3, 3)))
    touched = np.isin(likely, np.unique(likely[mask > SURE])) & (likely > 0)
    still = undecidable > 0.5 or float(changed.mean()) < STILL
    believed, marks = np.zeros(mask.shape, bool), []
    reach = max(2, round(TOGETHER * mask.shape[0]))
    labels, _ = ndimage.label(_grown(touched, reach))
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        mark = _Mark(touched & (labels == label), box, mask)
        if mark.pixels < SMALLEST:
            continue
        taken = not still and mark.proved(changed, spread)
        believed |= mark.inside & taken
        marks.append(FoundMark(mark.xywh, round(mark.confidence, 3), "taken" if taken else "left"))
    return decision(believed, tuple(marks), _doubt(believed, marks=marks, still=still))


def _doubt(believed: Bool[np.ndarray, "h w"], *, marks: list[FoundMark], still: bool) -> str:
    """Why nothing is believed, if that is so."""
    if still:
        return "too little moves to tell a mark from the scene"
    if believed.mean() > MOST_MARKED:
        return f"what may be marks is {believed.mean():.0%} of the picture"
    if marks and not believed.any():
        return "the scene does not move behind what may be marks"
    return ""


class _Mark:
    """Pixels near one another that the network takes for a mark."""

    def __init__(
        self, inside: Bool[np.ndarray, "h w"], box: tuple[slice, slice], mask: Float32[np.ndarray, "h w"]
    ) -> None:
        self.inside = inside
        self._box = box
        rows, columns = np.nonzero(inside)
        self.pixels = len(rows)
        self.confidence = float(mask[rows, columns].mean()) if self.pixels else 0.0
        self.xywh = (
            (int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
            if self.pixels
            else (0, 0, 0, 0)
        )

    def proved(self, changed: Bool[np.ndarray, "h w"], spread: Float32[np.ndarray, "h w"]) -> bool:
        """Whether the scene changes around the mark, and more than the mark; or all else does, and the mark is sure."""
        radius = max(4, round(AROUND * changed.shape[0]))
        near = tuple(slice(max(side.start - radius, 0), side.stop + radius) for side in self._box)
        ring = _grown(self.inside[near], radius) & ~self.inside[near]
        around = float(changed[near][ring].mean()) if ring.any() else 0.0
        if around >= PROVED:
            return float(spread[self.inside].mean()) <= STILLER * float(spread[near][ring].mean())
        return float(changed.mean()) >= MOVES_AS_A_WHOLE and self.confidence >= VERY_SURE


def _grown(mask: Bool[np.ndarray, "h w"], radius: int) -> Bool[np.ndarray, "h w"]:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def _reduced(levels: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    height, width = levels.shape[:2]
    scale = np.sqrt(MOST_PIXELS / (height * width))
    if scale >= 1:
        return levels
    return cv2.resize(levels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
