"""LPIPS, VGG and EfficientNet-Lite0 against PyTorch, through the importer; and what happens without weights."""

import sys
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import mlx.core as mx
import numpy as np
import pytest
import torch
from torch import nn

from convert.perceptual import import_perceptual
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.losses.perceptual import LITE0, SOURCES, find_perceptual, load_perceptual

ALEX_TAPS, VGG_TAPS, SQUEEZE_TAPS = (1, 4, 7, 9, 11), (3, 8, 15, 22, 29), (1, 4, 7, 9, 10, 11, 12)


class TorchFire(nn.Module):
    """torchvision's Fire."""

    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)


def torch_alex():
    """torchvision's `alexnet().features`, which needs no torchvision to be written down."""
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU()),
    )


def torch_vgg():
    """torchvision's `vgg16().features`."""
    layers, inputs = [], 3
    for out in (
        64,
        64,
        "pool",
        128,
        128,
        "pool",
        256,
        256,
        256,
        "pool",
        512,
        512,
        512,
        "pool",
        512,
        512,
        512,
        "pool",
    ):
        if out == "pool":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(inputs, out, 3, 1, 1), nn.ReLU()]
            inputs = out
    return nn.Sequential(*layers)


def torch_squeeze():
    """torchvision's `squeezenet1_1().features`."""

    def pool():
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return nn.Sequential(
        *(nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool()),
        *(TorchFire(64, 16, 64), TorchFire(128, 16, 64), pool()),
        *(TorchFire(128, 32, 128), TorchFire(256, 32, 128), pool()),
        *(TorchFire(256, 48, 192), TorchFire(384, 48, 192), TorchFire(384, 64, 256), TorchFire(512, 64, 256)),
    )


TORCH = {
    "alex": (torch_alex, ALEX_TAPS),
    "vgg": (torch_vgg, VGG_TAPS),
    "squeeze": (torch_squeeze, SQUEEZE_TAPS),
}
WIDTHS = {
    "alex": (64, 192, 384, 256, 256),
    "vgg": (64, 128, 256, 512, 512),
    "squeeze": (64, 128, 256, 384, 384, 512, 512),
}


def _features(network, x, taps):
    found = []
    for place, layer in enumerate(network):
        x = layer(x)
        if place in taps:
            found.append(x)
    return found


def _torch_lpips(network, taps, heads, a, b):
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    levels = (_features(network, (2 * x - 1 - shift) / scale, taps) for x in (a, b))
    total = 0
    for x, y, head in zip(*levels, heads, strict=True):
        x, y = (z / (z.pow(2).sum(1, keepdim=True).sqrt() + 1e-10) for z in (x, y))
        total = total + ((x - y).pow(2) * head[:, None, None]).sum(1).mean((1, 2))
    return total.mean()


def nchw(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def published(folder, network):
    """A random backbone and random heads, in files as they are published."""
    torch.manual_seed(0)
    module = TORCH[network][0]()
    backbone = {f"features.{key}": value for key, value in module.state_dict().items()}
    torch.save(backbone | {"classifier.1.weight": torch.zeros(3, 3)}, folder / "backbone.pth")
    heads = [torch.rand(width) for width in WIDTHS[network]]
    torch.save(
        {f"lin{i}.model.1.weight": head[None, :, None, None] for i, head in enumerate(heads)},
        folder / "heads.pth",
    )
    return module, heads


@pytest.mark.parametrize("network", TORCH)
def test_lpips_equals_torch(network, tmp_path, images):
    module, heads = published(tmp_path, network)
    path = import_perceptual(
        f"lpips-{network}",
        tmp_path / "backbone.pth",
        heads=tmp_path / "heads.pth",
        target=tmp_path / "w.safetensors",
    )
    a = nchw(images[0]).requires_grad_()
    expected = _torch_lpips(module, TORCH[network][1], heads, a, nchw(images[1]))
    expected.backward()
    loss = load_perceptual(path)
    value, gradient = mx.value_and_grad(lambda x: loss(x, mx.array(images[1])))(mx.array(images[0]))
    assert value.item() == pytest.approx(expected.item(), rel=1e-4)
    wanted = a.grad.permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(np.array(gradient), wanted, atol=1e-4 * np.abs(wanted).max())


def test_vgg_equals_torch(tmp_path, images):
    module, _ = published(tmp_path, "vgg")
    loss = load_perceptual(
        import_perceptual("vgg16", tmp_path / "backbone.pth", target=tmp_path / "w.safetensors")
    )
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    levels = (_features(module, (nchw(x) - mean) / deviation, VGG_TAPS[:4]) for x in images)
    expected = sum((x - y).abs().mean() for x, y in zip(*levels, strict=True))
    assert loss(*map(mx.array, images)).item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("network", TORCH)
def test_lpips_equals_the_lpips_package(network, tmp_path, images, monkeypatch):
    """The package's own code, with its own heads, on a random backbone: torchvision itself is not needed."""
    if find_spec("lpips") is None:
        pytest.skip("pip install --no-deps lpips")
    module, _ = published(tmp_path, network)
    theirs = _lpips_package(network, module, monkeypatch)
    path = import_perceptual(f"lpips-{network}", tmp_path / "backbone.pth", target=tmp_path / "w.safetensors")
    expected = theirs(*(nchw(x) * 2 - 1 for x in images)).mean().item()
    assert load_perceptual(path)(*map(mx.array, images)).item() == pytest.approx(expected, rel=1e-4)


def _lpips_package(network, module, monkeypatch):
    names = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
    torchvision, models = ModuleType("torchvision"), ModuleType("torchvision.models")
    torchvision.models = models
    for name in names.values():
        setattr(models, name, lambda *args, **kwargs: SimpleNamespace(features=module))
    monkeypatch.setitem(sys.modules, "torchvision", torchvision)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    for name in [name for name in sys.modules if name.split(".")[0] in ("lpips", "tqdm", "skimage")]:
        monkeypatch.delitem(sys.modules, name)
    if find_spec("tqdm") is None:
        monkeypatch.setitem(sys.modules, "tqdm", ModuleType("tqdm"))
    import lpips

    return lpips.LPIPS(net=network, version="0.1", pnet_rand=True, verbose=False).eval()


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_lpips_gradient_is_finite_for_equal_and_flat_pictures(level, tmp_path):
    published(tmp_path, "alex")
    path = import_perceptual(
        "lpips-alex",
        tmp_path / "backbone.pth",
        heads=tmp_path / "heads.pth",
        target=tmp_path / "w.safetensors",
    )
    flat = mx.full((1, 64, 64, 3), level)
    gradient = mx.grad(lambda x: load_perceptual(path)(x, flat))(flat)
    assert mx.all(mx.isfinite(gradient)).item()


def test_without_weights_training_goes_on_and_says_how_to_get_them(empty_cache):
    loss, note = find_perceptual("auto")
    assert loss is None
    assert "\n" not in note
    assert all(word in note for word in ("vader-mlx import", str(empty_cache)))
    assert note.index(LITE0) < note.index("alexnet-owt-7be5be79.pth")


def test_none_asks_for_nothing(empty_cache):
    assert find_perceptual("none") == (None, "")


@pytest.mark.parametrize("name", SOURCES)
def test_weights_asked_for_by_name_must_be_there(name, empty_cache):
    with pytest.raises(VaderError) as caught:
        find_perceptual(name)
    assert SOURCES[name] in caught.value.hint


def test_an_unknown_name_is_wrong_usage():
    with pytest.raises(UsageError, match="lpips-resnet"):
        find_perceptual("lpips-resnet")


def test_what_the_cache_holds_is_used(empty_cache, tmp_path):
    published(tmp_path, "alex")
    import_perceptual("lpips-alex", tmp_path / "backbone.pth", heads=tmp_path / "heads.pth")
    loss, note = find_perceptual("auto")
    assert loss is not None
    assert note == ""


def test_files_of_other_networks_are_refused(tmp_path):
    published(tmp_path, "alex")
    with pytest.raises(VaderError, match="lpips-vgg"):
        import_perceptual("lpips-vgg", tmp_path / "backbone.pth", heads=tmp_path / "heads.pth")
    with pytest.raises(VaderError, match="linear heads"):
        import_perceptual("lpips-alex", tmp_path / "backbone.pth", heads=tmp_path / "backbone.pth")


def test_a_file_that_is_something_else_is_named(tmp_path):
    (tmp_path / "w.safetensors").write_text("no weights")
    with pytest.raises(VaderError, match="cannot be read"):
        load_perceptual(tmp_path / "w.safetensors")
