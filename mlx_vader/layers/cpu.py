"""What MLX's CPU device does slowly, said in operations that it does fast; gradients included.

On the CPU a grouped convolution is a naive loop, a dense one copies nine patches per pixel, and `erf` is one library
call per number. The forms here are exact up to rounding. On a GPU the networks use MLX's own kernels.
"""

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import cast

import mlx.core as mx
from jaxtyping import Float

#: erf(x)/x as a ratio of polynomials in x², for |x| ≤ 3.95, beyond which erf is ±1 in fp32. Fitted by iteratively
#: reweighted least squares; the largest error of erf in fp32 is 4e-7.
_ERF_NUMERATOR = (
    1.12837918,
    0.184709026,
    0.0543018781,
    3.83556545e-3,
    3.81359128e-4,
    4.74448708e-6,
    -1.34773995e-8,
)
_ERF_DENOMINATOR = (1.0, 0.497027647, 0.113798733, 0.01544084800, 1.30699307e-3, 6.36697482e-5)


#: A pixel on each side.
_BORDER = [(0, 0), (1, 1), (1, 1), (0, 0)]


def on_cpu() -> bool:
    """Whether arrays are computed on the CPU by default."""
    return mx.default_device() == mx.cpu


def _horner(coefficients: tuple[float, ...], z: mx.array) -> mx.array:
    total = mx.full((), coefficients[-1], z.dtype)
    for coefficient in reversed(coefficients[:-1]):
        total = total * z + coefficient
    return total


def gelu(x: Float[mx.array, "*n"]) -> Float[mx.array, "*n"]:
    """The exact GELU, x·Φ(x), without a call of `erf`."""
    z = mx.clip(x * 0.7071067811865476, -3.95, 3.95)
    square = z * z
    erf = z * _horner(_ERF_NUMERATOR, square) / _horner(_ERF_DENOMINATOR, square)
    return 0.5 * x * (1 + erf)


def _tree_sum(terms: list[mx.array]) -> mx.array:
    """A balanced sum: `mx.compile` fuses chains only up to a depth."""
    while len(terms) > 1:
        pairs = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(pairs) * 2 :]
    return terms[0]


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after, so that ⌈size/stride⌉ places fit; the odd one comes after (TensorFlow's SAME)."""
    missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return missing // 2, missing - missing // 2


def _shifts(x: Float[mx.array, "n h w c"], kernel: int, stride: int) -> list[Float[mx.array, "n h2 w2 c"]]:
    """What each tap of a kernel sees, row by row; zeros beyond the border."""
    padding = [same_padding(size, kernel, stride) for size in x.shape[1:3]]
    return _taps(x, kernel, kernel, stride, padding)


def _taps(
    x: mx.array, rows: int, columns: int, stride: int, padding: list[tuple[int, int]]
) -> list[mx.array]:
    padded = mx.pad(x, [(0, 0), *padding, (0, 0)])
    height, width = padded.shape[1] - rows + 1, padded.shape[2] - columns + 1
    return [
        padded[:, i : i + height : stride, j : j + width : stride]
        for i, j in product(range(rows), range(columns))
    ]


def _weighted_sum(shifts: list[mx.array], weight: Float[mx.array, "c k k2 1"]) -> mx.array:
    columns = weight.shape[2]
    return _tree_sum([x * weight[:, k // columns, k % columns, 0] for k, x in enumerate(shifts)])


@cache
def _depthwise(stride: int) -> Callable[[mx.array, mx.array], mx.array]:
    @mx.custom_function
    def correlate(x: mx.array, weight: mx.array) -> mx.array:
        return _weighted_sum(_shifts(x, weight.shape[1], stride), weight)

    @correlate.vjp
    def _vjp(
        primals: tuple[mx.array, mx.array], cotangent: mx.array, _: mx.array
    ) -> tuple[mx.array, mx.array]:
        x, weight = primals
        sums = [(shift * cotangent).sum(axis=(0, 1, 2)) for shift in _shifts(x, weight.shape[1], stride)]
        return _spread(cotangent, weight, stride, x.shape), mx.stack(sums, axis=1).reshape(weight.shape)

    return cast(Callable[[mx.array, mx.array], mx.array], correlate)


def _spread(
    cotangent: Float[mx.array, "n h2 w2 c"],
    weight: Float[mx.array, "c k k 1"],
    stride: int,
    shape: tuple[int, ...],
) -> Float[mx.array, "n h w c"]:
    """What reaches the input of a depthwise convolution from its output."""
    kernel, (n, height, width, c) = weight.shape[1], shape
    if stride == 1:
        return _weighted_sum(_shifts(cotangent, kernel, 1), weight[:, ::-1, ::-1])
    # Inputs whose place has the same rest meet the same taps: a small convolution for each pair of rests.
    reach = -(-kernel // stride)
    rests = [
        [_rest(cotangent, weight[:, a::stride, b::stride], reach) for b in range(stride)]
        for a in range(stride)
    ]
    woven = mx.stack([mx.stack(row, axis=3) for row in rests], axis=2)
    full = woven.reshape(n, woven.shape[1] * stride, woven.shape[3] * stride, c)
    top, left = (same_padding(size, kernel, stride)[0] for size in (height, width))
    return full[:, top : top + height, left : left + width]


def _rest(cotangent: mx.array, weight: Float[mx.array, "c k k2 1"], reach: int) -> mx.array:
    rows, columns = weight.shape[1:3]
    padding = [(rows - 1, reach - 1), (columns - 1, reach - 1)]
    return _weighted_sum(_taps(cotangent, rows, columns, 1, padding), weight[:, ::-1, ::-1])


def depthwise(
    x: Float[mx.array, "n h w c"], weight: Float[mx.array, "c k k 1"], stride: int = 1
) -> Float[mx.array, "n h2 w2 c"]:
    """A convolution of each channel by itself: shifted multiply-adds, which `mx.compile` fuses.

    `k` is odd; zeros as `same_padding` puts them.
    """
    return _depthwise(stride)(x, weight)


def strided_conv(
    x: Float[mx.array, "n h w inputs"], weight: Float[mx.array, "outputs k k inputs"], stride: int
) -> Float[mx.array, "n h2 w2 outputs"]:
    """A dense convolution of few channels: one matrix product. Zeros as `same_padding` puts them."""
    patches = mx.concatenate(_shifts(x, weight.shape[1], stride), axis=-1)
    return _product(patches, weight.reshape(weight.shape[0], -1).T)


def _rows(x: Float[mx.array, "n h w c"]) -> Float[mx.array, "n h2 w c3"]:
    """Each pixel with its left and right neighbours; a row of zeros above and below."""
    width = x.shape[2]
    padded = mx.pad(x, _BORDER)
    return mx.concatenate([padded[:, :, j : j + width] for j in range(3)], axis=-1)


def _product(a: mx.array, b: mx.array) -> mx.array:
    """`a @ b`; MLX's fused multiply-add takes a faster road on the CPU than its plain product."""
    return mx.addmm(mx.zeros((b.shape[-1],), a.dtype), a, b)


def _correlate(x: mx.array, weight: mx.array) -> mx.array:
    n, height, width, c = x.shape
    outputs = weight.shape[0]
    kernel = weight.transpose(2, 3, 1, 0).reshape(3 * c, 3 * outputs)
    by_row = _product(_rows(x).reshape(-1, 3 * c), kernel).reshape(n, height + 2, width, 3, outputs)
    return _tree_sum([by_row[:, i : i + height, :, i] for i in range(3)])


@mx.custom_function
def _conv3x3(x: mx.array, weight: mx.array) -> mx.array:
    return _correlate(x, weight)


@_conv3x3.vjp
def _conv3x3_vjp(
    primals: tuple[mx.array, mx.array], cotangent: mx.array, _: mx.array
) -> tuple[mx.array, mx.array]:
    x, weight = primals
    outputs, inputs = weight.shape[0], weight.shape[3]
    by_row = mx.stack([mx.pad(cotangent, [(0, 0), (i, 2 - i), (0, 0), (0, 0)]) for i in range(3)], axis=3)
    gradient = _product(_rows(x).reshape(-1, 3 * inputs).T, by_row.reshape(-1, 3 * outputs))
    gradient = gradient.reshape(3, inputs, 3, outputs).transpose(3, 2, 0, 1)
    flipped = weight[:, ::-1, ::-1].transpose(3, 1, 2, 0)
    return _correlate(cotangent, flipped), gradient


def conv3x3(
    x: Float[mx.array, "n h w inputs"], weight: Float[mx.array, "outputs 3 3 inputs"]
) -> Float[mx.array, "n h w outputs"]:
    """A dense 3x3 convolution: one matrix product over rows of three pixels, then three shifted rows added."""
    return cast(mx.array, _conv3x3(x, weight))
