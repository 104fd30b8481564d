"""The encoders as data."""

from collections.abc import Callable
from dataclasses import dataclass

from mlx_vader.video.hdr import HdrMetadata
from mlx_vader.video.layouts import Kind

Options = dict[str, str]


@dataclass(frozen=True)
class Encoder:
    """One way to compress.

    `targets`: the suffixes of files that hold it. `options` makes FFmpeg's options from a crf (0 best, 51 worst) and
    HDR metadata. `halves`: whether 4:2:0 and 4:2:2 need even sizes. `kinds`: what is stored as such; RGB and grey
    become Y'CbCr where they are not among them. `alpha`: formats with alpha that players read. `segment_suffix`: the
    container of its segments. `quality`: whether constant quality is asked for by the codec's quantiser instead.
    `tells_aspect`: whether the stream itself says how wide its pixels are; if not, the container must. `tells_range`:
    whether files say which range the codes have; if not, it is the limited one. `fields`: FFmpeg's options for
    interlaced pictures, with {order} for tff or bff; None where it cannot hold them.
    """

    name: str
    targets: frozenset[str]
    options: Callable[[int, HdrMetadata | None], Options]
    halves: bool = False
    kinds: frozenset[Kind] = frozenset({"yuv"})
    alpha: frozenset[str] = frozenset()
    segment_suffix: str = ".mp4"
    quality: bool = False
    tells_aspect: bool = False
    fields: tuple[tuple[str, str], ...] | None = None
    tells_range: bool = True


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


_ALL_KINDS: frozenset[Kind] = frozenset({"yuv", "rgb", "gray"})

#: FFV1 keeps whatever it takes.
_FFV1_ALPHA = frozenset(
    {"bgra", "gbrap10le", "gbrap12le", "gbrap14le", "gbrap16le"}
    | {f"yuva{sampling}p" for sampling in (420, 422, 444)}
    | {f"yuva{sampling}p{bits}le" for sampling in (420, 422, 444) for bits in (9, 10, 12, 16)}
)

MP4, MKV, WEBM = frozenset({".mp4", ".m4v", ".mov"}), frozenset({".mkv"}), frozenset({".webm"})

ENCODERS = {
    encoder.name: encoder
    for encoder in (
        Encoder(
            "libx264",
            MP4 | MKV,
            _x264,
            halves=True,
            tells_aspect=True,
            fields=(("flags", "+ildct+ilme"), ("x264-params", "{order}=1")),
        ),
        Encoder("libx265", MP4 | MKV, _x265, halves=True, tells_aspect=True),
        Encoder("libsvtav1", frozenset({".mp4", ".m4v"}) | MKV | WEBM, _svtav1),
        Encoder("libvpx-vp9", frozenset({".mp4", ".m4v"}) | MKV | WEBM, _vp9, alpha=frozenset({"yuva420p"})),
        Encoder(
            "prores_ks",
            frozenset({".mov"}) | MKV,
            _prores,
            segment_suffix=".mov",
            alpha=frozenset({"yuva444p10le"}),
            fields=(("flags", "+ildct"),),
            tells_range=False,
        ),
        Encoder("ffv1", frozenset({".mp4"}) | MKV, _ffv1, kinds=_ALL_KINDS, alpha=_FFV1_ALPHA, fields=()),
        Encoder("h264_videotoolbox", MP4 | MKV, _videotoolbox, halves=True, quality=True, tells_aspect=True),
        Encoder("hevc_videotoolbox", MP4 | MKV, _videotoolbox, halves=True, quality=True, tells_aspect=True),
    )
}
