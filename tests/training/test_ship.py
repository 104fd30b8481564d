"""The script that makes a shipped checkpoint: parts that follow one another, and a file of half the size."""

import sys

import numpy as np
import pytest
from PIL import Image

from mlx_vader import checkpoints
from tests.scripts import load_script

COURSE = "--clip-length 1 --before 0 --size 32 --batch-size 1 --steps 2"


@pytest.fixture
def script(tmp_path, monkeypatch):
    """With two parts of two steps, on photographs of noise; what it ships goes elsewhere."""
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        (tmp_path / "data" / split).mkdir(parents=True)
        Image.fromarray(rng.integers(0, 255, (80, 80, 3), np.uint8)).save(tmp_path / "data" / split / "a.png")
    script = load_script("ship")
    always = f"--data {tmp_path / 'data'} --warmup 1 --losses perceptual=0 --workers 0"
    monkeypatch.setattr(script, "ALWAYS", always)
    monkeypatch.setattr(script, "PARTS", {"mine": (f"--net realtime --preset tiny {COURSE}", COURSE)})
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path / "weights")
    return script


def test_parts_follow_one_another_and_a_finished_one_is_not_trained_again(script, tmp_path):
    first, last = (tmp_path / "runs" / f"mine-{part}" / "best.safetensors" for part in (1, 2))
    assert script.trained("mine", tmp_path / "runs") == last
    assert str(first) in checkpoints.read(last).provenance["command"]
    before = [path.read_bytes() for path in (first, last)]
    assert script.trained("mine", tmp_path / "runs") == last
    assert [path.read_bytes() for path in (first, last)] == before


def test_shipped_weights_are_in_half_precision_and_say_whose_they_are(script, tmp_path):
    trained = checkpoints.read(script.trained("mine", tmp_path / "runs"))
    shipped = checkpoints.read(script.ship(trained.path, "mine"))
    assert shipped.provenance == {**trained.provenance, "author": "vader-mlx", "licence": "MIT"}
    for name, weight in shipped.weights.items():
        assert weight.dtype == np.float16
        np.testing.assert_allclose(weight, trained.weights[name], rtol=1e-3, atol=1e-6)


def test_what_is_too_large_is_not_shipped(script, tmp_path, monkeypatch):
    source = script.trained("mine", tmp_path / "runs")
    monkeypatch.setattr(script, "LARGEST", 1000)
    with pytest.raises(SystemExit, match="more than"):
        script.ship(source, "mine")
    assert not checkpoints.SHIPPED.exists()
