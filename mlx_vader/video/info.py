"""What there is to know about a video before its frames are looked at."""

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from mlx_vader.errors import VaderError
from mlx_vader.video.color import FULL_RANGE, LIMITED_RANGE, UNSPECIFIED, ColorTags, effective_matrix
from mlx_vader.video.fields import FieldOrder, field_order_of
from mlx_vader.video.files import check_source, is_image
from mlx_vader.video.frame import Traits
from mlx_vader.video.hdr import HdrMetadata, hdr_of, not_written
from mlx_vader.video.index import DEFAULT_FRAME_RATE, FrameIndex, index_stream
from mlx_vader.video.library import decoder_of, is_cover, main_stream, opened
from mlx_vader.video.orientation import Orientation, display_matrix_of, orientation_of
from mlx_vader.video.siting import LEFT, Siting, siting_of
from mlx_vader.video.to_rgb import Coding
from mlx_vader.video.truncation import missing_bytes

#: So many files may be looked at again without reading them again.
_REMEMBERED = 1024

#: So many frames show whether a file mixed up its timestamps.
_TRIED = 48


@dataclass(frozen=True)
class VideoInfo:
    """One video. `width`, `height` and `sample_aspect_ratio` are those of the upright picture.

    `rotation`: how many degrees clockwise the stored picture is turned; `display_matrix`: the same in full, as FFmpeg
    has it, empty for none. `duration`: seconds. `time_base`: the tick of the timestamps, in seconds. `last_duration`:
    the ticks for which the last frame is shown. `audio`, `subtitles`: the number of such streams. `field_order`: which
    field of an interlaced video comes first. `siting`: where chroma lies. `not_written`: what the pictures carry that
    no result will, in words. `comment`: what the file says of itself.
    """

    path: Path
    width: int
    height: int
    frame_rate: Fraction
    frames: int | None
    duration: float
    codec: str
    pix_fmt: str
    bit_depth: int
    rotation: int
    sample_aspect_ratio: Fraction
    color: ColorTags
    variable_frame_rate: bool
    time_base: Fraction
    audio: int
    subtitles: int
    last_duration: int
    hdr: HdrMetadata | None = None
    display_matrix: tuple[int, ...] = ()
    field_order: FieldOrder = "progressive"
    siting: Siting = LEFT
    not_written: tuple[str, ...] = ()
    comment: str = ""

    @property
    def orientation(self) -> Orientation:
        """How stored pictures are turned upright."""
        return orientation_of(self.display_matrix)

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height of the pictures as they are stored."""
        return (self.height, self.width) if self.orientation.transposed else (self.width, self.height)

    @property
    def matrix(self) -> int:
        """The colour matrix to compute with: the tagged one, or the one that players assume."""
        return effective_matrix(self.color.matrix, *self.stored_size)

    @property
    def traits(self) -> Traits:
        """What all of its frames have in common."""
        coding = Coding(self.matrix, self.color.range == FULL_RANGE, self.siting)
        return Traits(coding, self.orientation, self.field_order)


@dataclass(frozen=True)
class Examined:
    """A video's info with what a reader needs besides."""

    info: VideoInfo
    index: FrameIndex


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """Reads a video's headers, packets and first frame, so that the number of frames is exact.

    Raises `VaderError` for a file that is missing, a folder, empty, closed to this user, not media, cut short,
    without video, or without a frame that can be decoded.
    """
    return examine(path).info


def frame_at(path: str | os.PathLike[str], seconds: float) -> int:
    """Which frame of a video is shown so many seconds after its first; of an image, 0. See `FrameIndex.at`."""
    return 0 if is_image(path) else examine(path).index.at(seconds)


def examine(path: str | os.PathLike[str]) -> Examined:
    """What `probe` finds out, and the frame index; remembered until the file changes."""
    source = check_source(path)
    status = source.stat()
    return _examine(source, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=_REMEMBERED)
def _examine(path: Path, _modified: int, size: int) -> Examined:
    with opened(path) as container:
        stream = main_stream(container, path)
        if missing := missing_bytes(path):
            raise _cut_short(path, missing, size)
        try:
            index = index_stream(container, stream)
        except av.error.FFmpegError as error:
            raise VaderError(f"{path} is damaged: {error.strerror}", hint=_repair(path)) from error
    if index is None:
        raise VaderError(
            f"{path} has no frames that can be shown", hint="its video stream is empty or damaged"
        )
    with opened(path) as container:
        stream = main_stream(container, path)
        told = _colors_of(stream.codec_context)  # the decoder overwrites them by what pictures say
        first, *others = _first_frames(
            container, stream, path, _TRIED if _may_be_mixed_up(container, stream, index) else 1
        )
        times = [-1 if frame.pts is None else frame.pts for frame in (first, *others)]
        if any(later <= before for before, later in pairwise(times)):
            index = replace(index, exact=False)
        # Pictures that lean on frames before the file's beginning are in the packets but are never shown.
        index = index.without_first(index.find(first.pts) or 0)
        return Examined(_describe(path, container, stream, [first, *others], index, told), index)


def _may_be_mixed_up(container: InputContainer, stream: VideoStream, index: FrameIndex) -> bool:
    """Whether the decoder reorders pictures of a file that seems to hold decoding times only."""
    doubtful = index.shown_as_stored or container.format.name == "avi"
    return index.exact and doubtful and stream.codec_context.reorder_depth > 0


def _cut_short(path: Path, missing: int, size: int) -> VaderError:
    percent = 100 * missing / (size + missing)
    return VaderError(
        f"{path} is cut short: {missing:,} bytes ({percent:.0f}%) are missing at its end",
        hint=f"copy it again, or keep what is there: {_repair(path)}",
    )


def _repair(path: Path) -> str:
    return f"ffmpeg -i '{path.name}' -c copy 'repaired{path.suffix}'"


def _first_frames(
    container: InputContainer, stream: VideoStream, path: Path, count: int
) -> list[av.VideoFrame]:
    frames: list[av.VideoFrame] = []
    decode = decoder_of(stream)
    try:
        for packet in container.demux(stream):
            # A recording may begin in the middle of a picture.
            with suppress(av.error.InvalidDataError):
                frames += decode(packet)
            if len(frames) >= count:
                break
    except (av.error.FFmpegError, NotImplementedError) as error:
        raise VaderError(
            f"{path} cannot be decoded: {error}", hint=f"its codec is {stream.codec.name}"
        ) from error
    if not frames:
        raise VaderError(
            f"{path} has no frame that can be decoded", hint="play it to see whether it is damaged"
        )
    return frames[:count]


def _describe(
    path: Path,
    container: InputContainer,
    stream: VideoStream,
    frames: list[av.VideoFrame],
    index: FrameIndex,
    told: ColorTags,
) -> VideoInfo:
    first = frames[0]
    matrix = display_matrix_of(first)
    orientation = orientation_of(matrix)
    width, height = first.width, first.height
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if orientation.transposed:
        width, height, aspect = height, width, 1 / aspect
    pictures = [other for other in container.streams if other.type == "subtitle" or not is_cover(other)]
    return VideoInfo(
        path=path,
        width=width,
        height=height,
        frame_rate=_frame_rate(stream, index),
        frames=len(index),
        duration=float(index.duration),
        codec=stream.codec.canonical_name,
        pix_fmt="bgr0" if _is_opaque_gif(stream, first) else first.format.name,
        bit_depth=first.format.components[0].bits,
        rotation=orientation.rotation,
        sample_aspect_ratio=aspect,
        color=_color_tags(stream, first, told),
        variable_frame_rate=index.variable,
        time_base=index.time_base,
        audio=sum(other.type == "audio" for other in pictures),
        subtitles=sum(other.type == "subtitle" for other in pictures),
        last_duration=index.last_duration,
        hdr=hdr_of(first),
        display_matrix=matrix,
        field_order=field_order_of(frames, stream.codec_context.field_order),
        siting=siting_of(first, stream.codec.canonical_name),
        not_written=not_written(first),
        comment=next((text for key, text in container.metadata.items() if key.lower() == "comment"), ""),
    )


def _is_opaque_gif(stream: VideoStream, first: av.VideoFrame) -> bool:
    """A GIF is decoded with alpha, whether anything in it is transparent or not."""
    is_gif = stream.codec.canonical_name == "gif" and first.format.name == "bgra"
    return is_gif and bool((first.to_ndarray()[..., 3] == 255).all())


def _frame_rate(stream: VideoStream, index: FrameIndex) -> Fraction:
    """The rate that the file names, where it agrees with its timestamps; else their average."""
    named = [rate for rate in (stream.guessed_rate, stream.average_rate) if rate]
    if len(index) < 2:
        return named[0] if named else DEFAULT_FRAME_RATE
    span = (int(index.times[-1]) - int(index.times[0])) * index.time_base
    measured = (len(index) - 1) / span
    close = [rate for rate in named if abs((len(index) - 1) / rate - span) < 2 * index.time_base]
    return close[0] if close else measured.limit_denominator(100_000)


def _colors_of(source: VideoCodecContext | av.VideoFrame) -> ColorTags:
    tags = source.color_primaries, source.color_trc, source.colorspace, source.color_range
    return ColorTags(*(int(tag) for tag in tags))


def _color_tags(stream: VideoStream, first: av.VideoFrame, told: ColorTags) -> ColorTags:
    """What the decoder says, or else its first frame, or else the container; players take an unsaid range as here."""
    sources = [_colors_of(stream.codec_context), _colors_of(first), told]
    name = first.format.name
    stored_range = next((source.range for source in sources if source.range), 0)
    # FFmpeg takes grey for full range, and so do those who make it.
    full = first.format.is_rgb or name.startswith("yuvj") or (name.startswith("gray") and not stored_range)

    def known(tag: str) -> int:
        values = [int(getattr(source, tag)) for source in sources]
        return next((value for value in values if value != UNSPECIFIED), UNSPECIFIED)

    return ColorTags(
        primaries=known("primaries"),
        transfer=known("transfer"),
        matrix=known("matrix"),
        range=FULL_RANGE if full else stored_range or LIMITED_RANGE,
    )
