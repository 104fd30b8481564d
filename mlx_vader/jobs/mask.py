"""Masks as files: where marks are that were found, told or drawn, and what `clean` would do to them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.jobs import learning
from mlx_vader.jobs.clean import Progress
from mlx_vader.jobs.learning import MarkReport
from mlx_vader.jobs.mask_job import ImageMasks, Masked, VideoMasks
from mlx_vader.jobs.mask_options import MaskOptions
from mlx_vader.jobs.mask_plan import MaskTask, check_masks, make_folders, plan_masks
from mlx_vader.jobs.mask_sources import Seeking
from mlx_vader.jobs.options import made
from mlx_vader.jobs.plan import PathLike, files_read, plan, skipped
from mlx_vader.overwriting import check_overwriting


@dataclass(frozen=True)
class MaskBeginning:
    """What a run is going to do."""

    tasks: tuple[MaskTask, ...]
    options: MaskOptions


@dataclass(frozen=True)
class MaskFileReport:
    """One file. `status`: "masked" or "failed" (see `error` and `hint`).

    `made`: what was written, and the marks with what `clean` would do to each; None where that failed.
    """

    source: Path
    target: Path
    status: str
    seconds: float = 0.0
    made: Masked | None = None
    error: str = ""
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For machines; paths are text."""
        values = vars(self) | {"source": str(self.source), "target": str(self.target)}
        values.pop("made")
        return values | (self.made or Masked(self.target)).as_dict()


@dataclass(frozen=True)
class MaskReport:
    """What `mask` did. `skipped`: files of a folder that are no videos and no images, or results of a run before."""

    files: tuple[MaskFileReport, ...] = ()
    skipped: tuple[Path, ...] = ()

    @property
    def failures(self) -> tuple[MaskFileReport, ...]:
        """The files of which there are no masks."""
        return tuple(file for file in self.files if file.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """For machines; paths are text."""
        return {
            "files": [file.as_dict() for file in self.files],
            "skipped": [str(path) for path in self.skipped],
        }


def mask(
    source: PathLike | Sequence[PathLike],
    target: PathLike | None = None,
    *,
    on_begin: Callable[[MaskBeginning], None] = lambda beginning: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_note: Callable[[str], None] = lambda note: None,
    also_written: Sequence[PathLike | None] = (),
    **options: Any,
) -> MaskReport:
    """Writes where marks are in a video, an image, a folder, or several of them: white on black.

    `source` and `target`: see `plan_masks`. A target appears when it is complete; an older one stays until then.
    Nothing that is read is overwritten, neither by a target nor by what the caller is going to write, `also_written`.
    A video of masks has the frames, their times and the rotation of its source, so that `clean` takes it for that
    source. `options` are the fields of `MaskOptions`. `on_begin` hears what will be done, once all of it has been
    checked; `on_note` which files of a folder are skipped.

    >>> mask("spoiled.mp4", "mask.mkv", box=["10,20,100,40"])

    Raises VaderError before any work for what can be known to fail. With one file, its failure is raised; with
    several, failures are in the report and the others are done.
    """
    chosen = made(MaskOptions, options)
    tasks = plan_masks(source, target)
    check_masks(tasks, chosen, also_written)
    seeking = Seeking(chosen)
    left = skipped(source, tasks)
    make_folders(tasks)
    on_begin(MaskBeginning(tuple(tasks), chosen))
    for path in left:
        on_note(f"{path} is skipped: it is a result, or neither a video nor an image, by its name")
    files = [_mask_one(tasks, index, seeking, chosen, on_progress) for index in range(len(tasks))]
    return MaskReport(tuple(files), tuple(left))


def save_mark(
    sources: PathLike | Sequence[PathLike],
    target: PathLike,
    *,
    also_written: Sequence[PathLike | None] = (),
    **options: Any,
) -> MarkReport:
    """Learns the mark that one video shows, or several of one size, and writes it for `clean(mark=target)` to take off.

    `target`: a .png or .lgd. `options` are the fields of `MaskOptions`, which say where the mark is. Raises UsageError
    and VaderError, also where no mark is found or nothing moves behind it.
    """
    chosen = made(MaskOptions, options)
    tasks = {task.source: task for task in plan(sources, None)}
    for task in tasks.values():
        if task.is_image:
            raise UsageError(f"{task.source} is an image", hint="a mark is learned from videos")
    reads = files_read(list(tasks.values()), chosen.mask, [chosen.checkpoint])
    check_overwriting(reads, [target, *also_written])
    seeking = Seeking(chosen)
    return learning.save_mark(list(tasks), Path(target), masks=lambda path: seeking.of(tasks[path]).source)


def _mask_one(
    tasks: Sequence[MaskTask],
    index: int,
    seeking: Seeking,
    options: MaskOptions,
    on_progress: Callable[[Progress], None],
) -> MaskFileReport:
    task = tasks[index]
    started = time.perf_counter()
    try:
        job = (ImageMasks if task.is_image else VideoMasks)(task, seeking, options)
        done = job.run(
            lambda count, step: on_progress(
                Progress(task.source, index + 1, len(tasks), count, job.total, step)
            )
        )
    except VaderError as error:
        if len(tasks) == 1:
            raise
        return MaskFileReport(task.source, task.target, "failed", error=error.message, hint=error.hint)
    return MaskFileReport(task.source, done.target, "masked", time.perf_counter() - started, done)
