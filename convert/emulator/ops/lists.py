"""Lists of tensors, which loops write their results to. A list is copied when it changes."""

import torch
from torch import Tensor

from convert.emulator.registry import TORCH, Ints, Kind, operation


@operation("make_list", kind=Kind.MOVES)
def make_list(
    init_length: int = 1, dynamic_length: bool = True, elem_shape: Ints = (), dtype: str = "fp32"
) -> list[Tensor]:
    return [torch.zeros(elem_shape, dtype=TORCH[dtype]) for _ in range(init_length)]


@operation("list_length", kind=Kind.MOVES)
def list_length(ls: list) -> Tensor:
    return torch.tensor(len(ls), dtype=torch.int32)


@operation("list_write", kind=Kind.MOVES)
def list_write(ls: list, index: int, value: Tensor) -> list[Tensor]:
    longer = [*ls, *(torch.zeros_like(value) for _ in range(index + 1 - len(ls)))]
    longer[index] = value
    return longer


@operation("list_read", kind=Kind.MOVES)
def list_read(ls: list, index: int) -> Tensor:
    return ls[index]


@operation("list_gather", kind=Kind.MOVES)
def list_gather(ls: list, indices: Ints) -> Tensor:
    return torch.stack([ls[index] for index in indices])


@operation("list_scatter", kind=Kind.MOVES)
def list_scatter(ls: list, indices: Ints, value: Tensor) -> list[Tensor]:
    for index, row in zip(indices, value, strict=True):
        ls = list_write(ls, index, row)
    return ls
