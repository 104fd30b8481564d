"""What removal reaches where the mask is given, beside what users have today: PSNR inside composed marks, in dB.

    python -m benchmarks.unblend CLIP... --drawings DIR --fonts DIR [--frames 24] [--width 320] [--speed 0.5]
        [--masks exact "grown 3"] [--overlays clip_art tiled_text] [--fills unblend] [--json FILE]

Marks of many kinds and opacities are laid over each clip, which goes through H.264, HEVC or VP9; the truth is the clip
before. A photograph becomes a clip by a camera that pans `--speed` pixels a frame: slow pans are the hard ones. Means
are printed by kind of mark; `gain` is that of the last fill over the best baseline of the kind.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from zlib import crc32

import cv2
import numpy as np

from mlx_vader.evaluation import ffmpeg_filters, ffmpeg_program, opencv
from mlx_vader.evaluation.foreign import overlays
from mlx_vader.evaluation.foreign.cases import ENCODERS
from mlx_vader.evaluation.foreign.coding import coded
from mlx_vader.evaluation.given_masks import DRAWN, EXACT, given_mask
from mlx_vader.evaluation.material import Material
from mlx_vader.evaluation.method import Method
from mlx_vader.evaluation.networks import MEMBRANE
from mlx_vader.inpainting.filling import Filling
from mlx_vader.inpainting.unblending import Unblending
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.metrics import flicker
from mlx_vader.process import edits_of
from mlx_vader.resizing import resize
from mlx_vader.video import is_image, open_video, read_image
from mlx_vader.video.in_memory import ClipInMemory

#: Kinds of marks, with the opacities that each is laid over with.
OPACITIES: dict[str, tuple[float, ...]] = {
    "clip_art": (0.3, 0.6, 1),
    "emblem_and_lettering": (0.35, 0.6, 1),
    "rimmed_badge": (0.4, 0.7, 1),
    "tiled_text": (0.3, 0.5),
    "subtitles": (1,),
    "bouncing_badge": (0.5, 1),
    "timestamp": (0.8, 1),
}


@dataclass(frozen=True)
class Row:
    """One clip with one mark: PSNR inside and flicker (1: the clean clip's) by method."""

    clip: str
    overlay: str
    opacity: float
    encoder: str
    mask: str
    psnr: dict[str, float]
    flicker: dict[str, float]
    treated: str
    #: CPU milliseconds a frame of the last fill, its first pass included.
    milliseconds: float

    @property
    def kind(self) -> str:
        """Of the mark."""
        return f"{self.overlay} {self.opacity:g}"


def read_clip(path: Path, frames: int, width: int, speed: float) -> np.ndarray:
    """Frames from the middle of a video, at most so wide, in [0, 1]; of a photograph those of a pan."""
    if is_image(path):
        return _panned(read_image(path), frames, width, speed)
    clip = []
    with open_video(path, 0, None) as video:
        for frame in video:
            wide = min(width, frame.width) // 2 * 2
            high = round(frame.height * wide / frame.width / 2) * 2
            clip.append(resize(np.ascontiguousarray(frame.levels), high, wide))
    start = max(0, (len(clip) - frames) // 2)
    return to_unit(np.stack(clip[start : start + frames]))


def _panned(photo: np.ndarray, frames: int, width: int, speed: float) -> np.ndarray:
    """A camera that moves aslant over a photograph by `speed` pixels a frame."""
    height = round(width * 9 / 16 / 2) * 2
    room = int(np.ceil(speed * frames)) + 2
    scale = max((width + room) / photo.shape[1], (height + room) / photo.shape[0])
    size = int(np.ceil(photo.shape[1] * scale)), int(np.ceil(photo.shape[0] * scale))
    large = cv2.resize(to_levels(photo), size, interpolation=cv2.INTER_AREA)
    direction = np.array([0.9, 0.43])
    pictures = []
    for time_ in range(frames):
        x, y = 1 + speed * time_ * direction
        move = np.float32([[1, 0, x], [0, 1, y]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        pictures.append(cv2.warpAffine(large, move, (width, height), flags=flags))
    return to_unit(np.stack(pictures))


@dataclass(frozen=True, eq=False)
class Spoiled:
    """A clip with a mark: what is seen, what was there, and the true mask."""

    seen: np.ndarray
    clean: np.ndarray
    mask: np.ndarray


def spoil(clip: np.ndarray, overlay: str, opacity: float, encoder: str, material: Material) -> Spoiled:
    """The clip with a mark over it, encoded; the same mark wherever the arguments are the same."""
    key = crc32(f"{overlay} {clip.shape} {float(clip[0].mean()):.4f}".encode())
    frames, mask = overlays.laid_over(clip, getattr(overlays, overlay), key, material, opacity)
    return Spoiled(to_unit(to_levels(coded(frames, ENCODERS[encoder]))), clip, mask)


def baselines() -> tuple[Method, ...]:
    """What users have today and what needs no look at time, as far as it works here."""
    known = (*opencv.METHODS, *ffmpeg_filters.methods()[0], *ffmpeg_program.methods()[0], MEMBRANE)
    return tuple(method for method in known if method.needs_mask)


def removed(seen: np.ndarray, mask: np.ndarray, fill: str) -> tuple[np.ndarray, str]:
    """What `clean --mask --fill` makes of a clip, and how the marks were treated."""
    process = Unblending(ArrayMasks(mask)) if fill == "unblend" else Filling(ArrayMasks(mask), fill)
    made = [edit.frame.edited(edit.patches()).rgb for edit in edits_of(process, ClipInMemory(seen))]
    return np.stack(made), "+".join(sorted({mark.treated for mark in process.finding.marks}))


def psnr_inside(made: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """In dB, of RGB in [0, 1], inside the mask."""
    error = np.square(made.astype(np.float64) - truth)[mask[..., 0] > 0.5].mean()
    return float(-10 * np.log10(max(error, 1e-10)))


def measure(
    spoiled: Spoiled, name: str, overlay: str, opacity: float, encoder: str, drawn: str, fills: Sequence[str]
) -> Row:
    """One row."""
    mask = given_mask(spoiled.mask, drawn)
    made = {method.name: method.restore(spoiled.seen, mask).frames for method in baselines()}
    treated, began = "", time.process_time()
    for fill in fills:
        began = time.process_time()
        made[fill], treated = removed(spoiled.seen, mask, fill)
    spent = 1000 * (time.process_time() - began) / len(spoiled.seen)
    psnr = {key: round(psnr_inside(value, spoiled.clean, spoiled.mask), 2) for key, value in made.items()}
    unrest = {key: round(flicker(value, spoiled.clean, spoiled.mask), 2) for key, value in made.items()}
    return Row(name, overlay, opacity, encoder, drawn, psnr, unrest, treated, round(spent, 1))


def rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """All cases, each with the next encoder in turn."""
    ends = ("ttf", "otf")
    material = Material(
        drawings=tuple(sorted(arguments.drawings.glob("*.png"))),
        fonts=tuple(sorted(path for end in ends for path in arguments.fonts.glob(f"*.{end}"))),
    )
    encoders = list(ENCODERS)
    for number, path in enumerate(arguments.clips):
        clip = read_clip(path, arguments.frames, arguments.width, arguments.speed)
        for overlay in arguments.overlays:
            for opacity in OPACITIES[overlay]:
                number += 1
                encoder = encoders[number % len(encoders)]
                spoiled = spoil(clip, overlay, opacity, encoder, material)
                for drawn in arguments.masks:
                    yield measure(spoiled, path.stem, overlay, opacity, encoder, drawn, arguments.fills)


def summary(measured: Sequence[Row]) -> Iterator[str]:
    """Means by kind of mark."""
    methods = list(measured[0].psnr)
    ours, others = methods[-1], [method for method in methods if method in {m.name for m in baselines()}]
    short = [method.removeprefix("opencv ")[:9] for method in methods]
    yield f"{'':32} {'n':>3} " + " ".join(f"{name:>9}" for name in short) + "   gain flicker  unblend"
    gains = []
    for kind in dict.fromkeys(row.kind for row in measured):
        chosen = [row for row in measured if row.kind == kind]
        means = _means(chosen)
        gains.append(means[ours] - max(means[method] for method in others))
        yield _line(kind, chosen, ours, gains[-1])
    yield _line("all", measured, ours, float(np.mean(gains)))


def _means(chosen: Sequence[Row]) -> dict[str, float]:
    return {method: float(np.mean([row.psnr[method] for row in chosen])) for method in chosen[0].psnr}


def _line(name: str, chosen: Sequence[Row], ours: str, gain: float) -> str:
    means = " ".join(f"{mean:9.2f}" for mean in _means(chosen).values())
    unrest = np.nanmean([row.flicker[ours] for row in chosen])
    unblended = np.mean(["unblend" in row.treated for row in chosen])
    return f"{name:32} {len(chosen):3} {means} {gain:6.2f} {unrest:7.2f} {unblended:8.2f}"


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--drawings", type=Path, required=True, help="folder of PNGs with alpha")
    parser.add_argument("--fonts", type=Path, required=True, help="folder of TTFs or OTFs")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--speed", type=float, default=0.5, help="of pans over photographs, pixels a frame")
    parser.add_argument("--masks", nargs="+", default=[EXACT], choices=DRAWN)
    parser.add_argument("--overlays", nargs="+", default=list(OPACITIES), choices=OPACITIES)
    parser.add_argument("--fills", nargs="+", default=["unblend"])
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
