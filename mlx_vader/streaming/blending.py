"""Mixing two results for the same frame. Equal inputs come out unchanged, bit for bit: `a + w * (b - a)`."""

from collections.abc import Sequence

from mlx_vader.streaming.results import Result


def mix(first: Result, second: Result, weight: float) -> Result:
    """`weight` of the second, the rest of the first. Masks are mixed alike; the source is the second's."""
    frame = first.frame + weight * (second.frame - first.frame)
    mask = first.mask
    if mask is not None and second.mask is not None:
        mask = mask + weight * (second.mask - mask)
    return Result(frame, mask, first.finite and second.finite, second.source)


def cross_fade(leaving: Sequence[Result], entering: Sequence[Result]) -> list[Result]:
    """From one clip to the next over their common frames, `leaving` fading out; the rest of `entering` follows."""
    steps = len(leaving) + 1
    faded = [mix(*pair, (i + 1) / steps) for i, pair in enumerate(zip(leaving, entering, strict=False))]
    return faded + list(entering[len(leaving) :])
