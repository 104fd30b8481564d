"""The encoders as data."""

from collections.abc import Callable
from dataclasses import dataclass

from mlx_vader.video.hdr import HdrMetadata
from mlx_vader.video.layouts import Kind

Options = dict[str, str]


#: Columns that encoders can be expected to be made for.
NARROW_FRAME = 64


@dataclass(frozen=True)
class Encoder:
    """One way to compress.

    `targets`: the suffixes of files that hold it. `options` makes FFmpeg's options from a crf (0 best, 51 worst) and
    HDR metadata. `family`: FFmpeg's name of the codec. `automatic`: the targets for which `auto` may choose it.
    `halves`: whether 4:2:0 and 4:2:2 need even sizes. `kinds`: what is stored as such; RGB and grey become Y'CbCr where
    they are not among them. `alpha`: formats with alpha that players read; `alpha_targets`: files that keep it.
    `played_bits`: most players decode so many. `decoded_bits`: the depth in which 4:4:4 comes out of a decoder, where
    that is not what went in. `segment_suffix`: the container of its segments. `tag`: what MP4 and MOV call the codec,
    where players want another name than FFmpeg's. `quality`: whether constant quality is asked for by the codec's
    quantiser instead. `tells_aspect`: whether the stream itself says how wide its pixels are; if not, the container
    must. `tells_range`: whether files say which range the codes have; if not, it is the limited one. `fields`: FFmpeg's
    options for interlaced pictures, with {order} for tff or bff; None where it cannot hold them. `hdr`: whether it
    writes HDR metadata. `large`: further options for frames of more than `LARGE_FRAME` pixels, where looking ahead
    would take gigabytes. `narrow`: further options for frames of fewer columns than `NARROW_FRAME`.
    """

    name: str
    family: str
    targets: frozenset[str]
    options: Callable[[int, HdrMetadata | None], Options]
    automatic: frozenset[str] = frozenset()
    halves: bool = False
    kinds: frozenset[Kind] = frozenset({"yuv"})
    alpha: frozenset[str] = frozenset()
    alpha_targets: frozenset[str] = frozenset()
    played_bits: int = 16
    decoded_bits: int = 0
    segment_suffix: str = ".mp4"
    tag: str = ""
    quality: bool = False
    tells_aspect: bool = False
    fields: tuple[tuple[str, str], ...] | None = None
    tells_range: bool = True
    hdr: bool = False
    large: tuple[tuple[str, str], ...] = ()
    narrow: tuple[tuple[str, str], ...] = ()


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

MP4, MKV, WEBM = frozenset({".mp4", ".m4v"}), frozenset({".mkv"}), frozenset({".webm"})
MOV = frozenset({".mov"})

#: In the order in which `auto` prefers them where they hold a video equally well.
ENCODERS = {
    encoder.name: encoder
    for encoder in (
        Encoder(
            "libx264",
            "h264",
            MP4 | MOV | MKV,
            _x264,
            automatic=MP4 | MOV | MKV,
            halves=True,
            played_bits=8,
            hdr=True,
            tells_aspect=True,
            fields=(("flags", "+ildct+ilme"), ("x264-params", "{order}=1")),
            large=(("rc-lookahead", "4"), ("bf", "0"), ("refs", "1"), ("threads", "2")),
        ),
        Encoder(
            "libx265",
            "hevc",
            MP4 | MOV | MKV,
            _x265,
            automatic=MP4 | MOV | MKV,
            halves=True,
            tag="hvc1",
            tells_aspect=True,
            hdr=True,
            # There libx265 writes beyond what it allocated.
            narrow=(("x265-params", "cutree=0"),),
        ),
        Encoder(
            "libvpx-vp9",
            "vp9",
            MP4 | MKV | WEBM,
            _vp9,
            automatic=MP4 | MKV | WEBM,
            alpha=frozenset({"yuva420p"}),
            alpha_targets=MKV | WEBM,
        ),
        Encoder("libsvtav1", "av1", MP4 | MKV | WEBM, _svtav1, automatic=MP4 | MKV | WEBM, hdr=True),
        Encoder(
            "ffv1",
            "ffv1",
            frozenset({".mp4"}) | MKV,
            _ffv1,
            automatic=MKV,
            kinds=_ALL_KINDS,
            alpha=_FFV1_ALPHA,
            alpha_targets=frozenset({".mp4"}) | MKV,
            fields=(),
        ),
        Encoder(
            "prores_ks",
            "prores",
            MOV | MKV,
            _prores,
            automatic=MOV | MKV,
            segment_suffix=".mov",
            alpha=frozenset({"yuva444p10le"}),
            alpha_targets=MOV | MKV,
            decoded_bits=12,
            fields=(("flags", "+ildct"),),
            tells_range=False,
        ),
        Encoder(
            "h264_videotoolbox",
            "h264",
            MP4 | MOV | MKV,
            _videotoolbox,
            halves=True,
            quality=True,
            tells_aspect=True,
        ),
        Encoder(
            "hevc_videotoolbox",
            "hevc",
            MP4 | MOV | MKV,
            _videotoolbox,
            halves=True,
            quality=True,
            tag="hvc1",
            tells_aspect=True,
        ),
    )
}

#: What codecs are called besides FFmpeg's names.
_FAMILIES = {"avc": "h264", "x264": "h264", "h265": "hevc", "x265": "hevc"}


def encoder_name(codec: str) -> str:
    """The name in `ENCODERS` that a codec's name in any spelling stands for: "H.265" is `libx265`; others as given."""
    plain = codec.lower().replace(".", "")
    family = _FAMILIES.get(plain, plain)
    return next((encoder.name for encoder in ENCODERS.values() if encoder.family == family), plain)
