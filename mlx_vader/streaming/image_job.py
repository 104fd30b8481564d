"""One still image from file to file."""

from collections.abc import Callable

from mlx_vader.backends.base import Backend
from mlx_vader.streaming.finishing import finished
from mlx_vader.streaming.options import Options
from mlx_vader.streaming.plan import Task
from mlx_vader.streaming.preview import panels
from mlx_vader.streaming.user_mask import seen
from mlx_vader.streaming.video_job import Done
from mlx_vader.video import read_image, write_image


class ImageJob:
    """An image that has been read: whatever can be known to fail has failed before `run`."""

    total = 1

    def __init__(self, task: Task, backend: Backend, options: Options) -> None:
        """Raises VaderError for a source that cannot be read."""
        self.task, self.backend, self.options = task, backend, options
        self.image = read_image(task.source)
        self.mask = options.mask.of(task.source, task.root) if options.mask else None

    def run(self, on_frames: Callable[[int], None]) -> Done:
        """Writes the target, and the preview if one is asked for."""
        mark = next(self.mask.marks(*self.image.shape[:2])) if self.mask else None
        frame = seen(self.image, mark, self.backend)
        result = next(iter(self.options.strategy.run([frame], self.backend)))
        clean = finished(self.image, result, mark)
        if self.options.preview:
            shown = result.mask if mark is None else mark.alpha
            write_image(self.task.preview, panels(self.image, shown, clean))
        write_image(self.task.target, clean)
        on_frames(1)
        return Done(1, not_finite=int(not result.finite))
