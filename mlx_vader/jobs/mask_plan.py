"""Which file's masks go where: decided and checked before any work."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_vader.errors import UsageError
from mlx_vader.jobs.mask_options import MaskOptions
from mlx_vader.jobs.plan import PathLike, Task, files_read, make_folder, plan
from mlx_vader.jobs.work_folder import work_folder
from mlx_vader.overwriting import check_overwriting
from mlx_vader.video.files import check_target

#: What holds masks without loss.
VIDEOS, PICTURE = (".mkv", ".mp4"), ".png"
#: The masks of a video's frames, in a folder of its name.
NUMBERED = re.compile(r"\d{6}\.png")


@dataclass(frozen=True)
class MaskTask(Task):
    """One file whose masks are to be made.

    `target` ends in .mkv or .mp4: a video. In .png: one picture. Else it stands for both `target`.png, if the mask
    never changes, and a folder `target` of numbered pictures.
    """

    @property
    def is_video(self) -> bool:
        """Whether the masks become a video."""
        return self.target.suffix.lower() in VIDEOS

    @property
    def picture(self) -> Path:
        """Where the one picture goes."""
        ends = self.target.suffix.lower() == PICTURE
        return self.target if ends else self.target.with_name(self.target.name + PICTURE)

    @property
    def folder(self) -> Path | None:
        """Where numbered pictures go, if they may."""
        return None if self.is_video or self.picture == self.target else self.target

    @property
    def preview(self) -> Path:
        """Where the preview goes: beside the target."""
        stem = self.target.name if self.folder else self.target.stem
        return self.target.with_name(f"{stem}.preview{'.mp4' if self.is_video else PICTURE}")


def plan_masks(sources: PathLike | Sequence[PathLike], target: PathLike | None) -> list[MaskTask]:
    """The tasks for files and folders.

    Without a target, `clip.mp4` becomes `clip.mask.mkv`, `photo.jpg` becomes `photo.mask.png`, and the folder `clips`
    becomes `clips.mask`. A target that ends in .mkv, .mp4 or .png is a file; any other is a folder, in which each
    source gets `NAME.png`, or a folder `NAME` if its mask changes. Raises UsageError and VaderError: a source that is
    missing, nothing to mask, a target of another kind.
    """
    named = [Path(source) for source in ([sources] if isinstance(sources, str | os.PathLike) else sources)]
    if target is None:
        return [task for source in named for task in _beside(source)]
    goal = Path(target)
    if goal.suffix.lower() not in (*VIDEOS, PICTURE) or goal.is_dir():
        if goal.suffix and not goal.is_dir() and not str(target).endswith(("/", os.sep)):
            raise UsageError(
                f"masks cannot become {goal.suffix}", hint="call the target .mkv, .mp4 or .png, or a folder"
            )
        return _in_folder(named, goal)
    if len(named) > 1 or named[0].is_dir():
        raise UsageError(f"{target} is one file", hint="several sources need a folder to go to")
    task = MaskTask(plan(named, None)[0].source, goal)
    if task.is_image and task.is_video:
        raise UsageError(f"the mask of an image cannot become {goal.suffix}", hint="call the target .png")
    return [task]


def _beside(source: Path) -> list[MaskTask]:
    if source.is_dir():
        folder = source if source.name else source.resolve()
        return _in_folder([source], folder.with_name(f"{folder.name}.mask"))
    task = plan(source, None)[0]
    suffix = PICTURE if task.is_image else VIDEOS[0]
    return [MaskTask(source, source.with_name(f"{source.stem}.mask{suffix}"))]


def _in_folder(sources: Sequence[Path], folder: Path) -> list[MaskTask]:
    return [
        MaskTask(task.source, task.target.with_name(task.source.stem), task.root)
        for task in plan(sources, f"{folder}{os.sep}")
    ]


def check_masks(
    tasks: Sequence[MaskTask], options: MaskOptions, also_written: Sequence[PathLike | None] = ()
) -> None:
    """Raises UsageError where a run would overwrite what it reads, or files that are no result of it."""
    writes = [task.target if task.is_video else task.picture for task in tasks]
    if options.preview:
        writes += [task.preview for task in tasks]
    folders = [task.folder or work_folder(task.target) for task in tasks]
    reads = files_read(tasks, options.mask, [options.checkpoint])
    check_overwriting(reads, [*writes, *also_written], replaced_folders=folders)
    for task in tasks:
        if task.folder and task.folder.is_dir():
            _check_replaced(task.folder)


def _check_replaced(folder: Path) -> None:
    for path in folder.iterdir():
        if not NUMBERED.fullmatch(path.name):
            raise UsageError(
                f"{folder} would be replaced, and {path.name} in it is no mask", hint="choose another folder"
            )


def make_folders(tasks: Sequence[MaskTask]) -> None:
    """Makes the folders that pictures go to, and checks that files can be written there. Raises UsageError."""
    for task in tasks:
        if task.folder:
            make_folder(task.target.parent, parents=True)
        check_target(task.target if task.is_video else task.picture)
