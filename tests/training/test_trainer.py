"""The loop: resume, accumulation, guards, and what it leaves in its folder."""

import mlx.core as mx
import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from mlx_vader import checkpoints
from mlx_vader.checkpoints import BEST
from mlx_vader.data import dummy_source, validation_clips
from mlx_vader.errors import VaderError
from mlx_vader.training import Watch
from mlx_vader.training.trainer import LAST, STATE
from mlx_vader.training.validation import Validation
from tests.training.conftest import weights_of
from tests.training.noise import Noise


class StopAfter(Watch):
    """Stops a run after `steps`, as Ctrl-C does."""

    def __init__(self, steps):
        self.left = steps

    def stop(self):
        self.left -= 1
        return self.left == 0


class Losses(Watch):
    """Remembers."""

    def __init__(self):
        self.reports, self.notes = [], []

    def on_step(self, report):
        self.reports.append(report)

    def on_note(self, text):
        self.notes.append(text)


def test_twenty_and_twenty_steps_equal_forty_bit_for_bit(trainer, compiled):
    whole = trainer(40, "whole")
    assert whole.run(Noise())
    first = trainer(40, "parts", StopAfter(20))
    assert not first.run(Noise())
    second = trainer(40, "parts")
    second.restore()
    assert second.state.step == 20
    assert second.run(Noise())
    expected, found = weights_of(whole), weights_of(second)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(array, found[name], err_msg=name)


def test_training_lowers_the_loss(trainer):
    watch = Losses()
    trainer(30, watch=watch, lr=3e-3).run(Noise())
    losses = [report.losses["loss"] for report in watch.reports]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_two_halves_accumulated_equal_the_whole_batch(trainer):
    whole = trainer(3, "whole")
    whole.run(Noise(size=4))
    halves = trainer(3, "halves", grad_accum=2, batch_size=2)
    halves.run(Noise(size=2))
    for name, array in weights_of(whole).items():
        np.testing.assert_allclose(array, weights_of(halves)[name], atol=2e-5, err_msg=name)


def test_a_run_leaves_the_averaged_weights_and_its_state(trainer, tmp_path):
    run = trainer(3)
    run.run(Noise())
    assert {BEST, LAST, STATE} <= {path.name for path in (tmp_path / "run").iterdir()}
    checkpoint = checkpoints.read(tmp_path / "run" / LAST)
    assert checkpoint.step == 3
    saved = checkpoints.load(tmp_path / "run" / LAST)
    for name, array in dict(_flat(saved)).items():
        np.testing.assert_array_equal(np.array(array), weights_of(run)[f"ema.{name}"], err_msg=name)


def _flat(net):
    from mlx.utils import tree_flatten

    return tree_flatten(net.parameters())


def test_nothing_but_whole_files_is_left_behind(trainer, tmp_path):
    trainer(3).run(Noise())
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {name for name in names if not name.startswith("events")} == {BEST, LAST, STATE}


def test_validation_keeps_the_best_and_writes_pictures(trainer, tmp_path, tiny):
    samples = validation_clips(dummy_source("val"), 2, artifacts=["corner_logo"], clip_length=2, size=16)
    run = trainer(4, validate_every=2, validation=Validation(samples))
    run.run(Noise())
    assert run.state.best is not None
    assert "validation" in checkpoints.read(tmp_path / "run" / BEST).provenance
    tags = _tags(next((tmp_path / "run").glob("events*")))
    assert {"val/psnr", "val/psnr_before", "val/ssim", "gain/corner_logo", "before_mask_after/0"} <= tags


def _tags(path):
    """The names of everything in a TensorBoard file: records of length, checksum, event, checksum."""
    content, tags = path.read_bytes(), set()
    while content:
        length = int.from_bytes(content[:8], "little")
        event = Event.FromString(content[12 : 12 + length])
        tags |= {value.tag for value in event.summary.value}
        content = content[16 + length :]
    return tags


class Poisoned(Noise):
    """Batches of which some hold a number that is none."""

    def __init__(self, bad, **values):
        super().__init__(**values)
        self.bad = bad

    def batch(self, step):
        batch = super().batch(step)
        if step in self.bad:
            # No batch can be made so: levels are whole numbers.
            object.__setattr__(batch, "levels", batch.levels * np.float32("nan"))
        return batch


def test_a_step_that_is_not_finite_changes_nothing(trainer):
    watch = Losses()
    run = trainer(1, watch=watch)
    before = weights_of(run)
    run.run(Poisoned({0}))
    for name, array in weights_of(run).items():
        if not name.endswith("learning_rate"):
            np.testing.assert_array_equal(before[name], array, err_msg=name)
    assert any("finite" in note for note in watch.notes)


def test_a_run_survives_a_few_bad_steps(trainer):
    run = trainer(6)
    assert run.run(Poisoned({1, 2, 3}))
    assert all(np.isfinite(array).all() for array in weights_of(run).values())


def test_a_run_that_diverges_ends_with_a_way_out(trainer):
    with pytest.raises(VaderError, match="5 steps in a row up to step 7") as caught:
        trainer(20).run(Poisoned(set(range(2, 20))))
    assert "--lr" in caught.value.hint


def test_resuming_another_network_is_refused(trainer, tiny):
    trainer(2, watch=StopAfter(1)).run(Noise())
    with pytest.raises(VaderError, match="another network"):
        trainer(2, net=tiny("nafunet")).restore()


def test_a_damaged_state_is_named(trainer, tmp_path):
    trainer(2).run(Noise())
    path = tmp_path / "run" / STATE
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(VaderError, match="damaged"):
        trainer(2).restore()


def test_bf16_keeps_weights_and_moments_in_fp32(trainer):
    watch = Losses()
    run = trainer(3, watch=watch, bf16=True)
    run.run(Noise())
    assert {array.dtype for array in run.state.flat().values()} == {mx.float32, mx.uint64}
    assert all(np.isfinite(report.losses["loss"]) for report in watch.reports)


def test_bf16_computes_nearly_the_same_loss(trainer):
    losses = {}
    for bf16 in (False, True):
        watch = Losses()
        trainer(1, str(bf16), watch=watch, bf16=bf16).run(Noise())
        losses[bf16] = watch.reports[0].losses["loss"]
    assert losses[True] == pytest.approx(losses[False], rel=0.02)
    assert losses[True] != losses[False]
