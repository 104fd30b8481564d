"""Frames in the form in which an encoder takes them."""

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import Float

from mlx_vader.errors import UsageError
from mlx_vader.video.codecs import Encoding
from mlx_vader.video.color import FULL_RANGE, LIMITED_RANGE
from mlx_vader.video.frame import VideoFrame
from mlx_vader.video.from_rgb import FromRgb
from mlx_vader.video.layouts import layout_of, planar_name, rearranged
from mlx_vader.video.planes import field_mode_of, relabelled, samples
from mlx_vader.video.siting import LEFT
from mlx_vader.video.to_rgb import EXACT, SWSCALE_MATRIX


class Pictures:
    """Makes pictures for one encoding. The samples of decoded frames never go through RGB."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._full_range = encoding.color.range == FULL_RANGE
        self._field_mode = field_mode_of(encoding.field_order)
        self._from_rgb = FromRgb(
            encoding.pix_fmt,
            encoding.matrix,
            full_range=self._full_range,
            siting=encoding.siting or LEFT,
            fields=encoding.field_order != "progressive",
        )
        self._reformatter = VideoReformatter()

    def of(self, frame: VideoFrame | Float[np.ndarray, "h w 3"]) -> av.VideoFrame:
        """A picture of its own, without a time. Raises `UsageError` for a frame of another size than the encoding's."""
        height, width = frame.shape[:2] if isinstance(frame, np.ndarray) else (frame.height, frame.width)
        self._check_size(width, height)
        orientation = self._encoding.orientation
        if isinstance(frame, np.ndarray):
            return self._labelled(self._from_rgb(orientation.stored(frame)))
        if frame.computed or frame.traits.orientation != orientation:
            return self._labelled(self._from_rgb(orientation.stored(frame.rgb)))
        return self._labelled(self._converted(frame))

    def _check_size(self, width: int, height: int) -> None:
        upright = self._encoding.width, self._encoding.height
        if self._encoding.orientation.transposed:
            upright = upright[::-1]
        if (width, height) != upright:
            raise UsageError(f"a frame of {width}x{height} in a video of {upright[0]}x{upright[1]}")

    def _labelled(self, picture: av.VideoFrame) -> av.VideoFrame:
        made = relabelled(picture, self._field_mode)
        made.pict_type = 0  # the encoder decides
        tags = self._encoding.color  # ProRes takes them from here, others from the encoder's settings
        made.color_primaries, made.color_trc = tags.primaries, tags.transfer
        made.colorspace, made.color_range = tags.matrix, tags.range
        return made

    def _converted(self, frame: VideoFrame) -> av.VideoFrame:
        """The frame's samples in the encoding's pixel format."""
        coding, pix_fmt = frame.traits.coding, self._encoding.pix_fmt
        if frame.layout.pix_fmt == planar_name(pix_fmt) and self._means_the_same(frame):
            return rearranged(frame.picture, pix_fmt)
        if frame.layout.kind == "gray":
            return self._coloured(frame)
        field_mode = field_mode_of(frame.traits.field_order if frame.interlaced else "progressive")
        source = relabelled(frame.picture, field_mode, coding.siting.name)
        is_rgb = frame.layout.kind == "rgb"
        return self._reformatter.reformat(
            source,
            format=pix_fmt,
            src_colorspace=SWSCALE_MATRIX[coding.matrix],
            dst_colorspace=SWSCALE_MATRIX[self._encoding.matrix],
            src_color_range=FULL_RANGE if coding.full_range or is_rgb else LIMITED_RANGE,
            dst_color_range=FULL_RANGE if self._full_range else LIMITED_RANGE,
            interpolation=EXACT,
            threads=1,
        )

    def _coloured(self, frame: VideoFrame) -> av.VideoFrame:
        """A grey frame in a format with chroma: swscale would take its samples for full range whatever they are."""
        made = self._from_rgb(frame.rgb)
        layout = layout_of(made.format.name)
        if layout and layout.bits == frame.layout.bits and self._means_the_same(frame):
            np.copyto(samples(made)[0], samples(frame.picture)[0])
        return made

    def _means_the_same(self, frame: VideoFrame) -> bool:
        """Whether the frame's code values have the encoding's meaning."""
        coding = frame.traits.coding
        ranges_agree = coding.full_range == self._full_range
        if frame.layout.kind == "yuv":
            return ranges_agree and coding.matrix == self._encoding.matrix
        return ranges_agree or frame.layout.kind == "rgb"
