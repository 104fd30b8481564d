"""Schedules and stages as functions of the step."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_vader.errors import UsageError
from mlx_vader.losses import LossWeights
from mlx_vader.models.base import restoration
from mlx_vader.training.schedule import ema_decay, learning_rate
from mlx_vader.training.stages import plan_stages

steps = st.integers(2, 5000)
MASKED = restoration(stride=8)


@given(steps, st.integers(0, 500), st.floats(1e-6, 1e-1))
def test_learning_rate_rises_to_the_peak_and_falls_to_a_hundredth(total, warmup, peak):
    rates = [learning_rate(step, peak=peak, warmup=warmup, total=total) for step in range(min(total, 600))]
    assert all(0 < rate <= peak * 1.000001 for rate in rates)
    rising, falling = rates[:warmup], rates[warmup:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    if total > warmup + 2:
        assert learning_rate(total - 1, peak=peak, warmup=warmup, total=total) == pytest.approx(peak / 100)


@given(st.integers(0, 10**6))
def test_the_average_never_forgets_faster_than_its_limit(step):
    assert 0 < ema_decay(step, 0.999) <= 0.999
    assert ema_decay(step, 0.999) <= ema_decay(step + 1, 0.999)


@given(st.integers(1, 100_000), st.sampled_from(["1", "2", "3", "all"]))
def test_stages_cover_every_step_once(total, stage):
    stages = plan_stages(stage, total, MASKED)
    assert stages[0].start == 0
    assert stages[-1].stop == total
    assert all(a.stop == b.start for a, b in itertools.pairwise(stages))


@given(steps)
def test_in_stage_2_the_mask_fades_to_a_tenth(total):
    (stage,) = plan_stages("2", total, MASKED)
    decays = [stage.mask_decay(step) for step in range(total)]
    assert decays[0] == 1
    assert decays == sorted(decays, reverse=True)
    assert stage.mask_decay(total) == pytest.approx(0.1)


def test_stages_weigh_the_losses():
    first, second, third = plan_stages("all", 100, MASKED)
    weights = LossWeights()
    alone = {name: weight for name, weight in dataclasses.asdict(first.weights(weights)).items() if weight}
    assert alone == {"mask": 1}
    assert second.weights(weights) == weights
    assert third.weights(weights).mask == 0


@pytest.mark.parametrize("stage", ["1", "all"])
def test_a_network_without_mask_head_has_no_stage_1(stage):
    with pytest.raises(UsageError, match="mask head"):
        plan_stages(stage, 10, restoration(stride=8, mask=False))
