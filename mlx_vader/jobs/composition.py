"""Which process cleans a file: what the options ask for, put together."""

from functools import cached_property
from pathlib import Path
from typing import Any

from mlx_vader import checkpoints
from mlx_vader.backends import Backend, load_backend
from mlx_vader.backends.registry import is_package
from mlx_vader.identity import identity
from mlx_vader.inpainting.fill import find_fill
from mlx_vader.inpainting.filling import Filling
from mlx_vader.inpainting.known_marks import KnownMarks
from mlx_vader.inpainting.unblending import Unblending
from mlx_vader.jobs.marking import Marking
from mlx_vader.jobs.options import CleanOptions
from mlx_vader.jobs.plan import Task
from mlx_vader.jobs.weights import network_identity
from mlx_vader.masks.mark_files import load_marks
from mlx_vader.masks.source import MaskSource
from mlx_vader.masks.static.network import FINDER
from mlx_vader.models.base import Network
from mlx_vader.process import Process
from mlx_vader.streaming import Restoration, make_strategy
from mlx_vader.streaming.chained import Chained
from mlx_vader.streaming.tiling import tiled
from mlx_vader.streaming.whole_picture import WholePicture

#: The shipped network that `--restore auto` takes.
RESTORER = "degradations"


class Cleaning:
    """The processes of one run. Raises what its options are wrong in: UsageError, VaderError."""

    def __init__(self, options: CleanOptions) -> None:
        self.options = options
        self._fill = find_fill(options.fill)
        self._strategy = make_strategy(
            options.strategy, clip_length=options.clip_length, overlap=options.overlap
        )
        self._known_marks = [load_marks(path) for path in options.mark]
        self.marking = Marking(options, lambda: self.backend)
        if self.asks_network:
            _ = self.backend
        if self._restores:
            _ = self._restorer

    @cached_property
    def backend(self) -> Backend:
        """The network, loaded once for all files."""
        return tiled(load_backend(self.options.backend, self.options.checkpoint))

    @property
    def asks_network(self) -> bool:
        """Whether the network of `checkpoint` has a part in it."""
        if self._known_marks or self.only_restores:
            return False
        return self._network_fills or not self.marking.by_masks

    @property
    def only_restores(self) -> bool:
        """Whether nothing but `restore` is wanted, since there are no marks."""
        return self._restores and not (self._known_marks or self.options.told or self.marking.looks)

    @property
    def networks(self) -> str:
        """Those that have a part in it, as they were named."""
        finds = self.marking.looks and self.options.find != "network"
        parts = (
            (FINDER, finds),
            (self.options.checkpoint, self.asks_network),
            (self._restore_from, self._restores),
        )
        names = [
            type(network).__name__ if isinstance(network, Network) else str(network)
            for network, has_part in parts
            if has_part
        ]
        return ", ".join(dict.fromkeys(names))

    @property
    def backend_name(self) -> str:
        """The backend's, or that of what fills without a network."""
        if self.asks_network:
            return self.backend.name
        if self._restores:
            return self._restorer.name
        return "unblend" if self._goes_by_evidence else self.options.fill

    @property
    def device(self) -> str:
        """Where the backend runs."""
        if self.asks_network:
            return self.backend.device
        return self._restorer.device if self._restores else "CPU"

    def process_for(self, task: Task) -> Process:
        """What cleans one file. Raises VaderError where a folder of masks has none for it."""
        if self.only_restores:
            return self._whole_picture
        removal = self._removal(task)
        return Chained(removal, self._whole_picture) if self._restores else removal

    def _removal(self, task: Task) -> Process:
        if self._known_marks:
            return KnownMarks(self._known_marks, [identity(path) for path in self.options.mark])
        return self.process_with(self.marking.of(task))

    def process_with(self, masks: MaskSource | None) -> Process:
        """What removes these marks; without masks the network has the say."""
        if masks is None or self._network_fills:
            return Restoration(
                self.backend,
                self._strategy,
                weights=network_identity(self.options.checkpoint),
                fill=self._fill.fill,
                fill_name=self.options.fill,
                masks=masks,
                marks=self.marking.looks,
            )
        return Unblending(masks) if self._goes_by_evidence else Filling(masks, self.options.fill)

    @property
    def _network_fills(self) -> bool:
        """Whether the network paints under masks: where it is asked to, and where it is one that somebody chose."""
        chosen = self.options.checkpoint != CleanOptions.checkpoint
        return self._fill.needs_network or (self.options.fill == "auto" and chosen)

    @property
    def _goes_by_evidence(self) -> bool:
        """Whether marks are measured before it is decided how to remove each."""
        return self.options.fill in {"auto", "unblend"}

    @property
    def _restores(self) -> bool:
        return bool(self.options.restore != "none")

    @property
    def _whole_picture(self) -> WholePicture:
        """What restores whole pictures."""
        source, measured = self._restore_from, self.options.restore == "auto"
        restoration = Restoration(
            self._restorer,
            self._strategy,
            weights=network_identity(source),
            fill=self._fill.fill,
            marks=False,
        )
        name = type(source).__name__ if isinstance(source, Network) else checkpoints.label(Path(source))
        return WholePicture(restoration, name, None if measured else 1.0)

    @property
    def _restore_from(self) -> Any:
        return RESTORER if self.options.restore == "auto" else self.options.restore

    @cached_property
    def _restorer(self) -> Backend:
        """The network that restores whole pictures; a checkpoint, whatever the one for marks is."""
        same = is_package(self._restore_from) == (self.options.backend == "coreml")
        return tiled(load_backend(self.options.backend if same else "auto", self._restore_from))
