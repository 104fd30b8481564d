"""`vader-mlx import` from file to file."""

from pathlib import Path

import pytest
import torch

from convert.weights import twin
from mlx_vader import checkpoints
from mlx_vader.cli import run
from mlx_vader.errors import VaderError
from tests.models.variants import build_variant


def test_a_published_file_becomes_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = twin(build_variant("composite-published"))
    torch.save(
        {"model_state_dict": reference.state_dict(), "step": 3, "config": {}}, tmp_path / "composite.pt"
    )
    assert run(["import", str(tmp_path / "composite.pt")]) == 0
    assert "vader-mlx clean" in capsys.readouterr().out
    assert checkpoints.read(tmp_path / "composite.safetensors").spec == reference.spec


def test_what_is_no_checkpoint_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.pt").write_text("to do: milk")
    with pytest.raises(VaderError, match="plain tensors"):
        run(["import", str(tmp_path / "notes.pt")])
    assert list(tmp_path.iterdir()) == [tmp_path / "notes.pt"]
