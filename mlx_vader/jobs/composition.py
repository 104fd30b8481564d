"""Which process cleans a file: what the options ask for, put together."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mlx_vader import checkpoints
from mlx_vader.arrays import Mask
from mlx_vader.artifacts.registry import ARTIFACTS, GROUPS, parse_names
from mlx_vader.backends import Backend, load_backend, restore
from mlx_vader.backends.registry import is_package
from mlx_vader.identity import identity
from mlx_vader.inpainting.fill import find_fill
from mlx_vader.inpainting.filling import Filling
from mlx_vader.inpainting.unblending import Unblending
from mlx_vader.jobs.options import CleanOptions
from mlx_vader.jobs.plan import Task
from mlx_vader.masks.files import FileMasks
from mlx_vader.masks.joined import JoinedMasks
from mlx_vader.masks.persistent import PersistentMarks
from mlx_vader.masks.source import MaskSource
from mlx_vader.masks.static.source import Seen, StaticMarks
from mlx_vader.masks.text.source import TextMarks
from mlx_vader.masks.tracked.source import MovingMarks
from mlx_vader.models.base import Network
from mlx_vader.process import Process, SourceFrame
from mlx_vader.streaming import Restoration, make_strategy
from mlx_vader.streaming.tiling import tiled
from mlx_vader.untrusted import parse_json

#: The shipped network that finds marks which stand still.
FINDER = "mark-finder"
#: What is looked for without the network that restores frames.
_WITHOUT_NETWORK = ("static", "all")


class Cleaning:
    """The processes of one run. Raises what its options are wrong in: UsageError, VaderError."""

    def __init__(self, options: CleanOptions) -> None:
        self.options = options
        self._fill = find_fill(options.fill)
        self._strategy = make_strategy(
            options.strategy, clip_length=options.clip_length, overlap=options.overlap
        )
        self._file_masks = FileMasks(options.mask) if options.mask is not None else None
        self._needs_network = (
            self._file_masks is None and options.find not in _WITHOUT_NETWORK
        ) or self._fill.needs_network
        if self._needs_network:
            _ = self.backend

    @cached_property
    def backend(self) -> Backend:
        """The network, loaded once for all files."""
        return tiled(load_backend(self.options.backend, self.options.checkpoint))

    @property
    def backend_name(self) -> str:
        """The backend's, or that of what fills without a network."""
        return self.backend.name if self._needs_network else self.options.fill

    @property
    def device(self) -> str:
        """Where the backend runs."""
        return self.backend.device if self._needs_network else "CPU"

    @property
    def looks_for_marks(self) -> bool:
        """Whether marks are looked for, rather than told or unwanted."""
        return self._file_masks is None and self._looks_for_marks

    def process_for(self, task: Task) -> Process:
        """What cleans one file. Raises VaderError where a folder of masks has none for it."""
        masks = self._masks_for(task)
        if masks is not None and self.options.fill == "unblend":
            return Unblending(masks)
        if masks is not None and not self._fill.needs_network:
            return Filling(masks, self.options.fill)
        return Restoration(
            self.backend,
            self._strategy,
            weights=self._weights,
            fill=self._fill.fill,
            fill_name=self.options.fill,
            masks=masks,
            marks=self._looks_for_marks,
        )

    def _masks_for(self, task: Task) -> MaskSource | None:
        if self._file_masks is not None:
            return self._file_masks.of(task.source, task.root)
        if self.options.find in _WITHOUT_NETWORK:
            static = StaticMarks(self._static_marks, network_identity(FINDER))
            return (
                static if self.options.find == "static" else JoinedMasks([static, TextMarks(), MovingMarks()])
            )
        predicts = self.backend.interface.output("mask") is not None
        if self.options.find == "auto" and self._looks_for_marks and predicts:
            return PersistentMarks(self._seen_marks, self._weights)
        return None

    @cached_property
    def _looks_for_marks(self) -> bool:
        """Not where none are wanted, nor by weights that were trained without overlays."""
        if self.options.find in _WITHOUT_NETWORK:
            return True
        return self.options.find != "none" and _knows_overlays(self.options.checkpoint)

    @cached_property
    def _weights(self) -> str:
        return network_identity(self.options.checkpoint)

    @cached_property
    def _finder(self) -> Backend:
        backend = "auto" if self.options.backend == "coreml" else self.options.backend
        return load_backend(backend, FINDER)

    def _static_marks(self, statistics: np.ndarray) -> Seen:
        """What the finder of marks says of a video's statistics."""
        values = self._finder.run({"statistics": statistics[None]}).values
        return Seen(values["mask"][0, ..., 0], float(values["undecidable"].item()))

    def _seen_marks(self, frames: Iterator[SourceFrame]) -> Mask:
        """The network's mask of the last frame, after those before it."""
        restored = None
        while clip := [frame.rgb for frame in islice(frames, self.backend.interface.window)]:
            restored = restore(self.backend, np.stack(clip), restored.state if restored else None)
        assert restored is not None  # there are frames
        assert restored.mask is not None  # it predicts one: see `_masks_for`
        return restored.mask[-1]


@dataclass(frozen=True)
class _Trained:
    """What is read of a training's configuration."""

    artifacts: tuple[str, ...] = ()


def _knows_overlays(checkpoint: Any) -> bool:
    """Whether the weights were trained on overlays, as far as their provenance tells; others are taken to be."""
    if isinstance(checkpoint, Network):
        return True
    config = _provenance(checkpoint).get("config", "{}")
    names = parse_json(
        config, _Trained, f"{checkpoint} does not say what it learned", extra="ignore"
    ).artifacts
    known = [name for name in names if name in ARTIFACTS or name in GROUPS]
    return not known or any(ARTIFACTS[name].kind == "overlay" for name in parse_names(known))


def _provenance(checkpoint: str | Path) -> dict[str, str]:
    """What is known of how weights came about."""
    if not is_package(checkpoint):
        return checkpoints.read(checkpoint).provenance
    from convert.package import read_spec

    metadata = read_spec(Path(checkpoint)).description.metadata.userDefined
    text = metadata.get("vader.provenance", "{}")
    known: dict[str, str] = parse_json(text, dict[str, str], f"{checkpoint} is damaged: its provenance")
    return known


def network_identity(source: Network | str | Path) -> str:
    """Of a checkpoint, a package, or the weights of a network: the same text for the same numbers."""
    if isinstance(source, Network):
        from mlx_vader.layout import to_torch_layout

        digest = hashlib.sha256(repr(source.spec).encode())
        for name, weights in sorted(to_torch_layout(source).items()):
            digest.update(name.encode() + weights.tobytes())
        return digest.hexdigest()[:16]
    path = Path(source)
    return identity(path) if is_package(path) else checkpoints.fingerprint(checkpoints.resolve(source))[:16]
