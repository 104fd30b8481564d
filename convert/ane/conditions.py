"""The conditions that rules name: each takes a line, the argument in `rules.toml`, and where the line stands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from convert.ane import counting
from convert.ane.chips import Chip
from convert.ane.graph import Graph, Line

#: What the engine carries besides fp16: masks of `select`, and 8-bit activations between quantize and dequantize.
_CARRIED = ("fp16", "bool", "int8", "uint8")
_RESIZES = ("resize", "resize_bilinear", "resize_nearest_neighbor")


@dataclass(frozen=True)
class Place:
    """Where a line stands: in which graph, on which chip."""

    graph: Graph
    chip: Chip


def _types(line: Line) -> list[Any]:
    return [named.type for named in (*line.reads, *line.writes)]


def _rank_above(line: Line, limit: int, place: Place) -> bool:
    return any(len(of.shape) > limit for of in _types(line))


def _dimension_above_chip(line: Line, _: Any, place: Place) -> bool:
    return any((size or 1) > place.chip.largest_dimension for of in _types(line) for size in of.shape)


def _chip_without_state(line: Line, _: Any, place: Place) -> bool:
    return not place.chip.native_state


def _last_axis_not_multiple_of(line: Line, step: int, place: Place) -> bool:
    return any(of.shape and (of.shape[-1] or 1) % step for of in _types(line))


def _casts_integers(line: Line, _: Any, place: Place) -> bool:
    return any("int" in of.dtype for of in _types(line))


def _at_the_edge(line: Line, _: Any, place: Place) -> bool:
    """A cast of an input, or to an output."""
    given = {named.name for named in place.graph.function.inputs}
    wanted = {named.name for named in place.graph.outputs}
    return any(read.name in given for read in line.reads) or any(
        named.name in wanted for named in line.writes
    )


def _not_half(line: Line, _: Any, place: Place) -> bool:
    return any(of.dtype not in _CARRIED for of in _types(line))


def _dynamic(line: Line, name: str, place: Place) -> bool:
    return name in line.operation.inputs and name not in line.weights


def _any_dynamic(line: Line, names: list[str], place: Place) -> bool:
    return any(_dynamic(line, name, place) for name in names)


def _constant(line: Line, name: str, place: Place) -> bool:
    return name in line.weights


def _window(line: Line) -> tuple[int, int]:
    """Height and width of a convolution's or a pool's window."""
    shape = counting.kernel(line)
    if shape:
        return shape.height, shape.width
    sizes = [int(side) for side in line.parameter("kernel_sizes", (1, 1))]
    return (sizes[-2] if len(sizes) > 1 else 1), sizes[-1]


def _kernel_above(line: Line, limits: list[int], place: Place) -> bool:
    height, width = _window(line)
    return height > limits[0] or width > limits[1]


def _kernel_width_from(line: Line, width: int, place: Place) -> bool:
    return _window(line)[1] >= width


def _strides(line: Line) -> tuple[int, ...]:
    shape = counting.kernel(line)
    return shape.strides if shape else (1,)


def _stride_above(line: Line, limit: int, place: Place) -> bool:
    return max(_strides(line)) > limit


def _stride_not_of(line: Line, known: list[int], place: Place) -> bool:
    return any(stride not in known for stride in _strides(line))


def _groups_above(line: Line, limit: int, place: Place) -> bool:
    shape = counting.kernel(line)
    return shape is not None and shape.groups > limit and not shape.depthwise


def _dilated(line: Line, _: Any, place: Place) -> bool:
    shape = counting.kernel(line)
    return shape is not None and any(step > 1 for step in shape.dilations)


def _factor_not_of(line: Line, known: list[int], place: Place) -> bool:
    for name in ("upscale_factor", "downscale_factor", "block_size", "block_shape"):
        factor = line.parameter(name)
        if factor is not None:
            values = [int(factor)] if getattr(factor, "ndim", 0) == 0 else [int(item) for item in factor]
            return any(value not in known for value in values)
    return False


def _after_resize(line: Line, _: Any, place: Place) -> bool:
    sources = [place.graph.producer.get(read.name) for read in line.reads]
    return any(at is not None and place.graph.lines[at].type in _RESIZES for at in sources)


def _pads_otherwise(line: Line, _: Any, place: Place) -> bool:
    mode = str(line.parameter("mode", "constant"))
    return mode not in ("constant", "reflect", "replicate") or (
        mode == "constant" and float(line.parameter("constant_val", 0)) != 0
    )


def _inner_above(line: Line, limit: int, place: Place) -> bool:
    return counting.inner(line) > limit


CONDITIONS: dict[str, Callable[[Line, Any, Place], bool]] = {
    "rank_above": _rank_above,
    "dimension_above_chip": _dimension_above_chip,
    "chip_without_state": _chip_without_state,
    "last_axis_not_multiple_of": _last_axis_not_multiple_of,
    "casts_integers": _casts_integers,
    "at_the_edge": _at_the_edge,
    "not_half": _not_half,
    "dynamic": _dynamic,
    "any_dynamic": _any_dynamic,
    "constant": _constant,
    "kernel_above": _kernel_above,
    "kernel_width_from": _kernel_width_from,
    "stride_above": _stride_above,
    "stride_not_of": _stride_not_of,
    "groups_above": _groups_above,
    "dilated": _dilated,
    "factor_not_of": _factor_not_of,
    "after_resize": _after_resize,
    "pads_otherwise": _pads_otherwise,
    "inner_above": _inner_above,
}
