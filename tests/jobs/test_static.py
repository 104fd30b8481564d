"""`clean --find static`: marks that a network of its own finds in the statistics of the whole video."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlx_vader.backends.base import Outputs
from mlx_vader.jobs import composition
from mlx_vader.jobs.clean import clean
from mlx_vader.masks.static.statistics import NAMES
from tests.jobs.test_finding import LOGO, frames_of, video


@pytest.fixture
def asked(monkeypatch):
    """A finder that marks what is bright in all frames; the sources that backends are loaded from."""
    sources = []

    def run(inputs):
        bright = inputs["statistics"][..., NAMES.index("darkest")] > 0.8
        return Outputs(
            {"mask": bright[..., None].astype(np.float32), "undecidable": np.zeros((1, 1), np.float32)}, None
        )

    def load(name, source):
        sources.append((name, source))
        return SimpleNamespace(run=run)

    monkeypatch.setattr(composition, "load_backend", load)
    return sources


def test_a_mark_over_a_moving_scene_is_filled_and_no_other_network_is_loaded(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=True)
    (report,) = clean(source, tmp_path / "out.mkv", codec="ffv1", find="static", fill="membrane").files
    assert report.finding.status == "found"
    assert [mark.treated for mark in report.finding.marks] == ["fill"]
    assert frames_of(tmp_path / "out.mkv")[:, LOGO[0], LOGO[1]].max() < 0.75
    assert asked == [("auto", composition.FINDER)]


def test_on_a_still_scene_the_source_stays_byte_for_byte(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=False)
    (report,) = clean(source, tmp_path / "out.mp4", find="static", fill="membrane").files
    assert report.finding.status == "undecidable"
    assert [mark.treated for mark in report.finding.marks] == ["left"]
    assert (tmp_path / "out.mp4").read_bytes() == source.read_bytes()
