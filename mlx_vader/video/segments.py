"""Encodes frames into numbered files, each of which decodes on its own, so that an interrupted job can go on.

A finished segment is named `NUMBER_FIRSTPTS_FRAMES.mp4`: what joins it to the others needs no other record. A segment
gets that name only when it is complete. One that is to be copied from the source is an empty file that ends in `.copy`.
"""

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from jaxtyping import Float

from mlx_vader.errors import VaderError
from mlx_vader.video.codecs import Encoding
from mlx_vader.video.frame import VideoFrame
from mlx_vader.video.info import examine
from mlx_vader.video.library import close_quietly, muxer, writing
from mlx_vader.video.pictures import Pictures
from mlx_vader.writing import PARTIAL_MARK, write_failure

#: So few pictures are coded in the order in which they are shown. libx265 gives two of them decoding times from memory
#: that it never wrote.
_UNORDERED = 2

#: The suffix of segments that stand for packets of the source.
COPIED = ".copy"


@dataclass(frozen=True)
class Segment:
    """A finished file: `frames` frames, the first shown at tick `first_pts` of the encoding's time base."""

    path: Path
    number: int
    first_pts: int
    frames: int

    @property
    def copied(self) -> bool:
        """Whether it stands for packets of the source."""
        return self.path.suffix == COPIED


def finished_segments(folder: str | os.PathLike[str]) -> list[Segment]:
    """The segments of a job in order, up to the first that is missing."""
    found = {segment.number: segment for path in Path(folder).iterdir() if (segment := _parsed(path))}
    count = next(number for number in range(len(found) + 1) if number not in found)
    return [found[number] for number in range(count)]


def _parsed(path: Path) -> Segment | None:
    parts = path.stem.split("_")
    if PARTIAL_MARK in path.name or len(parts) != 3:
        return None
    try:
        return Segment(path, *(int(part) for part in parts))
    except ValueError:
        return None


def _last_pts(segment: Segment, time_base: Fraction) -> int:
    index = examine(segment.path).index
    return segment.first_pts + round(
        (int(index.times[-1]) - int(index.times[0])) * index.time_base / time_base
    )


class SegmentWriter:
    """Writes frames into segments in `folder`; `cut` ends one, `close` the last, and so does a `with` on success."""

    def __init__(self, folder: str | os.PathLike[str], encoding: Encoding) -> None:
        """Goes on after the finished segments that are already in `folder`, which exists."""
        self.folder = Path(folder)
        self.encoding = encoding
        finished = finished_segments(self.folder)
        self._number = len(finished)
        self._pictures = Pictures(encoding)
        self._open: _OpenSegment | None = None
        encoded = finished and not finished[-1].copied
        self._last_pts = _last_pts(finished[-1], encoding.time_base) if encoded else None

    def __enter__(self) -> "SegmentWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    def write(
        self,
        frame: VideoFrame | Float[np.ndarray, "h w 3"],
        pts: int | None = None,
        time_base: Fraction | None = None,
    ) -> None:
        """Encodes one frame, shown at `pts * time_base` seconds.

        The samples of a `VideoFrame` are encoded as they are, where the encoding has the same pixel format; without
        `pts`, its own time counts. Of an array, upright RGB in [0, 1], `pts` counts ticks of the encoding's time base
        where `time_base` is None; without `pts`, it follows at the frame rate. Frames are shown in the order in which
        they are written: one that comes with an earlier time is moved later.
        """
        if isinstance(frame, VideoFrame) and pts is None:
            pts, time_base = frame.pts, frame.time_base
        ticks = self._ticks(pts, time_base)
        picture = self._pictures.of(frame)
        picture.pts, picture.time_base = ticks, self.encoding.time_base
        if self._open is None:
            self._open = _OpenSegment(self.folder, self._number, self.encoding, ticks)
        self._open.encode(picture)
        self._last_pts = ticks

    def _ticks(self, pts: int | None, time_base: Fraction | None) -> int:
        tick = self.encoding.time_base
        if pts is None:
            step = max(1, round(1 / (self.encoding.frame_rate * tick)))
            return 0 if self._last_pts is None else self._last_pts + step
        ticks = pts if time_base in {None, tick} else round(pts * time_base / tick)
        return ticks if self._last_pts is None else max(ticks, self._last_pts + 1)

    def cut(self) -> None:
        """Finishes the segment; the next frame begins another."""
        if self._open is not None:
            self._open.finish()
            self._open = None
            self._number += 1

    close = cut

    def copy(self, first_pts: int, frames: int) -> None:
        """A segment of its own that stands for `frames` frames of the source, the first shown at `first_pts`."""
        self.cut()
        path = self.folder / f"{self._number:05d}_{first_pts}_{frames}{COPIED}"
        try:
            path.touch()
        except OSError as error:
            raise write_failure(path, error) from error
        self._number += 1
        self._last_pts = None

    def abandon(self) -> None:
        """Throws away the segment that is not finished."""
        if self._open is not None:
            self._open.abandon()
            self._open = None


class _OpenSegment:
    """One file in the making."""

    def __init__(self, folder: Path, number: int, encoding: Encoding, first_pts: int) -> None:
        suffix = encoding.segment_suffix
        self._name = f"{number:05d}_{first_pts}"
        self._path = folder / f"{number:05d}{PARTIAL_MARK}{suffix}"
        self._frames = 0
        with writing(self._path):
            self._container = av.open(f"file:{self._path}", "w", format=muxer(self._path))
            self._stream = encoding.add_stream(self._container)

    def encode(self, frame: av.VideoFrame) -> None:
        self._frames += 1
        with writing(self._path):
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        try:
            with writing(self._path):
                last = self._stream.encode(None)
                if self._frames <= _UNORDERED:
                    for packet in last:
                        packet.dts = packet.pts
                self._container.mux(last)
                self._container.close()
            final = self._path.with_name(f"{self._name}_{self._frames}{self._path.suffix}")
            self._path.replace(final)
        except OSError as error:
            self.abandon()
            raise write_failure(self._path, error) from error
        except VaderError:
            self.abandon()
            raise

    def abandon(self) -> None:
        close_quietly(self._container)
        self._path.unlink(missing_ok=True)
