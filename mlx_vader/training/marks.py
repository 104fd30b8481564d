"""Training of a network that finds marks: its batches, its step and its validation. The loop is `trainer.py`'s."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import mlx.core as mx
import numpy as np
from mlx.utils import tree_map

from mlx_vader.backends.torch_gradients import TorchGradients
from mlx_vader.data.mark_batches import MarkBatch, MarkBatches, MarkSample, Samples, stacked
from mlx_vader.data.source import ClipSource
from mlx_vader.losses.finding import finding
from mlx_vader.models.base import Network
from mlx_vader.training.config import TrainConfig
from mlx_vader.training.distributed import World
from mlx_vader.training.stages import Stage
from mlx_vader.training.step import Step
from mlx_vader.training.trainer import Trainer
from mlx_vader.training.validation import Validated

#: In the folder of a run: composed samples, for training and for validation.
SAMPLES, HELD_OUT = "samples", "held-out"
#: Validation shows so many pictures.
_PICTURES = 4


class Marked(NamedTuple):
    """A batch on the device: see `MarkBatch`."""

    features: mx.array
    mask: mx.array
    certainty: mx.array
    still: mx.array


class FindingObjective:
    """The losses of `losses/finding.py` and their gradients."""

    def gradients(self, net: Network, dtype: mx.Dtype, twin: TorchGradients | None) -> Any:
        """`(marked, mask_decay) -> (losses, gradients)`; nothing decays here."""
        return _compiled(net, dtype) if twin is None else _through(twin)


class MarkTrainer(Trainer):
    """Trains a network whose task is "marks"."""

    def _compiled(self, stage: Stage) -> Step:
        config = self._config
        return Step(
            self.state,
            FindingObjective(),
            clip_norm=config.clip_norm,
            dtype=mx.bfloat16 if config.bf16 else mx.float32,
            twin=self._twin,
            group=self._world.group,
        )

    def _on_device(self, batch: MarkBatch) -> Marked:
        return Marked(*(mx.array(getattr(batch, name)) for name in Marked._fields))


def make_mark_batches(config: TrainConfig, source: ClipSource, world: World) -> MarkBatches:
    """The rank's share of the batches; composed samples are kept in the folder of the run."""
    return MarkBatches(
        source,
        batch_size=config.batch_size,
        size=config.size,
        seed=config.seed,
        folder=Path(config.out) / SAMPLES,
        rank=world.rank,
        world=world.size,
        workers=config.workers,
        logos=_logos(config),
    )


def make_mark_validation(config: TrainConfig, held_out: ClipSource) -> "MarkValidation":
    """Fixed samples in the vocabulary that training never shows."""
    folder = Path(config.out) / HELD_OUT
    samples = Samples(held_out, 0, config.size, folder, vocabulary="val", logos=_logos(config))
    return MarkValidation([samples.sample(number) for number in range(config.validation_clips)])


def _logos(config: TrainConfig) -> Path | None:
    return Path(config.logos) if config.logos else None


@dataclass(frozen=True)
class MarkScores:
    """Over all pixels of the validation samples, and of samples for `decided`: all are shares from 0 to 1.

    `false_area`: pixels taken for a mark that belong to none, of all; `decided`: right about what is undecidable.
    """

    iou: float
    recall: float
    false_area: float
    decided: float

    @property
    def score(self) -> float:
        """By which the best weights are chosen."""
        return self.iou

    def as_dict(self) -> dict[str, float]:
        """By name."""
        return dict(vars(self))

    def summary(self) -> str:
        """For people."""
        return (
            f"IoU {self.iou:.3f}, recall {self.recall:.3f}, false area {self.false_area:.2%}, "
            f"decided {self.decided:.0%}"
        )


class MarkValidation:
    """Finds the marks of the samples and compares."""

    def __init__(self, samples: Sequence[MarkSample]) -> None:
        self._batches = [stacked([sample]) for sample in samples]

    def __call__(self, net: Network) -> Validated:
        """Runs `net` as it is."""
        hit = missed = false = pixels = decided = 0
        pictures: list[np.ndarray] = []
        for batch in self._batches:
            outputs, _ = net.run({"statistics": mx.array(batch.features)})
            found, true = np.array(outputs["mask"]) > 0.5, batch.mask > 0.5
            sure = batch.certainty > 0.5
            hit += int((found & true & sure).sum())
            missed += int((~found & true & sure).sum())
            false += int((found & ~true & sure).sum())
            pixels += int(sure.sum())
            decided += bool(((np.array(outputs["undecidable"]) > 0.5) == (batch.still > 0.5)).all())
            if len(pictures) < _PICTURES:
                pictures.append(_picture(batch, np.array(outputs["mask"])))
        scores = MarkScores(
            hit / max(1, hit + missed + false),
            hit / max(1, hit + missed),
            false / max(1, pixels),
            decided / max(1, len(self._batches)),
        )
        return Validated(scores, {}, pictures)


def _picture(batch: MarkBatch, found: np.ndarray) -> np.ndarray:
    """The mark that is there beside what was found, (h, 2w, 3) in [0, 1]."""
    return np.repeat(np.concatenate([batch.mask[0, 0], found[0, 0]], axis=1), 3, axis=-1)


def _losses(outputs: dict[str, mx.array], marked: Marked) -> tuple[mx.array, dict[str, mx.array]]:
    mask, undecidable = (outputs[name].astype(mx.float32) for name in ("mask", "undecidable"))
    return finding(mask, undecidable, marked.mask, marked.certainty, marked.still)


def _compiled(net: Network, dtype: mx.Dtype) -> Any:
    """In MLX: networks compute in `dtype`, weights and losses are fp32."""

    @partial(mx.compile, inputs=net.state)
    def gradients(marked: Marked, mask_decay: mx.array) -> tuple[dict[str, mx.array], Any]:
        weights = net.parameters()

        def loss_of(trainable: Any) -> tuple[mx.array, dict[str, mx.array]]:
            for part in (weights, trainable):
                net.update(tree_map(lambda array: array.astype(dtype), part))
            return _losses(net.run({"statistics": marked.features.astype(dtype)})[0], marked)

        (loss, parts), grads = mx.value_and_grad(loss_of)(net.trainable_parameters())
        net.update(weights)
        return {"loss": loss, **parts}, grads

    return gradients


def _through(twin: TorchGradients) -> Any:
    """The network in PyTorch, the losses here."""

    def gradients(marked: Marked, mask_decay: mx.array) -> tuple[dict[str, mx.array], Any]:
        outputs = twin.run({"statistics": marked.features})
        (loss, parts), cotangents = mx.value_and_grad(_losses)(outputs, marked)
        return {"loss": loss, **parts}, twin.backward(tuple(cotangents.values()))

    return gradients
