"""Slices, read and written."""

from torch import Tensor

from convert.emulator.registry import Bools, Ints, Kind, operation


def _slices(
    x: Tensor,
    begin: Ints,
    end: Ints,
    stride: Ints | None,
    begin_mask: Bools | None,
    end_mask: Bools | None,
    squeeze_mask: Bools | None,
) -> tuple[tuple[int | slice, ...], list[int]]:
    """What to index with, and the axes to turn round afterwards: PyTorch has no negative strides.

    A negative stride goes from `begin` down to, without, `end`: the same elements are taken upwards.
    """
    index: list[int | slice] = []
    turned: list[int] = []
    for axis, size in enumerate(x.shape):
        step = stride[axis] if stride else 1
        if squeeze_mask and squeeze_mask[axis]:
            index.append(0 if begin_mask and begin_mask[axis] else begin[axis])
            continue
        first = None if begin_mask and begin_mask[axis] else begin[axis]
        last = None if end_mask and end_mask[axis] else end[axis]
        chosen = range(size)[slice(first, last, step)]
        if step < 0:
            turned.append(len([item for item in index if isinstance(item, slice)]))
            chosen = chosen[::-1]
        index.append(slice(chosen.start, chosen.stop, chosen.step) if len(chosen) else slice(0, 0))
    return tuple(index), turned


@operation("slice_by_index", kind=Kind.MOVES)
def slice_by_index(
    x: Tensor,
    begin: Ints,
    end: Ints,
    stride: Ints | None = None,
    begin_mask: Bools | None = None,
    end_mask: Bools | None = None,
    squeeze_mask: Bools | None = None,
) -> Tensor:
    """`x[begin:end:stride]` axis by axis. A masked begin or end is the axis' own; a squeezed axis is indexed."""
    index, turned = _slices(x, begin, end, stride, begin_mask, end_mask, squeeze_mask)
    return x[index].flip(turned) if turned else x[index]


@operation("slice_update", kind=Kind.MOVES)
def slice_update(
    x: Tensor,
    update: Tensor,
    begin: Ints,
    end: Ints,
    stride: Ints | None = None,
    begin_mask: Bools | None = None,
    end_mask: Bools | None = None,
    squeeze_mask: Bools | None = None,
) -> Tensor:
    """A copy of `x` with a slice of it replaced."""
    index, turned = _slices(x, begin, end, stride, begin_mask, end_mask, squeeze_mask)
    copy = x.clone()
    copy[index] = update.flip(turned) if turned else update
    return copy


@operation("slice_by_size", kind=Kind.MOVES)
def slice_by_size(x: Tensor, begin: Ints, size: Ints) -> Tensor:
    """-1: all that is left."""
    index = []
    for first, wanted, have in zip(begin, size, x.shape, strict=True):
        start = first % have if first < 0 else first
        index.append(slice(start, have if wanted == -1 else start + wanted))
    return x[tuple(index)]
