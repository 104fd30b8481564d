"""A network that finds marks is trained by the loop that trains all others."""

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from mlx_vader import checkpoints
from mlx_vader.backends.torch_gradients import TorchGradients
from mlx_vader.data.mark_batches import MarkSample, stacked
from mlx_vader.losses.finding import finding
from mlx_vader.masks.static.statistics import CHANNELS
from mlx_vader.models import registry
from mlx_vader.models.base import Network
from mlx_vader.training import TrainConfig, train
from mlx_vader.training.marks import FindingObjective, Marked, MarkValidation
from mlx_vader.training.watch import Watch


def sample(seed=0, size=16, still=False):
    random = np.random.default_rng(seed)
    mask = np.zeros((size, size), bool)
    mask[4:9, 3:12] = not still
    features = random.integers(-127, 128, (size, size, CHANNELS)).astype(np.int8)
    return MarkSample(features, mask, np.full((size, size), 255, np.uint8), still)


def marked(*samples):
    batch = stacked(samples)
    return Marked(*(mx.array(getattr(batch, name)) for name in Marked._fields))


def network():
    mx.random.seed(3)
    return registry.build("mark-finder", "tiny")


def test_gradients_through_the_twin_are_those_in_mlx():
    net, batch = network(), marked(sample(1), sample(2, still=True))
    decay = mx.array(1.0)
    ours = FindingObjective().gradients(net, mx.float32, None)(batch, decay)
    theirs = FindingObjective().gradients(net, mx.float32, TorchGradients(net, half=False))(batch, decay)
    assert ours[0].keys() == theirs[0].keys() == {"loss", "mask", "dice", "undecidable"}
    assert abs(ours[0]["loss"].item() - theirs[0]["loss"].item()) < 1e-4
    other = dict(tree_flatten(theirs[1]))
    for name, gradient in tree_flatten(ours[1]):
        assert mx.allclose(gradient, other[name], rtol=1e-3, atol=1e-5), name


def test_the_loss_is_least_where_all_is_right_and_uncertain_pixels_count_less():
    batch = marked(sample(1), sample(2, still=True))

    def loss(mask, still, certainty=batch.certainty):
        return finding(mask, still, batch.mask, certainty, batch.still)[0].item()

    assert loss(batch.mask, batch.still) < 1e-3
    wrong = loss(1 - batch.mask, batch.still)
    assert wrong > 1 > 0.2 > loss(1 - batch.mask, batch.still, 0.01 * batch.certainty) - 0.7
    assert loss(batch.mask, 1 - batch.still) > 0.5


class Right(Network):
    """A network that knows the answer."""

    def __init__(self, samples):
        super().__init__()
        self.answers = iter(samples)

    def run(self, inputs):
        answer = stacked([next(self.answers)])
        return {"mask": mx.array(answer.mask), "undecidable": mx.array(answer.still)}, {}


def test_validation_counts_pixels():
    samples = [sample(1), sample(2, still=True)]
    scores = MarkValidation(samples)(Right(samples)).scores
    assert scores.as_dict() == {"iou": 1, "recall": 1, "false_area": 0, "decided": 1}
    assert scores.score == 1
    scores = MarkValidation(samples)(Right(samples[::-1])).scores
    assert scores.recall == scores.iou == scores.decided == 0
    assert scores.false_area == pytest.approx(45 / 512)
    assert "recall 0.000" in scores.summary()


class Heard(Watch):
    def __init__(self):
        self.scores, self.losses = [], []

    def on_validation(self, step, scores, best):
        self.scores.append(scores)

    def on_step(self, report):
        self.losses.append(report.losses["loss"])


def test_a_run_writes_a_checkpoint_of_the_network(tmp_path):
    config = TrainConfig(
        out=str(tmp_path), net="mark-finder", preset="tiny", steps=2, size=16, batch_size=2, workers=0,
        device="cpu", validation_clips=2, validate_every=1, optimiser="muon", warmup_steps=1,
    )  # fmt: skip
    heard = Heard()
    assert train(config, heard)
    assert len(heard.scores) == 2
    assert np.isfinite(heard.losses).all()
    read = checkpoints.read(tmp_path / "best.safetensors")
    assert read.network == "mark-finder"
    assert read.provenance["data"] == "64 drawn scenes"
    assert list((tmp_path / "samples").iterdir())
