"""Runs the ML program of a written package with PyTorch, rounding every result to half precision.

It knows the operations that the registry's networks convert to, and shares no code with the converter: what it
computes is what the package's file says.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from convert.package import read_program

DTYPES = {
    "fp16": torch.float16,
    "int32": torch.int32,
    "int16": torch.int32,
    "uint16": torch.int32,
    "bool": torch.bool,
}


def run(package: Path, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """The outputs of the package's function, in fp32 but rounded to fp16 after each operation."""
    function = read_program(package).functions["main"]
    values = {name: _rounded(inputs[name]) for name in function.inputs}
    for operation in function.operations:
        if operation.op_type == "const":
            values[operation.outputs[0].name] = _constant(operation.val.val)
            continue
        given = {name: _read(value, values) for name, value in operation.inputs.items()}
        results = OPERATIONS[operation.op_type](**given)
        for output, result in zip(
            operation.outputs, results if isinstance(results, tuple) else (results,), strict=True
        ):
            values[output.name] = _rounded(result)
    return {output.name: values[output.name] for output in function.outputs}


def _read(value, values):
    if isinstance(value, list | tuple):
        return [_read(item, values) for item in value]
    return None if value is None else values[value.name] if value.name in values else _constant(value.val)


def _constant(value):
    return _rounded(torch.tensor(value)) if isinstance(value, np.ndarray | np.generic) else value


def _rounded(value):
    return value.half().float() if isinstance(value, Tensor) and value.is_floating_point() else value


def _numbers(value) -> list[int]:
    return [int(item) for item in value]


def _conv(x, weight, bias=None, *, strides, pad_type, pad, dilations, groups):
    assert pad_type in ("valid", "custom")
    top, bottom, left, right = _numbers(pad) if pad_type == "custom" else (0, 0, 0, 0)
    x = functional.pad(x, (left, right, top, bottom))
    return functional.conv2d(x, weight, bias, _numbers(strides), 0, _numbers(dilations), int(groups))


def _conv_transpose(x, weight, bias=None, *, strides, pad_type, pad, dilations, groups, output_shape=None):
    assert pad_type == "valid"
    assert not any(_numbers(pad))
    return functional.conv_transpose2d(
        x, weight, bias, _numbers(strides), 0, 0, int(groups), _numbers(dilations)
    )


def _layer_norm(x, axes, gamma, beta, epsilon):
    (axis,) = _numbers(axes)
    normal = functional.layer_norm(x.movedim(axis, -1), gamma.shape, gamma, beta, float(epsilon))
    return normal.movedim(-1, axis)


def _matmul(x, y, transpose_x, transpose_y):
    return (x.mT if transpose_x else x) @ (y.mT if transpose_y else y)


def _slice_by_index(x, begin, end, stride=None, begin_mask=None, end_mask=None, squeeze_mask=None):
    assert stride is None or all(step == 1 for step in stride)
    begin, end = _numbers(begin), _numbers(end)
    for axis in range(x.ndim):
        first = 0 if begin_mask is not None and begin_mask[axis] else begin[axis]
        last = x.shape[axis] if end_mask is not None and end_mask[axis] else end[axis]
        x = x[(slice(None),) * axis + (slice(first, last),)]
    squeezed = [] if squeeze_mask is None else [axis for axis, squeeze in enumerate(squeeze_mask) if squeeze]
    return x.squeeze(tuple(squeezed)) if squeezed else x


def _split(x, axis, num_splits=None, split_sizes=None):
    sizes = _numbers(split_sizes) if split_sizes is not None else x.shape[axis] // int(num_splits)
    return torch.split(x, sizes, int(axis))


def _cast(x, dtype):
    value = torch.as_tensor(x).to(DTYPES[dtype])
    return value.float() if dtype == "fp16" else value


def _reshape(x, shape):
    wanted = _numbers(shape)
    return x.reshape([x.shape[axis] if side == 0 else side for axis, side in enumerate(wanted)])


def _gelu(x, mode):
    assert mode == "EXACT"
    return functional.gelu(x)


def _upsample_bilinear(x, scale_factor_height, scale_factor_width, align_corners, half_pixel_centers=True):
    assert not align_corners
    assert half_pixel_centers
    factors = (float(scale_factor_height), float(scale_factor_width))
    return functional.interpolate(x, scale_factor=factors, mode="bilinear", align_corners=False)


def _expand_dims(x, axes):
    for axis in sorted(_numbers(axes)):
        x = x.unsqueeze(axis)
    return x


def _gather(x, indices, axis, batch_dims, validate_indices):
    assert x.ndim == 1
    assert int(batch_dims) == 0
    return x[int(indices)] if torch.as_tensor(indices).ndim == 0 else x[torch.as_tensor(indices)]


def _concat(values, axis, interleave):
    assert not interleave
    return torch.cat([torch.atleast_1d(torch.as_tensor(value)) for value in values], int(axis))


OPERATIONS = {
    "abs": lambda x: x.abs(),
    "add": lambda x, y: x + y,
    "cast": _cast,
    "clip": lambda x, alpha, beta: x.clamp(float(alpha), float(beta)),
    "concat": _concat,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "expand_dims": _expand_dims,
    "gather": _gather,
    "gelu": _gelu,
    "greater": lambda x, y: x > y,
    "layer_norm": _layer_norm,
    "less": lambda x, y: x < y,
    "linear": lambda x, weight, bias=None: functional.linear(x, weight, bias),
    "logical_and": lambda x, y: x & y,
    "matmul": _matmul,
    "mul": lambda x, y: x * y,
    "range_1d": lambda end, start, step: torch.arange(int(start), int(end), int(step), dtype=torch.int32),
    "real_div": lambda x, y: x / y,
    "reduce_mean": lambda x, axes, keep_dims: x.mean(_numbers(axes), keepdim=bool(keep_dims)),
    "reduce_sum": lambda x, axes, keep_dims: x.sum(_numbers(axes), keepdim=bool(keep_dims)),
    "relu": lambda x: x.relu(),
    "reshape": _reshape,
    "shape": lambda x: torch.tensor(x.shape, dtype=torch.int32),
    "sigmoid": lambda x: x.sigmoid(),
    "slice_by_index": _slice_by_index,
    "softmax": lambda x, axis: x.softmax(int(axis)),
    "split": _split,
    "squeeze": lambda x, axes: x.squeeze(tuple(_numbers(axes))),
    "sub": lambda x, y: x - y,
    "transpose": lambda x, perm: x.permute(_numbers(perm)),
    "upsample_bilinear": _upsample_bilinear,
}
