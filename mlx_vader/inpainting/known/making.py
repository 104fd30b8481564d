"""A known mark, put in its place, as what `take` takes away."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import LevelClip
from mlx_vader.boxes import Box
from mlx_vader.inpainting.known.posing import Layer, edges
from mlx_vader.inpainting.unblend.mark import Mark, Part, gain_of
from mlx_vader.inpainting.unblend.noise import noise_of
from mlx_vader.inpainting.unblend.sham import depths_of, measure_sham
from mlx_vader.inpainting.unblend.yuv import rgb_of, yuv_of

#: Pixels of less opacity are left as they are.
LEAST_OPACITY = 0.01
#: Standard error of an opacity that was learned elsewhere.
_ERROR = 0.02


def mark_of(frames: LevelClip, laid: Layer) -> Mark:
    """`frames`: the crop that the layer is laid into, with room around the mark, where it is there."""
    region = laid.alpha[..., 0] > LEAST_OPACITY
    alpha, product = laid.alpha[region], laid.product[region]
    opacity = alpha[:, :1]
    colour = product / np.maximum(alpha, np.float32(LEAST_OPACITY))
    sham, depth = measure_sham(frames, region), depths_of(region)
    solid = opacity[:, 0] >= np.median(opacity[opacity > opacity.max() / 2])
    red, green, blue = (int(v) for v in rgb_of(np.median(colour[solid], axis=0)).round().clip(0, 255))
    part = Part(
        Box.around(region),
        float(np.median(opacity[solid])),
        _ERROR,
        _ERROR,
        (red, green, blue),
        np.inf,
        even=False,
    )
    gain = gain_of(alpha)
    noise = noise_of(frames, region, product, gain)
    mark = Mark(
        region,
        alpha,
        product,
        colour,
        np.full(len(alpha), _ERROR, np.float32),
        sham.variance[depth],
        noise,
        np.zeros(len(alpha), np.intp),
        (part,),
    )
    return replace(mark, noise=noise + _edge_noise(frames, laid, mark))


def _edge_noise(frames: LevelClip, laid: Layer, mark: Mark) -> Float32[np.ndarray, "n 3"]:
    """Variance that the mark's edges add: where they are a little beside or softer, as codecs make those of chroma.

    How much of it there is is seen in how a subtraction differs from a membrane: the more, the stronger the edges.
    """
    membrane, hidden = mark.membranes[0], mark.hidden[:, 0]
    if membrane is None:
        return np.zeros_like(mark.product)
    fixed, shaded = edges(laid)
    mean = yuv_of(frames).mean(axis=0)
    strength = np.square(fixed - mean * shaded).sum(axis=0)[mark.region] * np.square(1 - mark.alpha)
    strength = (strength * np.square(mark.gain))[hidden]
    pixels = yuv_of(frames).reshape(len(frames), -1, 3)
    there = np.flatnonzero(mark.region)
    apart = np.zeros_like(strength)
    for frame in pixels:
        subtracted = (frame[there] - mark.product) * mark.gain
        known = frame.copy()
        known[there] = subtracted
        apart += np.square(subtracted[hidden] - membrane.stretched(known))
    apart /= len(frames)
    varying = strength - strength.mean(axis=0)
    slope = (varying * apart).sum(axis=0) / np.maximum(np.square(varying).sum(axis=0), 1e-6)
    added = np.zeros_like(mark.product)
    added[hidden] = np.maximum(slope, 0) * strength
    return added


def with_gain(mark: Mark, gain: float) -> Mark:
    """The mark, so many times as opaque."""
    alpha = np.clip(gain * mark.alpha, 0, 1)
    (part,) = mark.parts
    # Noise grows as the square of what amplifies it.
    noise = mark.noise * np.square(gain_of(alpha) / mark.gain)
    return replace(
        mark,
        alpha=alpha,
        product=np.float32(gain) * mark.product,
        noise=noise.astype(np.float32),
        parts=(replace(part, alpha=float(min(1, gain * part.alpha))),),
    )
