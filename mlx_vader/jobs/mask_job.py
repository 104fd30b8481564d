"""The masks of one file: looked for, counted, and written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlx_vader.arrays import LevelFrame, Mask
from mlx_vader.jobs.mask_options import MaskOptions
from mlx_vader.jobs.mask_plan import MaskTask
from mlx_vader.jobs.mask_sources import Seeking
from mlx_vader.jobs.mask_writing import MaskVideo, write_animation, write_pictures
from mlx_vader.jobs.overlay import overlay
from mlx_vader.jobs.video_job import OnFrames
from mlx_vader.jobs.video_source import VideoSource
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks.files import FOUND
from mlx_vader.process import Finding
from mlx_vader.video import open_image, probe, write_image
from mlx_vader.video.in_memory import ClipInMemory

#: The comment of a file with masks that somebody drew.
DRAWN = "marks that were drawn"


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

    def __init__(self, task: MaskTask, seeking: Seeking, options: MaskOptions) -> None:
        """Raises VaderError for a source that cannot be read or a target that cannot be written."""
        self._task, self._options = task, options
        info = probe(task.source)
        self.total = info.frames or 0
        # As `clean` sees the video.
        fields = info.field_order != "progressive" and not info.orientation.transposed
        self._video = VideoSource(task.source, info, fields=fields)
        self._frames = VideoSource(task.source, info, fields=False)
        self._sought = seeking.of(task)
        self._writer = MaskVideo(task, info, preview=options.preview) if task.is_video else None

    def run(self, on_frames: OnFrames) -> Masked:
        """Writes the masks. `on_frames(n, step)` hears how many are done, and what is being done."""
        finding = self._sought.look(self._video, on_frames)
        counted = _Counted(self._sought.masks(self._video), on_frames)
        preview = self._task.preview if self._options.preview else None
        if self._writer is not None:
            self._writer.write(counted, self._overlays(counted, finding), _comment(finding))
            return counted.told(self._task.target, finding, preview)
        target = write_pictures(self._task, counted, _comment(finding))
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

    def __init__(self, task: MaskTask, seeking: Seeking, options: MaskOptions) -> None:
        """Raises VaderError for a source that cannot be read."""
        self._task, self._options = task, options
        self._image = open_image(task.source)
        self.total = len(self._image.frames)
        self._sought = seeking.of(task)

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
            target = write_pictures(self._task, found, _comment(findings[0]))
        else:
            target = self._task.picture
            write_animation(target, found, self._image, _comment(findings[0]))
        preview = self._task.preview if self._options.preview else None
        if preview is not None:
            shown = counted.largest_frame
            _write_preview(preview, to_levels(frames[shown]), counted.largest, findings[0], shown)
        return counted.told(target, findings[0], preview)


def _comment(finding: Finding) -> str:
    """What the file says of itself: whether somebody drew its masks."""
    return DRAWN if finding.status == "told" else FOUND


def _write_preview(path: Path, levels: LevelFrame, mask: Mask | None, finding: Finding, number: int) -> None:
    assert mask is not None  # there is a frame
    write_image(path, to_unit(overlay(levels, mask, finding.marks, number)))
