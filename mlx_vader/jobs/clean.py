"""The whole road: videos, images and folders of them, cleaned and back to files."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from mlx_vader.errors import VaderError
from mlx_vader.jobs.composition import Cleaning
from mlx_vader.jobs.image_job import ImageJob
from mlx_vader.jobs.options import CleanOptions, made
from mlx_vader.jobs.plan import PathLike, Task, check_files, make_folders, plan, skipped
from mlx_vader.jobs.video_job import Done, OnFrames, VideoJob
from mlx_vader.process import Finding
from mlx_vader.video import is_image, is_video, plan_encoding


@dataclass(frozen=True)
class Progress:
    """Where a run is: `frames` of `total` in file `number` (from 1) of `files`; `step`: what it does before frames."""

    source: Path
    number: int
    files: int
    frames: int
    total: int
    step: str = ""


@dataclass(frozen=True)
class Beginning:
    """What a run is going to do: its files, its options, and what computes on what.

    `network`: which ones have a part in it. `looks_for_marks` is false where none are wanted, and with weights that
    know none.
    """

    tasks: tuple[Task, ...]
    options: CleanOptions
    backend: str
    device: str
    network: str
    looks_for_marks: bool


@dataclass(frozen=True)
class FileReport:
    """One file. `status`: "cleaned", "kept" (by `resume`: its target was there) or "failed" (see `error` and `hint`).

    `seconds` is what this run spent on it, `resumed_at` the frames that an earlier run had done, `not_finite` the
    frames where the network gave NaN and the source's pixels stand in, `left_out` the streams and `losses` what of the
    pictures the target cannot hold. `damaged`: when frames that are broken in the source are shown, in seconds from its
    first (of a copied file only some were looked at); what is made of them is no better. `copied`: nothing was to be
    changed, and the target is the source, byte for byte. `finding`: which marks were found; `candidates`: the picture
    that shows them, where some were left. `copied_share`: the share of a video's pictures that are coded as they were.
    """

    source: Path
    target: Path
    status: str
    frames: int = 0
    seconds: float = 0.0
    resumed_at: int = 0
    not_finite: int = 0
    left_out: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    copied: bool = False
    damaged: tuple[float, ...] = ()
    finding: Finding = field(default_factory=Finding)
    preview: Path | None = None
    candidates: Path | None = None
    copied_share: float = 0.0
    error: str = ""
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For machines; paths are text."""
        values = {
            key: str(v) if isinstance(v, Path) else v for key, v in vars(self).items() if key != "finding"
        }
        return values | self.finding.as_dict()


@dataclass(frozen=True)
class CleanReport:
    """What `clean` did, measured on this machine: decoding, network and encoding together."""

    backend: str
    device: str
    files: tuple[FileReport, ...] = field(default=())
    #: Files of a folder that are no videos and no images, by their names, or are results of a run before.
    skipped: tuple[Path, ...] = ()

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
        files = [file.as_dict() for file in self.files]
        totals = {"frames": self.frames, "seconds": self.seconds, "fps": self.fps, "kind": "measured"}
        skipped = [str(path) for path in self.skipped]
        return {"backend": self.backend, "device": self.device, **totals, "files": files, "skipped": skipped}


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during `clean`, at frame `frames` of `task`.

    `resume_at`: the frame that `resume=True` will go on from; None where nothing of the file is kept, and it begins
    anew. `done`: the files before it that are finished, which `resume=True` keeps.
    """

    def __init__(self, task: Task, frames: int, *, resume_at: int | None, done: int = 0) -> None:
        super().__init__(f"interrupted at {task.source}, frame {frames}")
        self.task, self.frames, self.resume_at, self.done = task, frames, resume_at, done


def clean(
    source: PathLike | Sequence[PathLike],
    target: PathLike | None = None,
    *,
    on_begin: Callable[[Beginning], None] = lambda beginning: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_note: Callable[[str], None] = lambda note: None,
    also_written: Sequence[PathLike | None] = (),
    **options: Any,
) -> CleanReport:
    """Removes artifacts from a video, an image, a folder, or several of them.

    `source` and `target`: see `plan`. A target appears when it is complete; an older one stays until then. Nothing that
    is read is overwritten, neither by a target nor by what the caller is going to write, `also_written`. Everything but
    the pixels stays as it was: audio, subtitles, timestamps, colours, depth; and of the pixels every sample that
    nothing touches. `options` are the fields of `CleanOptions`; `checkpoint` may be a network as well, and
    `mask` a folder of masks with the files' names in a folder job. `on_begin` hears what will be done, once all of it
    has been checked. `on_note` hears before work on a file begins what
    its target cannot hold, and which files of a folder are skipped.

    >>> clean("spoiled.mp4", "clean.mp4", mask="logo.png")

    Raises VaderError before any work for what can be known to fail. With one file, its failure is raised; with
    several, failures are in the report and the others are done. Raises `Interrupted` on Ctrl-C.
    """
    chosen = made(CleanOptions, options)
    return run_files(
        source,
        target,
        chosen,
        lambda: Cleaning(chosen),
        on_begin=on_begin,
        on_progress=on_progress,
        on_note=on_note,
        also_written=also_written,
    )


def run_files(
    source: PathLike | Sequence[PathLike],
    target: PathLike | None,
    options: CleanOptions,
    composed: Callable[[], Cleaning],
    *,
    name: str = "clean",
    on_begin: Callable[[Beginning], None],
    on_progress: Callable[[Progress], None],
    on_note: Callable[[str], None],
    also_written: Sequence[PathLike | None],
) -> CleanReport:
    """What `clean` and its like do with files: see there. `name` stands in the names of results that have no target.

    `composed` gives the processes, once it is known that files can be read and written as the options say.
    """
    tasks = plan(source, target, name)
    check_files(tasks, options, also_written)
    _check_encoder(options.codec, options.crf)
    cleaning = composed()
    left = skipped(source, tasks)
    make_folders(tasks, target)
    about = cleaning.backend_name, cleaning.device, cleaning.networks, cleaning.marking.looks
    on_begin(Beginning(tuple(tasks), options, *about))
    for path in left:
        on_note(f"{path} is skipped: {_why_skipped(path)}")
    files = [_clean_one(tasks, index, cleaning, on_progress, on_note) for index in range(len(tasks))]
    return CleanReport(cleaning.backend_name, cleaning.device, tuple(files), tuple(left))


def _clean_one(
    tasks: Sequence[Task],
    index: int,
    cleaning: Cleaning,
    on_progress: Callable[[Progress], None],
    on_note: Callable[[str], None],
) -> FileReport:
    task, alone, options = tasks[index], len(tasks) == 1, cleaning.options
    if options.resume and not alone and _is_done(task):
        return FileReport(task.source, task.target, "kept")
    started = time.perf_counter()
    frames = 0
    job: ImageJob | VideoJob | None = None

    def on_frames(count: int, step: str) -> None:
        nonlocal frames
        frames = count
        assert job is not None  # which is who calls
        on_progress(Progress(task.source, index + 1, len(tasks), count, job.total, step))

    try:
        kind = ImageJob if task.is_image else VideoJob
        job = kind(task, cleaning.process_for(task), options)
        losses = job.losses
        if losses:
            on_note(f"{task.target} cannot hold all of the pictures: {', '.join(losses)}")
        if isinstance(job, VideoJob) and job.not_copied:
            on_note(f"{task.source}: {job.not_copied}")
        done = _run(job, on_frames)
    except KeyboardInterrupt:
        resume_at = job.resume_at if job is not None else None
        raise Interrupted(task, frames, resume_at=resume_at, done=index) from None
    except VaderError as error:
        if alone:
            raise
        return FileReport(task.source, task.target, "failed", error=error.message, hint=error.hint)
    seconds = time.perf_counter() - started
    preview = task.preview if options.preview and not done.copied else None
    about = {"seconds": seconds, "preview": preview, "losses": losses, **vars(done)}
    return FileReport(task.source, task.target, "cleaned", **about)


def _run(job: ImageJob | VideoJob, on_frames: OnFrames) -> Done:
    """Runs a job. What the frameworks raise, such as out of memory, is this file's failure."""
    try:
        return job.run(on_frames)
    except (RuntimeError, MemoryError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise VaderError(
            f"{job.task.source}: the network failed: {reason}", hint="--debug shows where"
        ) from error


def _why_skipped(path: Path) -> str:
    if is_image(path) or is_video(path):
        return "it is a result, by its name"
    return "neither a video nor an image, by its name"


def _check_encoder(codec: str, crf: int) -> None:
    """Raises UsageError for a codec or crf that no file could be written with; Matroska holds every codec."""
    plan_encoding(Path("any.mkv"), None, codec=codec, crf=crf, size=(64, 64), frame_rate=Fraction(25))


def _is_done(task: Task) -> bool:
    return task.target.exists() and task.target.stat().st_mtime >= task.source.stat().st_mtime
