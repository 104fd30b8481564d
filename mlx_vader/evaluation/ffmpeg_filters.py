"""FFmpeg's filters by the libraries that PyAV brings along: chains of them over a clip in memory."""

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.error
import numpy as np
from av.filter import Graph, filters_available
from av.filter.context import FilterContext
from av.video.format import VideoFormat
from jaxtyping import Float32, UInt8
from PIL import Image

from mlx_vader.arrays import Clip, Masks
from mlx_vader.errors import VaderError
from mlx_vader.evaluation.method import Method, Restoration
from mlx_vader.levels import to_levels, to_unit

#: The clip's own levels in planes: nothing is lost on the way.
RGB = "gbrp"
#: Luma and colour apart, at full size. The way there and back alone costs a clip down to 52 dB, but what is smooth in
#: colour is told from noise there: nlmeans and bm3d gain 1 dB and more by it.
YUV = "yuv444p"
EXACT = "scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
_TICK = Fraction(1, 25)


def filtered(clip: Clip, filters: str, pixels: str) -> Float32[np.ndarray, "t h w 3"]:
    """The clip through a chain of filters, as on FFmpeg's command line, working on `pixels`, one of its formats.

    Raises VaderError where the filters cannot be set up so, or drop frames.
    """
    try:
        frames = list(_through(to_levels(clip), filters, pixels))
    except (av.error.FFmpegError, ValueError) as error:
        raise VaderError(f"FFmpeg's {filters} does not work here: {error}") from error
    if len(frames) != len(clip):
        raise VaderError(f"FFmpeg's {filters} made {len(frames)} frames of {len(clip)}")
    return to_unit(np.stack(frames))


def _through(frames: UInt8[np.ndarray, "t h w 3"], filters: str, pixels: str) -> Iterator[np.ndarray]:
    graph = Graph()
    height, width = frames.shape[1:3]
    source = graph.add_buffer(width=width, height=height, format=VideoFormat("rgb24"), time_base=_TICK)
    chain = f"{EXACT},format={pixels},{filters},{EXACT},format=rgb24"
    end: FilterContext = source
    for part in chain.split(","):
        name, _, options = part.partition("=")
        following = graph.add(name, options or None)
        end.link_to(following)
        end = following
    sink = graph.add("buffersink")
    end.link_to(sink)
    graph.configure()
    for number, pixels_ in enumerate(frames):
        picture = av.VideoFrame.from_ndarray(pixels_, format="rgb24")
        picture.pts, picture.time_base = number, _TICK
        source.push(picture)
        yield from _ready(sink)
    source.push(None)
    yield from _ready(sink)


def _ready(sink: FilterContext) -> Iterator[np.ndarray]:
    while True:
        try:
            yield cast(av.VideoFrame, sink.pull()).to_ndarray(format="rgb24")
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def remove_logo(clip: Clip, mask: Masks | None) -> Restoration:
    """`removelogo` with the true mask: it blurs what is around into it.

    It takes one mask image and 4:2:0 alone, so frames with another mask have a chain of their own, and what lies
    outside the mask stays as it was.
    """
    assert mask is not None
    holes = mask > 0.5
    restored = clip.copy()
    with tempfile.TemporaryDirectory(prefix="vader-masks-") as folder:
        for start, stop in _alike(holes):
            if holes[start].any():
                image = Path(folder) / f"{start}.png"
                Image.fromarray(to_levels(holes[start, ..., 0].astype(np.float32))).save(image)
                part = filtered(clip[start:stop], f"removelogo=f={image}", "yuv420p")
                restored[start:stop] = np.where(holes[start:stop], part, clip[start:stop])
    return Restoration(restored)


def _alike(masks: np.ndarray) -> Iterator[tuple[int, int]]:
    """Runs of frames with the same mask, as start and stop."""
    start = 0
    for stop in range(1, len(masks) + 1):
        if stop == len(masks) or not np.array_equal(masks[stop], masks[start]):
            yield start, stop
            start = stop


def _filter(name: str, filters: str, pixels: str, *kinds: str) -> Method:
    def restore(clip: Clip, mask: Masks | None) -> Restoration:
        return Restoration(filtered(clip, filters, pixels))

    return Method(name, frozenset(kinds), restore, settings=f"{filters}, {pixels}")


def _bm3d(sigma: int, *kinds: str) -> Method:
    """Its sigma is about twice the noise's: see docs/evaluation.md."""
    return _filter(f"bm3d sigma={sigma}", f"bm3d=sigma={sigma}:block=16:bstep=2", YUV, *kinds)


_ADAPTIVE = ":".join(f"{plane}a=0.3:{plane}b=0.4" for plane in range(3))

#: As published or by default, and as is best for what they are for: see docs/evaluation.md.
METHODS = (
    Method(
        "removelogo",
        frozenset({"overlay"}),
        remove_logo,
        needs_mask=True,
        settings="removelogo=f=mask.png, yuv420p, outside the mask as it was",
    ),
    _filter("nlmeans s=1", "nlmeans=s=1:p=7:r=15", YUV, "noise", "compression"),
    _filter("nlmeans s=10", "nlmeans=s=10:p=7:r=15", YUV, "noise"),
    _bm3d(10, "compression"),
    _bm3d(20, "noise", "compression"),
    _bm3d(50, "noise"),
    _bm3d(105, "noise"),
    _filter("atadenoise", "atadenoise", YUV, "noise"),
    _filter("atadenoise 0.3", f"atadenoise={_ADAPTIVE}", YUV, "noise"),
    _filter("median", "median", RGB, "impulse"),
    _filter("deblock", "deblock=filter=strong:block=8", RGB, "compression"),
    _filter("deband", "deband", RGB, "banding"),
    _filter("gradfun", "gradfun=strength=8:radius=8", YUV, "banding"),
    _filter("unsharp", "unsharp=la=2", YUV, "blur"),
)


def methods() -> tuple[tuple[Method, ...], dict[str, str]]:
    """The methods whose filters PyAV's libraries have here, and of the others: why not, by name."""
    found = tuple(method for method in METHODS if method.name.split()[0] in filters_available)
    missing = {method.name: "PyAV's FFmpeg was built without it" for method in METHODS if method not in found}
    return found, missing
