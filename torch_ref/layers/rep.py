"""A 3x3 convolution that trains as three branches and runs as one; see `mlx_vader/layers/rep.py`."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from torch_ref.layers.swap import Net, swap


class RepConv3x3(nn.Module):
    """A dense 3x3 convolution that keeps the size; with an identity branch where inputs and outputs are as many."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight3 = nn.Parameter(torch.empty(outputs, inputs, 3, 3).normal_())
        self.weight1 = nn.Parameter(torch.empty(outputs, inputs, 1, 1).normal_())
        self.gain3 = nn.Parameter(torch.ones(outputs))
        self.gain1 = nn.Parameter(torch.ones(outputs))
        self.gain0 = nn.Parameter(torch.ones(outputs)) if inputs == outputs else None
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Float[Tensor, "n inputs h w"]) -> Float[Tensor, "n outputs h w"]:
        return functional.conv2d(x, self.kernel(), self.bias, padding=1)

    def kernel(self) -> Float[Tensor, "outputs inputs 3 3"]:
        """The three branches as one kernel."""
        point = self.gain1[:, None, None, None] * self.weight1
        if self.gain0 is not None:
            point = point + torch.diag(self.gain0)[:, :, None, None]
        return self.gain3[:, None, None, None] * self.weight3 + functional.pad(point, (1, 1, 1, 1))

    def fused(self) -> nn.Conv2d:
        """The same function as a plain convolution."""
        outputs, inputs = self.weight3.shape[:2]
        plain = nn.Conv2d(inputs, outputs, 3, padding=1)
        plain.load_state_dict({"weight": self.kernel().detach(), "bias": self.bias.detach()})
        return plain.requires_grad_(False)


def fuse(net: Net) -> Net:
    """Makes a network's convolutions plain ones, in place, for restoring; returns the network."""
    return swap(net, {RepConv3x3: RepConv3x3.fused})
