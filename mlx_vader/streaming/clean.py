"""The whole road: videos, images and folders of them through a network and back to files."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from mlx_vader.backends import Backend, load_backend
from mlx_vader.backends.base import Source
from mlx_vader.errors import VaderError
from mlx_vader.streaming.identity import network_identity
from mlx_vader.streaming.image_job import ImageJob
from mlx_vader.streaming.options import SEGMENT_FRAMES, Options
from mlx_vader.streaming.plan import PathLike, Task, make_folders, plan
from mlx_vader.streaming.strategies import make_strategy
from mlx_vader.streaming.user_mask import UserMask
from mlx_vader.streaming.video_job import Done, VideoJob
from mlx_vader.video import plan_encoding


@dataclass(frozen=True)
class Progress:
    """Where a run is: `frames` of `total` in file `number` (from 1) of `files`."""

    source: Path
    number: int
    files: int
    frames: int
    total: int


@dataclass(frozen=True)
class FileReport:
    """One file. `status`: "cleaned", "kept" (by `resume`: its target was there) or "failed" (see `error` and `hint`).

    `seconds` is what this run spent on it, `resumed_at` the frames that an earlier run had done, `not_finite` the
    frames where the network gave NaN and the source's pixels stand in, `left_out` what the target cannot hold.
    """

    source: Path
    target: Path
    status: str
    frames: int = 0
    seconds: float = 0.0
    resumed_at: int = 0
    not_finite: int = 0
    left_out: tuple[str, ...] = ()
    preview: Path | None = None
    error: str = ""
    hint: str = ""


@dataclass(frozen=True)
class CleanReport:
    """What `clean` did, measured on this machine: decoding, network and encoding together."""

    backend: str
    device: str
    files: tuple[FileReport, ...] = field(default=())

    @property
    def frames(self) -> int:
        """Frames that this run restored."""
        return sum(file.frames - file.resumed_at for file in self.files if file.status == "cleaned")

    @property
    def seconds(self) -> float:
        """Seconds that it took for them."""
        return sum(file.seconds for file in self.files if file.status == "cleaned")

    @property
    def fps(self) -> float:
        """Frames a second, from file to file."""
        return self.frames / self.seconds if self.seconds else 0.0

    @property
    def failures(self) -> tuple[FileReport, ...]:
        """The files that could not be cleaned."""
        return tuple(file for file in self.files if file.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """For machines; paths are text."""
        files = [
            {key: str(v) if isinstance(v, Path) else v for key, v in asdict(f).items()} for f in self.files
        ]
        totals = {"frames": self.frames, "seconds": self.seconds, "fps": self.fps, "kind": "measured"}
        return {"backend": self.backend, "device": self.device, **totals, "files": files}


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during `clean`. `resumable` says whether `resume=True` will go on rather than begin anew."""

    def __init__(self, task: Task, frames: int, *, resumable: bool) -> None:
        super().__init__(f"interrupted at {task.source}, frame {frames}")
        self.task, self.frames, self.resumable = task, frames, resumable


def clean(
    source: PathLike | Sequence[PathLike],
    target: PathLike | None = None,
    *,
    checkpoint: Source = "default",
    backend: str = "auto",
    strategy: str = "clip-recurrent",
    clip_length: int = 16,
    overlap: int | None = None,
    mask: PathLike | None = None,
    preview: bool = False,
    resume: bool = False,
    codec: str = "auto",
    crf: int = 18,
    segment_frames: int = SEGMENT_FRAMES,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> CleanReport:
    """Removes artifacts from a video, an image, a folder, or several of them.

    `source` and `target`: see `plan`. A target appears when it is complete; an older one stays until then, and a source
    is never overwritten. Everything but the pixels stays as it was: audio, subtitles, timestamps, colours, depth.
    `checkpoint`: a shipped name, a `.safetensors`, a `.mlpackage` or a network. `backend`: auto, mlx, torch, coreml.
    `strategy`, `clip_length`, `overlap`: see `strategies`. `mask`: see `user_mask`; in a folder job it may be a folder
    of masks with the files' names. `preview`: also writes `NAME.preview.EXT`, before | mask | after. `resume`: goes on
    with an interrupted job (without it a job begins anew), and keeps the targets of several files that are newer than
    their sources. `codec`, `crf`: see `mlx_vader.video.write_video`. A segment, after which a job can go on, has about
    `segment_frames` frames.

    Raises VaderError before any work for what can be known to fail. With one file, its failure is raised; with
    several, failures are in the report and the others are done. Raises `Interrupted` on Ctrl-C.
    """
    tasks = plan(source, target)
    _check_encoder(codec, crf)
    chosen = make_strategy(strategy, clip_length=clip_length, overlap=overlap)
    user_mask = UserMask(mask) if mask is not None else None
    runner = load_backend(backend, checkpoint)
    options = Options(
        strategy=chosen,
        checkpoint=network_identity(checkpoint),
        codec=codec,
        crf=crf,
        mask=user_mask,
        preview=preview,
        resume=resume,
        segment_frames=segment_frames,
    )
    make_folders(tasks, target)
    files = [_clean_one(tasks, index, runner, options, on_progress) for index in range(len(tasks))]
    return CleanReport(runner.name, runner.device, tuple(files))


def _clean_one(
    tasks: Sequence[Task],
    index: int,
    backend: Backend,
    options: Options,
    on_progress: Callable[[Progress], None],
) -> FileReport:
    task, alone = tasks[index], len(tasks) == 1
    if options.resume and not alone and _is_done(task):
        return FileReport(task.source, task.target, "kept")
    started = time.perf_counter()
    frames = 0

    def on_frames(count: int) -> None:
        nonlocal frames
        frames = count
        on_progress(Progress(task.source, index + 1, len(tasks), count, job.total))

    try:
        job = ImageJob(task, backend, options) if task.is_image else VideoJob(task, backend, options)
        done = _run(job, on_frames)
    except KeyboardInterrupt:
        raise Interrupted(task, frames, resumable=not task.is_image) from None
    except VaderError as error:
        if alone:
            raise
        return FileReport(task.source, task.target, "failed", error=error.message, hint=error.hint)
    seconds = time.perf_counter() - started
    preview = task.preview if options.preview else None
    return FileReport(task.source, task.target, "cleaned", seconds=seconds, preview=preview, **vars(done))


def _run(job: ImageJob | VideoJob, on_frames: Callable[[int], None]) -> Done:
    """Runs a job. What the frameworks raise, such as out of memory, is this file's failure."""
    try:
        return job.run(on_frames)
    except (RuntimeError, MemoryError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise VaderError(
            f"{job.task.source}: the network failed: {reason}", hint="--debug shows where"
        ) from error


def _check_encoder(codec: str, crf: int) -> None:
    """Raises UsageError for a codec or crf that no file could be written with; Matroska holds every codec."""
    plan_encoding(Path("any.mkv"), None, codec=codec, crf=crf, size=(64, 64), frame_rate=Fraction(25))


def _is_done(task: Task) -> bool:
    return task.target.exists() and task.target.stat().st_mtime >= task.source.stat().st_mtime
