"""Which of the places that look like marks are believed to be some.

A mark is believed where the scene changes around it on most sides, and where it holds back what passes behind it. On a
still scene nothing can be told from a sign but what is small, at a usual place, even in colour and sure.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from mlx_vader.boxes import Box
from mlx_vader.masks.static.attenuation import UNKNOWN, Attenuation, attenuation
from mlx_vader.masks.static.look import Look
from mlx_vader.masks.static.refine import grown

#: Parts of a mark lie at most so far from each other, as a share of the picture's height.
TOGETHER = 0.02
#: A mark has at least so many pixels, and the network is so sure of them on average.
SMALLEST, LEAST_SURE = 24, 0.35
#: Something is seen to pass behind a mark: of the ring around it, as wide as this share of the height, so much has to
#: change, and on so many of its sides.
RING, PROVED, SIDES = 0.03, 0.3, 0.6
#: What passes behind a mark changes it by at most this share of what it changes around it. A sign it covers.
STILLER = 0.95
#: The network is to be so sure of a mark at a usual place, and of one elsewhere.
SURE, SURE_ELSEWHERE = 0.68, 0.72
#: Of one behind which nothing is seen to pass, while all else moves, at a usual place and elsewhere; and of a large one
#: whose opacity does not show.
SURER, SURER_ELSEWHERE, SURE_OF_A_LARGE = 0.7, 0.78, 0.8
#: Of one before a scene that moves in part, as from within a car: where its opacity shows, at a usual place and
#: elsewhere; and where it only changes less than what is around it.
SURE_IN_PART, SURE_IN_PART_ELSEWHERE, SUREST = 0.75, 0.85, 0.9
#: Of one whose shape is so much that of a mark that is believed.
SURE_OF_A_COPY, ALIKE = 0.5, 0.7
#: What stays the same in so many shots belongs to none of them.
MANY_SHOTS = 4
#: The picture moves as a whole where this share of it changes and this share of its edges, if so much of it has edges;
#: without them, where this share of it changes. Nothing is decided where less than this changes.
EVEN_GROUND, EDGES_MOVE, EDGES, MOVES_AS_A_WHOLE, STILL = 0.25, 0.93, 0.004, 0.5, 0.04
#: A picture within a picture changes in rows and columns of which at least this share changes, fills so much of the
#: rectangle that they are, and is less wide than this share of the width.
IN_LINE, FILLED, WIDE = 0.05, 0.75, 0.9
#: A mark of more than this share of the picture is large.
LARGE = 0.06
#: What is so many pixels thick is more than lettering.
THICK = 13
#: At rest a mark is believed that is no larger, so sure, so near to the corners, and so even in brightness.
SMALL_AT_REST, SURE_AT_REST, CORNER, EVEN = 0.012, 0.9, 0.15, 22.0
#: Room around a mark in which its surroundings are compared, in pixels, and frames that are.
ROOM, COMPARED = 96, 24

Pixels = Bool[np.ndarray, "h w"]


def candidates(mask: Pixels, probability: Float32[np.ndarray, "h w"]) -> list[tuple[Pixels, float]]:
    """The marks in a mask with how sure the network is of each; parts near one another are one."""
    reach = max(2, round(TOGETHER * mask.shape[0]))
    labels, count = ndimage.label(grown(mask, reach))
    found = []
    for label in range(1, count + 1):
        inside = mask & (labels == label)
        # The rims that the difference adds are not what the network is asked about.
        confidence = float(np.sqrt(np.square(probability[inside]).mean())) if inside.any() else 0.0
        if inside.sum() >= SMALLEST and confidence >= LEAST_SURE:
            found.append((inside, confidence))
    return found


def stands_still(look: Look) -> bool:
    """Whether so little moves that no mark can be told from the scene."""
    return float(look.changes.mean()) < STILL


def believes(look: Look, inside: Pixels, mask: Pixels, confidence: float, *, still: bool) -> bool:
    """Whether a mark is believed. `look`: frames that may show it; `mask`: all marks; `still`: nothing is proved."""
    judge = _believed_at_rest if still else _believed
    return judge(_Place(look, inside, grown(mask, 2)), confidence)


def is_a_copy(inside: Pixels, believed: Pixels, confidence: float) -> bool:
    """Whether a mark has the shape of one that is believed, as those of a pattern have."""
    one, other = (mask[box.rows, box.columns] for mask in (inside, believed) for box in [Box.around(mask)])
    height, width = (min(sides) for sides in zip(one.shape, other.shape, strict=True))
    common = int((one[:height, :width] & other[:height, :width]).sum())
    return confidence >= SURE_OF_A_COPY and common >= ALIKE * (int(one.sum()) + int(other.sum()) - common)


def _believed(place: "_Place", confidence: float) -> bool:
    if confidence < (SURE if place.in_a_corner else SURE_ELSEWHERE):
        return False
    held_back = place.attenuation
    if held_back.disproved or (place.share > LARGE and not held_back.shown and confidence < SURE_OF_A_LARGE):
        return False
    seen_behind = place.changing >= PROVED and place.sides >= SIDES
    if place.in_many_shots or (place.moves_as_a_whole and not place.stands_before_the_scene):
        if seen_behind:
            return held_back.shown or place.stiller
        return confidence >= (SURER if place.in_a_corner else SURER_ELSEWHERE)
    if not seen_behind or place.thick_at_border:
        return False
    shown_enough = confidence >= (SURE_IN_PART if place.in_a_corner else SURE_IN_PART_ELSEWHERE)
    return (held_back.shown and shown_enough) or (place.stiller and confidence >= SUREST)


def _believed_at_rest(place: "_Place", confidence: float) -> bool:
    return (
        confidence >= SURE_AT_REST
        and place.share <= SMALL_AT_REST
        and place.in_a_corner
        and place.unevenness <= EVEN
    )


def _is_an_inset(changes: Pixels) -> bool:
    """Whether what changes is a picture within the picture: a film beside a page that stands still."""
    rows, columns = (np.flatnonzero(changes.mean(axis=axis) > IN_LINE) for axis in (1, 0))
    if not len(rows) or not len(columns) or np.ptp(columns) + 1 >= WIDE * changes.shape[1]:
        return False
    return float(changes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean()) >= FILLED


class _Place:
    """A mark's pixels with what is around them."""

    def __init__(self, look: Look, inside: Pixels, marked: Pixels) -> None:
        self._box = box = Box.around(inside)
        self._look = look
        self._whole = inside.shape
        radius = max(4, round(RING * inside.shape[0]))
        room = radius + ROOM
        self._near = tuple(
            slice(max(side.start - room, 0), side.stop + room) for side in (box.rows, box.columns)
        )
        self._inside, self._marked = inside[self._near], marked[self._near]
        self._all_marked = marked
        self._ring = grown(self._inside, radius) & ~self._marked
        self.share = float(inside.mean())

    @property
    def thick_at_border(self) -> bool:
        """Whether it is thick and goes on beyond the border, as what stands before a moving scene does."""
        box = self._box
        at_border = min(box.top, box.left) == 0 or box.bottom == self._whole[0] or box.right == self._whole[1]
        return at_border and bool(
            cv2.erode(self._inside.astype(np.uint8), np.ones((THICK, THICK), np.uint8)).any()
        )

    @property
    def stands_before_the_scene(self) -> bool:
        """Whether a thick part of it is large and it goes on beyond the border. The parts of a pattern are small."""
        if self.share <= LARGE or not self.thick_at_border:
            return False
        thick = cv2.morphologyEx(
            self._inside.astype(np.uint8), cv2.MORPH_OPEN, np.ones((THICK, THICK), np.uint8)
        )
        labels, _ = ndimage.label(thick)
        return bool(np.bincount(labels.ravel())[1:].max() > LARGE * self._look.changes.size)

    @property
    def changing(self) -> float:
        """How much of the ring changes."""
        changes = self._look.changes[self._near]
        return float(changes[self._ring].mean()) if self._ring.any() else 0.0

    @property
    def sides(self) -> float:
        """On how many of the eight sides that lie in the picture something changes."""
        rows, columns = np.nonzero(self._ring)
        middle = [float(np.mean(side)) for side in np.nonzero(self._inside)]
        height, width = self._box.height, self._box.width
        angle = np.arctan2((rows - middle[0]) / height, (columns - middle[1]) / width)
        side = np.floor((angle + np.pi) / (2 * np.pi) * 8).astype(int).clip(0, 7)
        there = np.bincount(side, minlength=8)
        changing = np.bincount(side, self._look.changes[self._near][self._ring], minlength=8)
        seen = there > 4
        return float((changing[seen] >= PROVED * there[seen]).mean()) if seen.any() else 0.0

    @property
    def stiller(self) -> bool:
        """Whether the mark changes less than what is around it."""
        spread = self._look.spread[self._near]
        return bool(spread[self._inside].mean() <= STILLER * spread[self._ring].mean())

    @property
    def attenuation(self) -> Attenuation:
        """How much it holds back of what passes behind it."""
        luma = self._look.luma
        some = luma[:: max(1, len(luma) // COMPARED), *self._near]
        if not self._ring.any():
            return UNKNOWN
        return attenuation(some, self._inside, self._marked)

    @property
    def in_many_shots(self) -> bool:
        """Whether it stays where all else becomes another picture."""
        return self._look.shots >= MANY_SHOTS

    @property
    def moves_as_a_whole(self) -> bool:
        """Whether the picture changes everywhere.

        A camera that pans along sky or a wall changes nothing there, but every edge that it sees.
        """
        changes = self._look.changes
        edges = np.where(self._all_marked, 0, self._look.edged)
        if edges.mean() < EDGES:
            return float(changes.mean()) >= MOVES_AS_A_WHOLE
        edges_move = float((edges * changes).sum() / edges.sum()) >= EDGES_MOVE
        return edges_move and float(changes.mean()) >= EVEN_GROUND and not _is_an_inset(changes)

    @property
    def in_a_corner(self) -> bool:
        """Whether it is at one of the usual places: in a corner, or in the middle of the lower edge."""
        box, (height, width) = self._box, self._whole
        low, high = box.bottom > (1 - CORNER) * height, box.top < CORNER * height
        aside = box.left < CORNER * width or box.right > (1 - CORNER) * width
        return (low or high) and (aside or low) and box.height < 2 * CORNER * height

    @property
    def unevenness(self) -> float:
        """The deviation of the mean picture's brightness within, in levels."""
        mean = self._look.mean[self._near].mean(axis=-1)
        core = ndimage.binary_erosion(self._inside)
        return float(mean[core].std()) if core.any() else float("inf")
