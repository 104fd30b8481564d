"""Weights stored smaller than they are, and 8-bit activations. Each is added to an input of zeros."""

import numpy as np
import torch

from tests.emulator.cases.case import RANDOM, Case, integers, mb, normal

T = torch.tensor


def weight(name, make, expected, opset="iOS16"):
    """`make()` builds the packed weight, `expected` is its value."""
    value = np.asarray(expected, np.float32)
    return Case(name, (np.zeros_like(value),), lambda x: mb.add(x=x, y=make()), lambda x: T(value), opset)


def packed_bits(values, bits):
    """Numbers of `bits` bits, lowest first, as bytes."""
    total = sum(int(value) << (bits * at) for at, value in enumerate(values))
    return np.frombuffer(total.to_bytes(-(-len(values) * bits // 8), "little"), np.uint8)


def tables_16():
    for bits in (1, 2, 4, 6, 8):
        table, indices = normal(2**bits), RANDOM.integers(0, 2**bits, 15)
        yield weight(
            "constexpr_lut_to_dense",
            lambda t=table, i=indices, b=bits: mb.constexpr_lut_to_dense(
                indices=packed_bits(i, b), lut=t, shape=np.uint32([3, 5])
            ),
            table[indices].reshape(3, 5),
        )


def integer(values, bits, signed=False):
    from coremltools.converters.mil.mil import types

    if bits == 8:
        return values.astype(np.int8 if signed else np.uint8)
    return values.astype(
        types.nptype_from_builtin(types.string_to_builtin(f"{'' if signed else 'u'}int{bits}"))
    )


def tables_18():
    for bits in (1, 2, 3, 4, 6, 8):
        table, indices = normal(2, 1, 2**bits, 1), RANDOM.integers(0, 2**bits, (4, 6))
        yield weight(
            "constexpr_lut_to_dense",
            lambda t=table, i=indices, b=bits: mb.constexpr_lut_to_dense(indices=integer(i, b), lut=t),
            np.stack([table[row // 2, 0, indices[row], 0] for row in range(4)]),
            "iOS18",
        )
    for axis in (0, 1):
        table, indices = normal(1, 1, 4, 3), RANDOM.integers(0, 4, (2, 5))
        vectors = table[0, 0][indices]
        yield weight(
            "constexpr_lut_to_dense",
            lambda t=table, i=indices, a=axis: mb.constexpr_lut_to_dense(
                indices=integer(i, 2), lut=t, vector_axis=a
            ),
            vectors.transpose(0, 2, 1).reshape(6, 5) if axis == 0 else vectors.reshape(2, 15),
            "iOS18",
        )


SCALES, ZEROS = np.float32([0.1, 0.2, 0.3]), np.int8([1, -2, 3])
BYTES = RANDOM.integers(-128, 128, (3, 4)).astype(np.int8)
MASK = RANDOM.integers(0, 2, (4, 5))
NONZERO = normal(int(MASK.sum()))
SPARSE = np.zeros((4, 5), np.float32)
SPARSE[MASK == 1] = NONZERO


def blockwise(bits, signed):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    data, offset = RANDOM.integers(low, high, (4, 6)), RANDOM.integers(low, high, (2, 3))
    scale = normal(2, 3)
    spread = [np.kron(small, np.ones((2, 2))) for small in (scale, offset)]
    return weight(
        "constexpr_blockwise_shift_scale",
        lambda: mb.constexpr_blockwise_shift_scale(
            data=integer(data, bits, signed), scale=scale, offset=integer(offset, bits, signed)
        ),
        spread[0] * (data - spread[1]),
        "iOS18",
    )


def sparse_table():
    indices, table = RANDOM.integers(0, 4, len(NONZERO)), normal(1, 1, 4, 1)
    dense = np.zeros((4, 5), np.float32)
    dense[MASK == 1] = table[0, 0, indices, 0]

    def make():
        mask, values = mb.constexpr_lut_to_sparse(
            indices_mask=integer(MASK, 1), indices_nonzero_data=integer(indices, 2), lut=table
        )
        return mb.constexpr_sparse_to_dense(nonzero_data=values, mask=mask)

    return weight("constexpr_lut_to_sparse", make, dense, "iOS18")


def sparse_scaled():
    data, scale, offset = RANDOM.integers(-9, 9, len(NONZERO)), normal(4, 1), np.int8([[1], [2], [3], [4]])
    dense = np.zeros((4, 5), np.float32)
    dense[MASK == 1] = data
    dense = (dense - offset) * scale * MASK

    def make():
        mask, values = mb.constexpr_sparse_blockwise_shift_scale(
            data_mask=integer(MASK, 1), nonzero_data=data.astype(np.int8), scale=scale, offset=offset
        )
        return mb.constexpr_sparse_to_dense(nonzero_data=values, mask=mask)

    return weight("constexpr_sparse_blockwise_shift_scale", make, dense, "iOS18")


WEIGHTS = [
    *tables_16(),
    *tables_18(),
    weight(
        "constexpr_affine_dequantize",
        lambda: mb.constexpr_affine_dequantize(quantized_data=BYTES, zero_point=ZEROS, scale=SCALES, axis=0),
        SCALES[:, None] * (BYTES.astype(np.float32) - ZEROS[:, None]),
    ),
    weight(
        "constexpr_affine_dequantize",
        lambda: mb.constexpr_affine_dequantize(
            quantized_data=BYTES.view(np.uint8), zero_point=np.uint8(7), scale=np.float32(0.1), axis=0
        ),
        np.float32(0.1) * (BYTES.view(np.uint8).astype(np.float32) - 7),
    ),
    weight(
        "constexpr_sparse_to_dense",
        lambda: mb.constexpr_sparse_to_dense(
            nonzero_data=NONZERO, mask=packed_bits(MASK.reshape(-1), 1), shape=np.uint32([4, 5])
        ),
        SPARSE,
    ),
    weight(
        "constexpr_sparse_to_dense",
        lambda: mb.constexpr_sparse_to_dense(nonzero_data=NONZERO, mask=integer(MASK, 1)),
        SPARSE,
        "iOS18",
    ),
    weight(
        "constexpr_cast",
        lambda: mb.constexpr_cast(source_val=np.float16([0.1, 2]), output_dtype="fp32"),
        np.float16([0.1, 2]).astype(np.float32),
    ),
    *(blockwise(bits, signed) for bits, signed in ((4, True), (4, False), (8, True), (8, False))),
    sparse_table(),
    sparse_scaled(),
]


def quantized(x, scale, zero, dtype, axis=None):
    info = torch.iinfo(dtype)
    shape = [-1 if at == axis else 1 for at in range(x.ndim)] if axis is not None else ()
    scale, zero = T(scale).reshape(shape), T(zero).int().reshape(shape)
    return (torch.round(x / scale) + zero).clamp(info.min, info.max).int()


def quantize_case(scale, zero, dtype, **axis):
    name = {torch.int8: "int8", torch.uint8: "uint8"}[dtype]
    return Case(
        "quantize",
        (20 * normal(3, 8),),
        lambda x: mb.cast(
            x=mb.quantize(input=x, scale=scale, zero_point=zero, output_dtype=name, **axis), dtype="int32"
        ),
        lambda x: quantized(x, scale, zero, dtype, axis.get("axis")),
        "iOS17",
    )


def dequantize_case(scale, zero, **axis):
    def build(x):
        return mb.dequantize(
            input=mb.quantize(input=x, scale=np.float32(0.3), output_dtype="int8"),
            scale=scale,
            **({} if zero is None else {"zero_point": zero}),
            **axis,
        )

    def expected(x):
        shape = (-1, 1) if axis else ()
        number = quantized(x, np.float32(0.3), np.int8(0), torch.int8).float()
        return (number - (0 if zero is None else T(zero).float().reshape(shape))) * T(scale).reshape(shape)

    # Near whole steps: half precision decides no tie.
    steps = np.float32(0.3) * integers(-66, 67, 3, 8).astype(np.float32)
    return Case("dequantize", (steps,), build, expected, "iOS17")


ACTIVATIONS = [
    quantize_case(np.float32(0.3), np.int8(5), torch.int8),
    quantize_case(np.float32(0.1), np.uint8(128), torch.uint8),
    quantize_case(SCALES, ZEROS, torch.int8, axis=0),
    dequantize_case(np.float32(0.2), None),
    dequantize_case(np.float32(0.2), np.int8(-4)),
    dequantize_case(SCALES, ZEROS, axis=0),
]

CASES = WEIGHTS + ACTIVATIONS
