"""Training in PyTorch: the twin computes forwards and backwards, and MLX the losses and the update.

MLX's CPU device is one thread for most of its operations and has no direct convolution; PyTorch's takes a fifth of the
time. Only the network's output and the gradients cross, so that there is one trainer and one set of losses.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

from mlx_vader.backends.torch import best_device, device_name
from mlx_vader.layout import from_torch_layout, to_torch_layout
from mlx_vader.models.base import Network

if TYPE_CHECKING:
    import torch


class WarmUp(NamedTuple):
    """Frames before the clips in `rows` of a batch, and their hint where the network takes one."""

    rows: mx.array
    frames: mx.array
    hint: mx.array | None


class TorchGradients:
    """The twin of a network that is being trained; its weights are the network's at each `forward`.

    `half`: convolutions and products in bfloat16.
    """

    def __init__(self, net: Network, *, half: bool) -> None:
        import torch

        from convert.weights import twin

        self._net, self._half = net, half
        self._device = best_device()
        self.device = device_name(self._device)
        self._twin = twin(net).to(self._device).requires_grad_(True)
        self._twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._outputs: list[torch.Tensor] = []

    def forward(
        self, frames: mx.array, hint: mx.array | None, warm_up: WarmUp | None
    ) -> tuple[mx.array, mx.array | None]:
        """Restored frames and mask.

        The clips in the rows of `warm_up` start from the state after its frames, which has no gradient.
        """
        import torch

        self._take_weights()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
            state = self._state(frames, warm_up)
            restored, mask, _ = self._twin(self._clip(frames), state, self._optional(hint))
        self._outputs = [restored] if mask is None else [restored, mask]
        return _array(restored), None if mask is None else _array(mask)

    def run(self, inputs: dict[str, mx.array]) -> dict[str, mx.array]:
        """The outputs of a network without memory, by name, of inputs by name."""
        import torch

        self._take_weights()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
            outputs, _ = self._twin.run({name: self._clip(value) for name, value in inputs.items()})
        self._outputs = list(outputs.values())
        return {name: _array(value) for name, value in outputs.items()}

    def backward(self, cotangents: tuple[mx.array, ...]) -> Any:
        """The gradients of the trainable parameters, as a tree, from those of the last `forward`'s outputs."""
        import torch

        parameters = dict(self._twin.named_parameters())
        gradients = torch.autograd.grad(
            self._outputs,
            list(parameters.values()),
            [self._clip(cotangent) for cotangent in cotangents],
            allow_unused=True,
            materialize_grads=True,
        )
        self._outputs = []
        named = {name: g.float().cpu().numpy() for name, g in zip(parameters, gradients, strict=True)}
        ours = from_torch_layout(self._net, named)
        trainable = dict(tree_flatten(self._net.trainable_parameters(), destination={}))
        return tree_unflatten([(name, ours[name]) for name in trainable])

    def _take_weights(self) -> None:
        import torch

        weights = to_torch_layout(self._net)
        with torch.no_grad():
            for name, parameter in self._twin.named_parameters():
                parameter.copy_(torch.from_numpy(weights[name]))

    def _state(self, frames: mx.array, warm_up: WarmUp | None) -> "dict[str, torch.Tensor]":
        import torch

        batch, _, height, width, _ = frames.shape
        state = self._twin.fresh_state(batch, height, width, like=torch.empty(0, device=self._device))
        if warm_up is None or not state:
            return state
        with torch.no_grad():
            warm = self._twin(self._clip(warm_up.frames), None, self._optional(warm_up.hint)).state
        rows = torch.from_numpy(np.array(warm_up.rows)).to(self._device)
        return {name: fresh.index_copy(0, rows, warm[name].to(fresh.dtype)) for name, fresh in state.items()}

    def _optional(self, clip: mx.array | None) -> "torch.Tensor | None":
        return None if clip is None else self._clip(clip)

    def _clip(self, clip: mx.array) -> "torch.Tensor":
        """`(b, t, h, w, c)` as `(b, t, c, h, w)`, which lies in memory as it did; `(b, t, c)` stays."""
        import torch

        tensor = torch.from_numpy(np.array(clip)).to(self._device)
        return tensor.permute(0, 1, 4, 2, 3) if tensor.ndim == 5 else tensor


def _array(clip: "torch.Tensor") -> mx.array:
    clip = clip.detach().permute(0, 1, 3, 4, 2) if clip.ndim == 5 else clip.detach()
    return mx.array(clip.float().cpu().numpy())
