"""What others wrote is read, or refused in one line with a way out: never a traceback, a hang or a full memory."""

import json
import struct
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import strategies as st
from mlx.utils import tree_map
from safetensors.numpy import load_file
from safetensors.numpy import save as serialise

from mlx_vader import checkpoints
from mlx_vader.errors import VaderError
from mlx_vader.models.registry import NETWORKS
from tests.models.variants import build_variant
from tests.mutation import HOSTILE, changed_text, counts, damaged, refused_or_read


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in order."""
    path = tmp_path_factory.mktemp("whole") / "net.safetensors"
    return checkpoints.save(path, build_variant("realtime"), step=7, provenance={"seed": "1"})


def _rewritten(whole: Path, target: Path, metadata: dict[str, str], weights: Any = None) -> Path:
    """The checkpoint with other words about it, or other weights."""
    header = json.loads(_header(whole.read_bytes()))["__metadata__"]
    target.write_bytes(serialise(load_file(whole) if weights is None else weights, header | metadata))
    return target


def _header(content: bytes) -> bytes:
    (length,) = struct.unpack("<Q", content[:8])
    return content[8 : 8 + length]


# Checkpoints


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"network": "resnet"}, "'resnet'"),
        ({"network": ""}, "''"),
        ({"spec": "{"}, "invalid JSON"),
        ({"spec": "null"}, "should be an object"),
        ({"spec": "[]"}, "should be an object"),
        ({"spec": '{"channels": "16"}'}, "channels: input should be a valid integer"),
        ({"spec": '{"channels": 16.0}'}, "channels: input should be a valid integer"),
        ({"spec": '{"channels": true}'}, "channels: input should be a valid integer"),
        ({"spec": '{"channels": -16}'}, "channels: input should be greater"),
        ({"spec": '{"channels": null}'}, "channels: input should be a valid integer"),
        ({"spec": '{"blocks": 1000000000}'}, "blocks: input should be less"),
        ({"spec": '{"convs": 0}'}, "convs: input should be greater"),
        ({"spec": '{"skips": 1}'}, "skips: input should be a valid boolean"),
        ({"spec": '{"wings": 2}'}, "wings: unexpected"),
        ({"spec": '{"channels": 1024, "blocks": 64, "convs": 64}'}, "does not hold the weights"),
        ({"step": "seven"}, "no step"),
        ({"step": "-1"}, "no step"),
        ({"provenance": "[]"}, "provenance"),
        ({"provenance": '{"seed": 1}'}, "provenance"),
    ],
)
def test_a_checkpoint_whose_words_are_wrong_is_refused(
    whole: Path, tmp_path: Path, metadata: dict[str, str], reason: str
) -> None:
    with pytest.raises(VaderError, match=r"net\.safetensors") as caught:
        checkpoints.read(_rewritten(whole, tmp_path / "net.safetensors", metadata))
    assert reason in caught.value.message


@pytest.mark.parametrize("missing", ["network", "spec"])
def test_a_checkpoint_that_does_not_say_what_it_is_is_refused(
    whole: Path, tmp_path: Path, missing: str
) -> None:
    header = json.loads(_header(whole.read_bytes()))["__metadata__"]
    del header[missing]
    path = tmp_path / "net.safetensors"
    path.write_bytes(serialise(load_file(whole), header))
    with pytest.raises(VaderError, match="cannot build"):
        checkpoints.read(path)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused_by_name(whole: Path, tmp_path: Path, wrong: float) -> None:
    weights = load_file(whole)
    weights["stem.bias"][3] = wrong
    with pytest.raises(VaderError, match=r"not finite: 1 of 16 in 'stem.bias'"):
        checkpoints.load(_rewritten(whole, tmp_path / "net.safetensors", {}, weights))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda weights: weights.pop("stem.bias"), "'stem.bias' is missing"),
        (lambda weights: weights.update(wing=np.zeros(3, np.float32)), "'wing' does not belong"),
        (lambda weights: weights.update({"stem.bias": np.zeros(3, np.float32)}), "is 3, not 16"),
        (lambda weights: weights.update({"stem.bias": np.zeros(16, np.int32)}), "in the type I32"),
        (lambda weights: weights.update({"stem.bias": np.zeros(16)}), "in the type F64"),
    ],
)
def test_weights_of_another_network_are_refused(
    whole: Path, tmp_path: Path, change: Any, reason: str
) -> None:
    weights = load_file(whole)
    change(weights)
    with pytest.raises(VaderError, match=reason):
        checkpoints.load(_rewritten(whole, tmp_path / "net.safetensors", {}, weights))


def test_bfloat16_weights_are_read(whole: Path, tmp_path: Path) -> None:
    coarse = tree_map(lambda weight: mx.array(weight).astype(mx.bfloat16), load_file(whole))
    header = json.loads(_header(whole.read_bytes()))["__metadata__"]
    mx.save_safetensors(str(tmp_path / "net.safetensors"), coarse, header)
    read = checkpoints.read(tmp_path / "net.safetensors").weights
    assert {array.dtype.name for array in read.values()} == {"float32"}
    for name, weight in coarse.items():
        np.testing.assert_array_equal(read[name], np.array(weight.astype(mx.float32)))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_number_of_a_spec_has_bounds(name: str) -> None:
    huge = [value for value in HOSTILE if isinstance(value, int) and abs(value) > 2**30]
    for field, value in vars(NETWORKS[name].presets["tiny"]).items():
        if type(value) is int:
            for number in (*huge, -1):
                with pytest.raises(VaderError, match=field):
                    _parsed(name, {field: number})


def _parsed(name: str, spec: dict[str, Any]) -> Any:
    from mlx_vader.untrusted import parse_json

    return parse_json(json.dumps(spec), NETWORKS[name].spec, "this is no spec")


@pytest.mark.parametrize("count", counts(6000))
def test_mutated_checkpoints(whole: Path, tmp_path: Path, count: int) -> None:
    path = tmp_path / "net.safetensors"
    header = json.loads(_header(whole.read_bytes()))["__metadata__"]

    def door(data: st.DataObject) -> None:
        if field := data.draw(st.sampled_from(["", "spec", "provenance", "step"])):
            _rewritten(whole, path, {field: data.draw(changed_text(header[field]))})
        else:
            path.write_bytes(data.draw(damaged(whole.read_bytes())))
        checkpoints.load(path)

    refused_or_read(count, door)
