"""Which of an encoder's pixel formats holds a source best, and what it cannot hold."""

from functools import lru_cache
from typing import NamedTuple

import av

from mlx_vader.errors import UsageError
from mlx_vader.video.encoders import Encoder
from mlx_vader.video.layouts import Layout, layout_of, planar_name

#: Formats that are not planar but hold the samples of a planar one, where an encoder takes no other.
_PACKED = frozenset({"bgr0", "bgra", "p010le"})

_NAMES = {
    (0, 0): "4:4:4",
    (1, 0): "4:2:2",
    (1, 1): "4:2:0",
    (0, 1): "4:4:0",
    (2, 0): "4:1:1",
    (2, 2): "4:1:0",
}


def choose_pix_fmt(encoder: Encoder, source: str, width: int, height: int, *, alpha: bool = True) -> str:
    """The encoder's format that loses least of the source's, and beyond that the smallest.

    `alpha` says whether the target keeps it.
    Raises `UsageError` where it has none for this size.
    """
    wanted = _layout(source)
    # 4:2:0 of an odd size lacks half a column: the size is kept, and chroma gets the full size instead.
    fitting = {
        name: layout
        for name, layout in _offered(encoder).items()
        if not (encoder.halves and (width % layout.block[0] or height % layout.block[1]))
        and (layout.kind == wanted.kind or layout.kind == "yuv")
        and (alpha or not layout.alpha)
    }
    if not fitting:
        raise UsageError(
            f"{encoder.name} cannot hold the odd size {width}x{height}", hint="use libx264 or libsvtav1"
        )
    return min(fitting, key=lambda name: _cost(wanted, fitting[name]))


def losses(source: str, pix_fmt: str) -> tuple[str, ...]:
    """What of a source's pixel format another cannot hold, in words: "alpha", "12 bits become 10"."""
    before, after = _layout(source), _layout(pix_fmt)
    found = ["alpha"] if before.alpha and not after.alpha else []
    if before.bits > after.bits:
        found.append(f"{before.bits} bits become {after.bits}")
    if before.kind == "rgb" and after.kind != "rgb":
        found.append("RGB becomes Y'CbCr")
    if before.kind == "yuv" and any(a > b for a, b in zip(after.halvings, before.halvings, strict=True)):
        found.append(f"{_NAMES[before.halvings]} becomes {_NAMES[after.halvings]}")
    return tuple(found)


class Shortfall(NamedTuple):
    """What of a source's pixel format another cannot hold, in numbers; zeros for nothing."""

    alpha: bool
    chroma: int
    bits: int
    rgb: bool


def shortfall(source: str, pix_fmt: str, decoded_bits: int = 0) -> Shortfall:
    """What is lost, where 4:4:4 of at most `decoded_bits` counts as if it were held in full."""
    before, after = _layout(source), _layout(pix_fmt)
    bits = max(after.bits, decoded_bits) if after.halvings == (0, 0) else after.bits
    return Shortfall(
        alpha=before.alpha and not after.alpha,
        chroma=_coarser(before, after),
        bits=max(0, before.bits - bits),
        rgb=before.kind == "rgb" and after.kind != "rgb",
    )


def _layout(pix_fmt: str) -> Layout:
    layout = layout_of(planar_name(pix_fmt))
    if layout is None:  # every format has a planar one
        raise ValueError(pix_fmt)
    return layout


@lru_cache
def _offered(encoder: Encoder) -> dict[str, Layout]:
    names = {offer.name for offer in av.Codec(encoder.name, "w").video_formats or []}
    known = {name: _layout(name) for name in sorted(names) if layout_of(name) or name in _PACKED}
    return {
        name: layout
        for name, layout in known.items()
        if layout.kind in encoder.kinds and (not layout.alpha or name in encoder.alpha)
    }


def _cost(wanted: Layout, offered: Layout) -> tuple[int, ...]:
    """The first numbers are losses, the rest is waste."""
    return (
        wanted.alpha and not offered.alpha,
        offered.kind != wanted.kind,
        max(0, wanted.bits - offered.bits),
        _coarser(wanted, offered),
        max(0, offered.bits - wanted.bits),
        _coarser(offered, wanted),
        offered.alpha and not wanted.alpha,
    )


def _coarser(wanted: Layout, offered: Layout) -> int:
    """How often chroma is halved beyond what is wanted. Grey needs no chroma: the least of it is best."""
    want, have = ((1, 1) if layout.kind == "gray" else layout.halvings for layout in (wanted, offered))
    return sum(max(0, there - wish) for there, wish in zip(have, want, strict=True))
