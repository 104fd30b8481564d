"""One image file from file to file: a picture, pages by themselves, or an animation as a clip."""

from dataclasses import replace

import numpy as np

from mlx_vader.jobs.options import CleanOptions
from mlx_vader.jobs.plan import Task
from mlx_vader.jobs.preview import panels
from mlx_vader.jobs.video_job import Done, OnFrames, copy_source
from mlx_vader.process import Edit, Process, edits_of
from mlx_vader.video import open_image, write_image, write_images
from mlx_vader.video.images import check_image_target
from mlx_vader.video.in_memory import ClipInMemory


class ImageJob:
    """An image that has been read: whatever can be known to fail has failed before `run`."""

    #: An interrupted one begins anew.
    resume_at = None

    def __init__(self, task: Task, process: Process, options: CleanOptions) -> None:
        """Raises VaderError for a source that cannot be read, and a target that cannot be written."""
        self.task, self.process, self.options = task, process, options
        self.image = open_image(task.source)
        check_image_target(task.target)
        self.losses = self.image.losses_in(task.target)
        self.total = len(self.image.frames)

    def run(self, on_frames: OnFrames) -> Done:
        """Writes the target, and the preview of its first picture if one is asked for."""
        frames = self.image.frames
        clips = [np.stack(frames)] if self.image.durations else [frame[None] for frame in frames]
        clean: list[np.ndarray] = []
        first: Edit | None = None
        not_finite = 0
        for clip in clips:
            for edit in edits_of(self.process, ClipInMemory(clip)):
                clean.append(edit.frame.edited(edit.patches()).rgb)
                first = first or edit
                not_finite += not edit.finite
                on_frames(len(clean), "")
        done = Done(len(clean), not_finite=not_finite, finding=self.process.finding)
        if self.process.finding.changes_nothing and self.task.keeps_format:
            copy_source(self.task)
            return replace(done, copied=True)
        if self.options.preview and first is not None:
            write_image(self.task.preview, panels(first.frame.rgb, first.mask, clean[0]))
        write_images(self.task.target, clean, self.image)
        return done
