"""What an HDR stream says about the display it was graded on and about its brightness."""

import struct
from dataclasses import dataclass

import av
from av.sidedata.sidedata import Type


@dataclass(frozen=True)
class HdrMetadata:
    """`primaries` as (x, y) of red, green, blue, white; `luminance` as (min, max) in cd/m²; `light` as (MaxCLL, MaxFALL)."""

    primaries: tuple[tuple[float, float], ...] = ()
    luminance: tuple[float, float] = (0.0, 0.0)
    light: tuple[int, int] = (0, 0)

    def mastering_display(self) -> str:
        """In the notation of x264 and x265: units of 0.00002 and of 0.0001 cd/m²."""
        return self._notation(lambda xy: f"{round(xy * 50000)}", lambda cd: f"{round(cd * 10000)}")

    def mastering_display_decimal(self) -> str:
        """In the notation of SVT-AV1."""
        return self._notation("{:.5f}".format, "{:.4f}".format)

    def _notation(self, chromaticity, luminance) -> str:  # type: ignore[no-untyped-def]
        red, green, blue, white = (f"({chromaticity(x)},{chromaticity(y)})" for x, y in self.primaries)
        low, high = self.luminance
        return f"G{green}B{blue}R{red}WP{white}L({luminance(high)},{luminance(low)})"


def hdr_of(frame: av.VideoFrame) -> HdrMetadata | None:
    """The mastering display and light level that travel with a decoded frame."""
    mastering = light = None
    for side_data in frame.side_data:
        if side_data.type == Type.MASTERING_DISPLAY_METADATA:
            mastering = _mastering(bytes(side_data))
        elif side_data.type == Type.CONTENT_LIGHT_LEVEL:
            light = struct.unpack_from("=II", bytes(side_data))
    if mastering is None and light is None:
        return None
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
