"""The first pass for known marks: a coarse look, a close one where they may be, and one at when they are there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from mlx_vader.arrays import Frame, LevelClip, LevelFrame
from mlx_vader.boxes import Box
from mlx_vader.inpainting.known.aligning import Pictures, gain_in, share_of
from mlx_vader.inpainting.known.judging import LEAST_SHARE, averaged, judge, room_of
from mlx_vader.inpainting.known.making import mark_of, with_gain
from mlx_vader.inpainting.known.posing import Layer, shown
from mlx_vader.inpainting.known.surveying import Candidate, candidates, shrunk
from mlx_vader.inpainting.known.timing import LEAST_GAIN, STEADY, Gains
from mlx_vader.inpainting.measuring import looks
from mlx_vader.inpainting.unblend.mark import Mark
from mlx_vader.inpainting.unblend.yuv import yuv_of
from mlx_vader.masks.mark_files import KnownMark
from mlx_vader.process import Packed, Video

#: Frames in which marks are looked for; more of them tell when they are there.
_FEW = 16
#: Frames after which the pass keeps what it has seen.
_KEPT_EVERY = 8
#: A frame shows a mark if its edges are fewer without it by this share; gains that are known less well tell nothing.
_LEAST_SHARE, _LARGEST_ERROR = 0.02, 0.15
#: A share by so much above what is believed leaves no doubt.
_SURE_SHARE = 0.2
#: Times that a mark may come or go and it is found out in which frame.
_MOST_TURNS = 16
#: Gains that differ by less than these decimals tell are one.
_DECIMALS = 2


@dataclass(frozen=True, eq=False)
class Placed:
    """A mark that a video shows: number `which`, in a box of the frame. `mark` and `laid` are at the usual gain.

    `share`: by how much the edges are fewer without it.
    """

    which: int
    share: float
    box: Box
    mark: Mark
    laid: Layer
    gains: Gains

    def gain_in(self, crop: Frame, number: int) -> float:
        """As a multiple of the usual one, in the box of one frame; 0 where the mark is not."""
        gain = self.gains.at(number)
        if gain is not None and (gain == 0 or share_of(self.laid, _pictures(crop, self.box)) > 0):
            return round(gain, _DECIMALS)
        return round(min(of_crop(self.laid, crop, self.box) or 0.0, 1 + STEADY), _DECIMALS)

    @lru_cache(maxsize=64)  # noqa: B019 - there are as many as there are marks, as long as the process
    def with_gain(self, gain: float) -> Mark:
        """The mark in a frame; the same gain again costs nothing."""
        return with_gain(self.mark, gain)

    @property
    def confidence(self) -> float:
        """From 0.5, what is just believed, to 1."""
        return float(np.clip(0.5 + (self.share - LEAST_SHARE) / (2 * _SURE_SHARE), 0.5, 1))

    def packed(self) -> Packed:
        """Arrays by name."""
        return {
            "which": np.array(self.which),
            "share": np.array(self.share),
            "box": np.array(self.box),
            "alpha": self.laid.alpha,
            "product": self.laid.product,
            "numbers": np.array(self.gains.numbers),
            "gains": self.gains.values,
            **{f"mark.{name}": array for name, array in self.mark.packed().items()},
        }

    @staticmethod
    def unpacked(arrays: Packed) -> "Placed":
        """The mark that was packed."""
        mark = {
            name.removeprefix("mark."): array for name, array in arrays.items() if name.startswith("mark.")
        }
        return Placed(
            int(arrays["which"]),
            float(arrays["share"]),
            Box(*arrays["box"].tolist()),
            Mark.unpacked(mark),
            Layer(arrays["alpha"], arrays["product"]),
            Gains(tuple(arrays["numbers"].tolist()), arrays["gains"]),
        )


def of_crop(laid: Layer, crop: Frame, box: Box) -> float | None:
    """The gain in the box of a frame, 0 where the mark is not there; None where that cannot be told."""
    gain, error, share = gain_in(laid, _pictures(crop, box))
    if error > _LARGEST_ERROR:
        return None
    return gain if share >= _LEAST_SHARE and gain >= LEAST_GAIN else 0.0


def _pictures(crop: Frame, box: Box) -> Pictures:
    return Pictures.of(box, [yuv_of(255 * crop)])


def look(video: Video, marks: Sequence[KnownMark], parity: int, kept: Packed) -> Iterator[Packed]:
    """Looks for the one of the marks that the video shows best. Yields what is to be kept, whole, after each step.

    With the last of that, given as `kept`, nothing is done; `placed_of` reads it.
    """
    if "found" in kept:
        return
    everything = dict(kept)
    numbers = looks(video, parity)
    few = [numbers[index] for index in np.unique(np.linspace(0, len(numbers) - 1, _FEW).astype(int))]
    yield from _seen(video, few, {"small": shrunk}, everything)
    small = everything["small"][everything["small"].any(axis=(1, 2, 3))]
    masks = [shown(mark.alpha, mark.colour) for mark in marks]
    choice = _candidates(video, marks, small)
    boxes = {
        f"close.{index}": room_of(each, masks[each.mark].shape, video.height, video.width)
        for index, each in enumerate(choice)
    }
    yield from _seen(video, few, {name: _cropped(box) for name, box in boxes.items()}, everything)
    best = None
    for each, (name, box) in zip(choice, boxes.items(), strict=True):
        clip = _undamaged(everything[name])
        if not len(clip):
            continue
        pictures = averaged(clip, box)
        measured = marks[each.mark].is_placed
        judged = judge(masks[each.mark], each, pictures, video.width / small.shape[2], measured=measured)
        if judged.there and (best is None or judged.share > best[0].share):
            best = judged, name, box
        if judged.is_certain:
            break
    if best is None:
        yield {"found": np.array(False)}
        return
    found, name, box = best
    laid = found.aligned.layer(masks[found.candidate.mark], box)
    yield from _seen(video, numbers, {"gains": _gain(laid, box)}, everything)
    gains = _with_turns(video, laid, box, dict(zip(numbers, everything["gains"].tolist(), strict=True)))
    if gains is None:
        yield {"found": np.array(False)}
        return
    clip = _undamaged(everything[name])
    shows = np.array([of_crop(laid, levels / np.float32(255), box) or 0 for levels in clip])
    frames = clip[shows >= 0.8 * shows.max()]
    whole = laid.times(gains.usual)
    mark = mark_of(frames, whole)
    placed = Placed(found.candidate.mark, found.share, box, mark, whole, gains.of_usual())
    yield {"found": np.array(True), **placed.packed()}


def placed_of(kept: Packed) -> Placed | None:
    """The mark, as a complete pass kept it; None where the video shows none."""
    return Placed.unpacked(kept) if bool(kept["found"]) else None


def _cropped(box: Box) -> Callable[[LevelFrame], np.ndarray]:
    return lambda levels: levels[box.rows, box.columns].copy()


def _gain(laid: Layer, box: Box) -> Callable[[LevelFrame], np.ndarray]:
    """Of a frame; not a number where it does not tell."""

    def gain(levels: LevelFrame) -> np.ndarray:
        found = of_crop(laid, levels[box.rows, box.columns] / np.float32(255), box)
        return np.array(np.nan if found is None else found)

    return gain


def _undamaged(clip: LevelClip) -> LevelClip:
    return clip[clip.any(axis=(1, 2, 3))]


def _seen(
    video: Video,
    numbers: Sequence[int],
    taken: Mapping[str, Callable[[LevelFrame], np.ndarray]],
    everything: Packed,
) -> Iterator[Packed]:
    """Adds what is taken of frames, by name, to `everything`, which is yielded after each step.

    Damaged frames are black.
    """
    known = min((len(everything[name]) if name in everything else 0 for name in taken), default=len(numbers))
    for start in range(known, len(numbers), _KEPT_EVERY):
        frames = [_levels(video, number) for number in numbers[start : start + _KEPT_EVERY]]
        for name, take in taken.items():
            new = np.stack([take(levels) for levels in frames])
            everything[name] = np.concatenate([everything[name], new]) if name in everything else new
        yield dict(everything)


def _levels(video: Video, number: int) -> LevelFrame:
    frame = next(iter(video.read(number, number + 1)), None)
    if frame is None or frame.damaged:
        return np.zeros((video.height, video.width, 3), np.uint8)
    levels: LevelFrame = frame.levels
    return levels


def _candidates(video: Video, marks: Sequence[KnownMark], small: LevelClip) -> list[Candidate]:
    """In the video's frames; of an interlaced one they are fields, half as high as the marks know them."""
    if not len(small):
        return []
    lines = 2 if video.fields else 1
    pictures = averaged(small, Box(0, 0, *small.shape[1:3]))
    found = candidates(list(np.moveaxis(pictures.planes, 2, 0)), marks, lines * video.height, video.width)
    return [
        Candidate(c.mark, c.pose._replace(top=c.pose.top / lines, down=c.pose.down / lines), c.told)
        for c in found
    ]


def _with_turns(video: Video, laid: Layer, box: Box, seen: dict[int, float]) -> Gains | None:
    """The gains of the frames that were seen, and of those between which the mark comes or goes, to the frame.

    None where no frame shows the mark.
    """
    known = {number: gain for number, gain in seen.items() if not np.isnan(gain)}
    step = 2 if video.fields else 1
    turns = [pair for pair in pairwise(sorted(known)) if (known[pair[0]] > 0) != (known[pair[1]] > 0)]
    for before, after in turns[:_MOST_TURNS]:
        first, last = before, after
        while last - first > step:
            middle = first + (last - first) // (2 * step) * step
            frame = _levels(video, middle)
            gain = of_crop(laid, frame[box.rows, box.columns] / np.float32(255), box)
            known[middle] = gain if gain is not None else known[first]
            if (known[middle] > 0) == (known[first] > 0):
                first = middle
            else:
                last = middle
    if not any(gain > 0 for gain in known.values()):
        return None
    numbers = sorted(known)
    return Gains(tuple(numbers), np.array([known[number] for number in numbers]))
