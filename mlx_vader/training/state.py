"""What a run carries from step to step, and its file: weights, moments, average and counters, never pickled."""

import json
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten, tree_map, tree_unflatten
from safetensors.numpy import save as serialise

from mlx_vader.array_files import ArrayFile
from mlx_vader.checkpoints import Step
from mlx_vader.errors import VaderError
from mlx_vader.models.base import Network
from mlx_vader.training.config import TrainConfig
from mlx_vader.training.optimiser import Optimiser
from mlx_vader.untrusted import parse_json
from mlx_vader.writing import write_file

FORMAT = "vader-mlx training state 2"
#: Weights, moments and rates; counters of steps.
ARRAY_TYPES = ("F32", "I32", "I64", "U32", "U64")
_ANEW = "start again without --resume"


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
        """Continues from a saved state of the same network. Raises `VaderError` for one that does not fit."""
        file = _opened(path)
        expected = self.flat()
        what, hint = f"{path} belongs to another network", "has --init changed since?"
        file.check({name: array.shape for name, array in expected.items()}, what, hint)
        arrays = {name: mx.array(array) for name, array in file.arrays(ARRAY_TYPES).items()}
        if odd := [name for name, array in arrays.items() if array.dtype != expected[name].dtype]:
            raise VaderError(f"{what}: {odd[0]!r} is {arrays[odd[0]].dtype}", hint)
        step = parse_json(file.metadata.get("step", ""), Step, f"{path} is damaged: it holds no step", _ANEW)
        best = parse_json(file.metadata.get("best", ""), float | None, f"{path} is damaged: no score", _ANEW)
        self.replace(tree_unflatten(list(arrays.items())))
        self.step, self.best = step, best


def saved_config(path: Path) -> TrainConfig:
    """The configuration of the run that wrote a state. Raises `VaderError` for any other file."""
    text = _opened(path).metadata.get("config", "")
    config: TrainConfig = parse_json(text, TrainConfig, f"{path} is damaged: it holds no run", _ANEW)
    return config


def _opened(path: Path) -> ArrayFile:
    hint = "--resume takes the folder of an earlier run"
    if not path.is_file():
        raise VaderError(f"there is no training state {path}", hint)
    file = ArrayFile.open(path, f"{path} is damaged", _ANEW)
    if file.metadata.get("format") != FORMAT:
        raise VaderError(f"{path} is not a training state", hint)
    return file
