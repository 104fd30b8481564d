"""Packages that take several frame sizes: which one to look at, and the program at that size.

Sizes that are open in a package are fixed by coremltools, on a copy that is thrown away.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from convert.package import read_spec
from convert.program import Function, Program, read_program
from convert.quiet import quiet
from convert.shapes import Size, parse_size
from mlx_vader.errors import UsageError, VaderError

_FIXED = "fixed"


def at_shape(program: Program, function: str | None, shape: str | None) -> tuple[Program, str, bool]:
    """A package's program with every size known, the function to look at, and whether the package takes several sizes.

    `shape`: a frame size; among fixed functions the one that takes it, else the size to fix. None is the default.
    """
    size = parse_size(shape) if shape else None
    if not _open(program.function(function)):
        return program, _fitting(program, function, size), False
    chosen = program.function(function)
    shapes = _shapes(program, chosen, size)
    return _fixed(program.path, chosen.name, shapes), chosen.name, True


def frame_of(function: Function) -> str:
    """The frame size of a function, `720x1280`; empty where no input looks like a picture."""
    size = _frame(function)
    return str(size) if size else ""


def in_order(program: Program) -> list[str]:
    """The names of the functions, smallest frames first; the file keeps them in no order."""
    return sorted(program.functions, key=lambda name: (_frame(program.functions[name]) or Size(0, 0), name))


def _frame(function: Function) -> Size | None:
    for named in function.inputs:
        if named.type.kind == "tensor" and len(named.type.shape) >= 4:
            height, width = named.type.shape[-2:]
            if height and width:
                return Size(height, width)
    return None


def _open(function: Function) -> bool:
    return any(side is None for named in function.inputs for side in named.type.shape)


def _fitting(program: Program, function: str | None, size: Size | None) -> str:
    """The name of the function asked for, or of the one whose frames have that size."""
    if size is None:
        return program.function(function).name
    names = [function] if function else in_order(program)
    for name in names:
        if _frame(program.function(name)) == size:
            return name
    sizes = ", ".join(dict.fromkeys(frame_of(program.function(name)) for name in names))
    raise UsageError(
        f"{program.path} has no function for {size}", hint=f"its frames measure {sizes or 'nothing'}"
    )


def _shapes(program: Program, function: Function, size: Size | None) -> dict[str, tuple[int, ...]]:
    """A shape for each input: the defaults, or what goes with the frame size."""
    inputs = {feature.name: feature for feature in program.spec.description.input}
    names = [named.name for named in function.inputs if named.type.kind == "tensor"]
    default = {name: _default(inputs[name], program.path) for name in names}
    if size is None:
        return default
    frames = next((name for name in names if len(default[name]) >= 4), names[0])
    wanted = (*default[frames][:-2], *size)
    enumerated = [_enumerated(inputs[name]) for name in names]
    if choices := _enumerated(inputs[frames]):
        if wanted not in choices:
            known = ", ".join(str(Size(*choice[-2:])) for choice in choices)
            raise UsageError(f"{program.path} does not take {size}", hint=f"it takes {known}")
        at = choices.index(wanted)
        return {
            name: shapes[at] if len(shapes) > at else default[name]
            for name, shapes in zip(names, enumerated, strict=True)
        }
    before = Size(*default[frames][-2:])
    return {
        named.name: wanted
        if named.name == frames
        else _scaled(default[named.name], named.type.shape, before, size)
        for named in function.inputs
        if named.name in default
    }


def _scaled(
    default: tuple[int, ...], sides: tuple[int | None, ...], before: Size, after: Size
) -> tuple[int, ...]:
    """A state's shape at another frame size: its open last axes grow as the frame does."""
    ratios = {len(default) - 2: after.height / before.height, len(default) - 1: after.width / before.width}
    return tuple(
        side if fixed is not None else round(side * ratios.get(axis, 1))
        for axis, (side, fixed) in enumerate(zip(default, sides, strict=True))
    )


def _default(feature: Any, path: Path) -> tuple[int, ...]:
    kind = feature.type.WhichOneof("Type")
    if kind == "imageType":
        return _planes(feature.type.imageType, feature.type.imageType)
    if kind != "multiArrayType" or not feature.type.multiArrayType.shape:
        raise VaderError(
            f"{path} does not say what shape {feature.name} has", hint="give --shape, or convert it again"
        )
    return tuple(int(side) for side in feature.type.multiArrayType.shape)


def _enumerated(feature: Any) -> list[tuple[int, ...]]:
    """The shapes of an input's list, in its order; empty where it has none."""
    if feature.type.WhichOneof("Type") == "imageType":
        image = feature.type.imageType
        return [_planes(image, size) for size in image.enumeratedSizes.sizes]
    return [
        tuple(int(side) for side in shape.shape)
        for shape in feature.type.multiArrayType.enumeratedShapes.shapes
    ]


def _planes(image: Any, size: Any) -> tuple[int, int, int, int]:
    channels = 1 if "GRAYSCALE" in image.ColorSpace.Name(image.colorSpace) else 3
    return 1, channels, int(size.height), int(size.width)


def _fixed(path: Path, function: str, shapes: dict[str, tuple[int, ...]]) -> Program:
    """The program with these shapes. Constants are read before the copy goes."""
    with tempfile.TemporaryDirectory(prefix="vader-fixed-") as folder:
        copy = Path(folder) / "fixed.mlpackage"
        try:
            with quiet(), _plain_booleans():
                import coremltools as ct

                weights = path / "Data" / "com.apple.CoreML" / "weights"
                model = ct.models.MLModel(_of_arrays(path), weights_dir=str(weights), skip_model_load=True)
                ct.utils.materialize_dynamic_shape_mlmodel(
                    model, {function: shapes}, str(copy), source_function_name=function
                )
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise VaderError(
                f"{path} cannot be fixed to {shapes}: {reason}",
                hint="give another --shape, or convert it for one size",
            ) from error
        program = read_program(copy)
        for operation in program.function(function).block.walk():
            for value in (*operation.attributes.values(), *_constants(operation)):
                if value.type.elements <= 64:
                    _ = value.value
    return Program(path, program.spec, program.functions, program.default)


def _of_arrays(path: Path) -> Any:
    """The package's spec with images described as the arrays that the program has for them: coremltools fixes those."""
    from coremltools.proto.FeatureTypes_pb2 import ArrayFeatureType

    spec = read_spec(path)
    for feature in (*spec.description.input, *spec.description.output):
        if feature.type.WhichOneof("Type") == "imageType":
            shape = _planes(feature.type.imageType, feature.type.imageType)
            feature.type.multiArrayType.shape.extend(shape)
            feature.type.multiArrayType.dataType = ArrayFeatureType.FLOAT32
    return spec


@contextmanager
def _plain_booleans() -> Iterator[None]:
    """Mends coremltools 9.0: it hands numpy's bool to reductions of sizes, which numpy from 2.0 on refuses."""
    from coremltools.converters.mil.mil.ops.defs.iOS15 import reduction

    plain = {
        name: getattr(reduction, name).get_operator for name in ("reduce_sum", "reduce_prod", "reduce_max")
    }
    for name, function in plain.items():
        getattr(reduction, name).get_operator = _with_plain_booleans(function)
    try:
        yield
    finally:
        for name, function in plain.items():
            getattr(reduction, name).get_operator = function


def _with_plain_booleans(get_operator: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def wrapped(operation: Any) -> Any:
        reduce = get_operator(operation)
        return lambda x, axis=None, keepdims=False: reduce(x, axis=axis, keepdims=bool(keepdims))

    return wrapped


def _constants(operation: Any) -> list[Any]:
    return [
        operand for group in operation.inputs.values() for operand in group if not isinstance(operand, str)
    ]
