"""What a run carries from step to step, and its file: weights, moments, average and counters, never pickled."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten, tree_map, tree_unflatten
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialise

from mlx_vader.errors import VaderError
from mlx_vader.models.base import Network
from mlx_vader.training.optimiser import Optimiser
from mlx_vader.writing import write_file

FORMAT = "vader-mlx training state 2"


class TrainingState:
    """The network's fp32 weights, the optimiser's moments, the average of the weights, the step and the best score.

    Batches and schedules are functions of the step, and nothing else in training is random: no generator to keep.
    """

    def __init__(self, net: Network, *, weight_decay: float, optimiser: str = "adamw") -> None:
        self.net = net
        self.optimiser = Optimiser(optimiser, net.parameters(), weight_decay=weight_decay)
        self.ema = tree_map(mx.array, net.parameters())
        self.step = 0
        self.best: float | None = None
        # How many of the last steps in a row were not finite; a resumed run gets all its chances again.
        self.failures = 0

    def trees(self) -> dict[str, Any]:
        """The arrays by owner, as nested trees."""
        return {"net": self.net.parameters(), "optimiser": self.optimiser.states, "ema": self.ema}

    def flat(self) -> dict[str, mx.array]:
        """The arrays by dotted name."""
        return dict(tree_flatten(self.trees(), destination={}))

    def replace(self, trees: dict[str, Any]) -> None:
        """Takes over the arrays of `trees`."""
        self.net.update(trees["net"])
        self.optimiser.replace(trees["optimiser"], self.net.parameters())
        self.ema = trees["ema"]
        mx.eval(self.trees())

    def save(self, path: Path, config: dict[str, Any]) -> None:
        """Writes the state, whole or not at all."""
        metadata = {
            "format": FORMAT,
            "step": str(self.step),
            "best": json.dumps(self.best),
            "config": json.dumps(config),
        }
        arrays = {name: np.array(array) for name, array in self.flat().items()}
        write_file(path, serialise(arrays, metadata))

    def load(self, path: Path) -> None:
        """Continues from a saved state of the same network. Raises `VaderError` where the arrays do not fit."""
        with _opened(path) as file:
            metadata = file.metadata()
            arrays = {name: mx.array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 - not a dict
        expected = {name: array.shape for name, array in self.flat().items()}
        found = {name: array.shape for name, array in arrays.items()}
        if expected != found:
            odd = min(
                name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
            )
            raise VaderError(
                f"{path} belongs to another network: {odd} differs", hint="has --init changed since?"
            )
        self.replace(tree_unflatten(list(arrays.items())))
        self.step = int(metadata["step"])
        self.best = json.loads(metadata["best"])


def saved_config(path: Path) -> dict[str, Any]:
    """The configuration of the run that wrote a state. Raises `VaderError` for any other file."""
    with _opened(path) as file:
        return json.loads(file.metadata()["config"])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise VaderError(
            f"there is no training state {path}", hint="--resume takes the folder of an earlier run"
        )
    try:
        with safe_open(path, framework="numpy") as file:
            if (file.metadata() or {}).get("format") != FORMAT:
                raise VaderError(
                    f"{path} is not a training state", hint="--resume takes the folder of an earlier run"
                )
            yield file
    except (SafetensorError, OSError) as error:
        raise VaderError(f"{path} is damaged ({error})", hint="start again without --resume") from error
