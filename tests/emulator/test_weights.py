"""Weights in fewer bits, and packages that are none or damaged."""

import numpy as np
import pytest
import torch
from torch import nn

from convert.emulator import EmulatedModel
from convert.quiet import quiet
from mlx_vader.errors import VaderError
from tests.emulator.conversion import Stranger, ct, save


@pytest.mark.parametrize(
    "compressed", ["palettised-16", "palettised-18", "linear-16", "linear-18", "pruned", "blockwise"]
)
def test_compressed_weights(tmp_path, compressed):
    from coremltools.optimize import coreml as cto

    class Wide(Stranger):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(32, 32, 3, padding=1)

    kind, _, version = compressed.partition("-")
    torch.manual_seed(0)
    module = Wide().eval()
    target = f"iOS{version or 18}"
    path = save(module, [torch.zeros(1, 32, 8, 8)], tmp_path / "net.mlpackage", target=target)
    chosen = {
        "palettised": (cto.palettize_weights, cto.OpPalettizerConfig(mode="uniform", nbits=4)),
        "linear": (cto.linear_quantize_weights, cto.OpLinearQuantizerConfig(mode="linear_symmetric")),
        "pruned": (cto.prune_weights, cto.OpMagnitudePrunerConfig(target_sparsity=0.4)),
        "blockwise": (
            cto.linear_quantize_weights,
            cto.OpLinearQuantizerConfig(
                dtype="int4", granularity="per_block", block_size=16, weight_threshold=0
            ),
        ),
    }
    compress, config = chosen[kind]
    with quiet():
        model = ct.models.MLModel(str(path), skip_model_load=True)
        small = compress(model, cto.OptimizationConfig(global_config=config))
        small.save(str(tmp_path / "small.mlpackage"))
        restored = cto.decompress_weights(small)
        restored.save(str(tmp_path / "restored.mlpackage"))
    x = np.random.default_rng(0).random((1, 32, 8, 8)).astype(np.float32)
    packed, plain, original = (
        EmulatedModel(tmp_path / f"{name}.mlpackage", precision="fp32").predict({"x0": x})["y0"]
        for name in ("small", "restored", "net")
    )
    np.testing.assert_allclose(packed, plain, atol=2e-3)
    assert 1e-4 < np.abs(packed - original).mean() < 0.2


# Classifiers


@pytest.mark.parametrize("labels", [["cat", "dog", "emu"], [7, 8, 9]])
def test_a_classifier_gives_a_label_and_probabilities(tmp_path, labels):
    path = save(
        nn.Softmax(-1),
        [torch.zeros(1, 3)],
        tmp_path / "net.mlpackage",
        outputs=[ct.TensorType("probabilities", dtype=np.float32)],
        classifier_config=ct.ClassifierConfig(labels),
    )
    outputs = EmulatedModel(path).predict({"x0": np.float32([[0, 2, 1]])})
    label, probabilities = outputs.values()
    assert label == labels[1]
    assert list(probabilities) == labels
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-3)


def test_a_package_that_is_none_is_refused(tmp_path):
    with pytest.raises(VaderError, match="does not exist"):
        EmulatedModel(tmp_path / "missing.mlpackage")


def test_a_neural_network_is_refused(tmp_path):
    with quiet(), torch.no_grad():
        traced = torch.jit.trace(nn.ReLU(), torch.zeros(1, 3))
        model = ct.convert(
            traced, inputs=[ct.TensorType("x", (1, 3))], convert_to="neuralnetwork", skip_model_load=True
        )
        model.save(str(tmp_path / "old.mlmodel"))
        from coremltools.models.utils import save_spec

        save_spec(model.get_spec(), str(tmp_path / "old.mlpackage"))
    with pytest.raises(VaderError) as caught:
        EmulatedModel(tmp_path / "old.mlpackage")
    assert caught.value.hint


@pytest.mark.parametrize("damage", ["truncated", "garbled", "missing"])
def test_damaged_weights_are_refused(tmp_path, damage):
    class Big(Stranger):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 48, 5, padding=2)

    path = save(Big(), [torch.zeros(1, 3, 8, 12)], tmp_path / "net.mlpackage")
    (weights,) = path.rglob("weight.bin")
    data = bytearray(weights.read_bytes())
    if damage == "missing":
        weights.unlink()
    elif damage == "truncated":
        weights.write_bytes(data[: len(data) // 2])
    else:
        data[64:128] = bytes(64)
        weights.write_bytes(data)
    with pytest.raises(VaderError, match=r"damaged|weight file") as caught:
        EmulatedModel(path)
    assert caught.value.hint
