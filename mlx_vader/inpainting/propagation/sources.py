"""Where the pixels of a hole show in earlier or later frames, found step by step from one frame to the next.

A pixel that is hidden in the next frame too shows where the next frame's pixel shows: so what is found for one frame
serves the frame before it, and the work for each is the same however long something stays hidden.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int32

from mlx_vader.boxes import Box
from mlx_vader.flow.pairs import FlowPair
from mlx_vader.inpainting.propagation.layer import Layer
from mlx_vader.warping import sampled

#: A pixel is lost once the flow's ways there and back disagree by so many frame pixels in all.
LOST = 8.0
#: It is hidden where so much of what surrounds it is, of 255.
HIDDEN = 2.5

Points = Float32[np.ndarray, "n 2"]


@dataclass(frozen=True, eq=False)
class Motion:
    """Flow between two neighbouring frames in `box` of pictures that are `size` times smaller than the frames."""

    pair: FlowPair
    box: Box
    size: int

    def moved(self, places: Points, size: int, *, onward: bool) -> tuple[Points, Float32[np.ndarray, " n"]]:
        """Where places of one frame lie in the other, and by how many frame pixels the way back misses them.

        `size`: that of the layer whose pixels the places count. `onward`: from the first of the frames to the second.
        """
        there, back = (self.pair.there, self.pair.back) if onward else (self.pair.back, self.pair.there)
        ratio, origin = self.size / size, np.array([self.box.left, self.box.top], np.float32)
        start = (places + 0.5) / ratio - 0.5 - origin
        flow = sampled(there, start)
        missed = flow + sampled(back, start + flow)
        return places + flow * np.float32(ratio), np.hypot(*missed.T) * np.float32(self.size)


@dataclass(frozen=True, eq=False)
class Sources:
    """For each wanted pixel of a layer, in their order: the frame in which it shows, or -1, and the place (x, y) there.

    `doubt`: by how many frame pixels flow disagreed on the way.
    """

    frame: Int32[np.ndarray, " n"]
    place: Points
    doubt: Float32[np.ndarray, " n"]

    @property
    def found(self) -> Bool[np.ndarray, " n"]:
        """Which of them show anywhere."""
        return self.frame >= 0


def nowhere(layer: Layer) -> Sources:
    """Nothing was found."""
    count = len(layer.places)
    return Sources(
        np.full(count, -1, np.int32), np.zeros((count, 2), np.float32), np.zeros(count, np.float32)
    )


def sources_by(layer: Layer, neighbour: Layer, known: Sources, motion: Motion | None, reach: int) -> Sources:
    """Where the layer's pixels show in the neighbour, or where those of the neighbour are `known` to show.

    Frames more than `reach` away do not count. `motion` is that between the two; None: of different scenes.
    """
    result = nowhere(layer)
    if motion is None or not len(layer.places):
        return result
    place, doubt = motion.moved(layer.places, layer.size, onward=neighbour.number > layer.number)
    here = place - neighbour.origin
    inside = ((here >= 0) & (here <= (neighbour.box.width - 1, neighbour.box.height - 1))).all(axis=1)
    inside &= doubt < LOST
    shows = inside & (sampled(neighbour.hidden_part, here) <= HIDDEN)
    result.frame[shows], result.place[shows], result.doubt[shows] = (
        neighbour.number,
        place[shows],
        doubt[shows],
    )
    through = np.flatnonzero(inside & ~shows)
    # The nearest pixel's way on, from where this one is: interpolation would blur across the places where ways part.
    columns, rows = np.rint(here[through]).astype(np.intp).T
    number = neighbour.number_of[rows, columns]
    beyond = known.frame[number]
    total = doubt[through] + known.doubt[number]
    good = (number >= 0) & (beyond >= 0) & (np.abs(beyond - layer.number) <= reach) & (total < LOST)
    through, number = through[good], number[good]
    offset = here[through] - np.rint(here[through])
    result.frame[through] = beyond[good]
    result.place[through] = known.place[number] + offset
    result.doubt[through] = total[good]
    return result
