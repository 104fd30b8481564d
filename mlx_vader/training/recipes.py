"""What a network learns well with, where that is not what `TrainConfig` says: each network's file has its recipe."""

from typing import Any

from mlx_vader.losses import LossWeights
from mlx_vader.models import registry
from mlx_vader.training.config import RATES, TrainConfig

#: Factor on the optimiser's learning rate for weights that have learned already.
FINE_TUNING_FACTOR = 0.1


def recipe(net: str, *, optimiser: str | None = None, fine_tuning: bool = False) -> dict[str, Any]:
    """The optimiser, its learning rate and the losses for a network, as arguments of `TrainConfig`.

    `optimiser`: one that is wanted instead of the network's. Raises `UsageError` for an unknown network.
    """
    usual = TrainConfig()
    names = ("optimiser", "mask_loss", "losses")
    found = {name: getattr(usual, name) for name in names} | dict(registry.entry(net).network.recipe)
    if isinstance(found["losses"], dict):
        found["losses"] = LossWeights(**found["losses"])
    found["optimiser"] = optimiser or found["optimiser"]
    # An unknown one is refused by TrainConfig, which lists those that there are.
    rate = RATES.get(found["optimiser"], usual.lr)
    return found | {"lr": rate * FINE_TUNING_FACTOR if fine_tuning else rate}
