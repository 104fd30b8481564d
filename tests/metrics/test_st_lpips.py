"""Shift-tolerant LPIPS against PyTorch, through the importer and the cache; random weights in the published form."""

import numpy as np
import pytest
import torch
from torch import nn

from mlx_vader.cli import run
from mlx_vader.errors import VaderError
from mlx_vader.losses.perceptual import METRIC_SOURCES, cached, find_perceptual, how_to_get
from mlx_vader.metrics.st_lpips import NAME, SMALLEST, find_st_lpips

SHIFT = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
SCALE = torch.tensor([0.458, 0.448, 0.450])[:, None, None]


class BlurPool(nn.Module):
    """Zhang 2019: a fixed filter with stride 2, here behind two mirrored pixels on each side."""

    def __init__(self, channels):
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("filt", (torch.outer(line, line) / 16).expand(channels, 1, 3, 3).clone())

    def forward(self, x):
        padded = nn.functional.pad(x, (2, 2, 2, 2), mode="reflect")
        return nn.functional.conv2d(padded, self.filt, stride=2, groups=x.shape[1])


def torch_network():
    """The published network's parts between which features are taken; layers are numbered through."""
    return nn.ModuleList(
        [
            nn.Sequential(nn.Conv2d(3, 64, 11, 1, 2), BlurPool(64), nn.ReLU()),
            nn.Sequential(nn.MaxPool2d(3, 1), BlurPool(64), nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU()),
            nn.Sequential(nn.MaxPool2d(3, 1), BlurPool(192), nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU()),
        ]
    )


def published(network, heads):
    """A state dict with the names of `alex_shift_tolerant.pth`."""
    state, start = {"scaling_layer.shift": SHIFT[None], "scaling_layer.scale": SCALE[None]}, 0
    for number, part in enumerate(network, 1):
        for key, value in part.state_dict().items():
            place, name = key.split(".")
            state[f"net.slice{number}.{start + int(place)}.{name}"] = value
        start += len(part)
    return state | {f"lin{i}.model.1.weight": head[None, :, None, None] for i, head in enumerate(heads)}


def torch_distances(network, heads, restored, clean):
    """One distance a frame, step by step as the papers have it."""
    x, y = ((2 * torch.from_numpy(z).permute(0, 3, 1, 2) - 1 - SHIFT) / SCALE for z in (restored, clean))
    total = 0
    for part, head in zip(network, heads, strict=True):
        x, y = part(x), part(y)
        a, b = (z / (z.square().sum(1, keepdim=True).sqrt() + 1e-10) for z in (x, y))
        total = total + ((a - b).square() * head[:, None, None]).sum(1).mean((1, 2))
    return total.detach().numpy()


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return torch_network(), [torch.rand(width) for width in (64, 192, 384, 256, 256)]


@pytest.fixture
def file(network, tmp_path, monkeypatch):
    """The weights in a file as published, beside an empty cache."""
    monkeypatch.setenv("VADER_CACHE", str(tmp_path / "cache"))
    torch.save(published(*network), tmp_path / "alex_shift_tolerant.pth")
    return tmp_path / "alex_shift_tolerant.pth"


def _clips(*shape):
    rng = np.random.default_rng(0)
    return rng.random((*shape, 3), np.float32), rng.random((*shape, 3), np.float32)


def test_without_weights_there_is_no_metric_and_one_line_on_how_to_get_it(file):
    assert find_st_lpips() is None
    line = how_to_get(NAME)
    assert "\n" not in line
    assert all(word in line for word in ("stlpips-pytorch", METRIC_SOURCES[NAME], f"--as {NAME}"))


@pytest.mark.parametrize("size", [(SMALLEST, SMALLEST), (64, 64), (67, 50), (50, 67)])
def test_equals_torch(size, file, network):
    """Even and odd sizes at every blur: the mirrored border is another in each."""
    assert run(["import", str(file), "--as", NAME]) == 0
    clip, clean = _clips(2, *size)
    expected = torch_distances(*network, clip, clean).mean()
    assert find_st_lpips()(clip, clean) == pytest.approx(expected, rel=1e-4)


def test_equal_clips_have_no_distance_and_the_order_does_not_matter(file):
    run(["import", str(file), "--as", NAME])
    distance = find_st_lpips()
    clip, clean = _clips(1, 32, 40)
    assert distance(clean, clean) == 0
    assert distance(clip, clean) == pytest.approx(distance(clean, clip), rel=1e-5)


def test_frames_too_small_for_the_network_are_refused(file):
    run(["import", str(file), "--as", NAME])
    with pytest.raises(VaderError, match="21x21, not 40x20"):
        find_st_lpips()(*_clips(1, 20, 40))


def test_a_network_with_another_blur_is_refused(file, network):
    state = published(*network)
    state["net.slice2.4.filt"] = torch.full((64, 1, 3, 3), 1 / 9)
    torch.save(state, file)
    with pytest.raises(VaderError, match=r"slice2\.4\.filt.*another blur"):
        run(["import", str(file), "--as", NAME])
    assert not cached(NAME).exists()


def test_a_file_that_lacks_a_layer_is_refused(file, network):
    state = published(*network)
    del state["net.slice3.9.bias"]
    torch.save(state, file)
    with pytest.raises(VaderError, match=r"lacks features\.9\.bias"):
        run(["import", str(file), "--as", NAME])


def test_a_damaged_file_in_the_cache_is_named_with_the_way_to_a_new_one(file):
    cached(NAME).parent.mkdir()
    cached(NAME).write_bytes(b"half a download")
    with pytest.raises(VaderError, match=NAME) as caught:
        find_st_lpips()
    assert caught.value.hint == how_to_get(NAME)


def test_the_metric_is_no_loss(file):
    run(["import", str(file), "--as", NAME])
    assert find_perceptual("auto")[0] is None
    with pytest.raises(VaderError, match=NAME):
        find_perceptual(NAME)
