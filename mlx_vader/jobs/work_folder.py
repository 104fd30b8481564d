"""What an interrupted job leaves behind, so that it can go on: the first pass, segments, the state at their end.

`.<target name>.vader/` beside the target holds a folder of segments for each output, `analysis-N.npz` (what the process
found out before it began), `carry-N.npz` (what it remembers after N segments) and `manifest.json`. The manifest is
written last and in one step: what it counts is complete, also after a power cut; what it does not count is thrown away.
"""

import fcntl
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval

from mlx_vader.errors import VaderError
from mlx_vader.process import Packed
from mlx_vader.untrusted import parse_json
from mlx_vader.video import Segment, finished_segments
from mlx_vader.writing import companion, write_failure, write_file, written_beside

VERSION = 2
Natural = Annotated[int, Interval(ge=0)]


def work_folder(target: Path) -> Path:
    """Where what a job has done so far lies until its target is complete."""
    return companion(target, ".vader")


@dataclass
class Manifest:
    """`settings`: all that the pixels depend on. `frames` are done, in `segments`; `next_frame` is to be read next.

    `analyses` counts what the first pass has kept: the last of them holds all before. `damaged`: when the damaged of
    the frames that are done are shown, in seconds. `waiting`: how many of the frames are in no file yet, by output.
    """

    settings: dict[str, Any]
    segments: Natural = 0
    frames: Natural = 0
    next_frame: Natural = 0
    analyses: Natural = 0
    damaged: list[float] = field(default_factory=list)
    waiting: dict[str, Natural] = field(default_factory=dict)
    version: int = VERSION

    @property
    def empty(self) -> bool:
        """Whether there is nothing to go on with."""
        return not (self.segments or self.analyses)


class WorkFolder:
    """The folder of one job, held by one process at a time. Use it in a `with`; `remove` when the target is there."""

    def __init__(self, target: Path, outputs: Sequence[str]) -> None:
        """`outputs` are the names of the folders of segments."""
        self.target = target
        self.path = work_folder(target)
        self.outputs = outputs
        self.manifest = Manifest({})
        self._lock: int | None = None

    def __enter__(self) -> "WorkFolder":
        """Raises VaderError if another process holds the folder or it cannot be made."""
        try:
            self.path.mkdir(exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o666)
            # The lock ends with the process, however it ends.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._release()
            message = f"another process is writing {self.target}"
            raise VaderError(message, hint="wait for it, or choose another target") from error
        except OSError as error:
            self._release()
            raise write_failure(self.target, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets go of the folder; one with nothing to go on with is removed."""
        if self.manifest.empty:
            self.remove()
        self._release()

    def start(self, settings: dict[str, Any]) -> None:
        """Begins anew; what an earlier job left is removed."""
        self.manifest = Manifest(_plain(settings))
        self._write_manifest(durable=False)  # it counts nothing
        for leftover in self.path.iterdir():
            if leftover.is_dir() or leftover.suffix == ".npz":
                _remove(leftover)
        for output in self.outputs:
            self.folder(output).mkdir()

    def resume(self, settings: dict[str, Any]) -> None:
        """Goes on where the folder's job stopped, or begins anew if there is none.

        Raises VaderError if that job had another source or other settings.
        """
        manifest = self._read_manifest()
        if manifest is None:
            self.start(settings)
            return
        settings = _plain(settings)
        if changed := [key for key in settings if settings[key] != manifest.settings.get(key)]:
            then = ", ".join(f"{key} {manifest.settings.get(key)}" for key in changed)
            now = ", ".join(f"{key} {settings[key]}" for key in changed)
            raise VaderError(
                f"the interrupted job for {self.target} had {then}; this one has {now}",
                hint="give the same source and options, or leave out --resume to begin anew",
            )
        for output in self.outputs:
            files = finished_segments(self.folder(output))
            for segment in files[len(self._counted(output, manifest) or ()) :]:
                segment.path.unlink()
        self.manifest = manifest

    def folder(self, output: str) -> Path:
        """Where the segments of an output are."""
        return self.path / output

    def finish_segment(
        self,
        frames: int,
        next_frame: int,
        carry: Packed,
        damaged: Sequence[float] = (),
        *,
        last: bool = False,
        waiting: dict[str, int] | None = None,
    ) -> None:
        """From now on the job goes on behind the segment that each output has just got.

        `waiting`: how many of the last frames an output has in no segment yet. After the last segment it is over in a
        moment, and a power cut may cost that one.
        """
        before, count = self.manifest, self.manifest.segments + 1
        self._store("carry", count, carry, durable=not last)
        self.manifest = replace(
            before,
            segments=count,
            frames=before.frames + frames,
            next_frame=next_frame,
            damaged=[*before.damaged, *damaged],
            waiting=waiting or {},
        )
        self._write_manifest(durable=not last)
        self._arrays("carry", before.segments).unlink(missing_ok=True)

    def carry(self) -> Packed:
        """What to go on with after the last finished segment; `{}` before the first. Raises VaderError if damaged."""
        return self._load("carry", self.manifest.segments)

    def keep_analysis(self, found: Packed) -> None:
        """From now on the first pass goes on, or is over, with what it has found."""
        before, count = self.manifest, self.manifest.analyses + 1
        self._store("analysis", count, found)
        self.manifest = replace(before, analyses=count)
        self._write_manifest()
        self._arrays("analysis", before.analyses).unlink(missing_ok=True)

    def analysis(self) -> Packed:
        """What the first pass has kept; `{}` if nothing. Raises VaderError if damaged."""
        return self._load("analysis", self.manifest.analyses)

    def _store(self, kind: str, count: int, arrays: Packed, *, durable: bool = True) -> None:
        with written_beside(self._arrays(kind, count), durable=durable) as partial:
            np.savez(partial, **arrays)  # type: ignore[arg-type]

    def _load(self, kind: str, count: int) -> Packed:
        if not count:
            return {}
        path = self._arrays(kind, count)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise VaderError(f"{path} is damaged", hint="leave out --resume to begin anew") from error

    def segments(self, output: str) -> list[Segment]:
        """The finished segments of an output, in order."""
        return self._counted(output, self.manifest) or []

    def remove(self) -> None:
        """The job is done, or has nothing worth keeping."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _counted(self, output: str, manifest: Manifest) -> list[Segment] | None:
        """The segments of an output that a manifest counts; None where they are not all there."""
        left = manifest.frames - manifest.waiting.get(output, 0)
        counted = []
        for segment in finished_segments(self.folder(output)):
            if left <= 0:
                break
            counted.append(segment)
            left -= segment.frames
        return None if left else counted

    def _arrays(self, kind: str, count: int) -> Path:
        return self.path / f"{kind}-{count}.npz"

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _read_manifest(self) -> Manifest | None:
        """None where there is no job to go on with."""
        with suppress(OSError, VaderError):
            text = (self.path / "manifest.json").read_bytes()
            manifest: Manifest = parse_json(text, Manifest, f"{self.path} is damaged")
            whole = all(self._counted(name, manifest) is not None for name in self.outputs)
            if manifest.version == VERSION and not manifest.empty and whole:
                return manifest
        return None

    def _write_manifest(self, *, durable: bool = True) -> None:
        content = json.dumps(vars(self.manifest), indent=1).encode()
        write_file(self.path / "manifest.json", content, durable=durable)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives it back: tuples become lists."""
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return plain
