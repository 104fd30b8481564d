"""What masks show is taken out of videos, images and folders of them, and what lies behind it put in its place."""

from collections.abc import Callable, Sequence
from typing import Any

from mlx_vader.inpainting.propagating import Propagating
from mlx_vader.jobs.clean import Beginning, CleanReport, Progress, run_files
from mlx_vader.jobs.composition import Cleaning
from mlx_vader.jobs.inpaint_options import InpaintOptions
from mlx_vader.jobs.mask_sources import Seeking
from mlx_vader.jobs.options import made
from mlx_vader.jobs.plan import PathLike, Task
from mlx_vader.process import Process


class Inpainting(Cleaning):
    """The processes of one run. Raises what its options are wrong in: UsageError, VaderError."""

    def __init__(self, options: InpaintOptions) -> None:
        super().__init__(options.cleaning())
        self._inpainting = options
        self._seeking = Seeking(options.masking())

    @property
    def backend_name(self) -> str:
        """The network's, or how holes are filled without one."""
        method = self._inpainting.method
        return super().backend_name if method == "network" else "propagate" if method == "auto" else method

    def process_for(self, task: Task) -> Process:
        """What fills the holes of one file. Raises VaderError where a folder of masks has none for it."""
        options, masks = self._inpainting, self._seeking.of(task).source
        if options.method == "network":
            return self.process_with(masks)
        reach = 0 if options.method == "fill" else options.window
        return Propagating(masks, options.fills, reach)


def inpaint(
    source: PathLike | Sequence[PathLike],
    target: PathLike | None = None,
    *,
    on_begin: Callable[[Beginning], None] = lambda beginning: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_note: Callable[[str], None] = lambda note: None,
    also_written: Sequence[PathLike | None] = (),
    **options: Any,
) -> CleanReport:
    """Takes what a mask shows out of a video, an image, a folder, or several of them.

    Where other frames show what it hides, their pixels take its place; elsewhere it is filled. All else is as for
    `mlx_vader.clean`: what is written, when and what it keeps. `options` are the fields of `InpaintOptions`.

    >>> inpaint("street.mp4", "empty.mp4", mask="people.mkv")

    Raises UsageError where nothing says what to take out; else as `clean`.
    """
    chosen = made(InpaintOptions, options)
    return run_files(
        source,
        target,
        chosen.cleaning(),
        lambda: Inpainting(chosen),
        name="inpaint",
        on_begin=on_begin,
        on_progress=on_progress,
        on_note=on_note,
        also_written=also_written,
    )
