"""The twin equals the published v1 network: its temporal attention as described, its keys, its checkpoint files."""

import pickle
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own habit

from convert.weights import import_published, twin
from mlx_vader import checkpoints
from mlx_vader.errors import VaderError
from mlx_vader.models.registry import build
from tests.models.variants import build_variant
from torch_ref.layers.temporal_attention import Memory, TemporalAttention


def _published_attention(layer: TemporalAttention, x: torch.Tensor) -> torch.Tensor:
    """The published forward pass, with PyTorch's own pooling, resizing and layer norm."""
    b, t, c, h, w = x.shape
    pooled = F.adaptive_avg_pool2d(x.flatten(0, 1), (4, 4)).permute(0, 2, 3, 1)
    pooled = F.layer_norm(pooled, (c,), layer.norm.weight, layer.norm.bias, 1e-6).permute(0, 3, 1, 2)
    q, k, v = layer.qkv(pooled).view(b, t, 3, layer.heads, c // layer.heads, 16).unbind(2)
    position = layer.temporal_pos[:, :t].contiguous().view(layer.heads, c // layer.heads, t)
    position = position.permute(2, 0, 1)[None, ..., None]
    q, k, v = (a.permute(0, 2, 1, 4, 3).flatten(2, 3) for a in (q + position, k + position, v))
    out = F.scaled_dot_product_attention(q, k, v).unflatten(2, (t, 16))
    out = layer.proj(out.permute(0, 2, 1, 4, 3).reshape(b * t, c, 4, 4))
    return x + 0.1 * F.interpolate(out, size=(h, w), mode="bilinear", align_corners=False).view(x.shape)


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
@pytest.mark.parametrize("memory", [0, 3])
def test_attention_without_a_state_equals_the_published_one(frames: int, memory: int) -> None:
    torch.manual_seed(frames)
    layer = TemporalAttention(32, heads=4, num_frames=4, memory=memory)
    torch.nn.init.normal_(layer.temporal_pos)
    x = torch.randn(2, frames, 32, 9, 13)
    fresh = Memory(torch.zeros(2, memory * 16, 32), torch.zeros(2, memory * 16))
    assert torch.allclose(layer(x, fresh)[0], _published_attention(layer, x), atol=1e-5)


def _publish(folder: Path, variant: str, **config: object) -> tuple[Path, torch.nn.Module]:
    reference = twin(build_variant(variant))
    path = folder / "published.pt"
    torch.save({"model_state_dict": reference.state_dict(), "step": 10_000, "config": config}, path)
    return path, reference


@pytest.mark.parametrize(
    ("variant", "config"),
    [
        ("nafunet-published", {"mask_guidance": "modulation"}),
        ("nafunet-no-temporal-residual", {"mask_guidance": "residual"}),
        ("composite-published", {"model": "composite"}),
        ("nafunet-lite", {"residual_learning": True}),
    ],
)
def test_imported_network_restores_as_the_published_one(
    tmp_path: Path, variant: str, config: dict[str, object]
) -> None:
    path, reference = _publish(tmp_path, variant, **config)
    checkpoint = import_published(path)
    assert checkpoint.spec == reference.spec
    assert checkpoint.step == 10_000
    saved = checkpoints.write(checkpoint, tmp_path / "imported.safetensors")
    frames = np.random.default_rng(0).random((1, 3, 16, 24, 3), np.float32)
    ours = np.array(checkpoints.load(saved)(mx.array(frames)).frames)
    theirs = reference(torch.from_numpy(frames).permute(0, 1, 4, 2, 3)).frames.permute(0, 1, 3, 4, 2)
    assert np.abs(ours - theirs.numpy()).max() <= 1e-4
    assert torch.equal(twin(checkpoint.network_with_weights()).in_conv.weight, reference.in_conv.weight)


@pytest.mark.parametrize("guidance", ["none", "modulation", "concat", "residual", "skip_gate", "attn_gate"])
def test_import_reads_the_guidance_off_the_file(tmp_path: Path, guidance: str) -> None:
    reference = twin(build("nafunet", "tiny", guidance=guidance, memory=0, num_frames=4))
    torch.save(
        {"model_state_dict": reference.state_dict(), "config": {"mask_guidance": guidance}},
        tmp_path / "net.pt",
    )
    assert import_published(tmp_path / "net.pt").spec.guidance == guidance


class _Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("owned"),))


def test_import_runs_no_code_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("evil.pt").write_bytes(pickle.dumps({"model_state_dict": _Payload()}))
    with pytest.raises(VaderError, match="plain tensors"):
        import_published("evil.pt")
    assert not Path("owned").exists()


def test_import_names_what_is_wrong_with_a_foreign_file(tmp_path: Path) -> None:
    path = tmp_path / "resnet.pt"
    torch.save({"model_state_dict": {"conv1.weight": torch.zeros(1)}}, path)
    with pytest.raises(VaderError, match="unknown network"):
        import_published(path)
    with pytest.raises(VaderError, match="does not exist"):
        import_published(tmp_path / "missing.pt")
