"""How an encoder is chosen and set up for a given video."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error

from mlx_vader.arrays import LARGE_FRAME
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.video.choice import choose_encoder, holds_aspect
from mlx_vader.video.color import BT709, FULL_RANGE, LIMITED_RANGE, RGB, ColorTags, effective_matrix
from mlx_vader.video.encoders import ENCODERS, MKV, NARROW_FRAME, WEBM, Encoder
from mlx_vader.video.fields import FieldOrder
from mlx_vader.video.hdr import HdrMetadata
from mlx_vader.video.info import VideoInfo
from mlx_vader.video.layouts import layout_of, planar_name
from mlx_vader.video.orientation import UPRIGHT, Orientation, is_orthogonal
from mlx_vader.video.pixel_formats import choose_pix_fmt, losses
from mlx_vader.video.siting import Siting

_APPLE_ONLY = {"h264_videotoolbox", "hevc_videotoolbox"}

#: libavcodec/defs.h's AVFieldOrder: what is shown first is stored first.
_FIELD_ORDERS = {"progressive": 1, "tff": 2, "bff": 3}


@dataclass(frozen=True)
class Encoding:
    """Everything that decides how frames are encoded; segments with the same encoding can be joined.

    `width` and `height` are those of the stored pictures; `orientation` turns them upright, and `display_matrix`, which
    the container holds, tells players so. `siting` is where chroma lies; None leaves it unsaid. `losses` are what of
    the source's pictures cannot be held, in words. `matched`: further options of the encoder, which make its pictures
    like those of a stream that they are to be joined with.
    """

    codec: str
    width: int
    height: int
    pix_fmt: str
    matrix: int
    frame_rate: Fraction
    time_base: Fraction
    last_duration: int
    sample_aspect_ratio: Fraction
    color: ColorTags
    crf: int
    hdr: HdrMetadata | None = None
    orientation: Orientation = UPRIGHT
    display_matrix: tuple[int, ...] = ()
    field_order: FieldOrder = "progressive"
    siting: Siting | None = None
    losses: tuple[str, ...] = ()
    matched: tuple[tuple[str, str], ...] = ()

    @property
    def encoder(self) -> Encoder:
        """The row of the table."""
        return ENCODERS[self.codec]

    def set_up(self, stream: av.video.stream.VideoStream) -> None:
        """Puts the settings on a stream that was just added, and opens its encoder."""
        context = stream.codec_context
        context.pix_fmt = self.pix_fmt
        context.sample_aspect_ratio = self.sample_aspect_ratio
        context.color_primaries = self.color.primaries
        context.color_trc = self.color.transfer
        context.colorspace = self.color.matrix
        context.color_range = self.color.range
        context.field_order = _FIELD_ORDERS[self.field_order]
        if self.encoder.tag and stream.container.format.name in {"mp4", "mov"}:
            context.codec_tag = self.encoder.tag
        if self.encoder.quality:
            context.qscale = True
            context.global_quality = 118 * max(1, 100 - 2 * self.crf)
        try:
            with _scheduling_kept():
                context.open()
        except av.error.FFmpegError as error:
            size = f"{self.width}x{self.height}"
            raise VaderError(
                f"the encoder {self.codec} refuses {size} {self.pix_fmt}: {error.strerror}",
                hint="try --codec libx264",
            ) from error

    def add_stream(self, container: av.container.OutputContainer) -> av.video.stream.VideoStream:
        """A video stream with these settings and an open encoder."""
        stream: Any = container.add_stream(
            self.codec,
            rate=self.frame_rate,
            options=self._options(),
            width=self.width,
            height=self.height,
            time_base=self.time_base,
        )
        self.set_up(stream)
        if self.display_matrix:
            stream.set_display_matrix(self.display_matrix)
        return stream

    def _options(self) -> dict[str, str]:
        options = self.encoder.options(self.crf, self.hdr)
        if self.width % 2 or self.height % 2:
            options.pop("slices", None)  # FFV1 has rules of its own for slices of odd sizes
        if self.width * self.height > LARGE_FRAME:
            options |= dict(self.encoder.large)
        if self.width < NARROW_FRAME:
            for name, text in self.encoder.narrow:
                _add(options, name, text)
        if self.siting is not None:
            options["chroma_sample_location"] = self.siting.name
        if self.field_order != "progressive":
            for name, text in self.encoder.fields or ():
                _add(options, name, text.format(order=self.field_order))
        for name, text in self.matched:
            _add(options, name, text)
        return options

    @property
    def segment_suffix(self) -> str:
        """The container of segments."""
        if self.codec == "libvpx-vp9" and self.pix_fmt.startswith("yuva"):
            return ".mkv"  # MP4 drops the packets' second part, which is alpha
        return self.encoder.segment_suffix


def _add(options: dict[str, str], name: str, text: str) -> None:
    """A setting; what is a list of settings itself is added to those that are there."""
    before = options.get(name, "") if name.endswith("-params") else ""
    options[name] = f"{before}:{text}" if before else text


@contextmanager
def _scheduling_kept() -> Iterator[None]:
    """SVT-AV1 makes the thread that opens it a real-time one where it may, as root.

    That thread and every process it starts would keep all others from the processor.
    """
    if not hasattr(os, "sched_getscheduler"):  # macOS, where it does no such thing
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def plan_encoding(
    target: Path,
    info: VideoInfo | None,
    *,
    codec: str = "auto",
    crf: int = 18,
    size: tuple[int, int] | None = None,
    frame_rate: Fraction | None = None,
) -> Encoding:
    """How frames are encoded for `target`, as near to `info` as the codec can.

    `size` is (width, height), by default that of `info`; `crf` is 0 (best) to 51 (smallest).
    Raises `UsageError` where codec, container and size do not fit.
    """
    encoder = choose_encoder(target, codec, info, size)
    if not 0 <= crf <= 51:
        raise UsageError(
            f"crf {crf} is out of range", hint="0 (best) to 51 (smallest); 18 looks like the source"
        )
    rate = frame_rate or (info.frame_rate if info else None)
    if rate is None:
        raise UsageError("neither a video to follow nor a frame rate is given")
    rate = Fraction(rate).limit_denominator(1_000_000)
    if info is None:
        if size is None:
            raise UsageError("neither a video to follow nor a size is given")
        return _plain(encoder, *size, rate, crf)
    return _like(info, encoder, target, size or (info.width, info.height), rate, crf)


def _plain(encoder: Encoder, width: int, height: int, rate: Fraction, crf: int) -> Encoding:
    """An encoding of BT.709 pictures that follow no other video."""
    return Encoding(
        codec=encoder.name,
        width=width,
        height=height,
        pix_fmt=choose_pix_fmt(encoder, "yuv420p", width, height),
        matrix=BT709,
        frame_rate=rate,
        time_base=1 / rate,
        last_duration=1,
        sample_aspect_ratio=Fraction(1),
        color=ColorTags(BT709, BT709, BT709, LIMITED_RANGE),
        crf=crf,
    )


def _like(
    info: VideoInfo, encoder: Encoder, target: Path, size: tuple[int, int], rate: Fraction, crf: int
) -> Encoding:
    """An encoding of upright pictures of `size` that are like those of a video."""
    same_size = size == (info.width, info.height)
    turned = same_size and bool(info.display_matrix) and _holds(target, info.display_matrix)
    orientation = info.orientation if turned else UPRIGHT
    width, height = size[::-1] if orientation.transposed else size
    aspect = 1 / info.sample_aspect_ratio if orientation.transposed else info.sample_aspect_ratio
    _check_aspect(aspect, encoder, target)
    alpha = target.suffix.lower() in encoder.alpha_targets
    pix_fmt = choose_pix_fmt(encoder, info.pix_fmt, width, height, alpha=alpha)
    color, matrix = _colors(info, encoder, pix_fmt, width, height)
    fields = same_size and orientation == info.orientation and info.field_order != "progressive"
    holds_fields = fields and encoder.fields is not None
    return Encoding(
        codec=encoder.name,
        width=width,
        height=height,
        pix_fmt=pix_fmt,
        matrix=matrix,
        frame_rate=rate,
        time_base=info.time_base,
        last_duration=info.last_duration,
        sample_aspect_ratio=aspect,
        color=color,
        crf=crf,
        hdr=info.hdr,
        orientation=orientation,
        display_matrix=info.display_matrix if turned else (),
        field_order=info.field_order if holds_fields else "progressive",
        siting=_siting(info, pix_fmt, orientation),
        losses=(
            *losses(info.pix_fmt, pix_fmt),
            *(["fields"] if fields and not holds_fields else []),
            *(["HDR metadata"] if info.hdr and not encoder.hdr else []),
            *info.not_written,
        ),
    )


def _holds(target: Path, matrix: tuple[int, ...]) -> bool:
    """Whether a container can tell players to turn pictures like this: Matroska knows angles and mirrors alone."""
    return target.suffix.lower() not in MKV | WEBM or is_orthogonal(matrix)


def _check_aspect(aspect: Fraction, encoder: Encoder, target: Path) -> None:
    if not holds_aspect(aspect, encoder, target):
        hint = f"write {target.with_suffix('.mp4').name}"
        if target.suffix.lower() in MKV:
            hint = (
                "use libx264 or libx265, or write .mov"
                if encoder.name == "prores_ks"
                else "use libx264 or libx265"
            )
        raise UsageError(
            f"{target.suffix} with {encoder.name} would lose the pixel aspect ratio {aspect}", hint=hint
        )


def _siting(info: VideoInfo, pix_fmt: str, orientation: Orientation) -> Siting | None:
    """Where chroma is said to lie in the output; None where that means nothing."""
    layout = layout_of(planar_name(pix_fmt))
    if layout is None or layout.halvings == (0, 0) or orientation != info.orientation:
        return None
    return info.siting


def _colors(
    info: VideoInfo, encoder: Encoder, pix_fmt: str, width: int, height: int
) -> tuple[ColorTags, int]:
    """The tags to write and the matrix to compute with."""
    matrix = info.matrix
    if av.VideoFormat(pix_fmt).is_rgb:
        return ColorTags(info.color.primaries, info.color.transfer, RGB, FULL_RANGE), matrix
    tagged = info.color.matrix
    if tagged == RGB or effective_matrix(tagged, width, height) != matrix:
        tagged = matrix  # players would guess another one
    limited = av.VideoFormat(info.pix_fmt).is_rgb or not encoder.tells_range
    color_range = LIMITED_RANGE if limited else info.color.range
    return ColorTags(info.color.primaries, info.color.transfer, tagged, color_range), matrix


def encoders() -> dict[str, bool]:
    """Which encoders work on this machine, each tried on one small frame."""
    names = [name for name in ENCODERS if sys.platform == "darwin" or name not in _APPLE_ONLY]
    return {name: _works(ENCODERS[name]) for name in names}


def _works(encoder: Encoder) -> bool:
    target = Path(f"{os.devnull}{encoder.segment_suffix}")
    try:
        encoding = plan_encoding(target, None, codec=encoder.name, size=(128, 128), frame_rate=Fraction(25))
        with av.open(os.devnull, "w", format="null") as container:
            stream = encoding.add_stream(container)
            frame = av.VideoFrame(128, 128, encoding.pix_fmt)
            return bool([*stream.encode(frame), *stream.encode(None)])
    except (av.error.FFmpegError, VaderError, ValueError):
        return False
