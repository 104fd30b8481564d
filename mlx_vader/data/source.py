"""Where clips come from: a folder of videos and photographs, all behind `ClipSource`."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from mlx_vader.data.cache import PictureCache
from mlx_vader.data.folders import OBJECTS, Split, media_files
from mlx_vader.data.footage import Stretch, clip_from_stretch, decode, stretches
from mlx_vader.data.grading import graded
from mlx_vader.data.objects import Cutout, choose_objects, find_objects, load_object, pasted
from mlx_vader.data.stills import check_still, clip_from_still, load_still
from mlx_vader.errors import VaderError
from mlx_vader.levels import to_unit
from mlx_vader.video import is_video

#: Decoded pictures kept in memory, for one process: a sixth of the machine's, at most 4 GiB.
CACHE_BYTES = min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 6, 4 * 2**30)


@runtime_checkable
class ClipSource(Protocol):
    """Clips by number. Everything random in a clip follows from `key`; the source can be pickled."""

    @property
    def skipped(self) -> Sequence[str]:
        """What could not be read, one line a file, each file once."""
        ...

    @property
    def videos(self) -> Sequence[Path]:
        """The videos among its files."""
        ...

    def __len__(self) -> int: ...

    def clip(self, index: int, key: int, length: int, size: int) -> Float[np.ndarray, "t size size 3"]:
        """`length` frames RGB in [0, 1] of item `index`."""
        ...


@dataclass
class FolderSource:
    """Photographs, and videos in stretches of about 16 frames, each of them one item.

    Where a file turns out to be damaged, it is noted in `skipped`, and the next item that can be read takes the place.
    `varied` clips are for training: in other colours, some of the `objects` passing before the camera.
    """

    items: list[Path | Stretch]
    skipped: list[str] = field(default_factory=list)
    varied: bool = False
    objects: Sequence[Path] = ()
    cache_bytes: int = CACHE_BYTES

    def __post_init__(self) -> None:
        self._cache = PictureCache(self.cache_bytes)
        self._damaged: set[Path | Stretch] = set()
        self._noted: set[Path] = set()

    def __getstate__(self) -> dict[str, Any]:
        # Another process decodes for itself: pictures don't travel.
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def files(self) -> set[Path]:
        """The files that the items are of."""
        return {item if isinstance(item, Path) else item.path for item in self.items}

    @cached_property
    def videos(self) -> tuple[Path, ...]:
        """The videos among them, by name."""
        return tuple(sorted({item.path for item in self.items if isinstance(item, Stretch)}))

    def clip(self, index: int, key: int, length: int, size: int) -> Float[np.ndarray, "t size size 3"]:
        """A clip of item `index`; raises VaderError when no file of the folder can be decoded any more."""
        for step in range(len(self)):
            item = self.items[(index + step) % len(self)]
            if item in self._damaged:
                continue
            try:
                return self._made(item, np.random.default_rng(key), length, size)
            except (VaderError, OSError) as error:
                self._note(item, str(error))
        raise VaderError("none of the training files can be decoded", hint=f"the first: {self.skipped[0]}")

    def _note(self, item: Path | Stretch, reason: str) -> None:
        # One stretch of a video may be damaged and the others not: what was read before must not change what is read.
        self._damaged.add(item)
        file = item if isinstance(item, Path) else item.path
        if file not in self._noted:
            self._noted.add(file)
            self.skipped.append(reason)

    def _made(
        self, item: Path | Stretch, rng: np.random.Generator, length: int, size: int
    ) -> Float[np.ndarray, "t size size 3"]:
        if isinstance(item, Path):
            clip = clip_from_still(self._cache.get(item, lambda: load_still(item)), rng, length, size)
        else:
            frames = self._cache.get((item, length), lambda: decode(item, length - 1))
            clip = clip_from_stretch(frames, rng, length, size)
        clip = turned(clip, rng)
        if self.varied:
            clip = graded(clip, rng)
            clip = pasted(clip, self._loaded(choose_objects(self.objects, rng)), rng)
        return to_unit(clip)

    def _loaded(self, files: Sequence[Path]) -> list[Cutout]:
        """The pictures that can be read; the others are noted."""
        pictures = []
        for file in files:
            try:
                pictures.append(self._cache.get(file, partial(load_object, file)))
            except VaderError as error:
                self._note(file, str(error))
        return pictures


def open_source(folder: Path | str, split: Split = "train") -> FolderSource:
    """The clips of a folder: its `train/` or `val/`, or a share of a flat one by a hash of the files' names.

    Training clips are varied in colour and, where the folder has `objects/` with cut-out pictures, in content.
    Looks into every file's head; what cannot be read is listed in `.skipped`. Raises VaderError when nothing is left.
    """
    files = media_files(Path(folder), split)
    with ThreadPoolExecutor(8) as pool:
        looked_at = list(pool.map(_items, files))
    items = [item for found in looked_at if not isinstance(found, str) for item in found]
    skipped = [found for found in looked_at if isinstance(found, str)]
    if not items:
        raise VaderError(f"no file in {folder} can be read ({split})", hint=f"the first: {skipped[0]}")
    varied = split == "train"
    return FolderSource(items, skipped, varied, find_objects(Path(folder) / OBJECTS) if varied else ())


def turned(clip: UInt8[np.ndarray, "t h w 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "t h w 3"]:
    """The clip or its mirror image, sometimes upside down, half of the time backwards."""
    across, down, backwards = rng.random(3) < (0.5, 0.1, 0.5)
    return clip[:: -1 if backwards else 1, :: -1 if down else 1, :: -1 if across else 1]


def _items(file: Path) -> list[Path | Stretch] | str:
    """The items of one file, or why there are none."""
    try:
        if is_video(file):
            return list(stretches(file))
        check_still(file)
    except (VaderError, OSError) as error:
        return str(error)
    return [file]
