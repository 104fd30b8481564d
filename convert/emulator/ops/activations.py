"""Activations."""

import torch
from torch import Tensor
from torch.nn import functional

from convert.emulator.registry import Kind, operation

_GELU_SIGMOID = 1.702


@operation("relu", kind=Kind.BOUNDED)
def relu(x: Tensor) -> Tensor:
    return x.relu()


@operation("relu6", kind=Kind.BOUNDED)
def relu6(x: Tensor) -> Tensor:
    return functional.relu6(x)


@operation("sigmoid", kind=Kind.BOUNDED)
def sigmoid(x: Tensor) -> Tensor:
    return x.sigmoid()


@operation("silu")
def silu(x: Tensor) -> Tensor:
    return functional.silu(x)


@operation("gelu")
def gelu(x: Tensor, mode: str = "EXACT") -> Tensor:
    if mode == "SIGMOID_APPROXIMATION":
        return x * (_GELU_SIGMOID * x).sigmoid()
    return functional.gelu(x, approximate="tanh" if mode == "TANH_APPROXIMATION" else "none")


@operation("leaky_relu")
def leaky_relu(x: Tensor, alpha: float) -> Tensor:
    return functional.leaky_relu(x, alpha)


@operation("prelu")
def prelu(x: Tensor, alpha: Tensor) -> Tensor:
    return functional.prelu(x, alpha)


@operation("elu")
def elu(x: Tensor, alpha: float) -> Tensor:
    return functional.elu(x, alpha)


@operation("clamped_relu")
def clamped_relu(x: Tensor, alpha: float, beta: float) -> Tensor:
    return functional.leaky_relu(x, alpha).clamp(max=beta)


@operation("thresholded_relu", kind=Kind.BOUNDED)
def thresholded_relu(x: Tensor, alpha: float) -> Tensor:
    return torch.where(x >= alpha, x, torch.zeros_like(x))


@operation("linear_activation")
def linear_activation(x: Tensor, alpha: float, beta: float) -> Tensor:
    return alpha * x + beta


@operation("sigmoid_hard", kind=Kind.BOUNDED)
def sigmoid_hard(x: Tensor, alpha: float, beta: float) -> Tensor:
    return (alpha * x + beta).clamp(0, 1)


@operation("scaled_tanh")
def scaled_tanh(x: Tensor, alpha: float, beta: float) -> Tensor:
    return alpha * torch.tanh(beta * x)


@operation("softplus")
def softplus(x: Tensor) -> Tensor:
    """Without PyTorch's threshold, behind which it is the identity."""
    return torch.logaddexp(x, x.new_zeros(()))


@operation("softplus_parametric")
def softplus_parametric(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Both parameters are one number for a channel (axis 1)."""
    channels = (-1, *(1,) * (x.ndim - 2))
    return alpha.view(channels) * torch.logaddexp(x * beta.view(channels), x.new_zeros(()))


@operation("softsign", kind=Kind.BOUNDED)
def softsign(x: Tensor) -> Tensor:
    return functional.softsign(x)


@operation("softmax")
def softmax(x: Tensor, axis: int = -1) -> Tensor:
    return x.softmax(axis)
