"""Batches follow from (seed, step), whoever makes them and when."""

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_vader.artifacts import ARTIFACTS
from mlx_vader.data import Batches, SceneSource, dummy_source, validation_clips
from mlx_vader.data.batches import ECHO_STEPS, MIRRORS
from mlx_vader.data.samples import planes
from mlx_vader.errors import UsageError, VaderError

SMALL = {"batch_size": 4, "clip_length": 2, "warmup": 1, "size": 32}


def batches(source=None, **changes):
    arguments = {**SMALL, "seed": 0, "workers": 0, **changes}
    return Batches(source or SceneSource(count=10), **arguments)


def assert_equal(one, other):
    for name in ("levels", "mask_known", "warm"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.artifacts == other.artifacts


def assert_different(one, other):
    assert (planes(one.levels).clean != planes(other.levels).clean).any()


def side_by_side(parts):
    """One batch out of the ranks' shares."""
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("levels", "mask_known", "warm")
    }
    return dataclasses.replace(parts[0], **joined, artifacts=sum((part.artifacts for part in parts), ()))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.lists(st.integers(0, 10**6), min_size=2, max_size=3, unique=True))
def test_a_batch_follows_from_seed_and_step_alone(seed, steps):
    run = batches(seed=seed)
    made = {step: run.batch(step) for step in steps}
    for step in reversed(steps):
        assert_equal(made[step], batches(seed=seed).batch(step))
    assert_different(made[steps[0]], made[steps[1]])
    assert_different(made[steps[0]], batches(seed=seed + 1).batch(steps[0]))


@settings(max_examples=8, deadline=None)
@given(world_and_echo=st.sampled_from([(1, 1), (2, 1), (4, 1), (1, 4), (2, 2)]), step=st.integers(0, 1000))
def test_the_ranks_together_see_the_batch_of_one(world_and_echo, step):
    world, echo = world_and_echo
    parts = [batches(rank=rank, world=world, echo=echo).batch(step) for rank in range(world)]
    assert all(len(planes(part.levels).clean) == 4 // world for part in parts)
    assert_equal(side_by_side(parts), batches(echo=echo).batch(step))


@pytest.mark.parametrize("echo", [2, 4])
def test_each_sample_is_seen_as_often_as_the_echo_says_and_mirrored_another_way_each_time(echo):
    run = batches(echo=echo)
    seen = [run.batch(turn * ECHO_STEPS) for turn in range(echo)]
    first = planes(seen[-1].levels).clean[0]
    for turn, axes in enumerate(MIRRORS[:echo]):
        np.testing.assert_array_equal(
            planes(seen[echo - 1 - turn].levels).clean[turn], np.flip(first, tuple(axis - 1 for axis in axes))
        )
    assert len({clip.tobytes() for batch in seen for clip in planes(batch.levels).clean}) == 4 * echo


def test_a_mirrored_sample_is_mirrored_as_a_whole():
    batch = batches(echo=4, artifacts=["corner_logo"]).batch(3)
    changed = (
        np.abs(planes(batch.levels).spoiled - planes(batch.levels).clean).max(axis=-1, keepdims=True) > 1e-6
    )
    assert changed.any()
    assert not (changed & (planes(batch.levels).mask == 0)).any()


def test_a_batch_is_what_it_says():
    batch = batches(batch_size=6).batch(0)
    assert planes(batch.levels).clean.shape == planes(batch.levels).spoiled.shape == (6, 3, 32, 32, 3)
    assert planes(batch.levels).mask.shape == (6, 3, 32, 32, 1)
    assert batch.warm.sum() == 3
    assert batch.mask_known.shape == (6,)
    for array in planes(batch.levels)[:3]:
        assert array.dtype == np.float32
        assert 0 <= array.min() <= array.max() <= 1


def test_a_batch_holds_its_samples_to_half_a_level():
    run = batches()
    batch = run.batch(7)
    seen = planes(batch.levels)
    for row, clean in enumerate(seen.clean):
        sample = run._make.recipe.sample(7 * 4 + row)
        np.testing.assert_array_equal(seen.hint[row], sample.hint)
        for name, values in (
            ("clean", clean),
            ("spoiled", seen.spoiled[row]),
            ("mask", seen.mask[row]),
        ):
            np.testing.assert_allclose(values, getattr(sample, name), atol=0.501 / 255, err_msg=name)


class Noting:
    """Drawn scenes that note which of them were asked for."""

    skipped = ()

    def __init__(self):
        self.scenes, self.seen = SceneSource(count=12), []

    def __len__(self):
        return len(self.scenes)

    def clip(self, index, key, length, size):
        self.seen.append(index)
        return self.scenes.clip(index, key, length, size)


def test_an_epoch_shows_every_item_once_and_the_next_one_in_another_order():
    source = Noting()
    run = batches(source)
    for step in range(6):
        run.batch(step)
    assert sorted(source.seen[:12]) == sorted(source.seen[12:]) == list(range(12))
    assert source.seen[:12] != source.seen[12:]


def test_only_the_named_artifacts_come():
    found = {
        name
        for step in range(4)
        for names in batches(artifacts=["blur"]).batch(step).artifacts
        for name in names
    }
    assert found == {"blur"}


def test_workers_give_the_same_batches_in_order_and_from_any_step():
    with batches(workers=2) as run:
        ahead = run.iterate(5)
        for step in range(5, 10):
            assert_equal(next(ahead), run.batch(step))
        # A run that is resumed at step 8 goes on as the first one did.
        assert_equal(next(run.iterate(8)), run.batch(8))
    assert not multiprocessing.active_children()


def test_echoed_batches_are_the_same_from_any_step():
    run = batches(echo=2)
    ahead = run.iterate(5)
    for step in (5, 6):
        assert_equal(next(ahead), run.batch(step))


@pytest.mark.parametrize("echo", [0, 3, 5])
def test_an_echo_must_divide_the_batch(echo):
    with pytest.raises(UsageError, match="cannot be seen"):
        batches(echo=echo)


def test_a_batch_must_divide_among_the_ranks():
    with pytest.raises(UsageError, match="does not divide"):
        batches(batch_size=3, world=2)


@dataclass(frozen=True)
class Failing(SceneSource):
    """Raises, or kills its process, at every clip."""

    error: type[BaseException] | None = None

    def clip(self, index, key, length, size):
        if self.error is None:
            os._exit(9)
        raise self.error("the disk is gone")


@pytest.mark.parametrize("error", [VaderError, ValueError])
def test_what_a_worker_raises_reaches_the_trainer(error):
    with batches(Failing(error=error), workers=1) as run, pytest.raises(VaderError, match="the disk is gone"):
        next(run.iterate())
    assert not multiprocessing.active_children()


def test_a_worker_that_dies_is_an_error_and_not_a_wait():
    with batches(Failing(), workers=1) as run, pytest.raises(VaderError, match="worker died"):
        next(run.iterate())
    assert not multiprocessing.active_children()


@dataclass(frozen=True)
class Skipping(SceneSource):
    skipped: tuple[str, ...] = ("broken.mp4 is damaged",)


def test_what_workers_skip_is_listed_once():
    with batches(Skipping(count=4), workers=2) as run:
        ahead = run.iterate()
        for _ in range(3):
            next(ahead)
        assert run.skipped == ["broken.mp4 is damaged"]


LONG_RUN = """
import sys, time
from mlx_vader.data import Batches, dummy_source

if __name__ == "__main__":
    run = Batches(dummy_source(), batch_size=2, clip_length=2, warmup=0, size=32, seed=0, workers=2)
    ahead = run.iterate()
    next(ahead)
    print(*(process for process in run._ahead._pool._processes), flush=True)
    try:
        while True:
            next(ahead)
            time.sleep(0.05)
    finally:
        run.close()
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_trainer(tmp_path, ending):
    script = tmp_path / "run.py"
    script.write_text(LONG_RUN)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")])),
    }
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    ) as trainer:
        workers = [int(number) for number in trainer.stdout.readline().split()]
        assert len(workers) == 2
        # Ctrl-C reaches the whole group; a kill only the trainer.
        if ending == signal.SIGINT:
            os.killpg(trainer.pid, ending)
        else:
            trainer.send_signal(ending)
        trainer.wait(30)
    deadline = time.monotonic() + 20
    while any(alive(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker is left"
        time.sleep(0.05)


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return not is_zombie(process)


def is_zombie(process):
    """Whether it ended and nobody has asked how: in a container, nobody may ever."""
    found = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip().startswith("Z")


def test_validation_clips_are_fixed_and_show_every_artifact():
    first = validation_clips(dummy_source("val"), 13, clip_length=2, size=48)
    again = validation_clips(dummy_source("val"), 13, clip_length=2, size=48)
    assert [sample.artifacts for sample in first] == [(name,) for name in ARTIFACTS]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.spoiled, other.spoiled)
        assert one.clean.shape == (2, 48, 48, 3)
        assert (ARTIFACTS[one.artifacts[0]].kind == "overlay") == bool(one.mask.any())
        assert one.mask_known == (one.artifacts != ("salt_pepper_noise",))
        assert not one.warm


def test_validation_clips_show_only_the_artifacts_that_are_named():
    samples = validation_clips(
        dummy_source("val"), 4, artifacts=["blur", "corner_logo"], clip_length=1, size=48
    )
    assert {sample.artifacts for sample in samples} == {("blur",), ("corner_logo",)}
