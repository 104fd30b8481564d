"""What a compiled step does to weights and state."""

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from mlx_vader.backends.torch_gradients import TorchGradients
from mlx_vader.data.samples import planes
from mlx_vader.losses import LossWeights
from mlx_vader.training.stages import Stage
from mlx_vader.training.state import TrainingState
from mlx_vader.training.step import Objective, Step, _compiled_gradients, _initial_state, _through
from mlx_vader.training.trainer import as_clips
from tests.models.variants import INTERFACES, RESTORING
from tests.training.noise import Noise

WITH_MASK = [name for name in RESTORING if INTERFACES[name].output("mask")]


def _flat(tree):
    return {name: np.array(array) for name, array in tree_flatten(tree)}


def _stirred(net):
    """Weights without the zeros of a fresh block, so that every gradient has a way."""
    mx.random.seed(3)
    net.update(_tree_map(lambda array: array + 0.1 * mx.random.normal(array.shape), net.parameters()))
    return net


def _tree_map(function, tree):
    from mlx.utils import tree_map

    return tree_map(function, tree)


@pytest.mark.parametrize("name", RESTORING)
def test_gradients_through_pytorch_equal_those_of_mlx(name, tiny):
    net = _stirred(tiny(name))
    clips = as_clips(Noise().batch(0), 2, hinted=net.interface.input("hint") is not None)
    objective, decay = Objective(LossWeights(), mask_loss="bce", mask_weight=3.0), mx.array(0.7)
    losses, gradients = _compiled_gradients(net, objective, mx.float32)(clips, decay)
    twin = TorchGradients(net, half=False)
    twin_losses, twin_gradients = _through(twin, objective)(clips, decay)
    for part, loss in losses.items():
        np.testing.assert_allclose(twin_losses[part], loss, rtol=1e-4, err_msg=part)
    theirs = _flat(twin_gradients)
    for place, gradient in _flat(gradients).items():
        scale = max(float(np.abs(gradient).max()), 1e-3)
        np.testing.assert_allclose(theirs[place] / scale, gradient / scale, atol=2e-3, err_msg=place)


def _step(net, objective=None, **options):
    state = TrainingState(net, weight_decay=0.1)
    step = Step(state, objective or Objective(LossWeights()), clip_norm=1.0, **options)
    return state, lambda clips: step([clips], learning_rate=1e-2, ema_decay=0.5)


def test_a_warm_clip_begins_with_the_state_after_the_frames_before(tiny):
    net = _stirred(tiny())
    batch = Noise().batch(0)
    clips = as_clips(batch, 2)
    state = _initial_state(net, clips, mx.float32)
    for row, warm in enumerate(batch.warm):
        before = mx.array(planes(batch.levels).spoiled[row : row + 1, :2])
        expected = net(before).state if warm else net.fresh_state(1, 16, 16)
        for name, array in state.items():
            np.testing.assert_allclose(
                array[row], expected[name][0], atol=1e-5, err_msg=f"{name} of clip {row}"
            )


def test_no_gradient_flows_into_the_frames_before(tiny):
    net = _stirred(tiny())
    clips = as_clips(Noise().batch(0), 2)

    def loss(before):
        warm_up = clips.warm_up._replace(frames=before)
        state = _initial_state(net, clips._replace(warm_up=warm_up), mx.float32)
        return net(clips.spoiled, state).frames.sum()

    assert not mx.any(mx.grad(loss)(clips.warm_up.frames)).item()


@pytest.mark.parametrize("name", WITH_MASK)
def test_stage_1_trains_what_the_mask_is_read_from_and_nothing_else(name, tiny):
    net = _stirred(tiny(name))
    stage = Stage("1", 0, 10)
    stage.freeze(net)
    before = _flat(net.parameters())
    _, step = _step(net, Objective(stage.weights(LossWeights())))
    outcome = step(as_clips(Noise().batch(0), 2))
    assert set(outcome.losses) == {"loss", "mask"}
    after = _flat(net.parameters())
    moved = {name for name in after if not np.array_equal(before[name], after[name])}
    painting = {name for name in after if name.split(".")[0] in net.painting_heads}
    assert painting
    assert moved == after.keys() - painting


def test_stage_3_is_not_supervised_by_the_mask(tiny):
    net = tiny()
    _, step = _step(net, Objective(Stage("3", 0, 10).weights(LossWeights())))
    assert "mask" not in step(as_clips(Noise().batch(0), 2)).losses


def test_stage_2_thaws_what_stage_1_froze(tiny):
    net = tiny()
    everything = set(_flat(net.trainable_parameters()))
    Stage("1", 0, 1).freeze(net)
    assert set(_flat(net.trainable_parameters())) < everything
    Stage("2", 1, 2).freeze(net)
    assert set(_flat(net.trainable_parameters())) == everything


def test_the_average_moves_towards_the_weights(tiny):
    net = tiny()
    state, step = _step(net)
    before = _flat(state.ema)
    step(as_clips(Noise().batch(0), 2))
    now = _flat(net.parameters())
    for name, array in _flat(state.ema).items():
        np.testing.assert_allclose(array, 0.5 * before[name] + 0.5 * now[name], atol=1e-6, err_msg=name)


def test_the_gradient_is_clipped_to_its_norm(tiny):
    clips = as_clips(Noise().batch(0), 2)
    steep = Objective(LossWeights(charbonnier=1000.0))
    state, step = _step(_stirred(tiny()), steep)
    assert step(clips).gradient_norm > 1
    moments = [np.array(array) for name, array in tree_flatten(state.optimiser.states) if name.endswith(".m")]
    norm = np.sqrt(sum(np.square(array / 0.1).sum() for array in moments))
    assert norm == pytest.approx(1, rel=1e-3)


def test_a_compiled_step_equals_an_interpreted_one(tiny, compiled):
    clips = as_clips(Noise().batch(0), 2)
    weights = []
    for switch in (mx.disable_compile, mx.enable_compile):
        switch()
        state, step = _step(_stirred(tiny()))
        step(clips)
        step(clips)
        weights.append({name: np.array(array) for name, array in state.flat().items()})
    for name, array in weights[0].items():
        np.testing.assert_allclose(weights[1][name], array, atol=1e-5, err_msg=name)


def test_a_network_without_mask_or_memory_trains(tiny):
    net = tiny("nafunet-lite")
    _, step = _step(net)
    outcome = step(as_clips(Noise(before=0).batch(0), 2))
    assert outcome.finite
    assert "mask" not in outcome.losses
