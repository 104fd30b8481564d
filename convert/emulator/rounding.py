"""Half precision: results are rounded as fp16 would hold them, and what fp16 cannot hold is noted."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

#: Half of what fp16 holds. Beyond it one doubling overflows.
LARGE = 32768.0


@dataclass(frozen=True)
class Flag:
    """An operation whose result fp16 holds badly, or not at all.

    `largest` is the largest absolute value of the result before it was rounded, inf and NaN apart.
    """

    type: str
    name: str
    kind: Literal["inf", "nan", "large"]
    largest: float


class Flags:
    """What was noted, once for each operation and kind, with the largest value of all calls."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], Flag] = {}

    def __iter__(self) -> Iterator[Flag]:
        return iter(self._noted.values())

    def clear(self) -> None:
        """Forgets."""
        self._noted.clear()

    def check(self, kind: str, name: str, result: Tensor, inputs: Iterable[object]) -> None:
        """Looks at a result in single precision.

        An inf or a NaN is noted where it appears first: not when an input has it already, as behind a mask of -inf.
        """
        # The sum of squares is far cheaper than the maximum, and bounds it.
        if _sum_of_squares(result) < LARGE**2:
            return
        finite = result[result.isfinite()].abs()
        largest = float(finite.max()) if finite.numel() else 0.0
        before = [x for x in inputs if isinstance(x, Tensor) and x.is_floating_point()]
        if result.isnan().any() and not any(x.isnan().any() for x in before):
            self._note(Flag(kind, name, "nan", largest))
        overflows = largest >= _OVERFLOW or bool(
            result.isinf().any() and not any(x.isinf().any() for x in before)
        )
        if overflows:
            self._note(Flag(kind, name, "inf", largest))
        elif largest > LARGE:
            self._note(Flag(kind, name, "large", largest))

    def _note(self, flag: Flag) -> None:
        known = self._noted.get((flag.name, flag.kind))
        if known is None or known.largest < flag.largest:
            self._noted[flag.name, flag.kind] = flag


#: What rounds to inf.
_OVERFLOW = 65520.0


def _sum_of_squares(x: Tensor) -> float:
    """Of all elements; NaN or inf when one of them is. `x` in single precision."""
    if x.is_contiguous():
        flat = x.view(-1)
    elif x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        flat = x.permute(0, 2, 3, 1).reshape(-1)
    else:
        return float(x.square().sum())
    total = float(torch.dot(flat, flat))
    return math.inf if math.isnan(total) else total


def rounded(x: Tensor) -> Tensor:
    """The nearest values of half precision, in single precision, in a new tensor."""
    return x.half().float()


def round_(x: Tensor) -> Tensor:
    """The same in place, which spares an allocation. Not for expanded tensors."""
    return x.copy_(x.half())
