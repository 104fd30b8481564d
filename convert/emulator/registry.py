"""The table of operations: a Python function for each, found by its name in MIL.

The signature of a function says what it wants: `Tensor`, `list[Tensor]`, or plain Python values (`int`, `float`,
`bool`, `str`, `Ints`, `Bools`) that are read from tensors. Inputs that are constant in a package are read once, when
it is loaded.
"""

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor

Ints = tuple[int, ...]
Bools = tuple[bool, ...]
Reader = Callable[[Any], Any]


class Kind(Enum):
    """What is left to do with a result in half precision."""

    #: A new number: it is rounded and looked at.
    COMPUTES = "computes"
    #: A new number that is no larger than the inputs, or than 1: it is rounded.
    BOUNDED = "bounded"
    #: Numbers of the inputs, in another place: nothing.
    MOVES = "moves"


@dataclass(frozen=True)
class Implementation:
    """A function of the table. `readers` turn tensors into what it wants, by parameter."""

    function: Callable[..., Any]
    kind: Kind
    readers: dict[str, Reader]
    required: frozenset[str]


#: Name in MIL → what computes it.
OPERATIONS: dict[str, Implementation] = {}


def operation(*names: str, kind: Kind = Kind.COMPUTES) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enters a function in the table under its names in MIL."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(function).parameters
        readers = {name: _reader(parameter.annotation) for name, parameter in parameters.items()}
        required = {name for name, p in parameters.items() if p.default is inspect.Parameter.empty}
        for name in names:
            OPERATIONS[name] = Implementation(function, kind, readers, frozenset(required))
        return function

    return enter


def _reader(annotation: Any) -> Reader:
    """What turns operands into a parameter of this type. `X | None` is read as X."""
    if isinstance(annotation, types.UnionType):
        annotation = next(item for item in get_args(annotation) if item is not type(None))
    return _READERS.get(annotation, lambda value: value)


def as_ints(value: Any) -> Ints:
    """The numbers of a tensor or of a list of tensors."""
    if isinstance(value, Tensor):
        return tuple(int(item) for item in value.reshape(-1).tolist())
    return tuple(int(item) for item in value)


def as_bools(value: Any) -> Bools:
    """The truth values of a tensor or of a list of tensors."""
    return tuple(map(bool, as_ints(value)))


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


_READERS: dict[Any, Reader] = {
    int: int,
    float: float,
    bool: bool,
    str: str,
    Ints: as_ints,
    Bools: as_bools,
    list[Tensor]: _as_list,
}

#: Unsigned types wider than a byte, which PyTorch hardly computes with, are held in the next wider signed one.
_WIDER = {
    "uint16": np.int32,
    "uint32": np.int64,
    "uint64": np.int64,
    "float64": np.float32,
    "float16": np.float32,
}

#: Type in MIL → what holds it here. Half precision is held in single precision, rounded.
TORCH = {
    "fp16": torch.float32,
    "fp32": torch.float32,
    "fp64": torch.float32,
    "bool": torch.bool,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "int16": torch.int16,
    "uint16": torch.int32,
    "int32": torch.int32,
    "uint32": torch.int64,
    "int64": torch.int64,
    "uint64": torch.int64,
    "int4": torch.int8,
    **{f"uint{bits}": torch.uint8 for bits in (1, 2, 3, 4, 6)},
}
#: Integers that a wider type holds here → the least and the most that they are.
NARROW = {
    "int4": (-8, 7),
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (1, 2, 3, 4, 6, 16, 32)},
}


def limits(dtype: str) -> tuple[int, int]:
    """The least and the most that an integer type of MIL holds."""
    if dtype in NARROW:
        return NARROW[dtype]
    of = torch.iinfo(TORCH[dtype])
    return of.min, of.max


def held(x: Tensor, dtype: str) -> Tensor:
    """A tensor in what holds a type of MIL here. What an integer type cannot hold wraps around, as on a device."""
    x = x if x.dtype == TORCH[dtype] else x.to(TORCH[dtype])
    if dtype not in NARROW:
        return x
    low, high = NARROW[dtype]
    return ((x - low) & (high - low)) + low


def to_tensor(value: Any) -> Any:
    """A constant of a package as the emulator holds it; text and lists of text stay what they are."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
        array = np.asarray(value)
        wider = _WIDER.get(array.dtype.name)
        return torch.from_numpy(np.array(array, wider or array.dtype))
    return value
