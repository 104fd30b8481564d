"""One video from file to file, in segments that survive an interruption."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlx_vader._malloc import give_back_freed_blocks, keep_freed_blocks
from mlx_vader.arrays import LARGE_FRAME
from mlx_vader.errors import VaderError
from mlx_vader.identity import identity
from mlx_vader.jobs import pipeline
from mlx_vader.jobs.candidates import write_candidates
from mlx_vader.jobs.options import SEGMENT_FRAMES, SEGMENT_SECONDS, CleanOptions
from mlx_vader.jobs.plan import Task
from mlx_vader.jobs.preview import panel_size, panels
from mlx_vader.jobs.video_source import VideoSource
from mlx_vader.jobs.work_folder import WorkFolder
from mlx_vader.process import Edit, Finding, Packed, Process, edited_chunks
from mlx_vader.video import (
    Encoding,
    Segment,
    SegmentWriter,
    Splices,
    SpliceWriter,
    VideoFrame,
    VideoInfo,
    assemble,
    check_output,
    plan_encoding,
    probe,
    splices_of,
)
from mlx_vader.writing import remove_unfinished, written_beside

CLEAN, PREVIEW = "clean", "preview"

#: How many frames are done, and what is being done where it is not frames.
OnFrames = Callable[[int, str], None]
LOOKING = "looking for marks"

#: Bytes of frames that may wait between two stages: enough to keep all busy, whatever the frame size.
QUEUED_BYTES = 128 << 20


@dataclass(frozen=True)
class Done:
    """What was done: all frames of the result, those of an earlier run, those left as they were because of NaN.

    `copied`: nothing was to be changed, and the target is the source, byte for byte. `left_out`: streams that the
    container cannot hold. `damaged`: when the damaged frames of the source are shown, in seconds from its first; of one
    that is copied, those that were looked at. `candidates`: the picture of what may be marks and was left.
    `copied_share`: the share of the pictures that are coded as they were.
    """

    frames: int
    resumed_at: int = 0
    not_finite: int = 0
    left_out: tuple[str, ...] = ()
    copied: bool = False
    damaged: tuple[float, ...] = ()
    finding: Finding = field(default_factory=Finding)
    candidates: Path | None = None
    copied_share: float = 0.0


class Picture(NamedTuple):
    """A frame as it is to be written, with what the preview shows of it."""

    source: VideoFrame
    edited: VideoFrame
    mask: np.ndarray | None


class Cut(NamedTuple):
    """A segment ends here: what to go on with, and the frame to go on at. `last`: there is none."""

    carry: Packed
    next_frame: int
    last: bool = False


class VideoJob:
    """A video that has been probed and can be written: whatever can be known to fail has failed before `run`."""

    def __init__(self, task: Task, process: Process, options: CleanOptions) -> None:
        """Raises VaderError for a source that cannot be read or a target that cannot be written."""
        self.task, self.process, self.options = task, process, options
        self.info = probe(task.source)
        self.total = self.info.frames or 0
        #: The frame at which a job that was interrupted will go on; None where it is to begin anew.
        self.resume_at: int | None = None
        self.encodings = {CLEAN: self._encoding(task.target)}
        #: Where the source can be copied in part, if that is wanted; and what of it cannot.
        self.splices: Splices | None = None
        self.not_copied = ""
        if options.smart:
            self._match()
        if not self.splices:
            check_output(task.target, self.encodings[CLEAN], task.source)
        if options.preview:
            size = panel_size(self.info.width, self.info.height)
            self.encodings[PREVIEW] = self._encoding(task.preview, size)
            check_output(task.preview, self.encodings[PREVIEW])
        # Where columns are stored as rows, a field is every other column: such frames are worked on as they are.
        turned = self.info.orientation.transposed
        fields = self.encodings[CLEAN].field_order != "progressive" and not turned
        self.video = VideoSource(task.source, self.info, fields=fields)
        _check_disk(task)

    def _encoding(self, target: Path, size: tuple[int, int] | None = None) -> Encoding:
        return plan_encoding(target, self.info, codec=self.options.codec, crf=self.options.crf, size=size)

    def _match(self) -> None:
        """From now on what is encoded is like the stream that it is to be joined with, where that is possible."""
        source, target = self.task.source, self.task.target
        try:
            splices = splices_of(source, self.encodings[CLEAN])
            encoding = splices.matched(self.encodings[CLEAN])
            check_output(target, encoding, source, splices)
        except VaderError as reason:
            self.not_copied = f"all of it is encoded: {reason.message}"
        else:
            self.splices, self.encodings[CLEAN] = splices, encoding
            self.not_copied = splices.limit

    @property
    def losses(self) -> tuple[str, ...]:
        """What of the pictures the target cannot hold."""
        return self.encodings[CLEAN].losses

    @property
    def _large(self) -> bool:
        return self.info.width * self.info.height > LARGE_FRAME

    def run(self, on_frames: OnFrames) -> Done:
        """Writes the target. `on_frames(n, step)` hears how many frames of the result are done, and what is being done.

        The target appears when it is complete. On any error it is as it was, and what is finished is kept.
        """
        # A frame's floats are of the same size as those of the frame before.
        give_back_freed_blocks() if self._large else keep_freed_blocks()
        with WorkFolder(self.task.target, tuple(self.encodings)) as folder, self._noting(folder):
            for written in (self.task.target, self.task.preview):
                remove_unfinished(written)
            (folder.resume if self.options.resume else folder.start)(self._settings())
            resumed_at = folder.manifest.frames
            on_frames(resumed_at, "")
            for found in self.process.analyse(self.video, folder.analysis()):
                on_frames(resumed_at, LOOKING)
                folder.keep_analysis(found)
            if self._may_be_copied():
                return self._copied(folder)
            if untouched := self._untouched():
                left_out = self._assemble_clean([untouched])
                folder.remove()
                return Done(self.total, left_out=left_out, copied_share=1.0, **self._found())
            not_finite = self._work(folder, on_frames)
            left_out = self._assemble(folder)
            share = _copied_share(folder.segments(CLEAN))
            folder.remove()
            return Done(
                folder.manifest.frames,
                resumed_at,
                not_finite,
                left_out,
                damaged=tuple(folder.manifest.damaged),
                copied_share=share,
                **self._found(),
            )

    @contextmanager
    def _noting(self, folder: WorkFolder) -> Iterator[None]:
        """Notes in the end what is kept of the job."""
        try:
            yield
        finally:
            self.resume_at = None if folder.manifest.empty else folder.manifest.next_frame

    def _settings(self) -> dict[str, object]:
        options = {name: getattr(self.options, name) for name in ("codec", "crf", "preview", "smart")}
        return {"source": identity(self.task.source), **self.process.identity(), **options}

    def _may_be_copied(self) -> bool:
        """Encoding anew what is not changed would only lose quality, unless another codec or container is asked for."""
        return (
            self.process.finding.changes_nothing and self.task.keeps_format and self.options.codec == "auto"
        )

    def _untouched(self) -> Segment | None:
        """All packets of the source, where nothing is to be changed, and nothing else is to be made of the frames."""
        nothing = self.process.finding.changes_nothing and PREVIEW not in self.encodings
        return self.splices.whole if self.splices and nothing else None

    def _copied(self, folder: WorkFolder) -> Done:
        copy_source(self.task)
        folder.remove()
        seen = tuple(sorted(self.video.damaged))
        return Done(self.total, copied=True, damaged=seen, copied_share=1.0, **self._found())

    def _found(self) -> dict[str, Any]:
        """What the first pass found, and the picture of what it left."""
        found = self.process.finding.of_frames() if self.video.fields else self.process.finding
        if not found.candidates:
            return {"finding": found}
        write_candidates(self.task.source, self.task.candidates, found.marks, self.total)
        return {"finding": found, "candidates": self.task.candidates}

    def _work(self, folder: WorkFolder, on_frames: OnFrames) -> int:
        editor = _Editor(self, folder.manifest.frames, on_frames)
        encoder = _Encoder(folder, self.encodings, self.video.seconds, self.splices)
        start = folder.manifest.next_frame * (2 if self.video.fields else 1)

        def edited(frames: Iterator[VideoFrame]) -> Iterator[Edit | Picture | Cut | None]:
            edits = editor.edits(frames, folder.carry())
            # Large frames are finished before the next one is begun.
            return map(editor.finish, edits) if self._large else edits

        stages = (encoder.write,) if self._large else (editor.finish, encoder.write)
        try:
            pipeline.run(self.video.read(start), edited, *stages, depth=_depth(self.info))
            encoder.finish()
        finally:
            encoder.abandon()
        return editor.not_finite

    def _assemble(self, folder: WorkFolder) -> tuple[str, ...]:
        if PREVIEW in self.encodings:
            assemble(folder.segments(PREVIEW), self.task.preview, self.encodings[PREVIEW])
        return self._assemble_clean(folder.segments(CLEAN))

    def _assemble_clean(self, segments: Sequence[Segment]) -> tuple[str, ...]:
        target, source = self.task.target, self.task.source
        return assemble(segments, target, self.encodings[CLEAN], source, splices=self.splices)


class _Editor:
    """The middle of the pipeline: frames in, edits and cuts out; and the stage after it, which makes pictures of edits.

    Fields come in pairs: a cut falls between two frames, never between the fields of one.
    """

    def __init__(self, job: VideoJob, frames: int, on_frames: OnFrames) -> None:
        self._process, self._fields = job.process, job.video.fields
        self._keeps_colours = job.options.preview  # which shows them once more
        self._on_frames, self._frames = on_frames, frames
        self._first_field: Picture | None = None
        self.not_finite = 0

    def edits(self, frames: Iterator[VideoFrame], carry: Packed) -> Iterator[Edit | Cut]:
        """Each frame with what is to change, and a cut where a segment is long enough."""
        done, since = 0, time.monotonic()
        began = since
        per_frame = 2 if self._fields else 1
        for chunk in edited_chunks(self._process, frames, carry):
            for edit in chunk.edits:
                self.not_finite += not edit.finite
                yield edit
                next_frame = edit.frame.index + 1
                del edit  # a frame of 8K takes 200 MB: let go of it before the next one
            done += len(chunk.edits)
            pack = chunk.carry
            del chunk
            now = time.monotonic()
            # Another chunk like this one is not to go beyond the limit.
            long_enough = done >= SEGMENT_FRAMES * per_frame or 2 * now - began - since >= SEGMENT_SECONDS
            began = now
            if long_enough and done and done % per_frame == 0:
                yield Cut(pack(), next_frame)
                self._frames += done // per_frame
                done, since = 0, time.monotonic()
            self._on_frames(self._frames + done // per_frame, "")
        if done:
            yield Cut(pack(), next_frame, last=True)

    def finish(self, item: Edit | Cut) -> Picture | Cut | None:
        """The edited frame; None for the first of two fields."""
        if isinstance(item, Cut):
            return item
        edited = item.frame.edited(item.patches())
        if self._keeps_colours:
            picture = Picture(item.frame, edited, item.mask)
        else:
            picture = Picture(item.frame, edited, None)
            item.frame.forget()
        if not self._fields:
            return picture
        first, self._first_field = self._first_field, None if self._first_field else picture
        return _woven(first, picture) if first else None


def _woven(first: Picture, second: Picture) -> Picture:
    mask = None
    if first.mask is not None and second.mask is not None:
        # Lines of both fields, whichever comes first: the preview shows to within a line where the mask is.
        mask = np.stack([first.mask, second.mask], axis=1).reshape(-1, *first.mask.shape[1:])
    source = VideoFrame.woven(first.source, second.source)
    unchanged = first.edited is first.source and second.edited is second.source
    return Picture(source, source if unchanged else VideoFrame.woven(first.edited, second.edited), mask)


class _Encoder:
    """The end of the pipeline: writes segments of each output, and the work folder's record of them."""

    def __init__(
        self,
        folder: WorkFolder,
        encodings: dict[str, Encoding],
        seconds: Callable[[VideoFrame], float],
        splices: Splices | None,
    ) -> None:
        """`seconds`: when a frame of the source is shown."""
        self.folder, self.seconds = folder, seconds
        self.writers = {
            name: SegmentWriter(folder.folder(name), encoding)
            for name, encoding in encodings.items()
            if not (splices and name == CLEAN)
        }
        self.splicer: SpliceWriter | None = None
        if splices:
            start, waiting = folder.manifest.next_frame, folder.manifest.waiting.get(CLEAN, 0)
            self.splicer = SpliceWriter(
                folder.folder(CLEAN), encodings[CLEAN], splices, start=start, waiting=waiting
            )
        self.uncut = 0
        self.damaged: list[float] = []

    def write(self, item: Picture | Cut | None) -> None:
        if item is None:
            return
        if isinstance(item, Cut):
            self._cut(item)
            return
        if self.splicer:
            self.splicer.write(item.edited, touched=item.edited is not item.source)
        else:
            self.writers[CLEAN].write(item.edited)
        if PREVIEW in self.writers:
            shown = panels(item.source.rgb, item.mask, item.edited.rgb)
            self.writers[PREVIEW].write(shown, item.source.pts, item.source.time_base)
        self.uncut += 1
        if item.source.damaged:
            self.damaged.append(self.seconds(item.source))

    def _cut(self, cut: Cut) -> None:
        for writer in self.writers.values():
            writer.cut()
        waiting = {}
        if self.splicer:
            self.splicer.close() if cut.last else self.splicer.cut()
            waiting = {CLEAN: self.splicer.waiting}
        self.folder.finish_segment(
            self.uncut, cut.next_frame, cut.carry, self.damaged, last=cut.last, waiting=waiting
        )
        self.uncut, self.damaged = 0, []

    def finish(self) -> None:
        """Frames that wait for others are written: a file that announces more frames than it has may leave some."""
        if self.splicer and self.splicer.waiting:
            self._cut(Cut({}, self.folder.manifest.next_frame, last=True))

    def abandon(self) -> None:
        """Throws away what is not finished; nothing after a run without an error."""
        for writer in self.writers.values():
            writer.abandon()
        if self.splicer:
            self.splicer.abandon()


def _copied_share(segments: Sequence[Segment]) -> float:
    copied = sum(segment.frames for segment in segments if segment.copied)
    return copied / max(1, sum(segment.frames for segment in segments))


def _depth(info: VideoInfo) -> int:
    """How many frames may wait: one may hold RGB floats twice and a mask."""
    return min(max(QUEUED_BYTES // (info.width * info.height * 12), 1), 16)


def copy_source(task: Task) -> None:
    """The target becomes the source, byte for byte."""
    with written_beside(task.target) as partial:
        shutil.copyfile(task.source, partial)


def _check_disk(task: Task) -> None:
    """A result is about as large as its source. Raises VaderError when that is more than is free."""
    wanted, free = task.source.stat().st_size, shutil.disk_usage(task.target.parent).free
    if wanted > free:
        raise VaderError(
            f"{_readable(free)} are free for {task.target}, which will need about {_readable(wanted)}",
            hint="free some space or choose another disk",
        )


def _readable(size: int) -> str:
    """A size in the unit that shows more than zero of it: "512 bytes", "1.5 KiB", "20 MiB"."""
    if size < 1024:
        return f"{size} bytes"
    power = min((size.bit_length() - 1) // 10, 4)
    return f"{size / 1024**power:.3g} {' KMGT'[power]}iB"
