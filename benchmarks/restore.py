"""What `clean --restore auto` gains and loses: PSNR in dB of clips with noise and coding, and of clean ones.

    python -m benchmarks.restore CLIP... [--frames 24] [--size 288] [--start 40] [--only noise] [--json FILE]

Photographs are filmed by a moving camera. `auto` is `clean --restore auto`, `full` the network alone, and `best` the
strength that is best for this clip, which only the truth tells. What is clean is compared with itself: 100 dB.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.artifacts.degradations.film_grain import film_grain
from mlx_vader.backends import load_backend
from mlx_vader.data.stills import clip_from_still, load_still
from mlx_vader.evaluation.foreign.coding import Encoder, coded, h264, hevc, mjpeg, mpeg2, vp9
from mlx_vader.inpainting.fill import FILLS
from mlx_vader.jobs.composition import RESTORER
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.process import edits_of
from mlx_vader.streaming import Restoration, make_strategy
from mlx_vader.streaming.whole_picture import WholePicture
from mlx_vader.video import is_image, list_media, open_video
from mlx_vader.video.in_memory import ClipInMemory

Spoil = Callable[[Clip], Clip]
#: An error of nothing counts as 100 dB.
LEAST_ERROR = 1e-10


@dataclass(frozen=True)
class Row:
    """One clip, spoiled: its PSNR, what each way gains, and what the first pass said."""

    clip: str
    case: str
    spoiled: float
    auto: float
    full: float
    best: float
    strength: float
    best_strength: float
    noise: float
    blockiness: float


def _noisy(sigma: float, clip: Clip) -> Clip:
    noise = np.random.default_rng(7).normal(0, sigma / 255, clip.shape).astype(np.float32)
    return np.clip(clip + noise, 0, 1)


def _grainy(severity: float, clip: Clip) -> Clip:
    return film_grain(clip, np.random.default_rng(11), severity)


def _noisy_and_coded(sigma: float, encoder: Encoder, clip: Clip) -> Clip:
    return coded(_noisy(sigma, clip), encoder)


def _mpeg4(scale: int) -> Encoder:
    return Encoder("mpeg4", {"qmin": f"{scale}", "qmax": f"{scale}"})


def _cases() -> dict[str, Spoil]:
    cases: dict[str, Spoil] = {"clean": lambda clip: clip}
    cases |= {f"noise, σ {sigma}": partial(_noisy, sigma) for sigma in (2, 5, 10, 25)}
    cases |= {f"grain, {severity}": partial(_grainy, severity) for severity in (0.1, 0.3)}
    encoders = {f"H.264, CRF {crf}": h264(crf) for crf in (18, 23, 28, 35, 40)}
    encoders |= {f"HEVC, CRF {crf}": hevc(crf) for crf in (28, 38)}
    encoders |= {f"VP9, CRF {crf}": vp9(crf) for crf in (32, 45)}
    encoders |= {f"MPEG-2, scale {scale}": mpeg2(scale) for scale in (3, 12)}
    encoders |= {f"MPEG-4, scale {scale}": _mpeg4(scale) for scale in (3, 12)}
    encoders |= {f"MJPEG, scale {scale}": mjpeg(scale) for scale in (3, 12)}
    cases |= {name: partial(coded, encoder=encoder) for name, encoder in encoders.items()}
    cases["noise, σ 5, H.264, CRF 18"] = partial(_noisy_and_coded, 5, h264(18))
    cases["noise, σ 15, HEVC, CRF 28"] = partial(_noisy_and_coded, 15, hevc(28))
    return cases


def _clip(path: Path, start: int, frames: int, size: int) -> Clip:
    """The middle of some frames, of even size."""
    if is_image(path):
        rng = np.random.default_rng(sum(map(ord, path.stem)))
        return to_unit(clip_from_still(load_still(path), rng, frames, size))
    with open_video(path, start, start + frames) as video:
        levels = np.stack([frame.levels for frame in video])
    height, width = (min(side, size) // 2 * 2 for side in levels.shape[1:3])
    top, left = (levels.shape[1] - height) // 4 * 2, (levels.shape[2] - width) // 4 * 2
    return to_unit(np.ascontiguousarray(levels[:, top : top + height, left : left + width]))


def _psnr(one: Clip, other: Clip) -> float:
    return float(-10 * np.log10(np.mean((one - other) ** 2, dtype=np.float64) + LEAST_ERROR))


def measure(
    name: str, clip: Clip, case: str, spoil: Spoil, process: Callable[[float | None], WholePicture]
) -> Row:
    """Spoils a clip and restores it."""
    spoiled = to_unit(to_levels(spoil(clip)))
    video = ClipInMemory(spoiled)
    measured = process(None)
    for _ in measured.analyse(video, {}):
        pass
    found = measured.finding.restored
    assert found is not None
    restored = np.stack([edit.frame.edited(edit.patches()).rgb for edit in edits_of(process(1.0), video)])
    change = restored - spoiled
    best = float(np.clip(((clip - spoiled) * change).sum() / max((change**2).sum(), LEAST_ERROR), 0, 1))
    before = _psnr(clip, spoiled)
    auto, full, most = (
        round(_psnr(clip, spoiled + share * change) - before, 3) for share in (found.strength, 1.0, best)
    )
    return Row(
        clip=name,
        case=case,
        spoiled=round(before, 2),
        auto=auto,
        full=full,
        best=most,
        strength=found.strength,
        best_strength=round(best, 2),
        noise=found.noise or 0.0,
        blockiness=found.blockiness or 0.0,
    )


def _process(restoration: Restoration, strength: float | None) -> WholePicture:
    return WholePicture(restoration, RESTORER, strength)


def rows(paths: Iterable[Path], arguments: argparse.Namespace) -> Iterator[Row]:
    """All clips, each spoiled in all ways."""
    backend = load_backend("auto", RESTORER)
    strategy = make_strategy("clip-recurrent")
    restoration = Restoration(backend, strategy, weights="", fill=FILLS["auto"].fill, marks=False)
    for path in paths:
        clip = _clip(path, arguments.start, arguments.frames, arguments.size)
        for case, spoil in _cases().items():
            if arguments.only in case:
                yield measure(path.stem, clip, case, spoil, partial(_process, restoration))


def _summary(measured: list[Row]) -> Iterator[str]:
    """One line a case: means, and the worst of `auto`."""
    yield "case                      | spoiled |   auto   full   best | worst auto | strength |  best | noise | blocks"
    for case in dict.fromkeys(row.case for row in measured):
        ours = [row for row in measured if row.case == case]
        mean = {
            field: np.mean([getattr(row, field) for row in ours])
            for field in Row.__annotations__
            if field not in ("clip", "case")
        }
        yield (
            f"{case:25s} | {mean['spoiled']:7.2f} | {mean['auto']:+6.2f} {mean['full']:+6.2f} {mean['best']:+6.2f} | "
            f"{min(row.auto for row in ours):+10.2f} | {mean['strength']:8.2f} | {mean['best_strength']:5.2f} | "
            f"{mean['noise']:5.2f} | {mean['blockiness']:6.2f}"
        )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path, help="videos, photographs, folders of them")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--size", type=int, default=288, help="the side of what is cut out")
    parser.add_argument("--start", type=int, default=40, help="the first frame")
    parser.add_argument("--only", default="", help="cases whose names hold this")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    paths = [path for given in arguments.clips for path in (list_media(given) if given.is_dir() else [given])]
    measured = []
    for row in rows(paths, arguments):
        print(*vars(row).values(), sep=" | ", flush=True)
        measured.append(row)
        if arguments.json:
            arguments.json.write_text(
                json.dumps([asdict(row) for row in measured], indent=1), encoding="utf-8"
            )
    print("\n".join(_summary(measured)))


if __name__ == "__main__":
    main()
