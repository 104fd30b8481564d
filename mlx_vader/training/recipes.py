"""What a network learns well with, where that is not what `TrainConfig` says."""

from typing import Any

from mlx_vader.losses import LossWeights
from mlx_vader.training.config import RATES, TrainConfig

#: What networks that paint and say where learn with; docs/realtime.md says how it was found.
_PAINTING: dict[str, Any] = {
    "optimiser": "muon",
    "mask_loss": "bce",
    "losses": LossWeights(rmse=1, charbonnier=0, fft=0, perceptual=0, temporal=0.3, mask=0.006),
}
#: Fields of `TrainConfig` by network.
RECIPES = {"realtime": _PAINTING, "composite": _PAINTING}
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
