"""Masks into files: a lossless grey video with the times and the rotation of its source, or PNGs.

Each appears when it is complete.
"""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from itertools import chain, repeat
from pathlib import Path

import av
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mlx_vader.arrays import LevelFrame, Mask
from mlx_vader.errors import VaderError
from mlx_vader.jobs.mask_plan import MaskTask
from mlx_vader.jobs.work_folder import WorkFolder
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.video import (
    ColorTags,
    Encoding,
    ImageFile,
    SegmentWriter,
    VideoFrame,
    VideoInfo,
    assemble,
    check_output,
    finished_segments,
    plan_encoding,
    write_images,
)
from mlx_vader.video.color import FULL_RANGE
from mlx_vader.video.frame import Traits
from mlx_vader.video.image_metadata import Metadata
from mlx_vader.video.info import examine
from mlx_vader.video.to_rgb import Coding
from mlx_vader.writing import folder_written_beside, write_file

MASK, PREVIEW = "mask", "preview"


class MaskVideo:
    """A video of masks, one for each frame of a source, and a preview if one is wanted."""

    def __init__(self, task: MaskTask, info: VideoInfo, *, preview: bool) -> None:
        """Raises VaderError for what cannot be written."""
        self._task, self._info = task, info
        grey = replace(
            info, pix_fmt="gray", bit_depth=8, color=ColorTags(range=FULL_RANGE), hdr=None, not_written=()
        )
        grey = replace(grey, field_order="progressive")
        self.encodings = {MASK: plan_encoding(task.target, grey, codec="ffv1")}
        if preview:
            whole = replace(info, field_order="progressive")
            self.encodings[PREVIEW] = plan_encoding(task.preview, whole, crf=20)
        for target, encoding in zip((task.target, task.preview), self.encodings.values(), strict=False):
            check_output(target, encoding)

    def write(self, masks: Iterable[Mask], previews: Iterable[LevelFrame], comment: str) -> None:
        """Takes a mask for each frame, and as many pictures for the preview, if there is one."""
        index = examine(self._task.source).index
        with WorkFolder(self._task.target, tuple(self.encodings)) as folder:
            folder.start({})
            writers = {
                name: SegmentWriter(folder.folder(name), encoding)
                for name, encoding in self.encodings.items()
            }
            encoding = self.encodings[MASK]
            pictures = iter(previews)
            try:
                for number, mask in enumerate(masks):
                    ticks = index.time(number)
                    writers[MASK].write(_grey_frame(mask, encoding, number), ticks, index.time_base)
                    if PREVIEW in writers:
                        writers[PREVIEW].write(to_unit(next(pictures)), ticks, index.time_base)
                for writer in writers.values():
                    writer.close()
            finally:
                for writer in writers.values():
                    writer.abandon()
            if PREVIEW in writers:
                assemble(
                    finished_segments(folder.folder(PREVIEW)), self._task.preview, self.encodings[PREVIEW]
                )
            segments = finished_segments(folder.folder(MASK))
            assemble(segments, self._task.target, encoding, comment=comment)


def _grey_frame(mask: Mask, encoding: Encoding, number: int) -> VideoFrame:
    """A mask as it is stored: not turned, black 0 and white 255."""
    stored = np.ascontiguousarray(encoding.orientation.stored(to_levels(mask[..., 0])))
    traits = Traits(Coding(encoding.matrix, full_range=True), encoding.orientation)
    return VideoFrame(av.VideoFrame.from_ndarray(stored, "gray"), traits, 0, encoding.time_base, number)


def write_pictures(task: MaskTask, masks: Iterable[Mask], comment: str) -> Path:
    """One PNG if the mask never changes, else numbered ones in a folder; which of both it was.

    The other one, of an earlier run, is removed. Raises VaderError where the mask changes and there is no folder.
    """
    with WorkFolder(task.target, (MASK,)) as work:
        work.start({})
        remaining = iter(masks)
        first, same = next(remaining), 1
        for mask in remaining:
            if mask is not first and not np.array_equal(mask, first):
                return _numbered(
                    task, chain(repeat(first, same), [mask], remaining), work.folder(MASK), comment
                )
            same += 1
        write_file(task.picture, _png(first, comment))
        if task.folder and task.folder.is_dir():
            shutil.rmtree(task.folder)
        return task.picture


def _numbered(task: MaskTask, masks: Iterable[Mask], work: Path, comment: str) -> Path:
    """A PNG for each mask, made in the folder `work`."""
    if task.folder is None:
        raise VaderError(
            f"the mask of {task.source} changes over time: one picture cannot hold it",
            hint="name a folder or a .mkv",
        )
    last: Mask | None = None
    for number, mask in enumerate(masks, start=1):
        if mask is not last:
            last, content = mask, _png(mask, comment)
        (work / f"{number:06d}.png").write_bytes(content)
    with folder_written_beside(task.folder) as partial:
        work.rename(partial)
    task.picture.unlink(missing_ok=True)
    return task.folder


def write_animation(path: Path, masks: list[Mask], source: ImageFile, comment: str) -> None:
    """The masks of an animation's frames, shown as long as these. Raises VaderError for pages, whose masks differ."""
    if not source.durations:
        raise VaderError(
            f"{path} would hold a mask for each page", hint="make files of the pages, and mask these"
        )
    about = ImageFile(
        (),
        (None,) * len(masks),
        gray=True,
        durations=source.durations,
        loop=source.loop,
        metadata=Metadata(text={"Comment": comment}),
    )
    write_images(path, [np.repeat(mask, 3, axis=-1) for mask in masks], about)


def _png(mask: Mask, comment: str) -> bytes:
    content, about = BytesIO(), PngInfo()
    about.add_text("Comment", comment)
    Image.fromarray(to_levels(mask[..., 0])).save(content, "png", pnginfo=about)
    return content.getvalue()
