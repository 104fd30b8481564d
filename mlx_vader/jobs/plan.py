"""Which file becomes which: decided and checked before any work."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_vader.checkpoints import locate
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.jobs.options import RESTORE, CleanOptions
from mlx_vader.jobs.work_folder import work_folder
from mlx_vader.overwriting import check_overwriting
from mlx_vader.video import default_suffix, is_image, is_video, list_media
from mlx_vader.video.files import check_source, check_target, list_files

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Task:
    """One file to clean. `root`: the folder whose files are cleaned; None for a file that was named itself."""

    source: Path
    target: Path
    root: Path | None = None

    @property
    def is_image(self) -> bool:
        """A still image, not a video."""
        return is_image(self.source)

    @property
    def keeps_format(self) -> bool:
        """Whether the target is the same kind of file as the source."""
        return self.source.suffix.lower() == self.target.suffix.lower()

    @property
    def preview(self) -> Path:
        """Where the preview goes: beside the target."""
        suffix = ".png" if self.is_image else self.target.suffix
        return self.target.with_name(f"{self.target.stem}.preview{suffix}")

    @property
    def candidates(self) -> Path:
        """Where the picture goes that shows what may be marks."""
        return self.target.with_name(f"{self.target.stem}.marks.png")


def plan(sources: PathLike | Sequence[PathLike], target: PathLike | None, name: str = "clean") -> list[Task]:
    """The tasks for files and folders.

    One file goes to the file `target`, or into the folder `target` under its own name; a folder's files go to the same
    places below the folder `target`; several sources need a folder. Without a target, and with the `name` clean,
    `clip.mp4` becomes `clip.clean.mp4` and the folder `clips` becomes `clips.clean`, beside it. What is read and not
    written, such as `.avi`, becomes `.mp4`, or `.mkv` where MP4 cannot hold all of it. Raises UsageError and
    VaderError: a source that is missing, nothing to clean, a target of another kind.
    """
    named = _named(sources)
    if not named:
        raise UsageError("there is nothing to clean", hint=f"vader-mlx {name} clip.mp4 -o {name}ed.mp4")
    if target is None:
        tasks = [
            task for source in named for task in _tasks(source, _beside(source, name), into_folder=False)
        ]
    else:
        into_folder = len(named) > 1 or Path(target).is_dir() or str(target).endswith(("/", os.sep))
        if into_folder and Path(target).is_file():
            raise UsageError(f"{target} is a file", hint="several sources need a folder to go to")
        tasks = [task for source in named for task in _tasks(source, Path(target), into_folder=into_folder)]
    for task in tasks:
        _check_kind(task)
    return tasks


def skipped(sources: PathLike | Sequence[PathLike], tasks: Sequence[Task]) -> list[Path]:
    """The files of the folders among `sources` that are no task: of another kind, or results of a run before."""
    chosen = {path for task in tasks for path in (task.source, task.target, task.preview, task.candidates)}
    folders = [source for source in _named(sources) if source.is_dir()]
    return [path for folder in folders for path in list_files(folder) if path not in chosen]


def _named(sources: PathLike | Sequence[PathLike]) -> list[Path]:
    return [Path(source) for source in ([sources] if isinstance(sources, str | os.PathLike) else sources)]


def _beside(source: Path, name: str) -> Path:
    source = source if source.name else source.resolve()
    if source.is_dir():
        return source.with_name(f"{source.name}.{name}")
    return source.with_name(f"{source.stem}.{name}{_written(source, source).suffix}")


def _written(source: Path, name: Path, taken: Collection[Path] = ()) -> Path:
    """`name` with the suffix that the result of `source` has; with both suffixes where the name is taken."""
    if not is_video(source) or default_suffix(source) == name.suffix.lower():
        return name
    changed = name.with_suffix(default_suffix(source))
    return changed if changed not in taken else name.with_name(name.name + changed.suffix)


def _tasks(source: Path, target: Path, *, into_folder: bool) -> list[Task]:
    if source.is_dir():
        # A folder's results may lie inside it, from a run before: they are no sources.
        inside = [path for path in list_media(source) if not path.resolve().is_relative_to(target.resolve())]
        inside = [path for path in inside if not _is_made(path)]
        if not inside:
            raise VaderError(
                f"{source} holds no video and no image", hint="name a folder with media files in it"
            )
        names = [path.relative_to(source) for path in inside]
        return [
            Task(path, target / _written(path, name, names), source)
            for path, name in zip(inside, names, strict=True)
        ]
    check_source(source)
    if not (is_image(source) or is_video(source)):
        raise UsageError(
            f"{source} is neither a video nor an image, by its name",
            hint="rename it if it is: .mp4, .mkv, .mov, .png",
        )
    return [Task(source, target / _written(source, Path(source.name)) if into_folder else target)]


def _is_made(path: Path) -> bool:
    """Whether a file is a preview, a picture of marks, or a result that was written beside its source."""
    return Path(path.stem).suffix in {".preview", ".clean", ".inpaint", ".mask"} or path.name.endswith(
        ".marks.png"
    )


def check_files(
    tasks: Sequence[Task], options: CleanOptions, also_written: Sequence[PathLike | None] = ()
) -> None:
    """Raises UsageError where a run would overwrite what it reads, or one of its results by another.

    `also_written`: files that the caller is going to write.
    """
    networks = [options.checkpoint, *([] if options.restore in RESTORE else [options.restore])]
    reads = [*files_read(tasks, options.mask, networks), *options.mark]
    writes = [task.target for task in tasks]
    if options.preview:
        writes += [task.preview for task in tasks]
    if options.looks_over_time:
        writes += [task.candidates for task in tasks if not task.is_image]
    work_folders = [work_folder(task.target) for task in tasks if not task.is_image]
    check_overwriting(reads, [*writes, *also_written], replaced_folders=work_folders)


def files_read(tasks: Sequence[Task], mask: PathLike | None, networks: Sequence[Any]) -> list[Path]:
    """The sources, the masks (a file, or a folder of them), and the files of networks that lie in one."""
    reads = [task.source for task in tasks]
    if mask is not None:
        reads += list_media(mask) if Path(mask).is_dir() else [Path(mask)]
    return reads + [locate(Path(network)) for network in networks if isinstance(network, str | os.PathLike)]


def _check_kind(task: Task) -> None:
    suffix = task.target.suffix or "no suffix"
    if task.is_image and not is_image(task.target):
        raise UsageError(f"an image cannot become {suffix}", hint="call the target .png, .jpg, .webp or .tif")
    if not task.is_image and not is_video(task.target):
        raise UsageError(f"a video cannot become {suffix}", hint="call the target .mp4, .mkv, .mov or .webm")


def make_folders(tasks: Sequence[Task], target: PathLike | None) -> None:
    """Makes the target folders of a folder's files and of several sources, and checks that files can be written there.

    Raises UsageError. The folder of a single file is not made: its name is more likely a slip.
    """
    for task in tasks:
        several = task.root is not None or len(tasks) > 1
        if several or (target is not None and str(target).endswith(("/", os.sep))):
            make_folder(task.target.parent, parents=several)
        check_target(task.target)


def make_folder(folder: Path, *, parents: bool) -> None:
    """Makes the folder if it is not there, and with `parents` those that it lies in. Raises UsageError."""
    try:
        folder.mkdir(parents=parents, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be made: {error.strerror}") from error
