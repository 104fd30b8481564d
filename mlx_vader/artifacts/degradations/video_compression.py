"""A real video encoder and decoder in memory: H.264, H.265 or MPEG-4, 4:2:0, through PyAV."""

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from jaxtyping import UInt8

from mlx_vader.arrays import Clip
from mlx_vader.artifacts.degradations.pixels import random_grid
from mlx_vader.artifacts.randomness import between, between_log, chance, pick
from mlx_vader.levels import to_levels, to_unit

CODECS = {"libx264": 0.5, "libx265": 0.25, "mpeg4": 0.25}
DECODERS = {"libx264": "h264", "libx265": "hevc", "mpeg4": "mpeg4"}
RATE_CONTROL = {"qp": 0.35, "crf": 0.4, "bitrate": 0.25}
PRESETS = {
    "libx264": ("ultrafast", "veryfast", "faster", "medium"),
    "libx265": ("ultrafast", "veryfast", "medium"),
}
QUANTISER = (18.0, 46.0)  # of 51, in H.264 and H.265; as QP or as CRF
SCALE = (3.0, 31.0)  # MPEG-4's quantiser scale, of 31
BITS_PER_PIXEL = (0.30, 0.015)
LOWEST_RATE = 2000  # bit/s; the encoders count in kilobits
GROUP_LENGTHS = (1, 4, 12, 50, 250)
FIXED_GROUP = 50
LEAD_IN = 3
BLOCK = 16
# Of pictures smaller than two of its largest blocks, libx265 reads memory that nothing wrote: one clip, two results.
SMALLEST = 128


@dataclass(frozen=True)
class Recipe:
    """What the encoder is told."""

    codec: str
    options: dict[str, str]
    bit_rate: int | None
    group: int


def video_compression(frames: Clip, rng: np.random.Generator, severity: float) -> Clip:
    """Codes the clip with a quantiser of 18 (severity 0) to 46 (1) or the like, and decodes it.

    H.264 and H.265: QP or CRF 18 to 46, a quarter of the time a bit rate of 0.30 to 0.015 bit a pixel; MPEG-4:
    quantiser scale 3 to 31. Group length, B-frames, preset and the offset of the block grid are random. Some clips
    get up to three mirrored frames in front, dropped afterwards, so that the first frame is not always a key frame.
    """
    lead = min(int(rng.integers(0, LEAD_IN + 1)), frames.shape[0] - 1)
    led = np.concatenate([frames[lead:0:-1], frames]) if lead else frames
    grid = random_grid(led, rng, BLOCK)
    recipe = _recipe(rng, severity, grid.padded.shape[1] * grid.padded.shape[2])
    decoded = through_codec(_at_least(to_levels(grid.padded), SMALLEST), recipe)
    return grid.crop(to_unit(decoded))[lead:]


def at_quantiser(frames: Clip, codec: str, quantiser: int) -> Clip:
    """The clip coded with one quantiser and two B-frames in a row, and decoded. Sizes may be odd.

    `quantiser` is the QP (0 to 51) of libx264 and libx265, which lower it by 3 in key frames and raise it by 2 in
    B-frames, as their defaults are; or the scale (1 to 31) of mpeg4.
    """
    height, width = frames.shape[1:3]
    options = {"bf": "2"} | (
        {"qmin": str(quantiser), "qmax": str(quantiser)}
        if codec == "mpeg4"
        else {"preset": "medium", "qp": str(quantiser)}
    )
    recipe = Recipe(codec, options | _repeatable(codec, 2, FIXED_GROUP), None, FIXED_GROUP)
    decoded = through_codec(_even(_at_least(to_levels(frames), SMALLEST)), recipe)
    return to_unit(decoded[:, :height, :width])


def through_codec(frames: UInt8[np.ndarray, "t h w 3"], recipe: Recipe) -> UInt8[np.ndarray, "t h w 3"]:
    """Encodes and decodes; even height and width. As many frames as given, in their order."""
    encoder = _encoder(recipe, frames.shape[1], frames.shape[2])
    decoder = cast(VideoCodecContext, av.CodecContext.create(DECODERS[recipe.codec], "r"))
    decoder.thread_count = 1
    packets = []
    for index, pixels in enumerate(frames):
        picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
        picture.pts = index
        picture.time_base = encoder.time_base
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    pictures = [picture for packet in (*packets, None) for picture in decoder.decode(packet)]
    return np.stack([picture.to_ndarray(format="rgb24") for picture in pictures])


def _encoder(recipe: Recipe, height: int, width: int) -> VideoCodecContext:
    encoder = cast(VideoCodecContext, av.CodecContext.create(recipe.codec, "w"))
    encoder.height, encoder.width = height, width
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(25)
    encoder.time_base = Fraction(1, 25)
    encoder.gop_size = recipe.group
    # One thread: a data worker has one core, and the bits then depend on the input alone.
    encoder.thread_count = 1
    encoder.options = recipe.options
    if recipe.bit_rate:
        encoder.bit_rate = recipe.bit_rate
    return encoder


def _recipe(rng: np.random.Generator, severity: float, pixels: int) -> Recipe:
    """Draws the encoder's settings; only the rate depends on severity."""
    codec = pick(rng, list(CODECS), list(CODECS.values()))
    control = pick(rng, list(RATE_CONTROL), list(RATE_CONTROL.values()))
    group = pick(rng, GROUP_LENGTHS)
    b_frames = 2 if chance(rng, 0.5) else 0
    if codec == "mpeg4":
        # Its rate control needs more frames than a training clip has; a fixed scale bites at once.
        scale = str(round(between_log(severity, *SCALE)))
        return Recipe(codec, {"bf": str(b_frames), "qmin": scale, "qmax": scale}, None, group)
    preset = pick(rng, PRESETS[codec])
    bits = max(LOWEST_RATE, round(25 * pixels * between_log(severity, *BITS_PER_PIXEL)))
    bit_rate = bits if control == "bitrate" else None
    rate = {} if bit_rate else {control: f"{between(severity, *QUANTISER):.0f}"}
    options = {"preset": preset, "bf": str(b_frames), **rate}
    return Recipe(codec, options | _repeatable(codec, b_frames, group), bit_rate, group)


def _repeatable(codec: str, b_frames: int, group: int) -> dict[str, str]:
    """Options with which an encoder gives one clip one result."""
    if codec == "mpeg4":
        return {}
    if codec == "libx264":
        # Macroblock-tree rate control reads memory that nothing wrote: one clip, two results.
        return {"mbtree": "0"}
    settings = {
        "log-level": "none",
        "pools": "none",
        "frame-threads": "1",
        "bframes": str(b_frames),
        "keyint": str(group),
    }
    return {"x265-params": ":".join(f"{name}={value}" for name, value in settings.items())}


def _at_least(frames: UInt8[np.ndarray, "t h w 3"], smallest: int) -> UInt8[np.ndarray, "t hh ww 3"]:
    """Pads small pictures at the bottom and right, by repeating the border."""
    missing = [max(0, smallest - side) for side in frames.shape[1:3]]
    return (
        np.pad(frames, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)), "edge") if any(missing) else frames
    )


def _even(frames: UInt8[np.ndarray, "t h w 3"]) -> UInt8[np.ndarray, "t hh ww 3"]:
    """Pads odd sizes by a row or column, as 4:2:0 needs, by repeating the border."""
    odd = [side % 2 for side in frames.shape[1:3]]
    return np.pad(frames, ((0, 0), (0, odd[0]), (0, odd[1]), (0, 0)), "edge") if any(odd) else frames
