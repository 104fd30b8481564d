"""What a network learns well with, where that is not what `TrainConfig` says."""

from typing import Any

from mlx_vader.losses import LossWeights
from mlx_vader.training.config import TrainConfig
from mlx_vader.training.optimiser import RATES

#: Fields of `TrainConfig` by network; docs/realtime.md says how they were found.
RECIPES: dict[str, dict[str, Any]] = {
    "realtime": {
        "optimiser": "muon",
        "mask_loss": "bce",
        "losses": LossWeights(rmse=1, charbonnier=0, fft=0, perceptual=0, temporal=0.3, mask=0.006),
    },
}
#: Of the optimiser's learning rate, for weights that have learned already.
FINE = 0.1


def recipe(net: str, *, optimiser: str | None = None, fine_tuning: bool = False) -> dict[str, Any]:
    """The optimiser, its learning rate and the losses for a network, as arguments of `TrainConfig`.

    `optimiser`: one that is wanted instead of the network's.
    """
    usual = TrainConfig()
    names = ("optimiser", "mask_loss", "losses")
    found = {name: getattr(usual, name) for name in names} | RECIPES.get(net, {})
    found["optimiser"] = optimiser or found["optimiser"]
    # An unknown one is refused by TrainConfig, which lists those that there are.
    rate = RATES.get(found["optimiser"], usual.lr)
    return found | {"lr": rate * FINE if fine_tuning else rate}
