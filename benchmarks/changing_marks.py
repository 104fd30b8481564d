"""How well text that comes and goes and marks that move are found: pixels, spans, and false area on untouched clips.

python -m benchmarks.changing_marks DATA [--heights 360 1080] [--codecs h264:23 vp9:33] [--cases name]

Subtitles, titles, lower thirds, a clock that counts, a badge that bounces and a logo that changes its place are laid
over the videos of DATA/train/clips and encoded. Nothing is trained; thresholds were set on these clips. Fonts are the
system's, logos those of DATA/logos.
"""

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
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
from mlx_vader.process import FoundMark
from mlx_vader.video import list_media, open_video, probe, write_video

FONTS = Path("/usr/share/fonts/truetype/dejavu")
FRAMES = 160
#: Pictures of DATA/logos, without the beginning of their names.
LOGOS = ("animals-birds-baby_tux_01", "clothing-hats-red_fedora")
#: Cases whose layers are lines of text with a span each.
SPANS = ("subtitles", "lower")
#: Of an overlay's opacity, what counts as seen.
SEEN = 0.1
WORDS = (
    "Where did you leave the boat?", "I never said it was over there.", "Eleven o'clock, by the old mill.",
    "Nobody has opened this door\nfor more than thirty years.", "Wait!",
    "They went north with the others,\nor so I was told.",
)  # fmt: skip


class Layer(NamedTuple):
    """RGBA in [0, 1] whose first pixel is at `place`, shown from frame `first` to `last`, fading in and out."""

    rgba: np.ndarray
    first: int
    last: int
    fade: int = 0
    place: tuple[float, float] = (0, 0)

    def strength(self, number: int) -> float:
        if not self.first <= number <= self.last:
            return 0.0
        return min(1.0, *((edge + 1) / (self.fade + 1) for edge in (number - self.first, self.last - number)))

    def drawn(self, size: tuple[int, int], number: int) -> tuple[np.ndarray, np.ndarray]:
        """Colour times opacity, and opacity."""
        premultiplied = np.concatenate([self.rgba[..., :3] * self.rgba[..., 3:], self.rgba[..., 3:]], axis=-1)
        if self.place != (0, 0):
            shift = np.array([[1, 0, self.place[0]], [0, 1, self.place[1]]], np.float32)
            premultiplied = cv2.warpAffine(premultiplied, shift, size[::-1], flags=cv2.INTER_LINEAR)
        premultiplied = premultiplied * np.float32(self.strength(number))
        return premultiplied[..., :3], premultiplied[..., 3:]


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


def logo(path: Path, height: int) -> np.ndarray:
    """A picture as RGBA, up to an eighth as high as the frame."""
    picture = Image.open(path).convert("RGBA")
    picture = picture.crop(picture.getbbox())
    picture.thumbnail((height // 4, height // 8))
    return np.asarray(picture, np.float32) / 255


def badge(height: int, **style: object) -> np.ndarray:
    """A name as RGBA."""
    whole = text((height, 2 * height), "@riverside", at=(0.5, 0.5), **style)
    rows, columns = np.nonzero(whole[..., 3])
    return whole[rows.min() - 1 : rows.max() + 2, columns.min() - 1 : columns.max() + 2]


def bouncing(patch_of: Callable[[int], np.ndarray], speed: float) -> Callable[[int, int, int], list[Layer]]:
    """Straight on, and back from the frame's borders; `speed`: heights of the frame in each frame."""

    def layers(height: int, width: int, frames: int) -> list[Layer]:
        patch = patch_of(height)
        room = np.array([width - patch.shape[1], height - patch.shape[0]], np.float64)
        travelled = (
            np.array([0.3, 0.55]) * room + np.arange(frames)[:, None] * np.array([1.3, 0.9]) * speed * height
        )
        places = room - np.abs(travelled % (2 * room) - room)
        return [Layer(patch, number, number, 0, (x, y)) for number, (x, y) in enumerate(places)]

    return layers


def jumping(patch_of: Callable[[int], np.ndarray], every: int = 40) -> Callable[[int, int, int], list[Layer]]:
    """From corner to corner."""

    def layers(height: int, width: int, frames: int) -> list[Layer]:
        patch = patch_of(height)
        edge = round(0.05 * height)
        right, bottom = width - patch.shape[1] - edge, height - patch.shape[0] - edge
        corners = [(edge, edge), (right, bottom), (right, edge), (edge, bottom)]
        return [
            Layer(patch, first, min(first + every, frames) - 1, 0, corners[first // every % 4])
            for first in range(0, frames, every)
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
    for number, path in enumerate(logos):
        yield Case(f"logo bouncing {number + 1}", bouncing(partial(logo, path), (0.004, 0.008)[number % 2]))
        yield Case(f"logo jumping {number + 1}", jumping(partial(logo, path)))
    yield Case("name bouncing", bouncing(badge, 0.005))
    yield Case("name jumping", jumping(badge))
    yield Case("plate bouncing", bouncing(partial(badge, plate=(200, 30, 40, 255), outline=0), 0.005))


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
            if layer.strength(number):
                mask |= layer.drawn(size, number)[1][..., 0] > SEEN
        return mask


def compose(path: Path, case: Case, height: int, codec: str, crf: int, target: Path) -> Composed:
    frames = list(scene(path, height))
    layers = case.layers(*frames[0].shape[:2], len(frames))
    with write_video(target, frame_rate=25, codec=codec, crf=crf) as out:
        for number, frame in enumerate(frames):
            rgb = to_unit(frame)
            for layer in layers:
                if layer.strength(number):
                    color, alpha = layer.drawn(frame.shape[:2], number)
                    rgb = rgb * (1 - alpha) + color
            out.write(rgb.astype(np.float32))
    return Composed(target, layers)


class Measured(NamedTuple):
    """Pixels of all frames, and for each layer by how many frames its span is off; None where it was not found."""

    case: str
    hit: int
    missed: int
    false: int
    pixels: int
    off: list[int | None]
    seconds: float


def measure(composed: Composed, source: MaskSource, case: str) -> Measured:
    video = VideoSource(composed.path, probe(composed.path), fields=False)
    start = time.process_time()
    for _ in source.analyse(video, {}):
        pass
    seconds = time.process_time() - start
    hit = missed = false = 0
    for number, mask in zip(range(video.frames), source.masks(0), strict=False):
        true, found = composed.truth(number, (video.height, video.width)), mask[..., 0] > 0
        hit += int((found & true).sum())
        missed += int((~found & true).sum())
        false += int((found & ~true).sum())
    marks = [mark for mark in source.finding.marks if mark.kind == "text"]
    off = [_off(layer, marks) for layer in composed.layers] if case.startswith(SPANS) else []
    return Measured(case, hit, missed, false, video.frames * video.height * video.width, off, seconds)


def _off(layer: Layer, marks: list[FoundMark]) -> int | None:
    """How far the span is off, of the mark that is there in the layer's middle frame."""
    middle = (layer.first + layer.last) // 2
    there = [mark for mark in marks if mark.first <= middle <= (mark.last or 0)]
    return min(
        (max(abs(mark.first - layer.first), abs((mark.last or 0) - layer.last)) for mark in there),
        default=None,
    )


def main() -> None:
    """Prints a table: a line for each case, over all clips, heights and codecs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--heights", type=int, nargs="+", default=[360, 720, 1080])
    parser.add_argument("--codecs", nargs="+", default=["h264:18", "h264:23", "vp9:33"])
    parser.add_argument("--cases", nargs="*", default=[""], help="what their names begin with")
    given = parser.parse_args()
    logos = [given.data / "logos" / f"openclipart-png-{name}.png" for name in LOGOS]
    rows = []
    for path in list_media(given.data / "train" / "clips"):
        for case in all_cases(logos):
            if not case.name.startswith(tuple(given.cases)):
                continue
            for height, coded in itertools.product(given.heights, given.codecs):
                codec, crf = coded.split(":")
                with tempfile.TemporaryDirectory() as folder:
                    target = Path(folder) / ("clip.webm" if codec == "vp9" else "clip.mp4")
                    composed = compose(path, case, height, codec, int(crf), target)
                    rows.append(measure(composed, JoinedMasks([TextMarks(), MovingMarks()]), case.name))
                    print(path.name, height, coded, rows[-1], file=sys.stderr, flush=True)
    print(*table(rows), sep="\n")


def table(rows: list[Measured]) -> Iterator[str]:
    yield f"{'case':22}{'clips':>6}{'found':>7}{'recall':>8}{'IoU':>6}{'false %':>9}{'exact spans':>13}{'CPU s':>7}"
    for case in dict.fromkeys(row.case for row in rows):
        some = [row for row in rows if row.case == case]
        found = sum(row.hit > 0 for row in some)
        recall = np.mean([row.hit / max(1, row.hit + row.missed) for row in some])
        iou = np.mean([row.hit / max(1, row.hit + row.missed + row.false) for row in some])
        false = 100 * np.mean([row.false / row.pixels for row in some])
        spans = [off for row in some for off in row.off]
        exact = f"{sum(off is not None and off <= 1 for off in spans)}/{len(spans)}"
        seconds = np.mean([row.seconds for row in some])
        yield f"{case:22}{len(some):6}{found:7}{recall:8.2f}{iou:6.2f}{false:9.3f}{exact:>13}{seconds:7.1f}"


if __name__ == "__main__":
    main()
