"""A training state that is damaged, or of something else, is refused in one line before the run goes on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as serialise

from mlx_vader.errors import VaderError
from mlx_vader.training.run import resumed, train
from mlx_vader.training.state import FORMAT, TrainingState
from mlx_vader.training.trainer import STATE
from tests.mutation import changed_text, counts, damaged, refused_or_read


@pytest.fixture
def saved(tmp_path, tiny, trainer):
    """The folder of a run with a state in order."""
    config = trainer(3)._config.as_dict()
    TrainingState(tiny(), weight_decay=0.0).save(tmp_path / STATE, config)
    return tmp_path


def _words(folder: Path) -> dict[str, str]:
    with safe_open(folder / STATE, "numpy") as file:
        return file.metadata()


def _rewrite(folder: Path, **changes: Any) -> None:
    arrays = load_file(folder / STATE)
    words = {name: text for name, text in (_words(folder) | changes).items() if text is not None}
    (folder / STATE).write_bytes(serialise(arrays, words))


def _resume(folder: Path, tiny: Any) -> None:
    resumed(folder)
    TrainingState(tiny(), weight_decay=0.0).load(folder / STATE)


def test_the_state_is_in_order(saved, tiny):
    _resume(saved, tiny)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"format": "other"}, "not a training state"),
        ({"config": None}, "holds no run"),
        ({"config": "{"}, "holds no run"),
        ({"config": "[]"}, "holds no run"),
        ({"config": '{"steps": "3"}'}, "steps: input should be a valid integer"),
        ({"config": '{"losses": null}'}, "losses: input should be an object"),
        ({"config": '{"batch_size": -4}'}, "batch_size is -4"),
        ({"config": '{"wings": 2}'}, "wings: unexpected"),
        ({"step": None}, "holds no step"),
        ({"step": "three"}, "holds no step"),
        ({"step": "-3"}, "holds no step"),
        ({"best": "good"}, "no score"),
        ({"best": "[]"}, "no score"),
    ],
)
def test_words_that_are_wrong_are_refused(saved, tiny, words, reason):
    _rewrite(saved, **words)
    with pytest.raises(VaderError, match=reason) as caught:
        _resume(saved, tiny)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda array: array.reshape(-1)[:1], "is 1, not"),
        (lambda array: array.astype(np.float64), "in the type F64"),
        (lambda array: array.astype(np.int32), "is mlx.core.int32"),
        (lambda array: np.full_like(array, np.nan), "not finite"),
    ],
)
def test_arrays_that_are_wrong_are_refused(saved, tiny, change, reason):
    arrays = load_file(saved / STATE)
    arrays["net.in_conv.weight"] = np.ascontiguousarray(change(arrays["net.in_conv.weight"]))
    (saved / STATE).write_bytes(serialise(arrays, _words(saved)))
    with pytest.raises(VaderError, match=reason):
        _resume(saved, tiny)


def test_a_run_into_a_file_ends_before_it_begins(tmp_path, trainer):
    (tmp_path / "run").write_text("notes")
    with pytest.raises(VaderError, match="cannot be written") as caught:
        train(trainer(1)._config)
    assert caught.value.hint
    assert (tmp_path / "run").read_text() == "notes"


@pytest.mark.parametrize("count", counts(1500))
def test_mutated_states(saved, tiny, count):
    whole, words = (saved / STATE).read_bytes(), _words(saved)
    assert words["format"] == FORMAT
    assert json.loads(words["config"])

    def door(data: st.DataObject) -> None:
        (saved / STATE).write_bytes(whole)
        if field := data.draw(st.sampled_from(["", "config", "step", "best"])):
            _rewrite(saved, **{field: data.draw(changed_text(words[field]))})
        else:
            (saved / STATE).write_bytes(data.draw(damaged(whole)))
        _resume(saved, tiny)

    refused_or_read(count, door)
