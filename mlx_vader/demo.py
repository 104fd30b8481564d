"""The whole road on a real clip: spoil it, clean it, measure what came back, convert the network, bench it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlx_vader.arrays import Clip, Mask, Masks
from mlx_vader.bench import BenchOptions
from mlx_vader.errors import UsageError
from mlx_vader.overwriting import check_overwriting
from mlx_vader.resizing import at_most
from mlx_vader.sample_clips import BUNNY, sample_clip

if TYPE_CHECKING:
    from convert import ConversionReport
    from mlx_vader.jobs.clean import CleanReport

#: Taller clips are made smaller for the demo, so that it ends in minutes on a machine without a GPU.
MOST_HEIGHT = 360


#: The package's name in the demo's folder.
PACKAGE = "Vader.mlpackage"


def files_in(out: Path) -> dict[str, Path]:
    """The files that the demo writes to its folder, beside the package."""
    names = {"spoiled": "mp4", "cleaned": "mp4", "cleaned.preview": "mp4", "comparison": "png"}
    return {name: out / f"{name}.{suffix}" for name, suffix in names.items()}


@dataclass(frozen=True)
class Quality:
    """PSNR in dB against the clean clip: of whole frames, inside the artifacts, outside them."""

    whole: float
    inside: float
    outside: float


@dataclass(frozen=True)
class DemoReport:
    """What the demo made and measured."""

    source: Path
    artifacts: tuple[str, ...]
    frames: int
    width: int
    height: int
    spoiled: Path
    cleaned: Path
    comparison: Path
    before: Quality
    after: Quality
    mask_iou: float
    clean: "CleanReport"
    package: "ConversionReport"
    #: What `bench` says of the network at 256x256.
    bench: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For machines; paths are text."""
        values = {
            name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()
        }
        return values | {
            "before": asdict(self.before),
            "after": asdict(self.after),
            "clean": self.clean.as_dict(),
            "package": self.package.as_dict(),
        }


def demo(
    source: Path | None = None,
    out: Path = Path("vader-demo"),
    *,
    checkpoint: str = "default",
    artifacts: tuple[str, ...] = ("corner_logo", "text_overlay"),
    frames: int = 48,
    seed: int = 7,
    on_step: Callable[[str], None] = lambda step: None,
    on_begin: Callable[[Path, int], None] = lambda source, frames: None,
) -> DemoReport:
    """Spoils up to `frames` frames of a clip with `artifacts`, cleans them again, converts the network and benches it.

    `source`: by default a scene of an animated film (`mlx_vader.sample_clips`). Everything lands in the folder `out`:
    spoiled.mp4, cleaned.mp4, its preview, comparison.png and the package. Quality is that of the files, after
    encoding. The artifacts' words and logos are none that training saw. `on_begin` hears the clip and its frames.
    """
    from convert import convert
    from mlx_vader import checkpoints
    from mlx_vader.bench.measuring import measure
    from mlx_vader.jobs.clean import clean
    from mlx_vader.metrics import mask_iou
    from mlx_vader.video import read_clip

    source = source or sample_clip(BUNNY)
    files = files_in(out)
    check_overwriting(
        [source, checkpoints.resolve(checkpoint)], files.values(), replaced_folders=[out / PACKAGE]
    )
    on_step(f"reading {source.name}")
    original, frame_rate = _read(source, frames)
    on_begin(source, len(original))
    on_step(f"spoiling it with {', '.join(artifacts)}")
    spoiled, mask = _spoil(original, artifacts, seed)
    out.mkdir(parents=True, exist_ok=True)
    paths = {name: files[name] for name in ("spoiled", "cleaned")}
    _write(paths["spoiled"], spoiled, frame_rate)
    on_step("cleaning spoiled.mp4")
    report = clean(paths["spoiled"], paths["cleaned"], checkpoint=checkpoint, preview=True)
    on_step("measuring")
    before, after = (read_clip(path, 0, len(original)) for path in paths.values())
    seen = _seen_mask(report, before)
    _compare(files["comparison"], before, seen, after, original)
    on_step("converting the network to Core ML")
    package = convert(checkpoint, out / PACKAGE, shapes=("256",))
    on_step("measuring the speed")
    speed = BenchOptions(res=("256",), checkpoint=checkpoint, input=source, frames=16, time_limit=120)
    return DemoReport(
        source=source,
        artifacts=artifacts,
        frames=len(original),
        width=original.shape[2],
        height=original.shape[1],
        spoiled=paths["spoiled"],
        cleaned=paths["cleaned"],
        comparison=files["comparison"],
        before=_quality(before, original, mask),
        after=_quality(after, original, mask),
        mask_iou=mask_iou(seen, mask[-1]),
        clean=report,
        package=package,
        bench=measure(speed, on_step),
    )


def _read(source: Path, frames: int) -> tuple[Clip, Any]:
    from mlx_vader.video import probe, read_clip

    info = probe(source)
    if frames < 1:
        raise UsageError(f"{frames} frames are too few", hint="it takes one at least")
    clip = read_clip(source, 0, min(frames, info.frames or frames))
    return np.stack([at_most(frame, MOST_HEIGHT, multiple=2) for frame in clip]), info.frame_rate


def _spoil(clip: Clip, artifacts: tuple[str, ...], seed: int) -> tuple[Clip, Masks]:
    from mlx_vader.artifacts import apply

    mask = np.zeros((*clip.shape[:3], 1), np.float32)
    for name in artifacts:
        clip, added = apply(name, clip, seed, vocabulary="val")[:2]
        mask = np.maximum(mask, added)
    return clip, mask


def _write(path: Path, clip: Clip, frame_rate: Any) -> None:
    from mlx_vader.video import write_video

    with write_video(path, frame_rate=frame_rate, crf=10) as writer:
        for frame in clip:
            writer.write(frame)


def _seen_mask(report: "CleanReport", clip: Clip) -> Mask:
    """Where marks were found in the last frame, as its preview shows it."""
    from mlx_vader.jobs.preview import middle_panel
    from mlx_vader.video import read_clip

    preview = report.files[0].preview
    if preview is None:  # nothing was found, and nothing changed
        return np.zeros((*clip.shape[1:3], 1), np.float32)
    shown = read_clip(preview, len(clip) - 1, 1)[0]
    return middle_panel(shown, *clip.shape[1:3]).mean(axis=-1, keepdims=True)


def _compare(path: Path, before: Clip, seen: Mask, after: Clip, original: Clip) -> None:
    """The last frame: spoiled, what was found, cleaned, and as it was."""
    from mlx_vader.jobs.preview import labelled_row
    from mlx_vader.video import write_image

    panels = {
        "spoiled": before[-1],
        "mask": np.repeat(seen, 3, axis=-1),
        "cleaned": after[-1],
        "original": original[-1],
    }
    # Pixels of small clips are shown larger, and as they are.
    larger = max(1, MOST_HEIGHT // seen.shape[0])
    shown = {name: panel.repeat(larger, axis=0).repeat(larger, axis=1) for name, panel in panels.items()}
    write_image(path, labelled_row(shown))


def _quality(clip: Clip, original: Clip, mask: Masks) -> Quality:
    from mlx_vader.metrics import masked_psnr, psnr

    return Quality(
        psnr(clip, original),
        masked_psnr(clip, original, mask),
        masked_psnr(clip, original, mask, inside=False),
    )
