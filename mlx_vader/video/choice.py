"""Which encoder a video gets: the one that is named, or for `auto` the one that is most like its source."""

from fractions import Fraction
from pathlib import Path

import av

from mlx_vader.errors import UsageError, choices
from mlx_vader.video.encoders import ENCODERS, MKV, WEBM, Encoder, encoder_name
from mlx_vader.video.info import VideoInfo
from mlx_vader.video.pixel_formats import choose_pix_fmt, shortfall

#: The files that are written.
TARGETS = frozenset().union(*(encoder.targets for encoder in ENCODERS.values()))


def choose_encoder(
    target: Path, codec: str, info: VideoInfo | None = None, size: tuple[int, int] | None = None
) -> Encoder:
    """The encoder by the name of it or of its codec; for `auto` the one that holds `info`'s pictures best in `target`.

    Alpha, fields, chroma and depth count first, in this order; then whether the codec is the source's; then how widely
    it is played. `size` is (width, height) of upright pictures where it is not that of `info`. Raises `UsageError` for
    a container or codec that is not written, and for two that do not fit.
    """
    suffix = target.suffix.lower()
    if suffix not in TARGETS:
        raise UsageError(
            f"{target.name}: no video is written as '{suffix}'",
            hint=f"name a file that ends in {' '.join(sorted(TARGETS))}",
        )
    if codec == "auto":
        return _most_alike(target, info, size)
    name = encoder_name(codec)
    if name not in ENCODERS:
        raise UsageError(f"there is no codec {codec}", hint=choices(codec, ENCODERS))
    if suffix not in ENCODERS[name].targets:
        fitting = [encoder.name for encoder in ENCODERS.values() if suffix in encoder.targets]
        raise UsageError(f"{suffix} cannot hold {name}", hint=f"use .mkv, or one of {' '.join(fitting)}")
    if name not in av.codecs_available:
        raise UsageError(f"this machine has no encoder {name}", hint="`vader-mlx doctor` lists those it has")
    return ENCODERS[name]


def holds_aspect(aspect: Fraction, encoder: Encoder, target: Path) -> bool:
    """Whether a file can say that its pixels are not square; in Matroska only the stream itself can."""
    return aspect == 1 or encoder.tells_aspect or target.suffix.lower() not in MKV | WEBM


def _most_alike(target: Path, info: VideoInfo | None, size: tuple[int, int] | None) -> Encoder:
    suffix = target.suffix.lower()
    found = [
        encoder
        for encoder in ENCODERS.values()
        if suffix in encoder.automatic and encoder.name in av.codecs_available
    ]
    if not found:
        raise UsageError(
            f"this machine has no encoder for {suffix}", hint="`vader-mlx doctor` lists those it has"
        )
    if info is None:
        return found[0]
    width, height = size or (info.width, info.height)
    if info.orientation.transposed:
        width, height = height, width
    ranked = {
        encoder.name: rank
        for encoder in found
        if holds_aspect(info.sample_aspect_ratio, encoder, target)
        and (rank := _rank(encoder, suffix, info, width, height)) is not None
    }
    return ENCODERS[min(ranked, key=ranked.__getitem__)] if ranked else found[0]


def _rank(
    encoder: Encoder, suffix: str, info: VideoInfo, width: int, height: int
) -> tuple[int | bool, ...] | None:
    """Smaller is better; None where it holds no picture of this size."""
    try:
        pix_fmt = choose_pix_fmt(encoder, info.pix_fmt, width, height, alpha=suffix in encoder.alpha_targets)
    except UsageError:
        return None
    lost = shortfall(info.pix_fmt, pix_fmt, encoder.decoded_bits if encoder.family == info.codec else 0)
    return (
        lost.alpha,
        info.field_order != "progressive" and encoder.fields is None,
        lost.chroma,
        lost.bits,
        encoder.family != info.codec,
        lost.rgb,
        info.bit_depth > encoder.played_bits,
    )
