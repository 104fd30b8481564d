"""Streams whose pictures change their size, pixel format or colours in the middle: all become like the first."""

import av
from av.video.reformatter import VideoReformatter

from mlx_vader.video.color import FULL_RANGE, LIMITED_RANGE, effective_matrix
from mlx_vader.video.info import VideoInfo
from mlx_vader.video.to_rgb import EXACT, SWSCALE_MATRIX


def fitted(picture: av.VideoFrame, info: VideoInfo) -> av.VideoFrame:
    """The picture at the size and in the pixel format of the video's first; the same object where it has them."""
    width, height = info.stored_size
    if (picture.width, picture.height, picture.format.name) == (width, height, info.pix_fmt):
        return picture
    matrix = effective_matrix(int(picture.colorspace), picture.width, picture.height)
    full_range = picture.format.is_rgb or picture.format.name.startswith("yuvj")
    made = VideoReformatter().reformat(
        picture,
        width=width,
        height=height,
        format=info.pix_fmt,
        src_colorspace=SWSCALE_MATRIX[matrix],
        dst_colorspace=SWSCALE_MATRIX[info.matrix],
        src_color_range=FULL_RANGE if full_range else int(picture.color_range) or LIMITED_RANGE,
        dst_color_range=info.color.range,
        interpolation=EXACT,
        threads=1,
    )
    made.pts = picture.pts
    return made
