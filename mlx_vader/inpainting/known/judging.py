"""Whether a video shows a known mark where it may lie: it does where taking the mark away leaves fewer edges there."""

from dataclasses import dataclass, replace

import numpy as np

from mlx_vader.arrays import LevelClip
from mlx_vader.boxes import Box
from mlx_vader.inpainting.known.aligning import Aligned, Pictures, align, gain_in, with_chroma
from mlx_vader.inpainting.known.posing import Layer, Shown, layer
from mlx_vader.inpainting.known.surveying import Candidate
from mlx_vader.inpainting.unblend.yuv import yuv_of

#: A mark is there if taking it away lessens the edges at its place by this share: where it was expected, elsewhere, and
#: where a drawing of unknown size and opacity was fitted.
LEAST_SHARE, LEAST_SHARE_ELSEWHERE, LEAST_SHARE_OF_A_DRAWING = 0.1, 0.2, 0.3
#: A share that nothing but the mark itself reaches.
_CERTAIN = 0.4
#: Opacities that are believed, as multiples of the file's: of marks that were measured, and of drawings.
_MEASURED, _DRAWN = (0.6, 1.25), (0.12, 1.25)
#: The multiple's least ratio to its standard error.
_SUREST = 6.0
#: Pictures that frames are averaged to, in the order of time.
PICTURES = 4
#: How far from where it seems to be a mark is looked for: pixels, and pixels of the searched picture.
_REACH, _COARSE = 2.0, 1.2
#: Pictures whose shares differ by no more than this show the mark equally well.
_ALIKE = 0.1
#: Room around a mark, as a share of its size, and at least and at most so many pixels.
_ROOM, _LEAST_ROOM, _MOST_ROOM = 0.5, 24, 96


@dataclass(frozen=True)
class Judged:
    """A candidate in its best pose. `share`: by how much the edges are fewer without it. `there`: whether it is."""

    candidate: Candidate
    aligned: Aligned
    share: float
    there: bool

    @property
    def is_certain(self) -> bool:
        """Whether no other place needs to be looked at."""
        return self.there and self.share >= _CERTAIN


def room_of(candidate: Candidate, size: tuple[int, ...], height: int, width: int) -> Box:
    """The box of the frame that is needed to look closely at a mark of this size, with room around it."""
    box = candidate.pose.box(*size[:2])
    room = int(np.clip(_ROOM * max(box.height, box.width), _LEAST_ROOM, _MOST_ROOM))
    # Chroma is halved: its samples begin at even pixels.
    return box.grown(room, room).aligned(2, 2).within(Box(0, 0, height, width))


def averaged(frames: LevelClip, box: Box) -> Pictures:
    """Frames of a box, in the order of time, as few pictures: what moves fades, what stands still stays."""
    groups = np.array_split(frames, min(PICTURES, len(frames)))
    return Pictures.of(box, [yuv_of(group).mean(axis=0) for group in groups])


def judge(
    mark: Shown, candidate: Candidate, pictures: Pictures, coarseness: float, *, measured: bool
) -> Judged:
    """Looks closely. `coarseness`: pixels of the frame to one of the searched picture."""
    reach = max(_REACH, _COARSE * coarseness)
    shows = _showing(layer(mark, candidate.pose, pictures.box), pictures)
    best = align(mark, shows, candidate.pose, reach)
    # What moved into its place shows better which pictures have it.
    shows = _showing(best.layer(mark, pictures.box), pictures)
    more, error, share = gain_in(best.layer(mark, pictures.box), shows)
    gain = best.gain * more
    least, most = _MEASURED if measured else _DRAWN
    enough = _least_share(measured=measured, told=candidate.told)
    there = share >= enough and least <= gain <= most and more >= _SUREST * error
    if there:
        best = with_chroma(mark, shows, replace(best, gain=gain))
    return Judged(candidate, best, share, there)


def _least_share(*, measured: bool, told: bool) -> float:
    if not measured:
        return LEAST_SHARE_OF_A_DRAWING
    return LEAST_SHARE if told else LEAST_SHARE_ELSEWHERE


def _showing(laid: Layer, pictures: Pictures) -> Pictures:
    """The picture that shows the mark best, and those that show it nearly as well: it may come and go."""
    each = np.eye(pictures.planes.shape[2], dtype=bool)
    shares = np.array([gain_in(laid, pictures.pictures(one))[2] for one in each])
    most = shares.max()
    return pictures.pictures(shares >= most - min(_ALIKE, abs(most) / 2))
