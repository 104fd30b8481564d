"""Where the marks of a file are: as masks, boxes and polygons tell, or as they are looked for."""

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from itertools import islice

import numpy as np

from mlx_vader.arrays import Mask
from mlx_vader.backends import Backend, load_backend, restore
from mlx_vader.jobs.candidates import parse_numbers
from mlx_vader.jobs.options import CleanOptions
from mlx_vader.jobs.plan import Task
from mlx_vader.jobs.weights import knows_overlays, network_identity
from mlx_vader.masks.chosen import ChosenMarks
from mlx_vader.masks.files import FileMasks
from mlx_vader.masks.joined import JoinedMasks
from mlx_vader.masks.persistent import PersistentMarks
from mlx_vader.masks.postprocess import ChangedMasks, grown
from mlx_vader.masks.shapes import ShapeMasks, parse_shapes
from mlx_vader.masks.source import Choosable, MaskSource
from mlx_vader.masks.static.network import FINDER, See, finder_of
from mlx_vader.masks.static.source import StaticMarks
from mlx_vader.masks.text.source import TextMarks
from mlx_vader.masks.tracked.source import MovingMarks
from mlx_vader.process import SourceFrame
from mlx_vader.video import frame_at


class Marking:
    """The mask sources of one run. Raises what its options are wrong in: UsageError, VaderError."""

    def __init__(self, options: CleanOptions, backend: Callable[[], Backend]) -> None:
        """`backend`: loads the network that restores frames, or gives the one that is loaded."""
        self._options, self._backend = options, backend
        self._files = FileMasks(options.mask) if options.mask is not None else None
        self._shapes = parse_shapes(options.box, options.polygon)
        self._numbers = None if options.marks is None else parse_numbers(options.marks)

    @cached_property
    def looks(self) -> bool:
        """Whether marks are looked for, rather than told or unwanted; by default not with weights that know none."""
        find = self._options.find
        if self._options.told or self._options.mark or find == "none":
            return False
        return find in {"static", "all"} or self._knows_overlays

    @cached_property
    def _knows_overlays(self) -> bool:
        return knows_overlays(self._options.checkpoint)

    @property
    def by_masks(self) -> bool:
        """Whether masks are known before any frame is changed; else the network has the say."""
        return self._options.told or (self.looks and self._options.find != "network")

    def of(self, task: Task) -> MaskSource | None:
        """The masks of a file; None where the network has the say. Raises VaderError where a folder has none for it."""
        if not self.by_masks:
            return None
        masks = self._told(task) if self._options.told else self._found()
        grow = self._options.grow
        return ChangedMasks(masks, partial(grown, pixels=grow), f"grown {grow}") if grow else masks

    def _told(self, task: Task) -> MaskSource:
        told: list[MaskSource] = []
        if self._files is not None:
            told.append(self._files.of(task.source, task.root))
        if self._shapes:
            told.append(ShapeMasks(self._shapes, partial(frame_at, task.source)))
        return told[0] if len(told) == 1 else JoinedMasks(told)

    def _found(self) -> MaskSource:
        found: Choosable = StaticMarks(self._see, network_identity(FINDER))
        if self._options.find == "all":
            sources: list[MaskSource] = [found, TextMarks(), MovingMarks()]
            if self._knows_overlays and self._backend().interface.output("mask") is not None:
                sources.append(PersistentMarks(self._seen_marks, network_identity(self._options.checkpoint)))
            found = JoinedMasks(sources)
        return found if self._numbers is None else ChosenMarks(found, self._numbers)

    @cached_property
    def _see(self) -> See:
        backend = "auto" if self._options.backend == "coreml" else self._options.backend
        return finder_of(load_backend(backend, FINDER))

    def _seen_marks(self, frames: Iterator[SourceFrame]) -> Mask:
        """The network's mask of the last frame, after those before it."""
        backend, restored = self._backend(), None
        while clip := [frame.rgb for frame in islice(frames, backend.interface.window)]:
            restored = restore(backend, np.stack(clip), restored.state if restored else None)
        assert restored is not None  # there are frames
        assert restored.mask is not None  # it predicts one: see `_found`
        return restored.mask[-1]
