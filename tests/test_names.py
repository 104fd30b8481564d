"""Whoever misspells a name is told the nearest one that there is, and whoever misspells a file that it is not there."""

from pathlib import Path

import pytest

from convert.ane.chips import chip
from convert.form import Form
from convert.package import read_spec
from convert.weights import unpickle
from mlx_vader import checkpoints
from mlx_vader.artifacts import parse_names
from mlx_vader.backends import load_backend
from mlx_vader.bench.options import BenchOptions
from mlx_vader.bench.results import read_result
from mlx_vader.data.folders import media_files
from mlx_vader.errors import VaderError
from mlx_vader.evaluation.clips import find_clips
from mlx_vader.evaluation.suites import find_cases
from mlx_vader.inpainting.fill import find_fill
from mlx_vader.jobs.options import CleanOptions
from mlx_vader.losses.perceptual import find_perceptual
from mlx_vader.masks.files import FileMasks
from mlx_vader.models import registry
from mlx_vader.streaming import make_strategy
from mlx_vader.training import TrainConfig
from mlx_vader.video.files import check_source, list_media

MISSPELLED = {
    "degradations": lambda: checkpoints.resolve("degradation"),
    "realtime": lambda: registry.build("realtme"),
    "small": lambda: registry.build("realtime", "smal"),
    "hidden": lambda: registry.build("realtime", hiden=3),
    "corner_logo": lambda: parse_names("corner_lgo"),
    "torch": lambda: load_backend("toch"),
    "cpuOnly": lambda: BenchOptions(compute_units=("cpuonly",)),
    "overlays": lambda: find_cases("overlay"),
    "membrane": lambda: find_fill("membran"),
    "network": lambda: CleanOptions(find="netwrk"),
    "recurrent": lambda: make_strategy("recurent"),
    "muon": lambda: TrainConfig(optimiser="moun"),
    "efficientnet-lite0": lambda: find_perceptual("efficientnet-lite1"),
    "palettize6": lambda: Form(compress="palettise6"),
    "a18-pro": lambda: chip("a18-por"),
}

#: What opens a path, and must not say of one that is not there that it is of a wrong kind.
OPENED = {
    "package": read_spec,
    "package to run": lambda path: load_backend("coreml", path.with_suffix(".mlpackage")),
    "checkpoint": lambda path: checkpoints.resolve(path),
    "published checkpoint": unpickle,
    "video": check_source,
    "mask": FileMasks,
    "folder": list_media,
    "training data": lambda path: media_files(path, "train"),
    "clips": lambda path: find_clips([path]),
    "benchmark": read_result,
}


@pytest.mark.parametrize(("name", "misspelled"), MISSPELLED.items(), ids=MISSPELLED)
def test_the_nearest_name_is_offered(name, misspelled) -> None:
    with pytest.raises(VaderError) as caught:
        misspelled()
    assert caught.value.hint.startswith("did you mean ")
    assert name in caught.value.hint.split("?")[0]


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
def test_what_is_missing_is_called_missing(opened, tmp_path: Path) -> None:
    with pytest.raises(VaderError, match="does not exist"):
        opened(tmp_path / "none.mp4")


def test_a_file_beside_it_is_offered(tmp_path: Path) -> None:
    (tmp_path / "holiday.mp4").write_bytes(b"0")
    with pytest.raises(VaderError) as caught:
        check_source(tmp_path / "hoilday.mp4")
    assert caught.value.hint == f"did you mean {tmp_path / 'holiday.mp4'}?"
