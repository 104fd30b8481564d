"""The script that makes a shipped checkpoint: parts that follow one another, and a file of half the size."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mlx_vader import checkpoints
from tests.scripts import load_script

COURSE = "--clip-length 1 --before 0 --size 32 --batch-size 1 --steps 2"


@pytest.fixture
def shipped_quality():
    return checkpoints.shipped()["quality"]


@pytest.fixture
def script(tmp_path, monkeypatch):
    """With two parts of two steps, on photographs of noise; what it ships goes elsewhere."""
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        (tmp_path / "data" / split).mkdir(parents=True)
        Image.fromarray(rng.integers(0, 255, (80, 80, 3), np.uint8)).save(tmp_path / "data" / split / "a.png")
    script = load_script("ship")
    always = f"--data {tmp_path / 'data'} --warmup 1 --losses perceptual=0 --workers 0"
    monkeypatch.setattr(script, "ALWAYS", tuple(always.split()))
    mine = script.Course((f"--net realtime --preset tiny {COURSE}", COURSE), (1, 2))
    monkeypatch.setitem(script.COURSES, "mine", mine)
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path / "weights")
    return script


def test_parts_follow_one_another_and_a_finished_one_is_not_trained_again(script, tmp_path):
    best = script.trained("mine", tmp_path / "runs")
    assert best == [tmp_path / "runs" / f"mine-{part}" / "best.safetensors" for part in (1, 2)]
    command = checkpoints.read(best[1]).provenance["command"]
    assert command.startswith("vader-mlx train --data")
    assert str(best[0]) in command
    before = [path.read_bytes() for path in best]
    assert script.trained("mine", tmp_path / "runs") == best
    assert [path.read_bytes() for path in best] == before


def test_only_the_parts_that_are_asked_for_are_averaged(script, tmp_path, monkeypatch):
    both = script.trained("mine", tmp_path / "runs")
    monkeypatch.setitem(script.COURSES, "mine", replace(script.COURSES["mine"], averaged=(2,)))
    assert script.trained("mine", tmp_path / "runs") == both[1:]


def test_shipped_weights_are_the_mean_in_half_precision_and_say_whose_they_are(script, tmp_path):
    first, last = (checkpoints.read(path) for path in script.trained("mine", tmp_path / "runs"))
    alone = checkpoints.read(script.ship([last.path], "alone"))
    assert alone.provenance == {**last.provenance, "author": "vader-mlx", "licence": "MIT"}
    shipped = checkpoints.read(script.ship([first.path, last.path], "mine"))
    assert shipped.provenance == {
        **alone.provenance,
        "mean": "of the weights of the parts with the seeds 0, 0",
    }
    for name, weight in shipped.weights.items():
        assert weight.dtype == np.float16
        mean = (first.weights[name] + last.weights[name]) / 2
        np.testing.assert_allclose(weight, mean, rtol=1e-3, atol=1e-6)


def test_realtime_ships_with_a_more_cautious_mask_and_a_calmer_memory(script, tmp_path):
    source = checkpoints.read(script.trained("mine", tmp_path / "runs")[-1])
    shipped = checkpoints.read(script.ship([source.path], "realtime"))
    taken = source.weights["paint.bias"] - shipped.weights["paint.bias"].astype(np.float32)
    np.testing.assert_allclose(
        taken, [0] * 48 + [script.COURSES["realtime"].mask_logit_offset] * 16, atol=2e-3
    )
    for name in ("remember.gain1", "remember.gain3", "remember.bias"):
        calmer = script.COURSES["realtime"].state_scale * source.weights[name]
        np.testing.assert_allclose(shipped.weights[name], calmer, rtol=1e-3, atol=1e-6)
    same = source.weights.keys() - {"paint.bias", "remember.gain1", "remember.gain3", "remember.bias"}
    assert all((shipped.weights[name] == source.weights[name].astype(np.float16)).all() for name in same)


def test_quality_ships_with_a_more_cautious_mask(shipped_quality, script):
    source = checkpoints.read(shipped_quality)
    bias = source.weights.pop("mask_head.2.bias")
    shipped = checkpoints.read(script.ship([shipped_quality], "quality"))
    np.testing.assert_allclose(
        bias - shipped.weights.pop("mask_head.2.bias"), script.COURSES["quality"].mask_logit_offset, atol=2e-3
    )
    assert all((shipped.weights[name] == weight).all() for name, weight in source.weights.items())


def test_what_is_too_large_is_not_shipped(script, tmp_path, monkeypatch):
    sources = script.trained("mine", tmp_path / "runs")
    monkeypatch.setattr(script, "LARGEST", 1000)
    with pytest.raises(SystemExit, match="more than"):
        script.ship(sources, "mine")
    assert not checkpoints.SHIPPED.exists()


def test_every_course_of_the_table_can_be_run():
    courses, always = load_script("ship").courses()
    assert set(courses) == set(checkpoints.shipped())
    for course in courses.values():
        assert 1 <= min(course.averaged) <= max(course.averaged) <= len(course.parts)
    assert "--data" in always
