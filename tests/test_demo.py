"""The demo makes what it says, on any clip and with any checkpoint."""

from pathlib import Path

import numpy as np
import pytest

from mlx_vader import checkpoints
from mlx_vader.demo import demo
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.metrics import psnr
from mlx_vader.video import probe, read_clip
from tests.models.variants import build_variant


def test_demo_spoils_cleans_measures_and_converts(carphone: Path, tmp_path: Path) -> None:
    checkpoint = checkpoints.save(tmp_path / "net.safetensors", build_variant("composite"))
    steps: list[str] = []
    report = demo(carphone, tmp_path / "out", checkpoint=str(checkpoint), frames=5, on_step=steps.append)
    spoiled, cleaned = (read_clip(path, 0, 5) for path in (report.spoiled, report.cleaned))
    assert spoiled.shape == cleaned.shape == (5, 144, 176, 3)
    assert probe(report.spoiled).frame_rate == probe(carphone).frame_rate
    assert psnr(spoiled, read_clip(carphone, 0, 5)) == pytest.approx(report.before.whole, abs=0.1)
    assert report.before.inside < report.before.outside
    assert report.comparison.exists()
    assert report.package.path.is_dir()
    begun = ("reading", "spoiling", "cleaning", "measuring", "converting", "measuring the speed")
    assert all(any(step.startswith(word) for step in steps) for word in begun)
    assert report.bench["rows"][0]["fps"] > 0
    # So short a clip does not show that a mark stands still.
    assert report.clean.files[0].finding.status == "undecidable"
    assert np.array_equal(spoiled, cleaned)


def test_demo_refuses_what_cannot_work(tmp_path: Path) -> None:
    with pytest.raises(VaderError, match="missing"):
        demo(tmp_path / "missing.mp4", tmp_path / "out")
    with pytest.raises(UsageError, match="too few"):
        demo(out=tmp_path / "out", frames=0)
    assert not (tmp_path / "out").exists()
