"""A checkpoint holds exactly what was saved, or says in one line why it does not."""

import os
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from safetensors.numpy import load_file, save_file

from mlx_vader import checkpoints
from mlx_vader.errors import VaderError
from mlx_vader.shipped import DEFAULT, PURPOSES
from tests.models.variants import VARIANTS, build_variant


@pytest.mark.parametrize("variant", VARIANTS)
def test_round_trip_is_exact(tmp_path: Path, variant: str) -> None:
    net = build_variant(variant)
    path = checkpoints.save(tmp_path / "net.safetensors", net, step=7, provenance={"seed": "1"})
    loaded = checkpoints.load(path)
    assert loaded.spec == net.spec
    for (name, saved), (_, read) in zip(
        tree_flatten(net.parameters()), tree_flatten(loaded.parameters()), strict=True
    ):
        assert mx.array_equal(saved, read), name
    checkpoint = checkpoints.read(path)
    assert (checkpoint.step, checkpoint.provenance) == (7, {"seed": "1"})


def test_half_precision_halves_the_file_and_rounds_the_weights(tmp_path: Path) -> None:
    net = build_variant("composite")
    full = checkpoints.save(tmp_path / "full.safetensors", net)
    half = checkpoints.save(tmp_path / "half.safetensors", net, half=True)
    assert half.stat().st_size < 0.6 * full.stat().st_size
    wanted = {name: value.astype(np.float16) for name, value in load_file(full).items()}
    assert all(np.array_equal(value, wanted[name]) for name, value in load_file(half).items())


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.safetensors"
    garbage.write_bytes(b"not a checkpoint")
    with pytest.raises(VaderError, match="not a checkpoint"):
        checkpoints.read(garbage)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"weight": np.zeros(3, np.float32)}, foreign)
    with pytest.raises(VaderError, match="not written by vader-mlx"):
        checkpoints.read(foreign)
    with pytest.raises(VaderError, match="does not exist"):
        checkpoints.read(tmp_path / "missing.safetensors")
    whole = checkpoints.save(tmp_path / "whole.safetensors", build_variant("composite"))
    truncated = tmp_path / "truncated.safetensors"
    truncated.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(VaderError, match="not a checkpoint"):
        checkpoints.read(truncated)


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = checkpoints.save(tmp_path / "net.safetensors", build_variant("composite"))
    before = path.read_bytes()

    def full_disk(self: Path, content: bytes) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(VaderError, match="no space left"):
        checkpoints.save(path, build_variant("composite", seed=1))
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_folder_of_a_training_run_stands_for_its_best_weights(tmp_path: Path) -> None:
    run = tmp_path / "mine"
    best = checkpoints.save(run / checkpoints.BEST, build_variant("composite"))
    assert checkpoints.resolve(run) == best
    assert checkpoints.label(best) == "mine"
    with pytest.raises(VaderError, match="holds no best"):
        checkpoints.resolve(tmp_path)


def test_every_shipped_checkpoint_has_a_purpose() -> None:
    assert set(PURPOSES) == set(checkpoints.shipped())
    assert next(iter(PURPOSES)) == DEFAULT
