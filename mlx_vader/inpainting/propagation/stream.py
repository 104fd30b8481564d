"""Frames in, frames with their holes filled out: what surrounds the holes is kept, and two passes are run over it.

The first pass, at half the size and in grey, only makes guides: pictures whose holes show what flow can be searched in.
The second fetches colours along the guides' flow.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from mlx_vader.arrays import Pixels
from mlx_vader.boxes import Box
from mlx_vader.flow import FlowMethod, Grey
from mlx_vader.flow.pairs import flow_between
from mlx_vader.inpainting.propagation.fusing import Fused
from mlx_vader.inpainting.propagation.layer import HALF, Layer, in_levels
from mlx_vader.inpainting.propagation.looks import Look, look_at, spoiled_in
from mlx_vader.inpainting.propagation.mixing import mixed
from mlx_vader.inpainting.propagation.passes import Pass, Step
from mlx_vader.inpainting.propagation.sources import Motion
from mlx_vader.membrane import stretched_over
from mlx_vader.process import Packed, SourceFrame, packed_as, packed_of

#: A grey of another size.
_OtherGrey = UInt8[np.ndarray, "rows columns"]


class Holed(NamedTuple):
    """A frame with a hole. `spoiled`: the hole and what is not to be trusted around it.

    `filled`: the same frame with the hole filled from within it. `item` travels along.
    """

    frame: SourceFrame
    hole: Pixels
    spoiled: Pixels
    filled: SourceFrame
    item: Any = None


class Propagated(NamedTuple):
    """What came of a frame: `box` of it with its `hole` filled, in [0, 1], and how much of each pixel was fetched."""

    box: Box
    hole: Pixels
    colours: Float32[np.ndarray, "h w 3"]
    fetched: Float32[np.ndarray, "h w"]


class Propagation:
    """Fills holes from up to `reach` frames before and after each, along flow found by `method`."""

    def __init__(self, method: FlowMethod, reach: int, number: int = 0) -> None:
        """`number`: that of the first frame."""
        self._number = number
        #: What is spoiled in the frame before.
        self._before: Box | None = None
        self._first = Pass(partial(_searched, method), reach)
        self._second = Pass(partial(_guided, method), reach)

    def remember(self, packed: Packed) -> None:
        """Goes on after the frame at which `behind` was packed."""
        looks = [Look.unpacked(packed_of(key, packed)) for key in range(int(packed.get("looks", 0)))]
        self._before = looks[-1].spoiled if looks else None
        self._first.remember(_step(look, look.small) for look in looks)
        self._second.remember(_step(look, look.full) for look in looks)

    def behind(self) -> list[Look]:
        """What may still be looked at of frames that are done."""
        return [step.item for step in self._second.behind]

    def run(self, frames: Iterable[Holed]) -> Iterator[list[tuple[Any, Propagated | None]]]:
        """The frames' items in order, some at a time, with what came of each; None where it has no hole."""
        looks = (_step(look, look.small) for look in self._looks(frames))
        guided = map(_with_guide, chain.from_iterable(self._first.run(looks)))
        for some in self._second.run(_step(look, look.full) for look in guided):
            yield [_finished(step, fetched) for step, fetched in some]

    def _looks(self, frames: Iterable[Holed]) -> Iterator[Look]:
        """Each frame with what is kept of it, which the holes of its neighbours say too."""
        here: Holed | None = None
        before, spoiled = self._before, None
        for there in chain(frames, [None]):
            following = None if there is None else spoiled_in(there)
            if here is not None:
                yield look_at(self._number, here, [before, spoiled, following])
                self._number += 1
                before = spoiled
            here, spoiled = there, following


def packed_looks(looks: list[Look]) -> Packed:
    """For `Propagation.remember`."""
    packed: Packed = {"looks": np.array(len(looks))}
    for key, look in enumerate(looks):
        packed |= packed_as(key, look.packed())
    return packed


def _step(look: Look, layer: Layer | None) -> Step:
    return Step(look, layer, look.size)


def _finished(step: Step, fetched: Fused | None) -> tuple[Any, Propagated | None]:
    look, layer = step.item, step.layer
    item, filled = look.item, look.filled
    look.item = look.filled = None
    if fetched is None or layer is None:
        return item, None
    colours, share = mixed(layer, fetched, in_levels(filled))
    return item, Propagated(layer.box, layer.hole, np.clip(colours / np.float32(255), 0, 1), share)


def _with_guide(pair: tuple[Step, Fused | None]) -> Look:
    step, fetched = pair
    look: Look = step.item
    if step.layer is not None:
        grey = stretched_over(step.layer.levels, step.layer.spoiled)
        if fetched is not None:
            grey, _ = mixed(step.layer, fetched, grey)
        look.guide = np.rint(np.clip(grey[..., 0], 0, 255)).astype(np.uint8)
    return look


def _searched(method: FlowMethod, here: Step, there: Step) -> Motion | None:
    """Flow of the first pass: around the holes, and carried on in them."""
    looks = here.item, there.item
    return _motion(method, *[look.bare for look in looks], *[look.small for look in looks], complete=True)


def _guided(method: FlowMethod, here: Step, there: Step) -> Motion | None:
    """Flow of the second pass, of pictures whose holes the first one filled."""
    looks = here.item, there.item
    guides = [look.guide for look in looks]
    return _motion(method, *guides, *[look.small for look in looks], complete=False)


def _motion(
    method: FlowMethod, first: Grey, second: _OtherGrey, here: Layer, there: Layer, *, complete: bool
) -> Motion | None:
    """Flow between two greys, those of layers of half size."""
    box = here.box.within(there.box)
    mine, other = (box.seen_from(layer.box) for layer in (here, there))
    pair = flow_between(
        first[mine.rows, mine.columns],
        second[other.rows, other.columns],
        here.hidden[mine.rows, mine.columns],
        there.hidden[other.rows, other.columns],
        method,
        complete=complete,
    )
    return None if pair is None else Motion(pair, box, HALF)
