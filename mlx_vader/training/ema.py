"""The exponential moving average of the weights: what is validated and shipped."""

from typing import Any

import mlx.core as mx
from mlx.utils import tree_map


def average(ema: Any, weights: Any, decay: mx.array) -> Any:
    """`ema` moved a step towards `weights`."""
    return tree_map(lambda old, new: decay * old + (1 - decay) * new, ema, weights)
