"""Operations on each element: arithmetic, comparison, logic, rounding, powers, angles."""

from collections.abc import Callable

import torch
from torch import Tensor

from convert.emulator.registry import TORCH, Kind, held, limits, operation

_UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "acos": torch.acos,
    "asin": torch.asin,
    "atan": torch.atan,
    "atanh": torch.atanh,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "erf": torch.erf,
    "exp": torch.exp,
    "exp2": torch.exp2,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tan": torch.tan,
}
#: Results that are no larger than the input, or than 1.
_BOUNDED: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs,
    "ceil": torch.ceil,
    "floor": torch.floor,
    "round": torch.round,
    "sign": torch.sign,
    "tanh": torch.tanh,
    "logical_not": torch.logical_not,
}
_BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "floor_div": torch.floor_divide,
    "mod": torch.remainder,
}
_COMPARING: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "equal": torch.eq,
    "not_equal": torch.ne,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "less": torch.lt,
    "less_equal": torch.le,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "logical_xor": torch.logical_xor,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}


def _unary(function: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    def apply(x: Tensor) -> Tensor:
        return function(x)

    return apply


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def apply(x: Tensor, y: Tensor) -> Tensor:
        return function(x, y)

    return apply


for _name, _function in _UNARY.items():
    operation(_name)(_unary(_function))
for _name, _function in _BOUNDED.items():
    operation(_name, kind=Kind.BOUNDED)(_unary(_function))
for _name, _of_two in _BINARY.items():
    operation(_name)(_binary(_of_two))
for _name, _of_two in _COMPARING.items():
    operation(_name, kind=Kind.MOVES)(_binary(_of_two))


@operation("real_div")
def real_div(x: Tensor, y: Tensor) -> Tensor:
    """Of integers: towards zero, as their type has no fractions."""
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


@operation("pow")
def power(x: Tensor, y: Tensor) -> Tensor:
    return torch.pow(x, y)


@operation("log")
def log(x: Tensor, epsilon: float = 1e-45) -> Tensor:
    """`epsilon` keeps the logarithm of 0 finite in single precision alone."""
    return torch.log(x + epsilon)


@operation("rsqrt")
def rsqrt(x: Tensor, epsilon: float = 1e-12) -> Tensor:
    return torch.rsqrt(x + epsilon)


@operation("inverse")
def inverse(x: Tensor, epsilon: float = 1e-4) -> Tensor:
    return torch.reciprocal(x + epsilon)


@operation("clip", kind=Kind.BOUNDED)
def clip(x: Tensor, alpha: float, beta: float) -> Tensor:
    return x.clamp(alpha, beta)


@operation("threshold", kind=Kind.BOUNDED)
def threshold(x: Tensor, alpha: float) -> Tensor:
    return x.clamp(min=alpha)


@operation("cast")
def cast(x: Tensor, dtype: str) -> Tensor:
    """To an integer: towards zero. Beyond int32 its ends, and 0 for NaN, as ARM converts; a smaller type then wraps."""
    if x.is_floating_point() and not TORCH[dtype].is_floating_point and dtype != "bool":
        x = x.double().nan_to_num(0).clamp(*limits("int32")).int()
    return held(x, dtype)


@operation("select", kind=Kind.MOVES)
def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """`a` where `cond`, else `b`."""
    return torch.where(cond, a, b)


@operation("identity", kind=Kind.MOVES)
def identity(x: Tensor) -> Tensor:
    return x
