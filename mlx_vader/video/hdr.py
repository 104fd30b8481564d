"""What an HDR stream says about the display it was graded on and about its brightness."""

import struct
from dataclasses import dataclass

import av
from av.sidedata.sidedata import Type

from mlx_vader.video.library import side_data


@dataclass(frozen=True)
class HdrMetadata:
    """All zeros where a stream says nothing.

    `primaries`: (x, y) of red, green, blue, white. `luminance`: (min, max) in cd/m². `light`: (MaxCLL, MaxFALL).
    """

    primaries: tuple[tuple[float, float], ...] = ()
    luminance: tuple[float, float] = (0.0, 0.0)
    light: tuple[int, int] = (0, 0)

    def mastering_display(self, chromaticity_unit: float, luminance_unit: float) -> str:
        """In the notation that x264, x265 and SVT-AV1 share, as multiples of the units."""
        red, green, blue, white = (
            f"({x / chromaticity_unit:.10g},{y / chromaticity_unit:.10g})" for x, y in self.primaries
        )
        low, high = (f"{value / luminance_unit:.10g}" for value in self.luminance)
        return f"G{green}B{blue}R{red}WP{white}L({high},{low})"


#: What else pictures may carry that no encoder here is given.
_NOT_WRITTEN = {
    Type.A53_CC: "closed captions",
    Type.DOVI_METADATA: "Dolby Vision metadata",
    Type.DOVI_RPU_BUFFER: "Dolby Vision metadata",
    Type.DYNAMIC_HDR_PLUS: "HDR10+ metadata",
    Type.DYNAMIC_HDR_VIVID: "HDR Vivid metadata",
    Type.SPHERICAL: "the spherical projection",
    Type.STEREO3D: "the stereoscopic layout",
}


def not_written(frame: av.VideoFrame) -> tuple[str, ...]:
    """What of a decoded frame besides its picture gets lost, in words."""
    found = [words for kind, words in _NOT_WRITTEN.items() if side_data(frame, kind) is not None]
    return tuple(dict.fromkeys(found))


def hdr_of(frame: av.VideoFrame) -> HdrMetadata | None:
    """The mastering display and light level that travel with a decoded frame."""
    display, levels = (
        side_data(frame, Type.MASTERING_DISPLAY_METADATA),
        side_data(frame, Type.CONTENT_LIGHT_LEVEL),
    )
    if display is None and levels is None:
        return None
    mastering = _mastering(display) if display else None
    light = struct.unpack_from("=II", levels) if levels else None
    primaries, luminance = mastering or ((), (0.0, 0.0))
    return HdrMetadata(primaries, luminance, light or (0, 0))


def _mastering(data: bytes) -> tuple[tuple[tuple[float, float], ...], tuple[float, float]] | None:
    """libavutil/mastering_display_metadata.h: ten fractions, then whether colours and luminance are known."""
    numbers = struct.unpack_from("=22i", data)
    values = [numbers[i] / (numbers[i + 1] or 1) for i in range(0, 20, 2)]
    has_primaries, has_luminance = numbers[20:22]
    if not (has_primaries and has_luminance):
        return None
    return tuple(zip(values[0:8:2], values[1:8:2], strict=True)), (values[8], values[9])
