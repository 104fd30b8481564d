"""Un-blending as a process: what a mark that stands still hides is uncovered where the video proves it, else filled."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import count
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from scipy import ndimage

from mlx_vader.arrays import Frame, Mask, Pixels
from mlx_vader.boxes import Box
from mlx_vader.inpainting.fill import find_fill
from mlx_vader.inpainting.fill.coded import with_fringe
from mlx_vader.inpainting.filling import filled
from mlx_vader.inpainting.measuring import MOST_FRAMES, PRESENT, Place, looks, measure, places_of
from mlx_vader.inpainting.propagating import (
    Holes,
    Tally,
    Treated,
    holes_of,
    position_of,
    propagated_chunks,
)
from mlx_vader.inpainting.unblend import Mark, remove
from mlx_vader.masks.regions import Regions
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import (
    Chunk,
    Finding,
    FoundMark,
    Packed,
    Patch,
    SourceFrame,
    Video,
    kept_under,
    packed_of,
)


@dataclass(frozen=True, eq=False)
class _Work:
    """What is done at one place. `subtracted` and `filled`: pixels of its crop."""

    place: Place
    mark: Mark
    subtracted: Pixels
    filled: Pixels


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is done in frames with one mask: marks that were measured, and `rest`, the mask of holes that are filled."""

    works: tuple[_Work, ...]
    rest: Mask

    @cached_property
    def filled(self) -> Mask:
        """All that is filled: what one hole hides is no surroundings for another."""
        mask = self.rest.copy()
        for work in self.works:
            mask[work.place.box.rows, work.place.box.columns, 0][work.filled] = 1
        return mask

    @cached_property
    def holes(self) -> Holes:
        """The same, with the pixels around."""
        return holes_of(self.filled[..., 0] > 0)


class Unblending:
    """Marks under `masks` are subtracted where the video shows that this is best, and filled elsewhere.

    Masks may change from frame to frame; a mark is measured where they stay. There it is subtracted, or filled by the
    one of `fills`, names in the table, that does it better beside the mark; what changes is filled by the first.
    """

    def __init__(self, masks: MaskSource, fills: Sequence[str] = ("membrane", "plain")) -> None:
        self._masks, self._names = masks, tuple(fills)
        self._fills = [find_fill(fill).fill for fill in fills]
        self._found = Finding()
        #: Of whole frames, or of each of the two fields.
        self._places: list[list[Place]] = []
        self._regions = Regions()
        self._tally = Tally()
        self._last: tuple[Mask, int, _Plan] | None = None

    @property
    def finding(self) -> Finding:
        """What the masks' first pass found, and how each mark is treated."""
        return self._tally.told(self._found)

    def identity(self) -> dict[str, Any]:
        """The fill and the masks."""
        return {
            "fill": f"unblend, propagate, {', '.join(self._names)}, {MOST_FRAMES} frames",
            **self._masks.identity(),
        }

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The masks' first pass, and then a look at frames all along the video, in which the marks are measured."""
        everything = yield from kept_under("masks", dict(kept), partial(self._masks.analyse, video))
        self._found = self._masks.finding
        if self._found.changes_nothing:
            return
        self._places = []
        for parity in range(2 if video.fields else 1):
            steps = partial(
                measure, video, self._masks, looks(video, parity), fills=self._fills, whole=self._told
            )
            everything = yield from kept_under(parity, everything, steps)
            self._places.append(places_of(packed_of(parity, everything)))
        self._found = replace(self._found, marks=self._marks())

    def chunks(self, frames: Iterable[SourceFrame], carry: Packed) -> Iterator[Chunk]:
        """See `Process`. What is filled is fetched from other frames where it shows there."""
        position = position_of(carry)
        numbered = zip(frames, self._masks.masks(position), count(position), strict=False)
        treated = (self._treated(frame, mask, number) for frame, mask, number in numbered)
        return propagated_chunks(treated, carry, self._tally)

    @property
    def _told(self) -> bool:
        """Whether somebody drew the masks, so that they hold all of the marks."""
        return self._found.status == "told"

    def _marks(self) -> tuple[FoundMark, ...]:
        """The marks that were found, with what was measured of each; where nobody names any, one at each place."""
        made = []
        for place in self._places[0]:
            x, y, width, height = Box.around(place.inside).xywh
            made.append(_found_mark((place.box.left + x, place.box.top + y, width, height), place.mark))
        found = self._found.marks
        return tuple(_measured(mark, made) for mark in found) if found else tuple(made)

    def _treated(self, frame: SourceFrame, mask: Mask, number: int) -> Treated:
        plan = self._plan(mask, number % len(self._places))
        return Treated(
            frame, mask, partial(_subtracted, frame, plan), partial(self._filled, plan), plan.holes
        )

    def _filled(self, plan: _Plan, frame: SourceFrame) -> list[Patch]:
        """Patches with what is not subtracted filled from within the frame, as went best beside each mark."""
        if self._told:
            patches = filled(frame, plan.filled, self._fills[0], None)
        else:
            patches = filled(frame, plan.rest, self._fills[0], self._regions)
        for work in plan.works:
            if work.filled.any() and (work.mark.fill or not self._told):
                old = frame.region(work.place.box)
                hole = plan.filled[None, work.place.box.rows, work.place.box.columns]
                patches.append(_patch(work, old, self._fills[work.mark.fill](old[None], hole, None)[0]))
        return patches

    def _plan(self, mask: Mask, parity: int) -> _Plan:
        """The same mask again costs next to nothing."""
        if self._last is not None:
            last, same_parity, plan = self._last
            if same_parity == parity and (last is mask or np.array_equal(last, mask)):
                return plan
        plan = _plan(mask, self._places[parity], self._told)
        self._last = mask, parity, plan
        return plan


def _subtracted(frame: SourceFrame, plan: _Plan) -> list[Patch]:
    """Patches without the marks that are subtracted."""
    patches = []
    for work in plan.works:
        if work.subtracted.any():
            old = frame.region(work.place.box)
            new = old.copy()
            new[work.subtracted] = remove(old, work.mark)[work.subtracted[work.mark.region]]
            patches.append(_patch(work, old, new))
    return patches


def _patch(work: _Work, old: Frame, new: Frame) -> Patch:
    return Patch(work.place.box.top, work.place.box.left, new, (new != old).any(axis=-1))


def _plan(mask: Mask, places: list[Place], told: bool) -> _Plan:
    """`told`: the mask holds all of the marks."""
    rest, works = mask.copy(), []
    for place in places:
        if place.mark is None:
            continue
        mark, masked = place.mark, mask[place.box.rows, place.box.columns, 0] > 0
        nearest = _nearest_part(mark)
        owner = np.where(place.inside, nearest, -1)
        numbers = range(len(mark.parts))
        here = np.array([_mean(masked[owner == number]) >= PRESENT for number in numbers], bool)
        subtracts = here & np.array([part.unblends for part in mark.parts], bool)
        treated = here & np.array([part.measured or told for part in mark.parts], bool) | subtracts
        # Of a part that was measured it is known how far it reaches, but for its faint rim.
        measured = np.array([part.measured for part in mark.parts], bool)
        covered = with_fringe(mark.covered) if told else mark.covered
        hidden = np.where(measured[nearest], covered, place.inside)
        hidden &= np.isin(nearest, np.flatnonzero(treated & ~subtracts))
        if told:
            hidden &= place.inside
        if subtracts.any() or hidden.any():
            works.append(_Work(place, mark, mark.pixels_of(subtracts), hidden))
        # What a mask holds besides the mark is seen to be none of it.
        rest[place.box.rows, place.box.columns][np.isin(owner, np.flatnonzero(treated))] = 0
    return _Plan(tuple(works), rest)


def _nearest_part(mark: Mark) -> Int[np.ndarray, "h w"]:
    """For each pixel of the crop the part that is nearest to it."""
    parts = np.zeros(mark.region.shape, np.intp)
    parts[mark.region] = mark.part_of
    rows, columns = ndimage.distance_transform_edt(~mark.region, return_distances=False, return_indices=True)
    return parts[rows, columns]


def _mean(values: Bool[np.ndarray, " n"]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _found_mark(box: tuple[int, int, int, int], mark: Mark | None) -> FoundMark:
    """What is told of a mark: what is done with most of it, and opacity and colour of the largest part of that."""
    if mark is None:
        return FoundMark(box, 1.0, "fill")
    sizes = np.bincount(mark.part_of, minlength=len(mark.parts))
    subtracted = np.array([part.unblends and not part.opaque for part in mark.parts], bool)
    treated = "unblend" if 2 * sizes[subtracted].sum() > sizes.sum() else "fill"
    known = [
        number
        for number, part in enumerate(mark.parts)
        if (subtracted[number] if treated == "unblend" else part.measured)
    ]
    if not known:
        return FoundMark(box, 1.0, treated)
    part = mark.parts[max(known, key=lambda number: int(sizes[number]))]
    return FoundMark(box, 1.0, treated, alpha=round(part.alpha, 3), colour=part.colour)


def _measured(mark: FoundMark, places: Sequence[FoundMark]) -> FoundMark:
    """A mark that was found, with what is known of the place that it shares most pixels with."""
    if mark.treated == "left":
        return mark
    place = max(places, key=lambda place: _shared(mark, place), default=None)
    if place is None or not _shared(mark, place):
        return replace(mark, treated="fill")
    return replace(mark, treated=place.treated, alpha=place.alpha, colour=place.colour)


def _shared(one: FoundMark, other: FoundMark) -> int:
    """Pixels that two boxes have in common."""
    first, second = (Box(y, x, height, width) for x, y, width, height in (one.box, other.box))
    both = first.within(second)
    return both.height * both.width
