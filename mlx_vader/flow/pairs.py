"""Flow both ways between two pictures with holes: found around them, and carried on inside by a membrane."""

from dataclasses import dataclass

import numpy as np

from mlx_vader.arrays import Flow, Pixels
from mlx_vader.dilation import dilated
from mlx_vader.flow import FlowMethod, Grey
from mlx_vader.flow.dis import SMALLEST
from mlx_vader.membrane import stretched_over
from mlx_vader.warping import warp

#: Flow this near to a hole, in pixels, is spoiled by what fills the hole.
SPOILED = 4
#: Pictures are of different scenes where the flow misses by more than so many levels of 255 on average, and by more
#: than this part of what the picture varies by. What moves in ways that the flow cannot follow misses by less.
MISSES, MISSED_PART = 10.0, 0.5


@dataclass(frozen=True, eq=False)
class FlowPair:
    """`there`: from each pixel of the first picture to the second, in pixels; `back`: the other way."""

    there: Flow
    back: Flow


def flow_between(
    first: Grey, second: Grey, first_hole: Pixels, second_hole: Pixels, method: FlowMethod, *, complete: bool
) -> FlowPair | None:
    """Flow between two pictures, whose holes are filled somehow; None where they show different scenes.

    `complete`: what was found in the holes does not count, and a membrane carries the flow around them on. Also None
    for pictures that are too small, or of which nothing but holes is left.
    """
    known = ~(first_hole | second_hole)
    if min(first.shape) < SMALLEST or not known.any():
        return None
    there, back = method.flow(first, second), method.flow(second, first)
    if _differ(first, second, there, known):
        return None
    if complete:
        # What the other picture hides is not found either.
        spoiled = dilated(~known, SPOILED)
        if spoiled.all():
            return None
        there, back = stretched_over(there, spoiled), stretched_over(back, spoiled)
    return FlowPair(there, back)


def _differ(first: Grey, second: Grey, flow: Flow, known: Pixels) -> bool:
    here = first[known].astype(np.float32)
    missed = float(np.abs(warp(second, flow)[known] - here).mean())
    return missed > MISSES and missed > MISSED_PART * float(np.abs(here - here.mean()).mean())
