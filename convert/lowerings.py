"""What coremltools lowers badly or not at all: swapped in a copy of the twin before it is traced.

Fourier transforms have a file of their own, `convert.fourier`.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from convert import fourier
from torch_ref.layers.naf import GlobalAveragePool
from torch_ref.layers.norm import LayerNorm2d
from torch_ref.layers.rep import RepConv3x3
from torch_ref.layers.swap import swap
from torch_ref.models.base import Network


@torch.library.custom_op("vader::channel_norm", mutates_args=())
def channel_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float) -> torch.Tensor:
    """Layer normalisation over axis 1, opaque to tracing."""
    normal = nn.functional.layer_norm(x.movedim(1, -1), weight.shape, weight, bias, eps)
    return normal.movedim(-1, 1).contiguous()


#: `keep_(state, value)` sets a state. In coremltools a state is written by operations whose name ends in "_"; its own
#: `copy_` would write a slice of the old value, one operation more.
torch.library.define("vader::keep_", "(Tensor(a!) state, Tensor value) -> Tensor(a!)")
torch.library.impl("vader::keep_", "CompositeExplicitAutograd", lambda state, value: state.copy_(value))


class _ChannelNorm(nn.Module):
    """`LayerNorm2d` as Core ML's own `layer_norm`: one operation, and no squares that overflow half precision."""

    def __init__(self, norm: LayerNorm2d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.vader.channel_norm(x, self.weight, self.bias, self.eps)


class _MeanByAxis(nn.Module):
    """`GlobalAveragePool` one axis after the other: the sum of a whole 720p map would overflow half precision."""

    def __init__(self, pool: GlobalAveragePool) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)


_SWAPPED: dict[type[nn.Module], Callable[[Any], nn.Module]] = {
    LayerNorm2d: _ChannelNorm,
    GlobalAveragePool: _MeanByAxis,
    RepConv3x3: RepConv3x3.fused,
}


def lowered(twin: Network) -> Network:
    """A copy of the twin for tracing, with the same weights and, but for rounding, the same output."""
    return swap(copy.deepcopy(twin), _SWAPPED)


def register() -> None:
    """Tells coremltools about the operations above, and about Fourier transforms. May be called again."""
    from coremltools.converters.mil import Builder as mb  # noqa: N813 - its name in every coremltools source
    from coremltools.converters.mil import register_torch_op
    from coremltools.converters.mil.frontend.torch.ops import _get_inputs

    fourier.register()

    @register_torch_op(torch_alias=["vader::channel_norm"], override=True)
    def channel_norm(context, node) -> None:  # noqa: ANN001 - coremltools' own types
        x, weight, bias, eps = _get_inputs(context, node, expected=4)
        context.add(mb.layer_norm(x=x, axes=[1], gamma=weight, beta=bias, epsilon=eps, name=node.name))

    @register_torch_op(torch_alias=["vader::keep"], override=True)
    def keep(context, node) -> None:  # noqa: ANN001
        _, value = _get_inputs(context, node, expected=2)
        context.add(mb.identity(x=value, name=node.name))
