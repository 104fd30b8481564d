"""The masks of one file: looked for, counted, and written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mlx_vader.arrays import LevelFrame, Mask
from mlx_vader.boxes import Box
from mlx_vader.jobs.composition import Cleaning
from mlx_vader.jobs.mask_options import MaskOptions
from mlx_vader.jobs.mask_plan import MaskTask
from mlx_vader.jobs.mask_writing import MaskVideo, write_animation, write_pictures
from mlx_vader.jobs.overlay import overlay
from mlx_vader.jobs.video_job import LOOKING, OnFrames
from mlx_vader.jobs.video_source import VideoSource
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks.postprocess import ChangedMasks, grown, smoothed, softened, without_holes
from mlx_vader.masks.seen import SeenMasks
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import Finding, FoundMark, Video
from mlx_vader.video import open_image, probe, write_image
from mlx_vader.video.fields import interleaved
from mlx_vader.video.in_memory import ClipInMemory


@dataclass(frozen=True)
class Masked:
    """What was made of one file.

    `target` is what was written: a video, a picture, or a folder of numbered pictures. `masked_frames` of `frames` have
    something marked; `share` is how much of all pixels. `still`: whether the mask never changes.
    """

    target: Path
    frames: int = 0
    masked_frames: int = 0
    share: float = 0.0
    still: bool = False
    finding: Finding = field(default_factory=Finding)
    preview: Path | None = None

    def as_dict(self) -> dict[str, Any]:
        """For machines; paths are text."""
        values = vars(self) | {"target": str(self.target), "preview": self.preview and str(self.preview)}
        values.pop("finding")
        return values | self.finding.as_dict() | {"reason": self.finding.reason}


class _Sought:
    """The masks of one video as the options ask for them."""

    def __init__(self, task: MaskTask, cleaning: Cleaning, options: MaskOptions) -> None:
        given = cleaning.masks_for(task)
        masks = given or SeenMasks(cleaning.process_with(None))
        if options.holes or options.grow:
            change = partial(_changed, holes=options.holes, grow=options.grow)
            masks = ChangedMasks(masks, change, f"holes {options.holes} grown {options.grow}")
        self._masks: MaskSource = masks
        # What is seen frame by frame is not measured: there is a mark in each frame, or there is not.
        self._treatment = cleaning.process_with(masks) if given else masks
        self._smooth, self._feather = options.smooth, options.feather

    def look(self, video: Video, on_frames: OnFrames) -> Finding:
        """The first pass: where marks are, and how they would be treated. In whole frames, also of fields."""
        for _ in self._treatment.analyse(video, {}):
            on_frames(0, LOOKING)
        finding = _with_told(self._treatment.finding, self._masks.finding)
        return _of_whole_frames(finding) if video.fields else finding

    def masks(self, video: Video) -> Iterator[Mask]:
        """Those of whole frames, 0 to 1."""
        frames = video.frames // 2 if video.fields else video.frames
        masks = islice(self._masks.masks(0), video.frames)
        whole = islice(_woven(masks, video.top_first) if video.fields else masks, frames)
        return _each(smoothed(whole, self._smooth) if self._smooth else whole, self._feather)


class _Counted:
    """Passes masks on and remembers what the report tells of them, and the largest of them for the preview."""

    def __init__(self, masks: Iterator[Mask], on_frames: OnFrames) -> None:
        self._masks, self._on_frames = masks, on_frames
        self.frames = self.masked_frames = self.largest_frame = 0
        self.marked = 0.0
        self.still = True
        self.last: Mask | None = None
        self.largest: Mask | None = None
        self._largest_share = self._share = -1.0

    def __iter__(self) -> Iterator[Mask]:
        for mask in self._masks:
            if mask is not self.last:
                self.still &= self.last is None or np.array_equal(mask, self.last)
                self.last, self._share = mask, float((mask > 0.5).mean())
            if self._share > self._largest_share:
                self.largest, self.largest_frame, self._largest_share = mask, self.frames, self._share
            self.marked += self._share
            self.masked_frames += self._share > 0
            self.frames += 1
            yield mask
            self._on_frames(self.frames, "")

    def told(self, target: Path, finding: Finding, preview: Path | None) -> Masked:
        """What is reported."""
        share = self.marked / max(self.frames, 1)
        return Masked(target, self.frames, self.masked_frames, share, self.still, finding, preview)


class VideoMasks:
    """The masks of a video that has been probed: whatever can be known to fail has failed before `run`."""

    def __init__(self, task: MaskTask, cleaning: Cleaning, options: MaskOptions) -> None:
        """Raises VaderError for a source that cannot be read or a target that cannot be written."""
        self._task, self._options = task, options
        info = probe(task.source)
        self.total = info.frames or 0
        fields = info.field_order != "progressive"
        self._video = VideoSource(task.source, info, fields=fields)
        self._frames = VideoSource(task.source, info, fields=False)
        self._sought = _Sought(task, cleaning, options)
        self._writer = MaskVideo(task, info, preview=options.preview) if task.is_video else None

    def run(self, on_frames: OnFrames) -> Masked:
        """Writes the masks. `on_frames(n, step)` hears how many are done, and what is being done."""
        finding = self._sought.look(self._video, on_frames)
        counted = _Counted(self._sought.masks(self._video), on_frames)
        preview = self._task.preview if self._options.preview else None
        if self._writer is not None:
            self._writer.write(counted, self._overlays(counted, finding))
            return counted.told(self._task.target, finding, preview)
        target = write_pictures(self._task, counted)
        if preview is not None:
            # A mask that never changes is shown where the video is under way.
            number = counted.frames // 2 if counted.still else counted.largest_frame
            frame = next(self._frames.read(number, number + 1))
            _write_preview(preview, frame.levels, counted.largest, finding, number)
        return counted.told(target, finding, preview)

    def _overlays(self, counted: _Counted, finding: Finding) -> Iterator[LevelFrame]:
        for number, frame in enumerate(self._frames.read(0)):
            assert counted.last is not None  # the mask of this frame has been written
            yield overlay(frame.levels, counted.last, finding.marks, number)


class ImageMasks:
    """The masks of an image that has been read: of a picture, of pages one by one, of an animation as a clip."""

    def __init__(self, task: MaskTask, cleaning: Cleaning, options: MaskOptions) -> None:
        """Raises VaderError for a source that cannot be read."""
        self._task, self._options = task, options
        self._image = open_image(task.source)
        self.total = len(self._image.frames)
        self._sought = _Sought(task, cleaning, options)

    def run(self, on_frames: OnFrames) -> Masked:
        """Writes the masks, and the preview of the largest of them."""
        frames = self._image.frames
        clips = [np.stack(frames)] if self._image.durations else [frame[None] for frame in frames]
        findings: list[Finding] = []

        def masks() -> Iterator[Mask]:
            for clip in map(ClipInMemory, clips):
                findings.append(self._sought.look(clip, on_frames))
                yield from self._sought.masks(clip)

        counted = _Counted(masks(), on_frames)
        found = list(counted)
        if counted.still:
            target = write_pictures(self._task, found)
        else:
            target = self._task.picture
            write_animation(target, found, self._image)
        preview = self._task.preview if self._options.preview else None
        if preview is not None:
            shown = counted.largest_frame
            _write_preview(preview, to_levels(frames[shown]), counted.largest, findings[0], shown)
        return counted.told(target, findings[0], preview)


def _write_preview(path: Path, levels: LevelFrame, mask: Mask | None, finding: Finding, number: int) -> None:
    assert mask is not None  # there is a frame
    write_image(path, to_unit(overlay(levels, mask, finding.marks, number)))


def _changed(mask: Mask, holes: int, grow: float) -> Mask:
    return grown(without_holes(mask, holes) if holes else mask, grow)


def _each(masks: Iterable[Mask], feather: float) -> Iterator[Mask]:
    """With soft edges; the same array again where it comes again."""
    last: Mask | None = None
    for mask in masks:
        if mask is not last:
            last, soft = mask, softened(mask, feather)
        yield soft


def _woven(fields: Iterator[Mask], top_first: bool) -> Iterator[Mask]:
    """Whole frames of the fields' masks."""
    last: tuple[Mask, Mask] | None = None
    for pair in zip(fields, fields, strict=False):
        if last is None or pair[0] is not last[0] or pair[1] is not last[1]:
            last, whole = pair, interleaved(*(pair if top_first else pair[::-1]))
        yield whole


def _of_whole_frames(finding: Finding) -> Finding:
    """What was found in fields, half as high and twice as many."""
    marks = tuple(
        replace(mark, first=mark.first // 2, last=None if mark.last is None else mark.last // 2)
        for mark in finding.scaled(2, 1).marks
    )
    return replace(finding, marks=marks)


def _with_told(treated: Finding, told: Finding) -> Finding:
    """The marks that were told, with what was measured of them, and then all others."""
    if told.status != "told":
        return treated
    marks = []
    for mark in told.marks:
        same = max((other for other in treated.marks if _meet(mark, other)), key=_size, default=mark)
        marks.append(replace(mark, treated=same.treated, alpha=same.alpha, colour=same.colour))
    others = (other for other in treated.marks if not any(_meet(other, mark) for mark in told.marks))
    return replace(treated, marks=(*marks, *others))


def _size(mark: FoundMark) -> int:
    return mark.box[2] * mark.box[3]


def _meet(mark: FoundMark, other: FoundMark) -> bool:
    first, second = (Box(y, x, height, width) for x, y, width, height in (mark.box, other.box))
    return bool(first.within(second))
