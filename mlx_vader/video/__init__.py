"""Video and image files in and out. Knows PyAV and Pillow, and no network.

Frames are RGB float32 in [0, 1], upright; what else a file holds comes out again as it went in.
"""

from mlx_vader.video.color import ColorTags
from mlx_vader.video.files import is_image, is_video, list_media
from mlx_vader.video.info import VideoInfo, probe
from mlx_vader.video.reader import VideoFrame, VideoReader, open_video, read_clip

__all__ = [
    "ColorTags",
    "VideoFrame",
    "VideoInfo",
    "VideoReader",
    "is_image",
    "is_video",
    "list_media",
    "open_video",
    "probe",
    "read_clip",
]
