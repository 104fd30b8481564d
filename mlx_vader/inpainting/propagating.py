"""Propagation as a process: what masks hide is fetched from other frames where it shows, and filled elsewhere."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mlx_vader.arrays import LARGE_FRAME, Mask, Pixels
from mlx_vader.boxes import Box
from mlx_vader.flow import find_flow
from mlx_vader.inpainting.fill import find_fill
from mlx_vader.inpainting.fill.coded import with_fringe
from mlx_vader.inpainting.filling import filled
from mlx_vader.inpainting.propagation import REACH
from mlx_vader.inpainting.propagation.looks import Look
from mlx_vader.inpainting.propagation.stream import Holed, Propagated, Propagation, packed_looks
from mlx_vader.inpainting.refereeing import best_fill
from mlx_vader.masks.regions import Regions
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import Chunk, Edit, Finding, Packed, Patch, SourceFrame, Video, kept_under

#: Fetched colours that count for less than this everywhere are left out.
LEAST = 0.02
#: A mark of which more than this was fetched counts as propagated.
HALF = 0.5
#: Which flow is followed.
FLOW = "dis"


class Holes(NamedTuple):
    """`hole`: what is to be filled. `spoiled`: that, and the pixels around it that a codec mixed with it."""

    hole: Pixels
    spoiled: Pixels


class Treated(NamedTuple):
    """A frame, its mask, and what is done within it: `known` patches, and then `fills` in what is left, its `holes`.

    Where there are no holes, patches are made when the frame is finished.
    """

    frame: SourceFrame
    mask: Mask
    known: Callable[[], Sequence[Patch]]
    fills: Callable[[SourceFrame], Sequence[Patch]]
    holes: Holes


class _Made(NamedTuple):
    """A frame on its way, what its mask marks, and its patches so far, or how they are made."""

    frame: SourceFrame
    masked: Pixels
    patches: Sequence[Patch] | Callable[[], Sequence[Patch]]


@dataclass
class Tally:
    """How many pixels were to be filled so far, and how many of them were fetched from other frames."""

    hidden: float = 0.0
    fetched: float = 0.0

    def told(self, finding: Finding) -> Finding:
        """The finding with the share that was fetched; marks of which most was are not filled but propagated."""
        if not self.hidden:
            return finding
        share = self.fetched / self.hidden
        how = "propagate" if share > HALF else "fill"
        marks = [replace(mark, treated=how) if mark.treated == "fill" else mark for mark in finding.marks]
        return replace(finding, marks=tuple(marks), fetched=round(share, 4))


def holes_of(hole: Pixels) -> Holes:
    """A hole, with its fringe."""
    return Holes(hole, with_fringe(hole))


def propagated_chunks(
    frames: Iterable[Treated], carry: Packed, tally: Tally, reach: int = REACH
) -> Iterator[Chunk]:
    """Chunks of frames whose holes are filled from other frames; see `Process.chunks` for `carry`.

    `frames` go on at the carry's `position`; `tally` is kept up to date.
    """
    position = position_of(carry)
    tally.hidden, tally.fetched = (float(carry[key]) if carry else 0.0 for key in ("hidden", "fetched"))
    propagation = Propagation(find_flow(FLOW), reach, position)
    propagation.remember(carry)
    for some in propagation.run(_holed(frame, alone=not reach) for frame in frames):
        edits = [_edit(item, done, tally) for item, done in some]
        position += len(edits)
        yield Chunk(edits, partial(_packed, position, replace(tally), propagation.behind()))


def position_of(carry: Packed) -> int:
    """The number of the frame to go on at."""
    return int(carry["position"]) if carry else 0


def _holed(treated: Treated, *, alone: bool) -> Holed:
    """Little is kept of a frame that waits: no floats, of it or of its mask. What is filled `alone` does not wait."""
    frame, masked = treated.frame, treated.mask[..., 0] > 0
    if not treated.holes.hole.any():
        return Holed(frame, *treated.holes, frame, _Made(frame, masked, treated.known))
    if alone or frame.height * frame.width > LARGE_FRAME:
        nowhere = np.zeros_like(masked)
        return Holed(frame, nowhere, nowhere, frame, _Made(frame, masked, partial(_alone, treated)))
    known = treated.known()
    bare = frame.edited(known)
    fills = treated.fills(bare)
    whole = bare.edited(fills)
    for each in (frame, bare):
        each.forget()
    return Holed(bare, *treated.holes, whole, _Made(frame, masked, [*known, *fills]))


def _alone(treated: Treated) -> list[Patch]:
    """The patches of a frame that does not wait for others."""
    known = treated.known()
    return [*known, *treated.fills(treated.frame.edited(known))]


def _edit(made: _Made, done: Propagated | None, tally: Tally) -> Edit:
    mask = made.masked[..., None].astype(np.float32)
    if callable(made.patches):
        return Edit(made.frame, made.patches, mask)
    patches = list(made.patches)
    if done is not None:
        tally.hidden += float(done.hole.sum())
        tally.fetched += float(done.fetched.sum())
        if done.fetched.max() > LEAST:
            inside = Box(0, 0, made.frame.height, made.frame.width).within(done.box)
            part = (slice(inside.height), slice(inside.width))
            patches.append(Patch(inside.top, inside.left, done.colours[part], done.hole[part]))
    return Edit(made.frame, partial(tuple, patches), mask)


def _packed(position: int, tally: Tally, looks: list[Look]) -> Packed:
    counts = {key: np.array(value) for key, value in vars(tally).items()}
    return {"position": np.array(position), **counts, **packed_looks(looks)}


class Propagating:
    """What `masks` hide, from other frames where it shows there.

    What shows in none is filled by the one of `fills`, names in the table, that does best beside the holes.
    """

    def __init__(self, masks: MaskSource, fills: Sequence[str], reach: int = REACH) -> None:
        """`reach`: frames before and after that are looked at; 0: none."""
        self._masks, self._names, self._reach = masks, tuple(fills), reach
        self._fill = find_fill(fills[0]).fill
        self._regions = Regions()
        self._tally = Tally()

    @property
    def finding(self) -> Finding:
        """What the masks' first pass found, and how much of what they hide was fetched so far."""
        return self._tally.told(self._masks.finding.treated("fill"))

    def identity(self) -> dict[str, Any]:
        """Flow, reach, fills and masks."""
        how = f"{FLOW}, {self._reach} frames, {', '.join(self._names)}"
        return {"propagate": how, **self._masks.identity()}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The masks' first pass, and then a look at which of the fills does best beside the holes."""
        everything = yield from kept_under("masks", dict(kept), partial(self._masks.analyse, video))
        if len(self._names) > 1 and not self._masks.finding.changes_nothing:
            if "fill" not in everything:
                everything["fill"] = np.array(best_fill(video, self._masks, self._names))
                yield everything
            self._fill = find_fill(self._names[int(everything["fill"])]).fill

    def chunks(self, frames: Iterable[SourceFrame], carry: Packed) -> Iterator[Chunk]:
        """See `Process`."""
        masks = self._masks.masks(position_of(carry))
        treated = (self._treated(frame, mask) for frame, mask in zip(frames, masks, strict=False))
        return propagated_chunks(treated, carry, self._tally, self._reach)

    def _treated(self, frame: SourceFrame, mask: Mask) -> Treated:
        return Treated(frame, mask, tuple, partial(self._fills, mask), holes_of(mask[..., 0] > 0))

    def _fills(self, mask: Mask, frame: SourceFrame) -> Sequence[Patch]:
        return filled(frame, mask, self._fill, None if self.finding.status == "told" else self._regions)
