"""How weights are updated: AdamW for all, or Muon for kernels and AdamW for the rest.

Muon (Jordan et al., 2024) takes the momentum's nearest orthogonal matrix: every direction of a kernel learns as fast as
every other. Networks of plain convolutions learn several times faster with it than with AdamW.
"""

from typing import Any

import mlx.core as mx
import mlx.optimizers as optim

from mlx_vader.layers.cpu import on_cpu
from mlx_vader.training.muon import MuonOnCPU

#: AdamW's rate beside Muon's, whose updates do not depend on the size of the weights.
BESIDE_MUON = 0.3


def _is_kernel(path: str, weight: mx.array) -> bool:  # MLX gives both
    return weight.ndim == 4


class Optimiser:
    """MLX's optimisers behind one learning rate; `states` are theirs, arrays that change in place.

    `compiles`: whether `mx.compile` can take the update.
    """

    def __init__(self, name: str, parameters: Any, *, weight_decay: float) -> None:
        # NAFNet's second beta of 0.9 is for large batches: at a few clips a step the moments need a longer memory.
        adamw = optim.AdamW(0.0, betas=[0.9, 0.99], weight_decay=weight_decay, bias_correction=True)
        self._parts: list[optim.Optimizer] = [adamw]
        self._rates = [1.0]
        self._all: optim.Optimizer = adamw
        self.compiles = name != "muon" or not on_cpu()
        if name == "muon":
            muon = (optim.Muon if self.compiles else MuonOnCPU)(0.0, weight_decay=0.0)
            self._parts, self._rates = [muon, adamw], [1.0, BESIDE_MUON]
            self._all = optim.MultiOptimizer(self._parts, [_is_kernel])
        self._all.init(parameters)

    @property
    def states(self) -> list[dict[str, Any]]:
        """Moments, counts and rates of each part."""
        return [part.state for part in self._parts]

    def replace(self, states: list[dict[str, Any]], parameters: Any) -> None:
        """Takes over what `states` gave."""
        for part, state in zip(self._parts, states, strict=True):
            part.state = state
        self._all.init(parameters)

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next updates: AdamW's, or Muon's."""
        for part, factor in zip(self._parts, self._rates, strict=True):
            part.learning_rate = factor * rate

    def update(self, net: Any, gradients: Any) -> None:
        """One update of the network's weights."""
        self._all.update(net, gradients)
