"""No command overwrites what it reads, or one of its results by another; it says so before it begins."""

import numpy as np
import pytest

from mlx_vader import checkpoints, cli
from mlx_vader.errors import UsageError
from mlx_vader.models.registry import build
from mlx_vader.video import write_image


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What commands read; none of it is looked into."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("net.mlpackage/Data/x", "photos/a.png", "vader-demo/spoiled.mp4", "frame.npy", "old.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"0")
    (folder / "net.mlpackage" / "Manifest.json").write_bytes(b"{}")
    write_image(folder / "frame.png", np.zeros((8, 8, 3), np.float32))
    checkpoints.save(folder / "net.safetensors", build("nafunet-lite", "tiny"))
    for name in ("net.mlpackage/net.safetensors", "run/best.safetensors"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes((folder / "net.safetensors").read_bytes())
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        "artifacts -i frame.png -o frame.png",
        "artifacts --logos photos -o photos/a.png",
        "bench --compare old.json old.json --json old.json",
        "bench -c net.safetensors --json net.safetensors",
        "bench --input vader-demo/spoiled.mp4 --json vader-demo/spoiled.mp4",
        "convert -c net.mlpackage/net.safetensors -o net.mlpackage",
        "convert -c net.safetensors -o new.mlpackage --json net.safetensors",
        "convert -c net.safetensors -o new.mlpackage --json new.mlpackage/report.json",
        "convert -c net.safetensors -o new.mlpackage --swift new.mlpackage",
        "convert -c net.safetensors -o new.mlpackage --swift new.mlpackage --json new.mlpackage",
        "demo -i vader-demo/spoiled.mp4",
        "demo -i frame.png --json vader-demo/comparison.png",
        "evaluate photos --json photos/a.png",
        "evaluate --html r.html --json r.html",
        "evaluate -c net.safetensors --json net.safetensors",
        "import net.safetensors",
        "import net.safetensors --as lpips-alex -o net.safetensors",
        "inspect net.mlpackage --html net.mlpackage/Data/x",
        "inspect net.mlpackage --json net.mlpackage/Data/x",
        "run net.mlpackage -i frame.npy -o frame.npy",
        "run net.mlpackage -i x=frame.npy -o y=./frame.npy",
        "run net.mlpackage -i x=frame.npy -o y=o.png -o z=o.png",
        "run net.mlpackage -i frame.npy -o o.npz --json o.npz",
        "train --data photos --json photos/a.png",
        "train --dummy --init run/best.safetensors --out run",
        "train --dummy --out run --json run/last.safetensors",
        "verify net.mlpackage --json net.mlpackage/Manifest.json",
        "verify net.mlpackage -c net.safetensors --json net.safetensors",
    ],
)
def test_conflicts_are_refused_before_any_work(files, monkeypatch, arguments):
    monkeypatch.chdir(files)
    there = {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=r"overwritten|both|replaced"):
        cli.run(arguments.split())
    assert {path: path.read_bytes() for path in files.rglob("*") if path.is_file()} == there


@pytest.mark.parametrize(
    "arguments",
    ["doctor --json photos", "verify net.mlpackage --json old.json/x", "bench --json frame.npy/x"],
)
def test_results_that_cannot_be_written_are_refused_before_any_work(files, monkeypatch, arguments):
    monkeypatch.chdir(files)
    with pytest.raises(UsageError, match=r"cannot be written|is a folder"):
        cli.run(arguments.split())
