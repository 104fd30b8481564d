"""Every loss against an independent computation in PyTorch or numpy, and at the places where gradients break."""

import mlx.core as mx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from mlx_vader.losses import LossWeights, bce, charbonnier, dice_l1, edge, fft, rmse, temporal, total

SHAPE = (2, 3, 12, 10, 3)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return rng.random(SHAPE, np.float32), rng.random(SHAPE, np.float32)


@pytest.fixture
def masks():
    rng = np.random.default_rng(1)
    return rng.random((*SHAPE[:4], 1), np.float32), (rng.random((*SHAPE[:4], 1)) > 0.7).astype(np.float32)


def _torch_planes(frames):
    """(n, 3, h, w)"""
    return torch.from_numpy(frames).flatten(0, 1).permute(0, 3, 1, 2)


def _sobel(planes):
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]).expand(3, 1, 3, 3)
    across = functional.conv2d(planes, kernel, groups=3)
    down = functional.conv2d(planes, kernel.transpose(2, 3), groups=3)
    return across.abs() + down.abs()


def _torch_reference(name, a, b):
    a, b = torch.from_numpy(a), torch.from_numpy(b)
    if name == "charbonnier":
        return torch.sqrt((a - b) ** 2 + 1e-6).mean()
    if name == "rmse":
        return torch.stack(
            [torch.sqrt(((x - y) ** 2).mean() + 1e-5) for x, y in zip(a, b, strict=True)]
        ).mean()
    if name == "temporal":
        return functional.l1_loss(a[:, 1:] - a[:, :-1], b[:, 1:] - b[:, :-1])
    planes = _torch_planes(a.numpy()), _torch_planes(b.numpy())
    if name == "fft":
        return functional.l1_loss(*(torch.fft.fft2(x, norm="ortho").abs() for x in planes))
    return functional.l1_loss(*(_sobel(x) for x in planes))


LOSSES = {"charbonnier": charbonnier, "rmse": rmse, "temporal": temporal, "fft": fft, "edge": edge}


@pytest.mark.parametrize("name", LOSSES)
def test_loss_equals_torch(name, pair):
    ours = LOSSES[name](*map(mx.array, pair)).item()
    assert ours == pytest.approx(_torch_reference(name, *pair).item(), rel=1e-5)


@pytest.mark.parametrize("width", [9, 10])
def test_fft_counts_every_column_of_the_full_spectrum(width, pair):
    a, b = (frames[:, :, :, :width] for frames in pair)
    expected = functional.l1_loss(*(torch.fft.fft2(_torch_planes(x), norm="ortho").abs() for x in (a, b)))
    assert fft(mx.array(a), mx.array(b)).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_gradient_is_finite_where_both_are_equal_and_flat(name, level):
    flat = mx.full(SHAPE, level)
    gradient = mx.grad(lambda x: LOSSES[name](x, flat))(flat)
    assert mx.all(mx.isfinite(gradient)).item()


def test_charbonnier_counts_the_mask_more(pair, masks):
    a, b = map(mx.array, pair)
    mask = mx.array(masks[1])
    distance = np.sqrt((pair[0] - pair[1]) ** 2 + 1e-6)
    expected = (distance * (1 + 4 * masks[1])).mean()
    assert charbonnier(a, b, mask, 5.0).item() == pytest.approx(expected, rel=1e-5)


def test_temporal_of_one_frame_is_zero(pair):
    a, b = (mx.array(frames[:, :1]) for frames in pair)
    assert temporal(a, b).item() == 0
    assert not mx.any(mx.grad(lambda x: temporal(x, b))(a)).item()


def test_temporal_forgives_a_constant_error(pair):
    a = mx.array(pair[0])
    assert temporal(a + 0.25, a).item() == pytest.approx(0, abs=1e-7)


def test_bce_equals_torch(masks):
    predicted, mask = masks
    expected = functional.binary_cross_entropy(torch.from_numpy(predicted), torch.from_numpy(mask))
    ours = bce(mx.array(predicted), mx.array(mask), mx.array([True, True]))
    assert ours.item() == pytest.approx(expected.item(), rel=1e-5)


def test_dice_l1_equals_its_formula(masks):
    predicted, mask = masks
    per_clip = [
        1 - (2 * (p * m).sum() + 1) / (p.sum() + m.sum() + 1) + np.abs(p - m).mean()
        for p, m in zip(predicted, mask, strict=True)
    ]
    ours = dice_l1(mx.array(predicted), mx.array(mask), mx.array([True, True]))
    assert ours.item() == pytest.approx(np.mean(per_clip), rel=1e-5)


@pytest.mark.parametrize("loss", [bce, dice_l1])
def test_only_known_masks_teach(loss, masks):
    predicted, mask = map(mx.array, masks)
    gradient = mx.grad(lambda p: loss(p, mask, mx.array([True, False])))(predicted)
    assert mx.any(gradient[0]).item()
    assert not mx.any(gradient[1]).item()


@pytest.mark.parametrize("loss", [bce, dice_l1])
def test_mask_loss_of_a_batch_is_the_mean_of_its_clips(loss, masks):
    predicted, mask = map(mx.array, masks)
    known = mx.array([True, False])
    parts = [loss(predicted[i : i + 1], mask[i : i + 1], known[i : i + 1]).item() for i in range(2)]
    assert loss(predicted, mask, known).item() == pytest.approx(np.mean(parts), rel=1e-5)


@pytest.mark.parametrize("loss", [bce, dice_l1])
@pytest.mark.parametrize(("predicted", "true"), [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_mask_gradient_is_finite_at_certainty(loss, predicted, true):
    shape = (1, 2, 4, 4, 1)
    gradient = mx.grad(lambda p: loss(p, mx.full(shape, true), mx.array([True])))(mx.full(shape, predicted))
    assert mx.all(mx.isfinite(gradient)).item()


@given(st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_a_perfect_mask_is_best(a, b):
    shape = (1, 1, 4, 4, 1)
    known = mx.array([True])
    mask = mx.zeros(shape).at[:, :, :2].add(1.0)
    blurred = a * mask + b * (1 - mask)
    for loss in (bce, dice_l1):
        assert loss(mask, mask, known).item() <= loss(blurred, mask, known).item() + 1e-6


def test_total_is_the_weighted_sum_of_its_parts(pair, masks):
    a, b = map(mx.array, pair)
    predicted, mask = map(mx.array, masks)
    weights = LossWeights(edge=0.1)
    loss, parts = total(
        a,
        predicted,
        b,
        mask,
        mx.array([True, True]),
        weights,
        perceptual=charbonnier_of_images,
        mask_decay=0.5,
    )
    assert set(parts) == {"charbonnier", "perceptual", "temporal", "fft", "edge", "mask"}
    factors = {"charbonnier": 1, "perceptual": 0.1, "temporal": 0.5, "fft": 0.05, "edge": 0.1, "mask": 0.15}
    assert loss.item() == pytest.approx(
        sum(factors[name] * part.item() for name, part in parts.items()), rel=1e-5
    )


def charbonnier_of_images(restored, clean):
    return charbonnier(restored[None], clean[None])


def test_what_has_no_weight_is_not_computed(pair, masks):
    a, b = map(mx.array, pair)
    nothing = LossWeights(charbonnier=1, perceptual=0, temporal=0, fft=0, edge=0, mask=0)
    _, parts = total(a, mx.array(masks[0]), b, mx.array(masks[1]), mx.array([True, True]), nothing)
    assert set(parts) == {"charbonnier"}


def test_a_network_without_mask_is_not_supervised(pair, masks):
    a, b = map(mx.array, pair)
    _, parts = total(a, None, b, mx.array(masks[1]), mx.array([True, True]), LossWeights())
    assert "mask" not in parts
