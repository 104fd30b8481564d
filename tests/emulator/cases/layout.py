"""Shapes, slices, indices: operations that move numbers or make them from a shape."""

import itertools

import numpy as np
import torch
from torch.nn import functional

from tests.emulator.cases import case
from tests.emulator.cases.case import Case, integers, mb, normal

T = torch.tensor
X = normal(2, 3, 4, 6)


def one(name, expected, x=X, opset="iOS15", **attributes):
    return case.one(name, x, expected, opset, **attributes)


def several(name, inputs, expected, opset="iOS15", **attributes):
    return Case(name, inputs, lambda *values: getattr(mb, name)(values=values, **attributes), expected, opset)


def blocks(x, size):
    """(n, c, h, row in block, w, column in block)."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // size, size, w // size, size)


SHAPES = [
    one("shape", lambda x: T(x.shape, dtype=torch.int32)),
    one("reshape", lambda x: x.reshape(6, 24), shape=[6, -1]),
    one("reshape", lambda x: x.reshape(2, 3, 24), normal(2, 3, 4, 6), "iOS16", shape=[2, 3, 24]),
    one("reshape", lambda x: x.reshape(2, 12, 1, 6), shape=[0, 12, 1, -1]),
    one("reshape", lambda x: x.reshape(6, 4, 6), opset="iOS17", shape=[-1, 0, 0]),
    Case(
        "reshape",
        (X, np.int32([4, 36])),
        lambda x, s: mb.reshape(x=x, shape=s),
        lambda x, s: x.reshape(4, 36),
    ),
    Case(
        "reshape_like",
        (X, normal(6, 2, 5), normal(12, 7)),
        lambda x, a, b: mb.reshape_like(
            x=x, ref_tensors=(a, b), begins=(0, 0), ends=(2, 1), end_masks=(False, False)
        ),
        lambda x, a, b: x.reshape(6, 2, 12),
        "iOS16",
    ),
    one("expand_dims", lambda x: x[:, None, :, None], normal(2, 3), axes=[1, -1]),
    one("squeeze", lambda x: x[:, 0, :, 0], normal(2, 1, 3, 1), axes=[1, -1]),
    one("squeeze", lambda x: x.squeeze(), normal(2, 1, 3, 1)),
    one("flatten2d", lambda x: x.reshape(6, 24), axis=2),
    one("flatten2d", lambda x: x.reshape(12, 1), normal(12), axis=1),
    one("transpose", lambda x: x.permute(2, 0, 3, 1), perm=[2, 0, -1, 1]),
    several("concat", (normal(2, 3), normal(2, 1)), lambda *v: torch.cat(v, 1), axis=-1, interleave=False),
    several(
        "concat",
        (normal(2, 3), normal(2, 3), normal(2, 3)),
        lambda *v: torch.stack(v, 2).reshape(2, 9),
        axis=1,
        interleave=True,
    ),
    several("stack", (normal(2, 3), normal(2, 3)), lambda *v: torch.stack(v, 1), axis=1),
    one("split", lambda x: x.chunk(3, -1), num_splits=3, axis=-1),
    one("split", lambda x: x.split([1, 2], 1), split_sizes=[1, 2], axis=1),
    one("tile", lambda x: torch.cat([x, x, x], 1).repeat_interleave(1, 0), reps=[1, 3, 1, 1]),
    one("reverse", lambda x: T(x.numpy()[:, ::-1, :, ::-1].copy()), axes=[1, -1]),
    one("reverse", lambda x: T(x.numpy()[::-1, ::-1].copy()), normal(3, 4)),
    one(
        "reverse_sequence",
        lambda x: torch.cat([x[:, :1].flip(2), torch.cat([x[:, 1:, :2].flip(2), x[:, 1:, 2:]], 2)], 1),
        normal(3, 2, 4),
        lengths=np.int32([4, 2]),
        seq_axis=2,
        batch_axis=1,
    ),
    *(
        one("pad", lambda x, m=mode: functional.pad(x, (1, 2, 2, 0), m), pad=[2, 0, 1, 2], mode=mode)
        for mode in ("reflect", "replicate")
    ),
    one(
        "pad",
        lambda x: functional.pad(x, (1, 2, 0, 3), value=0.5),
        pad=[0, 0, 0, 3, 1, 2],
        mode="constant",
        constant_val=np.float32(0.5),
    ),
    one(
        "pad", lambda x: functional.pad(x, (3, 3), "reflect"), normal(2, 5), pad=[0, 0, 3, 3], mode="reflect"
    ),
    one("pixel_shuffle", lambda x: functional.pixel_shuffle(x, 2), normal(2, 8, 3, 4), upscale_factor=2),
    one(
        "pixel_unshuffle",
        lambda x: blocks(x, 2).permute(0, 1, 3, 5, 2, 4).reshape(2, 12, 2, 3),
        opset="iOS16",
        downscale_factor=np.uint32(2),
    ),
    one(
        "space_to_depth", lambda x: blocks(x, 2).permute(0, 3, 5, 1, 2, 4).reshape(2, 12, 2, 3), block_size=2
    ),
    one(
        "depth_to_space",
        lambda x: torch.stack(
            [torch.stack([x[:, 2 * (2 * r + c) : 2 * (2 * r + c) + 2] for c in (0, 1)], -1) for r in (0, 1)],
            3,
        ).reshape(2, 2, 6, 8),
        normal(2, 8, 3, 4),
        block_size=2,
    ),
    one(
        "space_to_batch",
        lambda x: torch.cat(
            [functional.pad(x, (0, 0, 1, 1))[:, :, r::2, c::3] for r in (0, 1) for c in (0, 1, 2)]
        ),
        block_shape=[2, 3],
        paddings=[[1, 1], [0, 0]],
    ),
    one(
        "batch_to_space",
        lambda x: unbatched(x)[:, :, 1:, :-2],
        normal(12, 2, 3, 4),
        block_shape=[2, 3],
        crops=[[1, 0], [0, 2]],
    ),
    one(
        "sliding_windows",
        lambda x: torch.stack([x[:, 0:3], x[:, 2:5], x[:, 4:7]], 1),
        normal(2, 7, 3),
        axis=1,
        size=3,
        stride=2,
    ),
    one("band_part", lambda x: x.tril(1).triu(-2), normal(2, 6, 5), lower=2, upper=1),
    one("band_part", torch.triu, normal(5, 5), lower=0, upper=-1),
]


def unbatched(x):
    out = torch.zeros(2, 2, 6, 12)
    for block, (row, column) in enumerate(itertools.product((0, 1), (0, 1, 2))):
        out[:, :, row::2, column::3] = x[2 * block : 2 * block + 2]
    return out


def sliced(expected, x=X, **attributes):
    return one("slice_by_index", expected, x, **attributes)


SLICES = [
    sliced(lambda x: x[0:2, 1:3, 2:4, 0:6], begin=[0, 1, 2, 0], end=[2, 3, 4, 6]),
    sliced(
        lambda x: x[:, 1:-1, -3:, ::2],
        begin=[0, 1, -3, 0],
        end=[2, -1, 0, 6],
        stride=[1, 1, 1, 2],
        end_mask=[True, False, True, True],
        begin_mask=[True, False, False, False],
    ),
    sliced(
        lambda x: x[1, :, -2],
        begin=[1, 0, -2, 0],
        end=[0, 0, 0, 0],
        begin_mask=[False, True, False, True],
        end_mask=[False, True, False, True],
        squeeze_mask=[True, False, True, False],
    ),
    sliced(
        lambda x: T(x.numpy()[:, ::-1, 3:0:-2, 5:1:-1].copy()),
        begin=[0, 2, 3, 5],
        end=[2, 0, 0, 1],
        stride=[1, -1, -2, -1],
        end_mask=[False, True, False, False],
    ),
    sliced(
        lambda x: T(x.numpy()[1, ::-1, 0].copy()),
        begin=[1, 0, 0, 0],
        end=[0, 0, 0, 0],
        stride=[1, -1, 1, 1],
        begin_mask=[False, True, False, True],
        end_mask=[False, True, False, True],
        squeeze_mask=[True, False, True, False],
    ),
    Case(
        "slice_by_index",
        (X, np.int32([0, 1, 0, 2]), np.int32([2, 2, 4, 5])),
        lambda x, b, e: mb.slice_by_index(x=x, begin=b, end=e),
        lambda x, b, e: x[:, 1:2, :, 2:5],
    ),
    Case(
        "slice_update",
        (X, normal(2, 2, 2, 6)),
        lambda x, u: mb.slice_update(
            x=x, update=u, begin=[0, 1, 0, 0], end=[2, 3, 4, 6], stride=[1, 1, 2, 1]
        ),
        lambda x, u: torch.cat([x[:, :1], torch.stack([u, x[:, 1:, 1::2]], 3).flatten(2, 3)], 1),
        "iOS18",
    ),
    Case(
        "slice_update",
        (normal(4, 5), normal(3)),
        lambda x, u: mb.slice_update(
            x=x, update=u, begin=[2, 4], end=[0, 1], stride=[1, -1], squeeze_mask=[True, False]
        ),
        lambda x, u: torch.cat([x[:2], torch.cat([x[2:3, :2], u.flip(0)[None]], 1), x[3:]]),
        "iOS18",
    ),
    one("slice_by_size", lambda x: x[1:2, 0:3, 1:3, 2:], begin=[1, 0, 1, 2], size=[1, 3, 2, -1]),
]


def gathered(x, indices, expected, opset="iOS15", **attributes):
    return Case("gather", (x, indices), lambda x, i: mb.gather(x=x, indices=i, **attributes), expected, opset)


GATHERS = [
    gathered(X, np.int32([2, 0, -1, 1]), lambda x, i: x[:, :, i.long()], axis=2),
    gathered(X, integers(0, 3, 2, 5), lambda x, i: T(np.take(x.numpy(), i.numpy(), 1)), axis=-3),
    gathered(
        normal(2, 3, 4),
        integers(0, 4, 2, 5),
        lambda x, i: torch.stack([x[b][:, i[b].long()] for b in range(2)]),
        "iOS16",
        axis=2,
        batch_dims=1,
    ),
    Case("gather", (normal(5, 3),), lambda x: mb.gather(x=x, indices=2, axis=0), lambda x: x[2]),
    Case(
        "gather_along_axis",
        (normal(2, 3, 4), integers(-4, 4, 2, 3, 6)),
        lambda x, i: mb.gather_along_axis(x=x, indices=i, axis=2),
        lambda x, i: T(np.take_along_axis(x.numpy(), i.numpy(), 2)),
    ),
    Case(
        "gather_nd",
        (normal(3, 4, 5), np.int32([[0, 1], [2, 3], [-1, 0]])),
        lambda x, i: mb.gather_nd(x=x, indices=i),
        lambda x, i: torch.stack([x[0, 1], x[2, 3], x[2, 0]]),
    ),
    Case(
        "gather_nd",
        (normal(2, 3, 4), np.int32([[[0], [2]], [[1], [1]]])),
        lambda x, i: mb.gather_nd(x=x, indices=i, batch_dims=1),
        lambda x, i: torch.stack([x[0][[0, 2]], x[1][[1, 1]]]),
        "iOS16",
    ),
]

MODES = {
    "update": lambda old, new: new,
    "add": lambda old, new: old + new,
    "sub": lambda old, new: old - new,
    "mul": lambda old, new: old * new,
    "div": lambda old, new: old / new,
    "max": max,
    "min": min,
}


def scattered(data, indices, updates, mode, axis):
    out = data.numpy().copy()
    moved = np.moveaxis(out, axis, 0)
    for row, index in zip(np.moveaxis(updates.numpy(), axis, 0), indices, strict=True):
        moved[int(index)] = np.vectorize(MODES[mode])(moved[int(index)], row)
    return T(out)


def scattered_along(data, indices, updates, mode, axis):
    out = data.numpy().copy()
    for place in np.ndindex(*indices.shape):
        target = list(place)
        target[axis] = int(indices[place])
        out[tuple(target)] = MODES[mode](out[tuple(target)], updates.numpy()[place])
    return T(out)


def scattered_nd(data, indices, updates, mode):
    out = data.numpy().copy()
    for place in np.ndindex(*indices.shape[:-1]):
        target = tuple(indices[place].tolist())
        out[target] = np.vectorize(MODES[mode])(out[target], updates.numpy()[place])
    return T(out)


def scatters():
    for mode in MODES:
        yield Case(
            "scatter",
            (normal(2, 5, 3), np.int32([3, 0, -1]), normal(2, 3, 3)),
            lambda d, i, u, m=mode: mb.scatter(data=d, indices=i, updates=u, axis=1, mode=m),
            lambda d, i, u, m=mode: scattered(d, i, u, m, 1),
        )
        yield Case(
            "scatter_along_axis",
            (normal(2, 3, 5), np.int32([[[4, 0], [1, 2], [3, 3]]] * 2), normal(2, 3, 2)),
            lambda d, i, u, m=mode: mb.scatter_along_axis(data=d, indices=i, updates=u, axis=2, mode=m),
            lambda d, i, u, m=mode: scattered_along(d, i, u, m, 2),
        )
        yield Case(
            "scatter_nd",
            (normal(3, 4, 2), np.int32([[0, 1], [2, 3], [2, 3]]), normal(3, 2)),
            lambda d, i, u, m=mode: mb.scatter_nd(data=d, indices=i, updates=u, mode=m),
            lambda d, i, u, m=mode: scattered_nd(d, i, u, m),
        )


def ranked(x, axis, ascending):
    order = np.argsort(x.numpy() if ascending else -x.numpy(), axis=axis, kind="stable")
    return T(order)


GENERATED = [
    Case(
        "fill",
        (np.int32([2, 3]),),
        lambda s: mb.fill(shape=s, value=np.float32(0.7)),
        lambda s: torch.full((2, 3), 0.7),
    ),
    Case(
        "fill_like",
        (normal(2, 3),),
        lambda x: mb.fill_like(ref_tensor=x, value=np.int32(4)),
        lambda x: torch.full((2, 3), 4, dtype=torch.int32),
        "iOS16",
    ),
    Case(
        "range_1d",
        (np.int32([11]),),
        lambda e: mb.range_1d(start=2, end=mb.squeeze(x=e, axes=[0]), step=3),
        lambda e: torch.arange(2, 11, 3, dtype=torch.int32),
    ),
    Case(
        "one_hot",
        (integers(0, 4, 2, 3),),
        lambda i: mb.one_hot(indices=i, one_hot_vector_size=4),
        lambda i: functional.one_hot(i.long(), 4).int(),
    ),
    Case(
        "one_hot",
        (integers(0, 4, 2, 3),),
        lambda i: mb.one_hot(
            indices=i, one_hot_vector_size=5, axis=1, on_value=np.float32(0.5), off_value=np.float32(-1)
        ),
        lambda i: functional.one_hot(i.long(), 5).permute(0, 2, 1) * 1.5 - 1,
    ),
    Case("non_zero", (integers(0, 2, 3, 4),), lambda x: mb.non_zero(x=x), lambda x: x.nonzero().int()),
    one("argsort", lambda x: ranked(x, 1, ascending=False).int(), axis=1),
    one("argsort", lambda x: ranked(x, -1, ascending=True).int(), ascending=True),
    one(
        "topk",
        lambda x: (
            T(np.sort(x.numpy(), 2)[:, :, :1:-1].copy()),
            ranked(x, 2, ascending=False)[:, :, :2].int(),
        ),
        k=2,
        axis=2,
    ),
    # Indices of 16 bits wrap around, those that are read later too.
    Case(
        "topk",
        (np.eye(1, 65540, 65538, dtype=np.float32),),
        lambda x: mb.cast(x=mb.topk(x=x, k=1, output_indices_dtype="uint16")[1], dtype="int32"),
        lambda x: T([[2]], dtype=torch.int32),
        "iOS17",
    ),
    Case(
        "gather",
        (np.int32([70000, -12]), np.int32([1, 0])),
        lambda x, i: mb.cast(
            x=mb.gather(x=mb.cast(x=x, dtype="uint16"), indices=mb.cast(x=i, dtype="uint16"), axis=0),
            dtype="int32",
        ),
        lambda x, i: T([65524, 4464], dtype=torch.int32),
        "iOS17",
    ),
    one(
        "topk",
        lambda x: T(np.sort(x.numpy(), 3)[..., :3]),
        opset="iOS16",
        k=3,
        ascending=True,
        return_indices=False,
    ),
]

CASES = [*SHAPES, *SLICES, *GATHERS, *scatters(), *GENERATED]
