"""What `clean --restore auto` gains and loses: PSNR in dB of clips with noise and coding, and of clean ones.

    python -m benchmarks.restore CLIP... [--frames 24] [--size 288] [--start 40] [--only noise] [--json FILE]

Photographs are filmed by a moving camera. What is coded goes through a file, and results are composited into its
planes, as `clean` does. `auto` is `clean --restore auto`, `full` the network alone, and `best` the best strength for
this clip, which only the truth tells. What is clean is compared with itself: 100 dB.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.artifacts.degradations.film_grain import film_grain
from mlx_vader.backends import load_backend
from mlx_vader.data.stills import clip_from_still, load_still
from mlx_vader.evaluation.foreign.coding import Encoder, encode, h264, hevc, mjpeg, mpeg2, vp9
from mlx_vader.inpainting.fill import FILLS
from mlx_vader.jobs.composition import RESTORER
from mlx_vader.jobs.video_source import VideoSource
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.process import Patch, edits_of
from mlx_vader.streaming import Restoration, make_strategy
from mlx_vader.streaming.whole_picture import WholePicture
from mlx_vader.video import is_image, list_media, open_video, probe
from mlx_vader.video.in_memory import ClipInMemory

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
    quantiser: float


def _noisy(sigma: float, clip: Clip) -> Clip:
    noise = np.random.default_rng(7).normal(0, sigma / 255, clip.shape).astype(np.float32)
    return np.clip(clip + noise, 0, 1)


def _grainy(severity: float, clip: Clip) -> Clip:
    return film_grain(clip, np.random.default_rng(11), severity)


def _mpeg4(scale: int) -> Encoder:
    return Encoder("mpeg4", {"qmin": f"{scale}", "qmax": f"{scale}"})


@dataclass(frozen=True)
class Case:
    """What is done to a clip, and what encodes it then."""

    spoil: Callable[[Clip], Clip] = lambda clip: clip
    encoder: Encoder | None = None


def _cases() -> dict[str, Case]:
    cases = {"clean": Case()}
    cases |= {f"noise, σ {sigma}": Case(partial(_noisy, sigma)) for sigma in (2, 5, 10, 25)}
    cases |= {f"grain, {severity}": Case(partial(_grainy, severity)) for severity in (0.1, 0.3)}
    encoders = {f"H.264, CRF {crf}": h264(crf) for crf in (18, 23, 28, 35, 40)}
    encoders |= {f"HEVC, CRF {crf}": hevc(crf) for crf in (28, 38)}
    encoders |= {f"VP9, CRF {crf}": vp9(crf) for crf in (32, 45)}
    encoders |= {f"MPEG-2, scale {scale}": mpeg2(scale) for scale in (3, 12)}
    encoders |= {f"MPEG-4, scale {scale}": _mpeg4(scale) for scale in (3, 12)}
    encoders |= {f"MJPEG, scale {scale}": mjpeg(scale) for scale in (3, 12)}
    cases |= {name: Case(encoder=encoder) for name, encoder in encoders.items()}
    cases["noise, σ 5, H.264, CRF 18"] = Case(partial(_noisy, 5), h264(18))
    cases["noise, σ 15, HEVC, CRF 28"] = Case(partial(_noisy, 15), hevc(28))
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


def measure(name: str, clip: Clip, label: str, case: Case, restoration: Restoration) -> Row:
    """Spoils a clip and restores it."""
    levels = to_levels(case.spoil(clip))
    with TemporaryDirectory() as folder:
        video: ClipInMemory | VideoSource = ClipInMemory(to_unit(levels))
        if case.encoder is not None:
            path = Path(folder) / "coded.mkv"
            encode(levels, case.encoder, str(path))
            video = VideoSource(path, probe(path), fields=False)
        process = WholePicture(restoration, RESTORER)
        for _ in process.analyse(video, {}):
            pass
        found = process.finding.restored
        assert found is not None
        edits = list(edits_of(WholePicture(restoration, RESTORER, 1.0), video))
        restored = [edit.patches()[0].rgb for edit in edits]
    spoiled = np.stack([edit.frame.rgb for edit in edits])
    change = np.stack(restored) - spoiled
    best = float(np.clip(((clip - spoiled) * change).sum() / max((change**2).sum(), LEAST_ERROR), 0, 1))
    before = _psnr(clip, spoiled)

    def gain(strength: float) -> float:
        if not strength:
            return 0.0
        patches = [Patch(0, 0, picture) for picture in spoiled + np.float32(strength) * change]
        made = [edit.frame.edited([patch]).rgb for edit, patch in zip(edits, patches, strict=True)]
        return round(_psnr(clip, np.stack(made)) - before, 3)

    return Row(
        clip=name,
        case=label,
        spoiled=round(before, 2),
        auto=gain(found.strength),
        full=gain(1.0),
        best=gain(best),
        strength=found.strength,
        best_strength=round(best, 2),
        noise=found.noise or 0.0,
        blockiness=found.blockiness or 0.0,
        quantiser=found.quantiser or 0.0,
    )


def rows(paths: Iterable[Path], arguments: argparse.Namespace) -> Iterator[Row]:
    """All clips, each spoiled in all ways."""
    backend = load_backend("auto", RESTORER)
    strategy = make_strategy("clip-recurrent")
    restoration = Restoration(backend, strategy, weights="", fill=FILLS["auto"].fill, marks=False)
    for path in paths:
        clip = _clip(path, arguments.start, arguments.frames, arguments.size)
        for label, case in _cases().items():
            if arguments.only in label:
                yield measure(path.stem, clip, label, case, restoration)


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
