"""Video and image files in and out. Knows PyAV and Pillow, and no network.

A frame keeps the samples that were decoded; its RGB is float32 in [0, 1], upright. What else a file holds comes out
again as it went in.
"""

from mlx_vader.boxes import Box
from mlx_vader.process import Patch
from mlx_vader.video.assembly import assemble, check_output
from mlx_vader.video.codecs import Encoding, encoders, plan_encoding
from mlx_vader.video.color import ColorTags
from mlx_vader.video.encoders import ENCODERS
from mlx_vader.video.files import is_image, is_video, list_media
from mlx_vader.video.frame import VideoFrame
from mlx_vader.video.images import ImageFile, open_image, read_image, write_image, write_images
from mlx_vader.video.info import VideoInfo, frame_at, probe
from mlx_vader.video.naming import default_suffix
from mlx_vader.video.reader import VideoReader, open_video, read_clip
from mlx_vader.video.segments import Segment, SegmentWriter, finished_segments
from mlx_vader.video.splice_writer import SpliceWriter
from mlx_vader.video.splicing import Splices, splices_of
from mlx_vader.video.writer import VideoWriter, write_video

__all__ = [
    "ENCODERS",
    "Box",
    "ColorTags",
    "Encoding",
    "ImageFile",
    "Patch",
    "Segment",
    "SegmentWriter",
    "SpliceWriter",
    "Splices",
    "VideoFrame",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "assemble",
    "check_output",
    "default_suffix",
    "encoders",
    "finished_segments",
    "frame_at",
    "is_image",
    "is_video",
    "list_media",
    "open_image",
    "open_video",
    "plan_encoding",
    "probe",
    "read_clip",
    "read_image",
    "splices_of",
    "write_image",
    "write_images",
    "write_video",
]
