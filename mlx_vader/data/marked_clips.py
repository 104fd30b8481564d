"""Clips with marks that stand still, and clips that only seem to have some: what the finder of marks learns from.

A scene is one that a camera moves before, frames of a whole video, a still one that something passes, several shots, or
one that stands still. Signs and lettering that belong to it, black bars, and a logo that wanders, are there to be left
alone. A real encoder comes last, sometimes at a larger size.

On a still scene a mark and a sign look alike. There the mark is what is to be found, and the sign hardly counts: what
looks like a mark is named, and whether it is believed is not for the network to say.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from scipy import ndimage

from mlx_vader.arrays import Clip, Frame
from mlx_vader.artifacts.artifact import Style
from mlx_vader.artifacts.degradations import video_compression
from mlx_vader.artifacts.randomness import chance, pick
from mlx_vader.artifacts.registry import ARTIFACTS
from mlx_vader.artifacts.vocabulary import vocabulary as read_vocabulary
from mlx_vader.data.source import ClipSource
from mlx_vader.data.whole_videos import spread_clip
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks.static.statistics import LUMA, changing

#: How often each kind of scene comes.
KINDS = {"camera": 0.34, "video": 0.16, "passing": 0.14, "shots": 0.3, "still": 0.06}
#: Much moves where the first and the last frame differ by so much on average, of 1.
MUCH = 0.04
#: How many shots, and how often one of them stands still.
SHOTS, STILL_SHOT = (2, 2, 3, 3, 4, 4, 5, 6, 7), 0.6
#: How often a shot that moves, and what passes before a still scene, is from a video, where there is one.
FROM_VIDEO = 0.2
#: Frames of a clip: samples, as the finder takes them from a whole video.
FEWEST, MOST = 12, 28
#: How often there is a mark, a second one, one that is there for a part of the time, a sign, and a logo that wanders.
MARKED, SECOND, PARTLY, SIGN, WANDERING = 0.72, 0.25, 0.16, 0.5, 0.08
#: How often the picture has black bars, and of what share of it each, at most.
BARS, WIDEST_BAR = 0.06, 0.2
#: How often a clip is recorded at so many times the size, and made smaller.
REDUCED, LARGER = 0.25, 1.5
#: How often the marks are of each kind. The frame that they are laid out in is so many times as large as the clip.
MARKS = {
    "corner_logo": 0.34,
    "channel_logo": 0.12,
    "text_overlay": 0.26,
    "tiled_pattern": 0.16,
    "diagonal_text": 0.12,
}
ZOOM = {1.0: 0.3, 1.5: 0.3, 2.5: 0.25, 4.0: 0.15}
#: Of the largest opacity of a mark, what counts as the mark; and the least that does.
EDGE, LEAST_ALPHA = 0.15, 0.04
#: A pixel was seen to move if the picture changed near it in this share of the frames, and a clip moves if this share
#: of its pixels did.
MOVED, MOVING = 0.1, 0.08
#: Around a mark, pixels in which something is to move, and the share of them that has to, or nothing proves the mark.
_AROUND, PROVED = 9, 0.25
#: From here on a clip moves as a whole: what lies on even ground, where no change is seen, is still a mark.
_MOVES_AS_A_WHOLE = 0.5
#: How much a pixel of a mark counts where nothing is seen to move; where nothing moves around the mark either; and a
#: pixel of a sign where nothing does.
UNSURE, UNPROVED, SIGN_AT_REST = 0.3, 0.2, 0.05


@dataclass(frozen=True)
class MarkedClip:
    """Frames in levels, the mask to be found, how much each pixel counts, and whether nothing in it moves."""

    frames: UInt8[np.ndarray, "n h w 3"]
    mask: Bool[np.ndarray, "h w"]
    certainty: Float32[np.ndarray, "h w"]
    still: bool


@dataclass(frozen=True)
class Overlay:
    """What is laid over a frame: opacity, and colour times opacity."""

    alpha: Float32[np.ndarray, "h w 1"]
    color: Frame

    def over(self, frames: Clip) -> Clip:
        """The frames with it."""
        return frames * (1 - self.alpha) + self.color

    def mask(self) -> Bool[np.ndarray, "h w"]:
        """Where it is more than the outer rim of its edges."""
        alpha = self.alpha[..., 0]
        return alpha > max(LEAST_ALPHA, EDGE * float(alpha.max()))


def marked_clip(
    source: ClipSource, key: int, size: int, *, vocabulary: str = "train", logos: Path | None = None
) -> MarkedClip:
    """A clip from the scenes of `source`; everything random in it follows from `key`."""
    rng = np.random.default_rng(key)
    large = round(LARGER * size) if chance(rng, REDUCED) else size
    style = Style(read_vocabulary(vocabulary), logos)
    scenes = Scenes(source, rng, large, style)
    scene = scenes.of_kind(pick(rng, list(KINDS), list(KINDS.values())))
    marks = [random_overlay(rng, (large, large), style) for _ in range(_count(rng))]
    moved = changing(255 * (scene @ LUMA)).mean(axis=0) > MOVED
    frames = scene
    for mark in marks:
        shown = frames[_when(rng, len(frames))]
        shown[:] = mark.over(shown)
    mask = np.any([np.zeros((large, large), bool), *(mark.mask() for mark in marks)], axis=0)
    if chance(rng, WANDERING):
        frames, _ = ARTIFACTS["moving_logo"].spoil(frames, rng, rng.random(), style)
    weight = certainty(mask, scenes.signs, moved)
    still = bool(moved.mean() < MOVING)
    return _reduced(MarkedClip(recorded(frames, rng), mask, weight, still), size)


def _reduced(clip: MarkedClip, size: int) -> MarkedClip:
    """The clip at a smaller size."""
    if clip.mask.shape[0] == size:
        return clip

    def smaller(plane: np.ndarray) -> np.ndarray:
        return cv2.resize(plane, (size, size), interpolation=cv2.INTER_AREA)

    return MarkedClip(
        np.stack([smaller(frame) for frame in clip.frames]),
        smaller(clip.mask.astype(np.float32)) > 0.5,
        smaller(clip.certainty),
        clip.still,
    )


def certainty(
    mask: Bool[np.ndarray, "h w"], signs: Bool[np.ndarray, "h w"], moved: Bool[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w"]:
    """How much each pixel counts, by what the motion of the scene proves."""
    weight = np.where(signs & ~moved, np.float32(SIGN_AT_REST), np.float32(1))
    weight[mask] = np.where(moved, np.float32(1), np.float32(UNSURE))[mask]
    if moved.mean() < _MOVES_AS_A_WHOLE:
        near = cv2.dilate(mask.astype(np.uint8), np.ones((_AROUND, _AROUND), np.uint8))
        labels, count = ndimage.label(near)
        shares = np.asarray(ndimage.mean(moved, labels, np.arange(count + 1)))
        weight[mask & (shares[labels] < PROVED)] = UNPROVED
    return weight


def _count(rng: np.random.Generator) -> int:
    return 1 + chance(rng, SECOND) if chance(rng, MARKED) else 0


def _when(rng: np.random.Generator, frames: int) -> slice:
    """In which frames a mark is seen: mostly in all, else not in up to a third at the beginning or the end."""
    if not chance(rng, PARTLY):
        return slice(None)
    missing = int(rng.integers(1, frames // 3 + 1))
    return slice(missing, None) if chance(rng, 0.5) else slice(None, frames - missing)


def random_overlay(rng: np.random.Generator, size: tuple[int, int], style: Style) -> Overlay:
    """A mark of a random kind, drawn on black and on white, which tells its opacity and its colour."""
    artifact = ARTIFACTS[pick(rng, list(MARKS), list(MARKS.values()))]
    zoomed = Style(style.vocabulary, style.logos, pick(rng, list(ZOOM), list(ZOOM.values())))
    key, severity = int(rng.integers(2**62)), rng.random()
    black, white = (
        artifact.spoil(
            np.full((1, *size, 3), ground, np.float32), np.random.default_rng(key), severity, zoomed
        )[0][0]
        for ground in (0, 1)
    )
    return Overlay((1 - (white - black).mean(axis=-1, keepdims=True)).clip(0, 1), black)


class Scenes:
    """Clips without marks, of each kind. `signs`: where the last of them has some that look like marks, all along."""

    def __init__(self, source: ClipSource, rng: np.random.Generator, size: int, style: Style) -> None:
        self._source, self._rng, self._size, self._style = source, rng, size, style
        self._length = int(rng.integers(FEWEST, MOST + 1))
        self.signs = np.zeros((size, size), bool)

    def of_kind(self, kind: str) -> Clip:
        """A clip; its frames may be changed."""
        clip = self._of_kind(kind)
        return self._barred(clip) if chance(self._rng, BARS) else clip

    def _of_kind(self, kind: str) -> Clip:
        if kind == "video" and self._source.videos:
            return self._spread(self._length)
        if kind in ("camera", "video"):
            return self._moving(self._length)
        if kind == "passing":
            return self._passed(self._still(self._length), self._moving(self._length))
        if kind == "still":
            return self._still(self._length)
        return self.edited(pick(self._rng, SHOTS))

    def _barred(self, clip: Clip) -> Clip:
        """Black above and below, or at both sides."""
        bar = max(1, round(self._size * self._rng.uniform(0.03, WIDEST_BAR)))
        turned = clip.swapaxes(1, 2) if chance(self._rng, 0.3) else clip
        turned[:, :bar] = turned[:, -bar:] = 0
        return clip

    def _spread(self, length: int) -> Clip:
        clip = spread_clip(pick(self._rng, self._source.videos), self._rng, length, self._size)
        return to_unit(clip[:, :, :: -1 if chance(self._rng, 0.5) else 1])

    def _filmed(self, length: int) -> Clip:
        if length > 1 and self._source.videos and chance(self._rng, FROM_VIDEO):
            return self._spread(length)
        index = int(self._rng.integers(len(self._source)))
        return self._source.clip(index, int(self._rng.integers(2**62)), length, self._size).astype(np.float32)

    def _moving(self, length: int) -> Clip:
        """A clip in which much moves, if one of three does."""
        for _ in range(3):
            clip = self._filmed(length)
            if np.abs(clip[0] - clip[-1]).mean() > MUCH:
                break
        return clip

    def _still(self, length: int) -> Clip:
        """The same picture again and again; often with a sign that belongs to it."""
        picture = self._filmed(1)
        if chance(self._rng, SIGN):
            sign = random_overlay(self._rng, (self._size, self._size), self._style)
            picture, self.signs = sign.over(picture), sign.mask()
        return np.repeat(picture, length, axis=0)

    def edited(self, shots: int) -> Clip:
        """Shots one after the other, together as long as other clips or three frames each."""
        rest = max(self._length - 3 * shots, 0)
        lengths = 3 + self._rng.multinomial(rest, np.full(shots, 1 / shots))
        filmed = [
            (self._still if chance(self._rng, STILL_SHOT) else self._filmed)(int(length))
            for length in lengths
        ]
        self.signs[:] = False  # of one shot only: the others show that they are no marks
        return np.concatenate(filmed)

    def _passed(self, scene: Clip, other: Clip) -> Clip:
        """Something that is cut out of another clip passes before a scene, once or twice."""
        for _ in range(int(self._rng.integers(1, 3))):
            outline = _outline(self._rng, self._size)
            start, end = self._rng.uniform(-0.3, 1.3, (2, 2)) * self._size
            for time, share in enumerate(np.linspace(0, 1, len(scene))):
                place = start + (end - start) * share
                shape = np.zeros((self._size, self._size), np.float32)
                cv2.fillPoly(shape, [np.rint(outline + place).astype(np.int32)], 1.0)
                cover = cv2.GaussianBlur(shape, (0, 0), 1.0)[..., None]
                scene[time] += cover * (other[time] - scene[time])
        return scene


def _outline(rng: np.random.Generator, size: int) -> Float32[np.ndarray, "corners 2"]:
    """A closed shape around (0, 0), a quarter to all of the picture across."""
    turn = np.linspace(0, 2 * np.pi, 9)[:-1]
    radius = size * rng.uniform(0.12, 0.5) * rng.uniform(0.5, 1, 8)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=-1).astype(np.float32)


def recorded(frames: Clip, rng: np.random.Generator) -> UInt8[np.ndarray, "n h w 3"]:
    """With grain, sometimes growing lighter or darker, through an encoder."""
    if chance(rng, 0.12):
        frames = (
            frames * np.linspace(1, rng.uniform(0.6, 1.3), len(frames), dtype=np.float32)[:, None, None, None]
        )
    if chance(rng, 0.6):
        grain = rng.normal(0, rng.uniform(0.3, 3) / 255, (*frames.shape[:3], 1)).astype(np.float32)
        frames = frames + grain
    frames = frames.clip(0, 1)
    return to_levels(video_compression(frames, rng, rng.uniform(0, 0.5)) if chance(rng, 0.9) else frames)
