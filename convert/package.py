"""Reads what is written in an `.mlpackage`: the operations, their precision, the interface. Needs no Mac."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from convert.manifest import COPY_AGAIN, model_file, read_model
from convert.quiet import quiet
from mlx_vader.errors import VaderError, missing

#: Operations that only hold a constant.
CONSTANTS = frozenset(
    {
        "const",
        "constexpr_affine_dequantize",
        "constexpr_blockwise_shift_scale",
        "constexpr_cast",
        "constexpr_lut_to_dense",
        "constexpr_lut_to_sparse",
        "constexpr_sparse_blockwise_shift_scale",
        "constexpr_sparse_to_dense",
    }
)

#: What Python, numpy and PyTorch raise for values of a wrong type, size or number.
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
)


def read_spec(path: Path) -> Any:
    """The package's protobuf `Model`. Raises `VaderError` when it is no package, damaged, or no ML program."""
    if not path.exists():
        raise missing(path)
    content = read_model(path)
    with quiet():
        from coremltools.proto.Model_pb2 import Model
        from google.protobuf.message import DecodeError
    try:
        spec = Model.FromString(content)
    except DecodeError as error:
        raise VaderError(f"the model of {path} is damaged or truncated", hint=COPY_AGAIN) from error
    kind = spec.WhichOneof("Type")
    if kind != "mlProgram":
        raise VaderError(
            f"{path} holds {f'a {kind}' if kind else 'nothing'}, not an ML program",
            hint="convert the network again for iOS 15 or later",
        )
    return spec


def write_spec(path: Path, spec: Any) -> None:
    """Puts a changed protobuf `Model` in the place of the package's own; the weights stay."""
    model_file(path).write_bytes(spec.SerializeToString())


@contextmanager
def damage_explained(package: Path) -> Iterator[None]:
    """Turns what goes wrong in the body into one line, `VaderError`.

    For work on a package that is whole by its form: an operation may still be given what it cannot take.
    """
    try:
        yield
    except _FAULTS as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        raise VaderError(
            f"{package} is damaged, or holds what is not known here ({type(error).__name__}: {reason})",
            hint=f"{COPY_AGAIN}; --debug says where it fails",
        ) from error


def operations(spec: Any) -> Iterator[Any]:
    """Every operation of every function of a spec but the constants, those in nested blocks too."""
    for function in spec.mlProgram.functions.values():
        for block in function.block_specializations.values():
            yield from _operations(block)


def _operations(block: Any) -> Iterator[Any]:
    for operation in block.operations:
        if operation.type not in CONSTANTS:
            yield operation
        for nested in operation.blocks:
            yield from _operations(nested)


def count_operations(spec: Any) -> dict[str, int]:
    """How often each type of operation occurs, the commonest first."""
    return dict(Counter(operation.type for operation in operations(spec)).most_common())


def single_precision(spec: Any) -> tuple[str, ...]:
    """The operations with a float32 result, as "type name"."""
    with quiet():
        from coremltools.proto.MIL_pb2 import FLOAT32

    return tuple(
        f"{operation.type} {operation.outputs[0].name}"
        for operation in operations(spec)
        if any(output.type.tensorType.dataType == FLOAT32 for output in operation.outputs)
    )


def size_in_mib(path: Path) -> float:
    """What the package takes on disk."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 2**20
