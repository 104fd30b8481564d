"""The frame sizes that a package accepts: parsed from what people type, checked against the network's stride.

256            256x256                    512x288        height x width
720p           720x1280 (16:9)            256,512,720p   any of these (enumerated)
range:256-1280 every height and width between; range:256-720p bounds height and width apart
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mlx_vader.errors import UsageError

#: Core ML accepts at most this many enumerated shapes; coremltools does not check it.
MOST_ENUMERATED = 128
GRAMMAR = (
    "sizes are 256, 720p or HEIGHTxWIDTH; several are separated by commas; range:256-1280 allows all between"
)

#: Heights by which videos are called: who types one without a `p` may mean the video.
VIDEO_HEIGHTS = ("360", "480", "540", "720", "1080", "1440", "2160")


class Size(NamedTuple):
    """Pixels of a frame."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"


@dataclass(frozen=True)
class Shapes:
    """What a package accepts. `sizes`: the one size, every enumerated one, or the two corners of the range."""

    kind: Literal["fixed", "enumerated", "range"]
    sizes: tuple[Size, ...]

    @property
    def default(self) -> Size:
        """The size that a caller gets who asks for none.

        Flexible packages have run on the Neural Engine at their default only (apple/coremltools #2370), so it is
        the size that needs it most: the largest enumerated one; in a range 720p, or its upper corner where 720p
        is outside.
        """
        if self.kind == "range":
            low, high = self.sizes
            wanted = Size(720, 1280)
            inside = low.height <= wanted.height <= high.height and low.width <= wanted.width <= high.width
            return wanted if inside else high
        return max(self.sizes, key=lambda size: size.height * size.width)

    def __str__(self) -> str:
        if self.kind == "range":
            return "range:" + "-".join(map(str, self.sizes))
        return ",".join(map(str, self.sizes))


def parse_size(text: str) -> Size:
    """`256`, `720p` or `512x288` (height x width). Raises `UsageError` for anything else."""
    text = text.strip().lower()
    if match := re.fullmatch(r"(\d+)p", text):
        height = int(match[1])
        # 480p is 854 wide by convention; every other 16:9 height gives whole pixels.
        size = Size(height, 2 * round(height * 8 / 9))
    elif match := re.fullmatch(r"(\d+)(?:[x×](\d+))?", text):
        size = Size(int(match[1]), int(match[2] or match[1]))
    else:
        raise UsageError(f"{text!r} is not a frame size", hint=GRAMMAR)
    if min(size) < 1:
        raise UsageError(f"{text!r} has no pixels", hint=GRAMMAR)
    return size


def parse_shapes(shapes: str | Iterable[str], stride: int = 1) -> Shapes:
    """Reads `--shapes`, one string or several; every height and width must be a multiple of `stride`.

    Raises `UsageError`, with the nearest sizes that would do.
    """
    words = [word for part in ([shapes] if isinstance(shapes, str) else shapes) for word in part.split(",")]
    words = [word.strip() for word in words if word.strip()]
    if not words:
        raise UsageError("no shapes were given", hint=GRAMMAR)
    if any(word.startswith("range:") for word in words):
        return _range(words, stride)
    sizes = tuple(dict.fromkeys(parse_size(word) for word in words))
    if len(sizes) > MOST_ENUMERATED:
        raise UsageError(
            f"{len(sizes)} sizes are more than Core ML's {MOST_ENUMERATED}", hint="give a range:MIN-MAX"
        )
    _check_stride(sizes, stride)
    return Shapes("fixed" if len(sizes) == 1 else "enumerated", sizes)


def squares_that_are_heights(shapes: str) -> list[str]:
    """For each size that was typed as the height of a video, what it is, and how the video's own is typed."""
    words = [word.strip() for part in shapes.split(",") for word in part.removeprefix("range:").split("-")]
    return [
        f"{word} is a square, {parse_size(word)}; {word}p is {parse_size(f'{word}p')}"
        for word in dict.fromkeys(words)
        if word in VIDEO_HEIGHTS
    ]


def _range(words: Sequence[str], stride: int) -> Shapes:
    if len(words) > 1:
        raise UsageError("a range and other sizes cannot share one package", hint="give either of them")
    corners = words[0].removeprefix("range:").split("-")
    if len(corners) != 2:
        raise UsageError(f"{words[0]!r} is not a range", hint=GRAMMAR)
    low, high = (parse_size(corner) for corner in corners)
    if low.height > high.height or low.width > high.width:
        raise UsageError(f"{words[0]!r} ends before it begins", hint=f"did you mean range:{high}-{low}?")
    _check_stride((low, high), stride)
    return Shapes("fixed", (low,)) if low == high else Shapes("range", (low, high))


def _check_stride(sizes: Iterable[Size], stride: int) -> None:
    for size in sizes:
        if size.height % stride or size.width % stride:
            raise UsageError(
                f"{size} does not fit: the network needs height and width in multiples of {stride}",
                hint=f"the nearest that fits is {nearest(size, stride)}",
            )


def nearest(size: Size, stride: int) -> Size:
    """The closest size whose sides are multiples of `stride`; of two as close, the larger."""
    return Size(*(max(1, (2 * side + stride) // (2 * stride)) * stride for side in size))
