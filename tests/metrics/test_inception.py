"""FID's Inception against PyTorch, through the importer and the cache; random weights in the published form."""

import numpy as np
import pytest
import torch
from torch.nn import functional as nn

from mlx_vader.cli import run
from mlx_vader.errors import VaderError
from mlx_vader.losses.inception import weight_shapes
from mlx_vader.losses.perceptual import METRIC_SOURCES, cached, how_to_get, load_perceptual
from mlx_vader.metrics import fid, frechet_distance
from mlx_vader.metrics.inception import NAME, find_inception


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    """A random network in the names of pytorch-fid, each batch norm with an effect, and the classifier's end."""
    rng = np.random.default_rng(0)
    state = {"fc.weight": np.zeros((1008, 2048)), "fc.bias": np.zeros(1008)}
    for key, shape in weight_shapes().items():
        name, kind = key.rsplit(".", 1)
        if kind == "weight":
            out, height, width, channels = shape
            scale = (2 / (channels * height * width)) ** 0.5
            state[f"{name}.conv.weight"] = rng.normal(0, scale, (out, channels, height, width))
            state |= {
                f"{name}.bn.weight": rng.uniform(0.8, 1.2, out),
                f"{name}.bn.bias": rng.normal(0, 0.1, out),
                f"{name}.bn.running_mean": rng.normal(0, 0.1, out),
                f"{name}.bn.running_var": rng.uniform(0.5, 2, out),
            }
    return {key: torch.from_numpy(array.astype(np.float32)) for key, array in state.items()}


@pytest.fixture
def imported(published, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VADER_CACHE", str(tmp_path / "cache"))
    torch.save(published, tmp_path / METRIC_SOURCES[NAME])
    assert run(["import", str(tmp_path / METRIC_SOURCES[NAME]), "--as", NAME]) == 0


def torch_features(state: dict[str, torch.Tensor], frames: np.ndarray) -> torch.Tensor:
    """Step by step as pytorch-fid has it: torchvision's blocks with the pools of 2015."""

    def conv(x, name, stride=1, padding=0):
        x = nn.conv2d(x, state[f"{name}.conv.weight"], None, stride, padding)
        norm = (state[f"{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return nn.batch_norm(x, *norm, eps=0.001).relu()

    def chain(x, name, *steps):
        for number, padding in enumerate(steps, 1):
            x = conv(x, f"{name}_{number}", 1, padding)
        return x

    def mean(x, name):
        return conv(nn.avg_pool2d(x, 3, 1, 1, count_include_pad=False), f"{name}.branch_pool")

    def a(x, name):
        parts = [conv(x, f"{name}.branch1x1"), chain(x, f"{name}.branch5x5", 0, 2)]
        return torch.cat([*parts, chain(x, f"{name}.branch3x3dbl", 0, 1, 1), mean(x, name)], 1)

    def b(x, name):
        inner = chain(x, f"{name}.branch3x3dbl", 0, 1)
        parts = [conv(x, f"{name}.branch3x3", 2), conv(inner, f"{name}.branch3x3dbl_3", 2)]
        return torch.cat([*parts, nn.max_pool2d(x, 3, 2)], 1)

    def c(x, name):
        wide, high = (0, 3), (3, 0)
        parts = [conv(x, f"{name}.branch1x1"), chain(x, f"{name}.branch7x7", 0, wide, high)]
        return torch.cat(
            [*parts, chain(x, f"{name}.branch7x7dbl", 0, high, wide, high, wide), mean(x, name)], 1
        )

    def d(x, name):
        first = conv(conv(x, f"{name}.branch3x3_1"), f"{name}.branch3x3_2", 2)
        second = conv(chain(x, f"{name}.branch7x7x3", 0, (0, 3), (3, 0)), f"{name}.branch7x7x3_4", 2)
        return torch.cat([first, second, nn.max_pool2d(x, 3, 2)], 1)

    def e(x, name, pooled):
        parts = [conv(x, f"{name}.branch1x1")]
        for branch, last, steps in (("branch3x3", 2, (0,)), ("branch3x3dbl", 3, (0, 1))):
            inner = chain(x, f"{name}.{branch}", *steps)
            parts += [
                conv(inner, f"{name}.{branch}_{last}{letter}", 1, padding)
                for letter, padding in (("a", (0, 1)), ("b", (1, 0)))
            ]
        return torch.cat([*parts, pooled], 1)

    x = nn.interpolate(torch.from_numpy(frames).permute(0, 3, 1, 2), (299, 299), mode="bilinear")
    x = conv(conv(conv(2 * x - 1, "Conv2d_1a_3x3", 2), "Conv2d_2a_3x3"), "Conv2d_2b_3x3", 1, 1)
    x = conv(conv(nn.max_pool2d(x, 3, 2), "Conv2d_3b_1x1"), "Conv2d_4a_3x3")
    x = a(a(a(nn.max_pool2d(x, 3, 2), "Mixed_5b"), "Mixed_5c"), "Mixed_5d")
    x = b(x, "Mixed_6a")
    for name in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
        x = c(x, name)
    x = d(x, "Mixed_7a")
    x = e(x, "Mixed_7b", mean(x, "Mixed_7b"))
    x = e(x, "Mixed_7c", conv(nn.max_pool2d(x, 3, 1, 1), "Mixed_7c.branch_pool"))
    return x.mean((2, 3))


def test_it_has_as_many_weights_as_torchvision_s() -> None:
    """27 161 264, less the classifiers at its end and at its side; a batch norm has two for each channel."""
    sizes = {key: int(np.prod(shape)) for key, shape in weight_shapes().items()}
    count = sum(size * (2 if key.endswith("bias") else 1) for key, size in sizes.items())
    assert count == 27_161_264 - 2_049_000 - 3_326_696


def test_features_equal_torch_and_so_does_fid(imported, published) -> None:
    features = find_inception()
    clips = np.random.default_rng(1).random((2, 2, 60, 80, 3), np.float32)
    ours, theirs = (
        [f(clip) for clip in clips] for f in (features, lambda x: torch_features(published, x).numpy())
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(other).max())
    assert fid(*clips, features) == pytest.approx(frechet_distance(*theirs), rel=1e-4)


def test_without_weights_there_are_none_and_one_line_says_where_they_are(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VADER_CACHE", str(tmp_path))
    assert find_inception() is None
    line = how_to_get(NAME)
    assert "\n" not in line
    assert all(word in line for word in ("pytorch-fid/releases", METRIC_SOURCES[NAME], f"--as {NAME}"))


def test_a_file_that_lacks_a_layer_is_refused(published, tmp_path) -> None:
    file = tmp_path / "inception.pth"
    torch.save({key: value for key, value in published.items() if "Mixed_6c.branch1x1" not in key}, file)
    with pytest.raises(VaderError, match=r"lacks Mixed_6c\.branch1x1"):
        run(["import", str(file), "--as", NAME])


def test_it_is_no_loss(imported) -> None:
    with pytest.raises(VaderError, match="no loss"):
        load_perceptual(cached(NAME))
