"""How well text that comes and goes, and marks that move, are found: pixels, spans, and what is taken from untouched clips.

python -m benchmarks.changing_marks DATA [--fonts DIR] [--heights 360 720 1080] [--codecs h264:18 h264:23 vp9:30]

Subtitles, titles, lower thirds, a clock that counts, a badge that bounces and a logo that changes its place are laid
over the videos of DATA/train/clips and encoded. Nothing is trained, so no clip has been seen before; fonts and logos are
those of the system and of DATA/logos.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mlx_vader.jobs.video_source import VideoSource
from mlx_vader.levels import to_unit
from mlx_vader.masks.joined import JoinedMasks
from mlx_vader.masks.source import MaskSource
from mlx_vader.masks.text.source import TextMarks
from mlx_vader.masks.tracked.source import MovingMarks
from mlx_vader.video import list_media, open_video, probe, write_video

FONTS = Path("/usr/share/fonts/truetype/dejavu")
FRAMES = 160
#: Of an overlay's opacity, what counts as seen.
SEEN = 0.1
WORDS = (
    "Where did you leave the boat?", "I never said it was over there.", "Eleven o'clock, by the old mill.",
    "Nobody has opened this door\nfor more than thirty years.", "Wait!", "They went north with the others,\nor so I was told.",
)  # fmt: skip


class Layer(NamedTuple):
    """RGBA in [0, 1] of the whole frame, shown from frame `first` to `last` as strongly as `strength` says."""

    rgba: np.ndarray
    first: int
    last: int
    fade: int = 0

    def strength(self, number: int) -> float:
        if not self.first <= number <= self.last:
            return 0.0
        return min(1.0, *((edge + 1) / (self.fade + 1) for edge in (number - self.first, self.last - number)))


@dataclass(frozen=True)
class Case:
    """What is laid over a clip. `spans`: when each mark is there."""

    name: str
    layers: Callable[[int, int, int], list[Layer]]


def drawn(size: tuple[int, int], draw: Callable[[ImageDraw.ImageDraw], None]) -> np.ndarray:
    """RGBA with premultiplied edges left to the drawing."""
    picture = Image.new("RGBA", (size[1], size[0]), (0, 0, 0, 0))
    draw(ImageDraw.Draw(picture))
    return np.asarray(picture, np.float32) / 255


def text(
    size: tuple[int, int],
    words: str,
    *,
    height: float = 0.05,
    at: tuple[float, float] = (0.5, 0.88),
    fill: tuple[int, int, int] = (255, 255, 255),
    outline: float = 0.08,
    shadow: bool = False,
    plate: tuple[int, int, int, int] | None = None,
    font: Path = FONTS / "DejaVuSans-Bold.ttf",
) -> np.ndarray:
    """Words as RGBA; `height` and `at` are shares of the frame, `outline` of the letters' height."""
    letters = ImageFont.truetype(str(font), max(8, round(height * size[0])))
    place = at[0] * size[1], at[1] * size[0]
    stroke = max(1, round(outline * letters.size)) if outline else 0
    how = {"font": letters, "anchor": "mm", "align": "center"}

    def draw(on: ImageDraw.ImageDraw) -> None:
        if plate:
            left, top, right, bottom = on.textbbox(place, words, **how)
            room = letters.size * 0.4
            on.rectangle((left - room, top - room, right + room, bottom + room), fill=plate)
        if shadow:
            away = max(1, round(0.06 * letters.size))
            on.text((place[0] + away, place[1] + away), words, fill=(0, 0, 0, 160), **how)
        on.text(place, words, fill=fill, stroke_width=stroke, stroke_fill=(0, 0, 0), **how)

    return drawn(size, draw)


def subtitles(**style: object) -> Callable[[int, int, int], list[Layer]]:
    """Three subtitles, one after another with gaps, none from the first frame on."""
    fade = int(style.pop("fade", 0))

    def layers(height: int, width: int, frames: int) -> list[Layer]:
        spans = [(13, 51), (60, 79), (85, min(frames - 10, 140))]
        return [
            Layer(text((height, width), words, **style), *span, fade)
            for span, words in zip(spans, (WORDS[0], WORDS[4], WORDS[3]), strict=True)
        ]

    return layers


def clock(height: int, width: int, frames: int) -> list[Layer]:
    """Counts seconds, from the first frame to the last."""
    return [
        Layer(
            text((height, width), f"2024-05-17 14:32:{second + 7:02}", at=(0.25, 0.07), height=0.04,
                 font=FONTS / "DejaVuSansMono-Bold.ttf"),
            25 * second, min(25 * second + 24, frames - 1),
        )
        for second in range(-(-frames // 25))
    ]  # fmt: skip


def badge(logo: Path, height: int) -> np.ndarray:
    """A logo as RGBA, a tenth as high as the frame."""
    picture = Image.open(logo).convert("RGBA")
    picture = picture.crop(picture.getbbox())
    picture.thumbnail((height // 5, height // 9))
    return np.asarray(picture, np.float32) / 255


def _placed(size: tuple[int, int], patch: np.ndarray, x: float, y: float) -> np.ndarray:
    shift = np.array([[1, 0, x], [0, 1, y]], np.float32)
    premultiplied = np.concatenate([patch[..., :3] * patch[..., 3:], patch[..., 3:]], axis=-1)
    moved = cv2.warpAffine(premultiplied, shift, (size[1], size[0]), flags=cv2.INTER_LINEAR)
    moved[..., :3] /= np.maximum(moved[..., 3:], 1e-3)
    return moved


def bouncing(logo: Path, speed: float = 0.006) -> Callable[[int, int, int], list[Layer]]:
    """Straight on, and back from the frame's borders."""

    def layers(height: int, width: int, frames: int) -> list[Layer]:
        patch = badge(logo, height)
        room = np.array([width - patch.shape[1], height - patch.shape[0]], np.float64)
        step = np.array([1.3, 0.9]) * speed * height
        travelled = np.array([0.3, 0.55]) * room + np.arange(frames)[:, None] * step
        places = room - np.abs(travelled % (2 * room) - room)
        return [
            Layer(_placed((height, width), patch, *place), number, number)
            for number, place in enumerate(places)
        ]

    return layers


def jumping(logo: Path, every: int = 40) -> Callable[[int, int, int], list[Layer]]:
    """From corner to corner."""

    def layers(height: int, width: int, frames: int) -> list[Layer]:
        patch = badge(logo, height)
        edge = round(0.05 * height)
        right, bottom = width - patch.shape[1] - edge, height - patch.shape[0] - edge
        corners = [(edge, edge), (right, bottom), (right, edge), (edge, bottom)]
        return [
            Layer(
                _placed((height, width), patch, *corners[number % 4]),
                number * every,
                min(number * every + every - 1, frames - 1),
            )
            for number in range(-(-frames // every))
        ]

    return layers


def all_cases(logos: list[Path]) -> Iterator[Case]:
    serif, sans = FONTS / "DejaVuSerif.ttf", FONTS / "DejaVuSans.ttf"
    yield Case("untouched", lambda *_: [])
    yield Case("subtitles outlined", subtitles())
    yield Case("subtitles yellow", subtitles(fill=(255, 230, 40), height=0.06, font=sans))
    yield Case("subtitles small", subtitles(height=0.035, font=sans))
    yield Case("subtitles shadow", subtitles(outline=0, shadow=True, font=serif, height=0.055))
    yield Case("subtitles on a box", subtitles(outline=0, plate=(0, 0, 0, 190), font=sans))
    yield Case("subtitles fading", subtitles(fade=6))
    yield Case("lower third", subtitles(outline=0, plate=(20, 40, 120, 255), at=(0.35, 0.8), font=sans))
    yield Case("clock", clock)
    for number, logo in enumerate(logos):
        yield Case(f"badge bouncing {number + 1}", bouncing(logo, speed=(0.004, 0.01)[number % 2]))
        yield Case(f"logo jumping {number + 1}", jumping(logo))


def scene(path: Path, height: int) -> Iterator[np.ndarray]:
    """Frames of a video in levels, so high; at most `FRAMES`."""
    with open_video(path, 0, FRAMES) as video:
        for frame in video:
            width = round(frame.width * height / frame.height / 2) * 2
            yield cv2.resize(frame.levels, (width, height), interpolation=cv2.INTER_AREA)


class Composed(NamedTuple):
    """A file, and the true mask of each frame."""

    path: Path
    layers: list[Layer]

    def truth(self, number: int, size: tuple[int, int]) -> np.ndarray:
        mask = np.zeros(size, bool)
        for layer in self.layers:
            mask |= layer.rgba[..., 3] * layer.strength(number) > SEEN
        return mask


def compose(path: Path, case: Case, height: int, codec: str, crf: int, target: Path) -> Composed:
    frames = list(scene(path, height))
    layers = case.layers(*frames[0].shape[:2], len(frames))
    with write_video(target, frame_rate=25, codec=codec, crf=crf) as out:
        for number, frame in enumerate(frames):
            rgb = to_unit(frame)
            for layer in layers:
                if strength := layer.strength(number):
                    alpha = layer.rgba[..., 3:] * np.float32(strength)
                    rgb = rgb * (1 - alpha) + layer.rgba[..., :3] * alpha
            out.write(rgb.astype(np.float32))
    return Composed(target, layers)


class Measured(NamedTuple):
    case: str
    clip: str
    encoding: str
    hit: int
    missed: int
    false: int
    pixels: int
    early: list[int]
    status: str


def measure(composed: Composed, source: MaskSource, case: str, clip: str, encoding: str) -> Measured:
    info = probe(composed.path)
    video = VideoSource(composed.path, info, fields=False)
    for _ in source.analyse(video, {}):
        pass
    hit = missed = false = 0
    for number, mask in zip(range(video.frames), source.masks(0), strict=False):
        true, found = composed.truth(number, (video.height, video.width)), mask[..., 0] > 0
        hit += int((found & true).sum())
        missed += int((~found & true).sum())
        false += int((found & ~true).sum())
    spans = [(mark.first, mark.last) for mark in source.finding.marks if mark.treated != "left"]
    off = [
        min((max(abs(first - layer.first), abs((last or video.frames - 1) - layer.last)) for first, last in spans), default=-1)
        for layer in composed.layers
    ]  # fmt: skip
    return Measured(
        case, clip, encoding, hit, missed, false, video.frames * video.height * video.width, off, source.finding.status
    )  # fmt: skip
