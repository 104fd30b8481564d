"""The encoders as data, and how one is set up for a given video."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.video.color import BT709, FULL_RANGE, LIMITED_RANGE, RGB, ColorTags, effective_matrix
from mlx_vader.video.hdr import HdrMetadata
from mlx_vader.video.info import VideoInfo

Options = dict[str, str]


@dataclass(frozen=True)
class Encoder:
    """One way to compress. `options` makes FFmpeg's options from a crf (0 best, 51 worst) and HDR metadata.

    `halves`: whether 4:2:0 and 4:2:2 need even sizes. `rgb`: whether RGB is stored as such. `segment_suffix` is the
    container of its segments. `quality`: whether constant quality is asked for by the codec's quantiser instead.
    `tells_aspect`: whether the stream itself says how wide its pixels are; if not, the container must.
    """

    name: str
    targets: frozenset[str]
    options: Callable[[int, HdrMetadata | None], Options]
    halves: bool = False
    rgb: bool = False
    segment_suffix: str = ".mp4"
    quality: bool = False
    tells_aspect: bool = False


def _x264(crf: int, hdr: HdrMetadata | None) -> Options:
    notes = {}
    if hdr and hdr.primaries:
        notes["mastering-display"] = hdr.mastering_display(1 / 50_000, 1 / 10_000)
    if hdr and any(hdr.light):
        notes["cll"] = "{},{}".format(*hdr.light)
    return {"crf": str(crf), "x264-params": _joined(notes)} if notes else {"crf": str(crf)}


def _x265(crf: int, hdr: HdrMetadata | None) -> Options:
    notes = {"log-level": "none", "repeat-headers": "0"}
    if hdr and hdr.primaries:
        notes["master-display"] = hdr.mastering_display(1 / 50_000, 1 / 10_000)
    if hdr and any(hdr.light):
        notes["max-cll"] = "{},{}".format(*hdr.light)
    return {"crf": str(crf), "x265-params": _joined(notes)}


def _svtav1(crf: int, hdr: HdrMetadata | None) -> Options:
    notes = {}
    if hdr and hdr.primaries:
        notes["mastering-display"] = hdr.mastering_display(1.0, 1.0)
    if hdr and any(hdr.light):
        notes["content-light"] = "{},{}".format(*hdr.light)
    options = {"crf": str(round(crf * 63 / 51)), "preset": "8"}
    return options | ({"svtav1-params": _joined(notes)} if notes else {})


def _vp9(crf: int, _hdr: HdrMetadata | None) -> Options:
    return {"crf": str(round(crf * 63 / 51)), "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}


def _prores(_crf: int, _hdr: HdrMetadata | None) -> Options:
    return {"vendor": "apl0"}


def _ffv1(_crf: int, _hdr: HdrMetadata | None) -> Options:
    return {"level": "3", "slicecrc": "1", "slices": "4", "g": "1"}


def _videotoolbox(_crf: int, _hdr: HdrMetadata | None) -> Options:
    return {"allow_sw": "1"}


def _joined(notes: Options) -> str:
    return ":".join(f"{key}={value}" for key, value in notes.items())


_MP4, _MKV, _WEBM = frozenset({".mp4", ".m4v", ".mov"}), frozenset({".mkv"}), frozenset({".webm"})

ENCODERS = {
    encoder.name: encoder
    for encoder in (
        Encoder("libx264", _MP4 | _MKV, _x264, halves=True, tells_aspect=True),
        Encoder("libx265", _MP4 | _MKV, _x265, halves=True, tells_aspect=True),
        Encoder("libsvtav1", frozenset({".mp4", ".m4v"}) | _MKV | _WEBM, _svtav1),
        Encoder("libvpx-vp9", frozenset({".mp4", ".m4v"}) | _MKV | _WEBM, _vp9),
        Encoder("prores_ks", frozenset({".mov"}) | _MKV, _prores, segment_suffix=".mov"),
        Encoder("ffv1", frozenset({".mp4"}) | _MKV, _ffv1, rgb=True),
        Encoder(
            "h264_videotoolbox", _MP4 | _MKV, _videotoolbox, halves=True, quality=True, tells_aspect=True
        ),
        Encoder(
            "hevc_videotoolbox", _MP4 | _MKV, _videotoolbox, halves=True, quality=True, tells_aspect=True
        ),
    )
}

_APPLE_ONLY = {"h264_videotoolbox", "hevc_videotoolbox"}

#: Formats that frames can be written in: bits, and whether chroma has half the width and half the height.
_FORMATS = {
    f"{layout}{suffix}": (bits, *halved)
    for layout, halved in {
        "yuv420p": (True, True),
        "yuv422p": (True, False),
        "yuv444p": (False, False),
    }.items()
    for suffix, bits in {"": 8, "10le": 10, "12le": 12, "16le": 16}.items()
}
_FORMATS["p010le"] = (10, True, True)  # what Apple's encoder takes
_RGB_FORMATS = {"gbrp": 8, "bgr0": 8, "gbrp10le": 10, "gbrp12le": 12, "gbrp16le": 16}


@dataclass(frozen=True)
class Encoding:
    """Everything that decides how frames are encoded; segments with the same encoding can be joined."""

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
    hdr: HdrMetadata | None = field(default=None)

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
            options=self.encoder.options(self.crf, self.hdr),
            width=self.width,
            height=self.height,
            time_base=self.time_base,
        )
        self.set_up(stream)
        return stream


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
    encoder = choose_encoder(target, codec)
    if size is None:
        if info is None:
            raise UsageError("neither a video to follow nor a size is given")
        size = info.width, info.height
    width, height = size
    if not 0 <= crf <= 51:
        raise UsageError(
            f"crf {crf} is out of range", hint="0 (best) to 51 (smallest); 18 looks like the source"
        )
    aspect = info.sample_aspect_ratio if info else Fraction(1)
    if aspect != 1 and not encoder.tells_aspect and target.suffix.lower() in _MKV | _WEBM:
        raise UsageError(
            f"{target.suffix} with {encoder.name} would lose the pixel aspect ratio {aspect}",
            hint=f"write {'.mov' if encoder.segment_suffix == '.mov' else '.mp4'}, or use libx264 or libx265",
        )
    pix_fmt = choose_pix_fmt(encoder, info.pix_fmt if info else "yuv420p", width, height)
    color, matrix = _colors(info, pix_fmt, width, height)
    rate = frame_rate or (info.frame_rate if info else None)
    if rate is None:
        raise UsageError("neither a video to follow nor a frame rate is given")
    rate = Fraction(rate).limit_denominator(1_000_000)
    return Encoding(
        codec=encoder.name,
        width=width,
        height=height,
        pix_fmt=pix_fmt,
        matrix=matrix,
        frame_rate=rate,
        time_base=info.time_base if info else 1 / rate,
        last_duration=info.last_duration if info else 1,
        sample_aspect_ratio=aspect,
        color=color,
        crf=crf,
        hdr=info.hdr if info else None,
    )


def choose_encoder(target: Path, codec: str) -> Encoder:
    """The encoder by name, or for `auto` the one that plays nearly everywhere in the target's container."""
    suffix = target.suffix.lower()
    suffixes = sorted(set().union(*(encoder.targets for encoder in ENCODERS.values())))
    if suffix not in suffixes:
        raise UsageError(
            f"{target.name}: no video is written as '{suffix}'", hint=f"use one of {' '.join(suffixes)}"
        )
    name = ("libvpx-vp9" if suffix == ".webm" else "libx264") if codec == "auto" else codec
    if name not in ENCODERS:
        raise UsageError(f"there is no codec {name}", hint=f"use one of {' '.join(ENCODERS)}")
    if suffix not in ENCODERS[name].targets:
        fitting = [encoder.name for encoder in ENCODERS.values() if suffix in encoder.targets]
        raise UsageError(f"{suffix} cannot hold {name}", hint=f"use .mkv, or one of {' '.join(fitting)}")
    if name not in av.codecs_available:
        raise UsageError(f"this machine has no encoder {name}", hint="`vader-mlx doctor` lists those it has")
    return ENCODERS[name]


def choose_pix_fmt(encoder: Encoder, source: str, width: int, height: int) -> str:
    """The encoder's format that loses least of the source's, and beyond that the smallest."""
    bits, halved_width, halved_height, is_rgb = _depth_and_sampling(source)
    offered = {offer.name for offer in av.Codec(encoder.name, "w").video_formats or []}
    if is_rgb and encoder.rgb:
        deep_enough = [name for name, depth in _RGB_FORMATS.items() if depth >= bits and name in offered]
        return deep_enough[0]
    # 4:2:0 of an odd size lacks half a column: the size is kept, and chroma gets the full size instead.
    even_only = encoder.halves
    fitting = {
        name: (depth, narrow, low)
        for name, (depth, narrow, low) in _FORMATS.items()
        if name in offered and not (even_only and ((narrow and width % 2) or (low and height % 2)))
    }
    if not fitting:
        raise UsageError(
            f"{encoder.name} cannot hold the odd size {width}x{height}", hint="use libx264 or libsvtav1"
        )

    def loss(name: str) -> tuple[int, int, int, int]:
        depth, narrow, low = fitting[name]
        coarser = (narrow and not halved_width) + (low and not halved_height)
        finer = (halved_width and not narrow) + (halved_height and not low)
        return max(0, bits - depth), coarser, max(0, depth - bits), finer

    return min(fitting, key=loss)


def _depth_and_sampling(pix_fmt: str) -> tuple[int, bool, bool, bool]:
    """Bits, whether chroma has half the width and half the height, whether it is RGB."""
    stored = av.VideoFormat(pix_fmt, 16, 16)
    if pix_fmt.startswith("gray"):
        return stored.components[0].bits, True, True, False
    return stored.components[0].bits, stored.chroma_width() < 16, stored.chroma_height() < 16, stored.is_rgb


def _colors(info: VideoInfo | None, pix_fmt: str, width: int, height: int) -> tuple[ColorTags, int]:
    """The tags to write and the matrix to compute with."""
    if info is None:
        return ColorTags(BT709, BT709, BT709, LIMITED_RANGE), BT709
    matrix = effective_matrix(info.color.matrix, info.width, info.height)
    if pix_fmt in _RGB_FORMATS:
        return ColorTags(info.color.primaries, info.color.transfer, RGB, FULL_RANGE), matrix
    tagged = info.color.matrix
    if tagged == RGB or effective_matrix(tagged, width, height) != matrix:
        tagged = matrix  # players would guess another one
    color_range = LIMITED_RANGE if av.VideoFormat(info.pix_fmt).is_rgb else info.color.range
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
