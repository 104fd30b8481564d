"""What an `.mlpackage` computes, as plain values: functions, blocks, operations, types, constants.

Read straight from the protobuf and from the weight file, which is left on disk until a constant is asked for. Unlike
coremltools' own loader it rebuilds no operation, so it also reads packages with operations that coremltools does not
know, keeps every name, and takes milliseconds.

Sources: `MIL.proto` and `Model.proto` of coremltools; the layout of weight files, `mlmodel/src/MILBlob/Blob/
StorageFormat.hpp` there: at each offset 64 bytes of metadata (sentinel, type, size, offset of the data, padding).
"""

import math
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from convert.manifest import COPY_AGAIN, model_file, within
from convert.package import damage_explained, read_spec
from convert.quiet import quiet
from convert.wellformed import check_program
from mlx_vader.errors import VaderError

#: Name in the protobuf → name in MIL, and the numpy type that holds it. Sub-byte types are unpacked to bytes.
_DTYPES: dict[str, tuple[str, Any]] = {
    "BOOL": ("bool", np.bool_),
    "STRING": ("string", np.str_),
    "FLOAT16": ("fp16", np.float16),
    "FLOAT32": ("fp32", np.float32),
    "FLOAT64": ("fp64", np.float64),
    **{f"INT{bits}": (f"int{bits}", np.dtype(f"int{bits}")) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": (f"uint{bits}", np.dtype(f"uint{bits}")) for bits in (8, 16, 32, 64)},
    "INT4": ("int4", np.int8),
    **{f"UINT{bits}": (f"uint{bits}", np.uint8) for bits in (1, 2, 3, 4, 6)},
}
#: Types of fewer bits than a byte. Their values lie one after the other, lowest bits first.
_SUB_BYTE = {"int4": 4, "uint1": 1, "uint2": 2, "uint3": 3, "uint4": 4, "uint6": 6}
_BLOB_SENTINEL = 0xDEADBEEF
_BLOB_METADATA = struct.Struct("<IIQQQ")


@dataclass(frozen=True)
class Type:
    """Of a value. `dtype` as MIL names it (`fp16`, `int32`, `bool` …). An unknown size is None.

    A state wraps the tensor type that is given here; a list, tuple or dictionary has its parts in `items`.
    """

    kind: Literal["tensor", "state", "list", "tuple", "dictionary"]
    dtype: str = ""
    shape: tuple[int | None, ...] = ()
    items: tuple["Type", ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape, with 1 for unknown sizes."""
        return tuple(1 if size is None else size for size in self.shape)

    @property
    def elements(self) -> int:
        """How many numbers it holds; unknown sizes count as 1."""
        return math.prod(self.sizes)

    @property
    def bits(self) -> int:
        """Of one number; 0 for text and for types without a size."""
        number = re.search(r"\d+", self.dtype)
        return 8 if self.dtype == "bool" else int(number[0]) if number else 0

    @property
    def bytes(self) -> float:
        """What its numbers take, packed."""
        return self.elements * self.bits / 8


@dataclass(frozen=True)
class Named:
    """The name and the type of an input, output or result."""

    name: str
    type: Type


@dataclass(frozen=True)
class Constant:
    """A value that is written in the package. `value` reads it when first asked for."""

    type: Type
    read: Callable[[], Any] = field(repr=False, compare=False)

    @cached_property
    def value(self) -> Any:
        """A numpy array or scalar, text, or a tuple of these for lists and tuples."""
        return self.read()


#: What an operation is given: the name of a value, or a constant.
Operand = str | Constant


@dataclass(frozen=True)
class Operation:
    """`outputs = type(inputs)`. An input of several operands is a list (`concat`'s values)."""

    type: str
    name: str
    inputs: Mapping[str, tuple[Operand, ...]]
    outputs: tuple[Named, ...]
    blocks: tuple["Block", ...] = ()
    attributes: Mapping[str, Constant] = field(default_factory=dict)

    @property
    def named_operands(self) -> list[str]:
        """The names of the values that it is given."""
        return [given for operands in self.inputs.values() for given in operands if isinstance(given, str)]

    def walk(self) -> Iterator["Operation"]:
        """The operation and those in its blocks."""
        yield self
        for block in self.blocks:
            yield from block.walk()


@dataclass(frozen=True)
class Block:
    """Operations in the order in which they run. `inputs` are those of a loop's body; `outputs` names values."""

    inputs: tuple[Named, ...]
    outputs: tuple[str, ...]
    operations: tuple[Operation, ...]

    def walk(self) -> Iterator[Operation]:
        """Every operation, those in nested blocks too."""
        for operation in self.operations:
            yield from operation.walk()


@dataclass(frozen=True)
class Function:
    """What can be called by name. States are among the inputs, with a type of kind `state`."""

    name: str
    opset: str
    inputs: tuple[Named, ...]
    block: Block


@dataclass(frozen=True)
class Program:
    """A package. `default` names the function that runs when none is asked for; `spec` is the protobuf `Model`."""

    path: Path
    spec: Any
    functions: Mapping[str, Function]
    default: str

    def function(self, name: str | None = None) -> Function:
        """The function `name`, or the default one. Raises `VaderError` when there is none of that name."""
        name = name or self.default
        if name not in self.functions:
            raise VaderError(
                f"{self.path} has no function {name!r}", hint=f"it has {', '.join(self.functions)}"
            )
        return self.functions[name]

    def description(self, function: str) -> Any:
        """What `spec` says of a function: a description with its inputs, outputs and states.

        Raises `VaderError` for a package that does not describe it.
        """
        description = self.spec.description
        if not description.functions:
            return description
        for entry in description.functions:
            if entry.name == function:
                return entry
        raise VaderError(
            f"{self.path} does not describe its function {function!r}",
            hint="the package is damaged: convert it again",
        )


def read_program(path: Path | str) -> Program:
    """The program of a package. Raises `VaderError` for what is no ML program."""
    path = Path(path)
    spec = read_spec(path)
    with damage_explained(path):
        program = _program(path, spec)
    check_program(program)
    return program


def _program(path: Path, spec: Any) -> Program:
    reader = _Reader(path)
    # The program's own map has no order; the description lists functions as they were made.
    listed = [entry.name for entry in spec.description.functions if entry.name in spec.mlProgram.functions]
    names = dict.fromkeys([*listed, *sorted(spec.mlProgram.functions)])
    functions = {name: reader.function(name, spec.mlProgram.functions[name]) for name in names}
    if not functions:
        raise VaderError(f"{path} has no functions", hint="convert the network again")
    default = spec.description.defaultFunctionName or "main"
    return Program(path, spec, functions, default if default in functions else next(iter(functions)))


class _Reader:
    """Turns protobuf messages into values."""

    def __init__(self, package: Path) -> None:
        with quiet():
            from coremltools.proto.MIL_pb2 import DataType

        self.package = package
        self.dtypes = {number: _DTYPES.get(name, (name.lower(), None)) for name, number in DataType.items()}
        self.files: dict[str, np.ndarray] = {}

    def function(self, name: str, message: Any) -> Function:
        # Specialised for an opset: coremltools writes one.
        blocks = message.block_specializations
        block = blocks.get(message.opset) or next(iter(blocks.values()), None)
        if block is None:
            raise VaderError(f"{self.package} has no operations in {name!r}", hint=COPY_AGAIN)
        inputs = tuple(self.named(entry) for entry in message.inputs)
        return Function(name, message.opset, inputs, self.block(block))

    def block(self, message: Any) -> Block:
        return Block(
            tuple(self.named(entry) for entry in message.inputs),
            tuple(message.outputs),
            tuple(self.operation(entry) for entry in message.operations),
        )

    def operation(self, message: Any) -> Operation:
        attributes = {name: self.constant(value) for name, value in message.attributes.items()}
        outputs = tuple(self.named(entry) for entry in message.outputs)
        given = attributes.get("name")
        return Operation(
            message.type,
            str(given.value) if given else outputs[0].name if outputs else message.type,
            {
                name: tuple(self.operand(binding) for binding in argument.arguments)
                for name, argument in message.inputs.items()
            },
            outputs,
            tuple(self.block(entry) for entry in message.blocks),
            attributes,
        )

    def operand(self, binding: Any) -> Operand:
        return binding.name if binding.WhichOneof("binding") == "name" else self.constant(binding.value)

    def named(self, message: Any) -> Named:
        return Named(message.name, self.type(message.type))

    def type(self, message: Any) -> Type:
        kind = message.WhichOneof("type")
        if kind == "tensorType":
            tensor = message.tensorType
            shape = tuple(
                int(size.constant.size) if size.WhichOneof("dimension") == "constant" else None
                for size in tensor.dimensions
            )
            return Type("tensor", self.dtypes[tensor.dataType][0], shape)
        if kind == "stateType":
            inner = self.type(message.stateType.wrappedType)
            return Type("state", inner.dtype, inner.shape)
        if kind == "listType":
            return Type("list", items=(self.type(message.listType.type),))
        if kind == "tupleType":
            return Type("tuple", items=tuple(self.type(item) for item in message.tupleType.types))
        if kind is None:
            raise VaderError(f"{self.package} holds a value without a type", hint=COPY_AGAIN)
        pair = message.dictionaryType
        return Type("dictionary", items=(self.type(pair.keyType), self.type(pair.valueType)))

    def constant(self, message: Any) -> Constant:
        of = self.type(message.type)
        if message.WhichOneof("value") == "blobFileValue":
            blob = message.blobFileValue
            return Constant(of, lambda: self.explained(self.stored, of, blob.fileName, blob.offset))
        return Constant(of, lambda: self.explained(self.immediate, of, message.immediateValue))

    def explained(self, read: Callable[..., Any], *given: Any) -> Any:
        with damage_explained(self.package):
            return read(*given)

    def immediate(self, of: Type, message: Any) -> Any:
        kind = message.WhichOneof("value")
        if kind == "tensor":
            return self.tensor(of, message.tensor)
        if kind in ("list", "tuple"):
            return tuple(self.constant(value).value for value in getattr(message, kind).values)
        return {
            self.constant(pair.key).value: self.constant(pair.value).value
            for pair in message.dictionary.values
        }

    def tensor(self, of: Type, message: Any) -> Any:
        kind = message.WhichOneof("value")
        values = getattr(message, kind).values
        if kind == "bytes":
            return _unpacked(values, of)
        if kind == "strings":
            return values[0] if not of.shape else np.array(list(values)).reshape(of.sizes)
        return np.asarray(values, _numpy(of)).reshape(of.sizes)[()]

    def stored(self, of: Type, name: str, offset: int) -> np.ndarray:
        data = self.weight_file(name)
        metadata = data[offset : offset + _BLOB_METADATA.size].tobytes()
        if len(metadata) == _BLOB_METADATA.size:
            sentinel, _, size, start, _ = _BLOB_METADATA.unpack(metadata)
            wanted = math.ceil(of.bytes)
            if sentinel == _BLOB_SENTINEL and size >= wanted and start + wanted <= len(data):
                return _unpacked(data[start : start + wanted], of)
        raise VaderError(f"the weights of {self.package} are damaged or truncated", hint=COPY_AGAIN)

    def weight_file(self, name: str) -> np.ndarray:
        """The bytes of a weight file, mapped. `@model_path` is the folder of the model in the package."""
        if name not in self.files:
            folder = model_file(self.package).parent.relative_to(self.package / "Data")
            path = within(self.package, str(folder / name.removeprefix("@model_path/")))
            try:
                self.files[name] = np.memmap(path, np.uint8, "r")
            except (OSError, ValueError) as error:
                raise VaderError(
                    f"{self.package} has no readable weight file {path.name!r}", hint=COPY_AGAIN
                ) from error
        return self.files[name]


def _numpy(of: Type) -> Any:
    return next((holder for name, holder in _DTYPES.values() if name == of.dtype), np.uint8)


def _unpacked(data: Any, of: Type) -> Any:
    """Numbers from bytes, low end first."""
    raw = np.frombuffer(data, np.uint8)
    if of.dtype not in _SUB_BYTE:
        return raw.view(_numpy(of)).reshape(of.sizes)[()]
    bits = _SUB_BYTE[of.dtype]
    stream = np.unpackbits(raw, bitorder="little")[: of.elements * bits].reshape(-1, bits)
    values = (stream << np.arange(bits, dtype=np.uint8)).sum(1, dtype=np.uint8)
    if of.dtype == "int4":
        values = ((values ^ 8).astype(np.int8) - 8).astype(np.int8)
    return values.reshape(of.sizes)
