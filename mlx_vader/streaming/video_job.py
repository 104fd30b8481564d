"""One video from file to file, in segments that survive an interruption."""

import shutil
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from mlx_vader.backends.base import Backend, Packed
from mlx_vader.errors import VaderError
from mlx_vader.streaming import pipeline
from mlx_vader.streaming.finishing import finished
from mlx_vader.streaming.identity import identity
from mlx_vader.streaming.options import Options
from mlx_vader.streaming.plan import Task
from mlx_vader.streaming.preview import panel_size, panels
from mlx_vader.streaming.results import Carry, Frame, Result, pack, unpack
from mlx_vader.streaming.user_mask import Mark, seen
from mlx_vader.streaming.work_folder import WorkFolder
from mlx_vader.video import (
    Encoding,
    SegmentWriter,
    VideoFrame,
    VideoInfo,
    assemble,
    check_output,
    open_video,
    plan_encoding,
    probe,
)

CLEAN, PREVIEW = "clean", "preview"

#: Bytes of frames that may wait between two stages: enough to keep all three busy, whatever the frame size.
QUEUED_BYTES = 128 << 20


@dataclass(frozen=True)
class Done:
    """What was done: all frames of the result, those of an earlier run, those left as they were because of NaN."""

    frames: int
    resumed_at: int = 0
    not_finite: int = 0
    left_out: tuple[str, ...] = ()


class Decoded(NamedTuple):
    """A frame on its way to the network, and the user's mask for it."""

    source: VideoFrame
    mark: Mark | None


class Picture(NamedTuple):
    """A frame on its way to the encoder."""

    source: VideoFrame
    mark: Mark | None
    result: Result


class Cut(NamedTuple):
    """A segment ends here: what to go on with, and the frame to go on at."""

    carry: Packed
    next_frame: int


class VideoJob:
    """A video that has been probed and can be written: whatever can be known to fail has failed before `run`."""

    def __init__(self, task: Task, backend: Backend, options: Options) -> None:
        """Raises VaderError for a source that cannot be read or a target that cannot be written."""
        self.task, self.backend, self.options = task, backend, options
        self.info = probe(task.source)
        self.total = self.info.frames or 0
        self.mask = options.mask.of(task.source, task.root) if options.mask else None
        self.encodings = {CLEAN: self._encoding(task.target, (self.info.width, self.info.height))}
        check_output(task.target, self.encodings[CLEAN], task.source)
        if options.preview:
            self.encodings[PREVIEW] = self._encoding(
                task.preview, panel_size(self.info.width, self.info.height)
            )
            check_output(task.preview, self.encodings[PREVIEW])
        _check_disk(task)

    def _encoding(self, target: Path, size: tuple[int, int]) -> Encoding:
        return plan_encoding(target, self.info, codec=self.options.codec, crf=self.options.crf, size=size)

    def run(self, on_frames: Callable[[int], None]) -> Done:
        """Writes the target. `on_frames(n)` hears how many frames of the result are restored.

        The target appears when it is complete. On any error it is as it was, and finished segments are kept.
        """
        with WorkFolder(self.task.target, tuple(self.encodings)) as folder:
            (folder.resume if self.options.resume else folder.start)(self._settings())
            resumed_at = folder.manifest.frames
            on_frames(resumed_at)
            carry = unpack(folder.carry(), self.backend) if resumed_at else Carry()
            not_finite = self._restore(folder, carry, on_frames)
            left_out = self._assemble(folder)
            folder.remove()
            return Done(folder.manifest.frames, resumed_at, not_finite, left_out)

    def _settings(self) -> dict[str, object]:
        mask = identity(self.mask.path) if self.mask else ""
        source = identity(self.task.source)
        return {"source": source, "mask": mask, "backend": self.backend.name, **self.options.settings()}

    def _restore(self, folder: WorkFolder, carry: Carry, on_frames: Callable[[int], None]) -> int:
        restorer = _Restorer(self.backend, self.options, folder.manifest.frames, on_frames)
        encoder = _Encoder(folder, self.encodings)
        try:
            pipeline.run(
                self._decoded(folder.manifest.next_frame),
                lambda frames: restorer.restored(frames, carry),
                encoder.write,
                depth=_depth(self.info),
            )
        finally:
            encoder.abandon()
        return restorer.not_finite

    def _decoded(self, start: int) -> Iterator[Decoded]:
        marks = self.mask.marks(self.info.height, self.info.width, start) if self.mask else repeat(None)
        with open_video(self.task.source, start) as video:
            for frame in video:
                yield Decoded(frame, next(marks))

    def _assemble(self, folder: WorkFolder) -> tuple[str, ...]:
        if PREVIEW in self.encodings:
            assemble(folder.segments(PREVIEW), self.task.preview, self.encodings[PREVIEW])
        return assemble(folder.segments(CLEAN), self.task.target, self.encodings[CLEAN], self.task.source)


class _Restorer:
    """The middle of the pipeline: frames in, pictures and cuts out."""

    def __init__(
        self, backend: Backend, options: Options, frames: int, on_frames: Callable[[int], None]
    ) -> None:
        self.backend, self.options, self.on_frames = backend, options, on_frames
        self.frames = frames
        self.not_finite = 0

    def restored(self, decoded: Iterator[Decoded], carry: Carry) -> Iterator[Picture | Cut]:
        waiting: deque[Decoded] = deque()
        uncut = 0
        next_frame = 0
        for chunk in self.options.strategy.chunks(self._remembered(decoded, waiting), self.backend, carry):
            for result in chunk.results:
                source, mark = waiting.popleft()
                next_frame = source.index + 1
                yield Picture(source, mark, result)
                self.not_finite += not result.finite
            uncut += len(chunk.results)
            carry = chunk.carry
            if uncut >= self.options.segment_frames:
                yield Cut(pack(carry, self.backend), next_frame)
                uncut = 0
            self.frames += len(chunk.results)
            self.on_frames(self.frames)
        if uncut:
            yield Cut(pack(carry, self.backend), next_frame)

    def _remembered(self, decoded: Iterator[Decoded], waiting: deque[Decoded]) -> Iterator[Frame]:
        """What the network sees; the frames wait for their results."""
        for item in decoded:
            waiting.append(item)
            yield seen(item.source.rgb, item.mark, self.backend)


class _Encoder:
    """The end of the pipeline: writes segments of each output, and the work folder's record of them."""

    def __init__(self, folder: WorkFolder, encodings: dict[str, Encoding]) -> None:
        self.folder = folder
        self.writers = {
            name: SegmentWriter(folder.folder(name), encoding) for name, encoding in encodings.items()
        }
        self.uncut = 0

    def write(self, item: Picture | Cut) -> None:
        if isinstance(item, Cut):
            self._cut(item)
            return
        source, mark, result = item
        clean = finished(source.rgb, result, mark)
        self.writers[CLEAN].write(clean, source.pts, source.time_base)
        if PREVIEW in self.writers:
            shown = panels(source.rgb, result.mask if mark is None else mark.alpha, clean)
            self.writers[PREVIEW].write(shown, source.pts, source.time_base)
        self.uncut += 1

    def _cut(self, cut: Cut) -> None:
        for writer in self.writers.values():
            writer.cut()
        self.folder.finish_segment(self.uncut, cut.next_frame, cut.carry)
        self.uncut = 0

    def abandon(self) -> None:
        """Throws away what is not finished; nothing after a run without an error."""
        for writer in self.writers.values():
            writer.abandon()


def _depth(info: VideoInfo) -> int:
    """How many frames may wait: one is float32 RGB, and on the encoder's side there are two and a mask."""
    return min(max(QUEUED_BYTES // (info.width * info.height * 12), 2), 16)


def _check_disk(task: Task) -> None:
    """A result is about as large as its source. Raises VaderError when that is more than is free."""
    wanted, free = task.source.stat().st_size, shutil.disk_usage(task.target.parent).free
    if wanted > free:
        raise VaderError(
            f"{free >> 20} MiB are free for {task.target}, which will need about {wanted >> 20} MiB",
            hint="free some space or choose another disk",
        )
