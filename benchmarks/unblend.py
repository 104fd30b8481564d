"""What un-blending reaches where the mask is given, beside inpainting: PSNR inside composed marks, in dB.

    python -m benchmarks.unblend CLIP... [--frames 100] [--width 640] [--crf 18 23] [--alpha 0.3 0.5] [--json FILE]

A ring, lettering and a badge of several opacities are laid over each clip, which goes through H.264; the truth is the
clip before. All methods are told the exact mask. `unblend` is what `clean --fill unblend` does, first pass included.
`gate` is the share of cases in which the mark was subtracted rather than filled.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import cv2
import numpy as np

from mlx_vader.evaluation.opencv import inpaint
from mlx_vader.inpainting.fill.membrane import fill_with_membrane
from mlx_vader.inpainting.unblending import Unblending
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.process import edits_of
from mlx_vader.resizing import resize
from mlx_vader.video import open_video
from mlx_vader.video.in_memory import ClipInMemory

#: Every so many frames one is compared.
EVERY = 8
#: Opacities below this are not part of the exact mask.
LEAST = 0.02


@dataclass(frozen=True)
class Row:
    """One clip, mark, opacity and quality; PSNR by method."""

    clip: str
    mark: str
    alpha: float
    crf: int
    psnr: dict[str, float]
    treated: str
    seconds: float


def ring(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Opacity (h, w) and RGB (h, w, 3) of a white ring in a corner, with a word of lettering beside it."""
    opacity = _drawn(height, width, lambda canvas, s: _ring_and_word(canvas, s, height, width))
    return opacity, np.ones((height, width, 3), np.float32)


def lettering(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Yellow lettering across the middle."""
    opacity = _drawn(
        height, width, lambda canvas, s: _word(canvas, s, "Preview Copy", 0.2, 0.55, height, width, 1.4)
    )
    return opacity, np.broadcast_to(np.float32([1, 0.85, 0.2]), (height, width, 3))


def badge(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A red plate with a white word."""
    opacity = _drawn(height, width, lambda canvas, s: _plate(canvas, s, height, width))
    word = _drawn(height, width, lambda canvas, s: _word(canvas, s, "LIVE", 0.075, 0.165, height, width, 0.9))
    plate = np.broadcast_to(np.float32([0.8, 0.1, 0.15]), (height, width, 3))
    return opacity, plate + word[..., None] * (1 - plate)


MARKS = {"ring": ring, "lettering": lettering, "badge": badge}
SCALE = 4


def _drawn(height: int, width: int, draw: Callable[[np.ndarray, int], None]) -> np.ndarray:
    """What is drawn on a larger canvas, with soft edges."""
    canvas = np.zeros((height * SCALE, width * SCALE), np.uint8)
    draw(canvas, SCALE)
    return cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _ring_and_word(canvas: np.ndarray, scale: int, height: int, width: int) -> None:
    centre = int(0.85 * width * scale), int(0.17 * height * scale)
    cv2.circle(canvas, centre, int(0.08 * height * scale), 255, int(0.015 * height * scale), cv2.LINE_AA)
    _word(canvas, scale, "tv9", 0.825, 0.185, height, width, 0.6)


def _word(
    canvas: np.ndarray, scale: int, text: str, x: float, y: float, height: int, width: int, size: float
) -> None:
    place = int(x * width * scale), int(y * height * scale)
    size *= height / 360 * scale
    cv2.putText(
        canvas, text, place, cv2.FONT_HERSHEY_DUPLEX, size, 255, max(1, round(2.2 * size)), cv2.LINE_AA
    )


def _plate(canvas: np.ndarray, scale: int, height: int, width: int) -> None:
    first = int(0.06 * width * scale), int(0.08 * height * scale)
    last = int(0.22 * width * scale), int(0.2 * height * scale)
    cv2.rectangle(canvas, first, last, 255, -1)


def read_clip(path: Path, frames: int, width: int) -> np.ndarray:
    """The first frames, at most so wide, with even sides, as levels."""
    clip = []
    with open_video(path, 0, frames) as video:
        for frame in video:
            wide = min(width, frame.width) // 2 * 2
            high = round(frame.height * wide / frame.width / 2) * 2
            clip.append(resize(np.ascontiguousarray(frame.levels), high, wide))
    return np.stack(clip)


def through_h264(clip: np.ndarray, crf: int) -> np.ndarray:
    """The clip, levels, encoded by FFmpeg and decoded as `clean` does."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": str(crf), "preset": "fast"})
            stream.width, stream.height, stream.pix_fmt = clip.shape[2], clip.shape[1], "yuv420p"
            for picture in clip:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        with open_video(path) as video:
            return np.stack([frame.levels.copy() for frame in video])


def unblended(clip: np.ndarray, mask: np.ndarray, compared: slice) -> tuple[np.ndarray, str]:
    """The compared frames without the mark, and how it was treated."""
    masks = np.broadcast_to(mask[None, ..., None].astype(np.float32), (*clip.shape[:3], 1))
    process = Unblending(ArrayMasks(masks))
    wanted = set(range(len(clip))[compared])
    made = [
        edit.frame.edited(edit.patches()).rgb
        for number, edit in enumerate(edits_of(process, ClipInMemory(to_unit(clip))))
        if number in wanted
    ]
    treated = {mark.treated for mark in process.finding.marks}
    return np.stack(made), "+".join(sorted(treated))


def psnr_inside(made: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """In dB, of RGB in [0, 1], inside the mask."""
    error = np.square(made[:, mask].astype(np.float64) - truth[:, mask]).mean()
    return float(-10 * np.log10(max(error, 1e-10)))


def measure(name: str, clip: np.ndarray, mark: str, alpha: float, crf: int) -> Row:
    """One row."""
    began = time.monotonic()
    opacity, colour = MARKS[mark](*clip.shape[1:3])
    opacity = alpha * opacity
    blended = clip + opacity[..., None] * (255 * colour - clip)
    spoiled = through_h264(to_levels(blended.astype(np.float32) / 255), crf)
    mask, compared = opacity > LEAST, slice(0, None, EVERY)
    truth, shown = to_unit(clip[compared]), to_unit(spoiled[compared])
    masks = np.broadcast_to(mask[None, ..., None].astype(np.float32), (*shown.shape[:3], 1))
    ours, treated = unblended(spoiled, mask, compared)
    made = {
        "spoiled": shown,
        "telea": inpaint("TELEA", shown, masks).frames,
        "membrane": fill_with_membrane(shown, masks),
        "unblend": ours,
    }
    psnr = {method: round(psnr_inside(frames, truth, mask), 2) for method, frames in made.items()}
    return Row(name, mark, alpha, crf, psnr, treated, round(time.monotonic() - began, 1))


def rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """All cases."""
    for path in arguments.clips:
        clip = read_clip(path, arguments.frames, arguments.width)
        for mark in MARKS:
            for alpha in arguments.alpha:
                for crf in arguments.crf:
                    yield measure(path.stem, clip, mark, alpha, crf)


def summary(measured: list[Row]) -> Iterator[str]:
    """Means by clip, mark, opacity and quality."""
    methods = list(measured[0].psnr)
    yield f"{'mean over':28} {'n':>3} " + " ".join(f"{method:>9}" for method in methods) + "   gate"
    keys: list[tuple[str, Callable[[Row], object]]] = [("all", lambda row: "")]
    keys += [(name, partial(_value, name)) for name in ("clip", "mark", "alpha", "crf")]
    for name, key in keys:
        for value in sorted({str(key(row)) for row in measured}):
            chosen = [row for row in measured if str(key(row)) == value]
            means = " ".join(f"{np.mean([row.psnr[m] for row in chosen]):9.2f}" for m in methods)
            gate = np.mean(["unblend" in row.treated for row in chosen])
            yield f"{(name + ' ' + value)[:28]:28} {len(chosen):3} {means} {gate:6.2f}"


def _value(name: str, row: Row) -> object:
    return getattr(row, name)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--crf", type=int, nargs="+", default=[18, 23])
    parser.add_argument("--alpha", type=float, nargs="+", default=[0.3, 0.5, 0.75, 1.0])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    measured = []
    for row in rows(arguments):
        measured.append(row)
        print(row, file=sys.stderr, flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps([asdict(row) for row in measured], indent=1))
    print("\n".join(summary(measured)))


if __name__ == "__main__":
    main()
