"""One still image from file to file."""

from mlx_vader.jobs.options import CleanOptions
from mlx_vader.jobs.plan import Task
from mlx_vader.jobs.preview import panels
from mlx_vader.jobs.video_job import Done, OnFrames, copy_source
from mlx_vader.process import Process, edits_of
from mlx_vader.video import read_image, write_image
from mlx_vader.video.in_memory import ClipInMemory


class ImageJob:
    """An image that has been read: whatever can be known to fail has failed before `run`."""

    total = 1
    losses: tuple[str, ...] = ()
    resume_at = None

    def __init__(self, task: Task, process: Process, options: CleanOptions) -> None:
        """Raises VaderError for a source that cannot be read."""
        self.task, self.process, self.options = task, process, options
        self.video = ClipInMemory(read_image(task.source)[None])

    def run(self, on_frames: OnFrames) -> Done:
        """Writes the target, and the preview if one is asked for."""
        (edit,) = edits_of(self.process, self.video)
        finding = self.process.finding
        if self.process.changes_nothing() and self.task.keeps_format:
            copy_source(self.task)
            return Done(1, copied=True, finding=finding)
        clean = edit.frame.edited(edit.patches()).rgb
        if self.options.preview:
            write_image(self.task.preview, panels(edit.frame.rgb, edit.mask, clean))
        write_image(self.task.target, clean, source=self.task.source)
        on_frames(1, "")
        return Done(1, not_finite=int(not edit.finite), finding=finding)
