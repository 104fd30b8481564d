"""The first pass of un-blending: a look at frames all along a video, in which each mark is measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8
from scipy import ndimage

from mlx_vader.arrays import LevelClip, Pixels
from mlx_vader.boxes import Box
from mlx_vader.inpainting.unblend import FEWEST_FRAMES, Fill, Mark, fit, proved
from mlx_vader.masks.sampling import sampled
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import Packed, Video

#: Frames that are looked at; fewer where marks are so large that the looks would have more pixels than this.
MOST_FRAMES, LEAST_FRAMES, MOST_PIXELS = 48, 16, 32 << 20
#: Frames after which the pass keeps what it has seen.
_KEPT_EVERY = 8
#: Of a mark's pixels this share must be masked for it to be there in a frame.
PRESENT = 0.9
#: A place counts as masked in a frame if more than this share of it is.
_SHOWN = 0.5
#: Room around a mark: a multiple of its size, and at least and at most so many pixels.
_ROOM, _LEAST_ROOM, _MOST_ROOM = 1.3, 64, 400


@dataclass(frozen=True, eq=False)
class Place:
    """Where a mark is: a crop of the frame with room around it, and its pixels there. `mark`: None if not measured."""

    box: Box
    inside: Pixels
    mark: Mark | None = None


def looks(video: Video, parity: int) -> list[int]:
    """Frames that are spread evenly over the video; of an interlaced one fields of one parity."""
    step = 2 if video.fields else 1
    there = len(range(parity, video.frames, step))
    return [parity + step * int(index) for index in np.linspace(0, there - 1, min(there, MOST_FRAMES))]


def measure(
    video: Video,
    masks: MaskSource,
    numbers: Sequence[int],
    kept: Packed,
    fills: Sequence[Fill],
    *,
    whole: bool,
) -> Iterator[Packed]:
    """Measures what the masks hide in the frames called `numbers`. Yields what is to be kept, whole, after each step.

    `fills`: what may be done where subtracting a mark is no better. `whole`: the masks hold all of each mark.

    With the last of that, given as `kept`, nothing is done; `places_of` reads it.
    """
    if "places" in kept:
        return
    masked = [next(masks.masks(number))[..., 0] > 0 for number in numbers]
    places = _places(masked)
    chosen = _affordable(len(numbers), places)
    crops = [list(kept.get(f"{index}.frames", ())) for index in range(len(places))]
    seen = int(kept.get("seen", 0))
    wanted = [numbers[look] for look in chosen] if places else []
    for pictures in _looked(video, wanted[seen:], places):
        for crop, picture in zip(crops, pictures, strict=True):
            crop.append(picture)
        seen += 1
        if seen % _KEPT_EVERY == 0 or seen == len(wanted):
            clips = {f"{index}.frames": np.stack(crop) for index, crop in enumerate(crops)}
            yield {"seen": np.array(seen), **clips}
    packed: Packed = {"places": np.array([place.box for place in places], np.intp).reshape(-1, 4)}
    for index, (place, crop) in enumerate(zip(places, crops, strict=True)):
        there = [
            _present(masked[look], place) and picture.any()
            for look, picture in zip(chosen, crop, strict=True)
        ]
        mark = _fitted(np.stack(crop)[there], place.inside, fills, whole)
        arrays = {"inside": place.inside} | (mark.packed() if mark else {})
        packed |= {f"{index}.{name}": array for name, array in arrays.items()}
    yield packed


def places_of(kept: Packed) -> list[Place]:
    """The places, with their marks, that a complete pass kept."""
    places = []
    for index, box in enumerate(kept["places"].tolist()):
        start = f"{index}."
        arrays = {name.removeprefix(start): kept[name] for name in kept if name.startswith(start)}
        inside = arrays.pop("inside")
        places.append(Place(Box(*box), inside, Mark.unpacked(arrays) if arrays else None))
    return places


def _places(masked: Sequence[Pixels]) -> list[Place]:
    """Crops around what stays masked long enough; those that would overlap are one."""
    often = _steady(np.stack(masked))
    whole = Box(0, 0, *often.shape)
    boxes: list[Box] = []
    for rows, columns in ndimage.find_objects(ndimage.label(often, np.ones((3, 3)))[0]):
        tight = Box(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
        room = int(np.clip(_ROOM * max(tight.height, tight.width), _LEAST_ROOM, _MOST_ROOM))
        # Chroma is halved: its samples begin at even pixels.
        boxes.append(tight.grown(room, room).aligned(2, 2).within(whole))
    return [Place(box, often[box.rows, box.columns]) for box in _disjoint(boxes)]


def _steady(masked: Bool[np.ndarray, "n h w"]) -> Pixels:
    """What is masked often, without places whose mask changes, as over digits that count: there nothing is measured."""
    count = masked.sum(axis=0)
    often: Pixels = count >= min(FEWEST_FRAMES, len(masked))
    labels, _ = ndimage.label(often, np.ones((3, 3)))
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        inside = labels[box] == label
        shown = masked[(slice(None), *box)][:, inside].mean(axis=1) > _SHOWN
        if (count[box][inside] >= PRESENT * shown.sum()).mean() < PRESENT:
            often[box][inside] = False
    return often


def _disjoint(boxes: Sequence[Box]) -> list[Box]:
    apart: list[Box] = []
    for box in boxes:
        grown = box
        while meeting := [other for other in apart if grown.within(other)]:
            apart = [other for other in apart if other not in meeting]
            grown = _around([grown, *meeting])
        apart.append(grown)
    return apart


def _around(boxes: Sequence[Box]) -> Box:
    top, left = min(box.top for box in boxes), min(box.left for box in boxes)
    return Box(top, left, max(box.bottom for box in boxes) - top, max(box.right for box in boxes) - left)


def _affordable(count: int, places: Sequence[Place]) -> list[int]:
    """Which of so many looks are taken."""
    area = sum(place.inside.size for place in places)
    most = max(LEAST_FRAMES, min(count, MOST_PIXELS // max(area, 1)))
    return [int(look) for look in np.linspace(0, count - 1, min(count, most))]


def _looked(
    video: Video, wanted: Sequence[int], places: Sequence[Place]
) -> Iterator[list[UInt8[np.ndarray, "h w 3"]]]:
    """The places in each of the frames; black where one is damaged or not there."""
    left = list(wanted)
    for number, frame in sampled(video, list(wanted)):
        while left and left[0] < number:
            left.pop(0)
            yield _nothing(places)
        if left and left[0] == number:
            left.pop(0)
            yield (
                _nothing(places)
                if frame.damaged
                else [frame.levels[place.box.rows, place.box.columns].copy() for place in places]
            )
        frame.forget()
    for _ in left:
        yield _nothing(places)


def _nothing(places: Sequence[Place]) -> list[UInt8[np.ndarray, "h w 3"]]:
    return [np.zeros((place.box.height, place.box.width, 3), np.uint8) for place in places]


def _present(masked: Pixels, place: Place) -> bool:
    return bool(masked[place.box.rows, place.box.columns][place.inside].mean() >= PRESENT)


def _fitted(frames: LevelClip, inside: Pixels, fills: Sequence[Fill], whole: bool) -> Mark | None:
    """None where too few frames show the mark, or it leaves nothing around it."""
    if len(frames) < FEWEST_FRAMES or inside.all():
        return None
    return proved(frames, inside, fit(frames, inside, whole=whole), fills, whole=whole)
