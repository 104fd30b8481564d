"""`EmulatedModel` as `MLModel`'s double: functions, states, shapes, arrays, and what is refused."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from convert.emulator import EmulatedModel
from convert.quiet import quiet
from mlx_vader.errors import UsageError, VaderError
from tests.emulator.conversion import Stranger, by_hand, ct, save

HALF = {"dtype": np.float16}


class Running(nn.Module):
    """Adds each input to a state, and gives a multiple of the sum."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(2, 4))
        self.factor = factor

    def forward(self, x):
        self.total.add_(x)
        return self.total * self.factor


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def plain(folder):
    return save(Stranger(), [torch.zeros(1, 3, 8, 12)], folder / "plain.mlpackage", target="iOS16")


@pytest.fixture(scope="module")
def running(folder):
    """Two functions, by 1 and by 3, each with the state `total`."""
    several = ct.utils.MultiFunctionDescriptor()
    for factor in (1, 3):
        path = save(
            Running(factor),
            [torch.zeros(2, 4)],
            folder / f"by{factor}.mlpackage",
            inputs=[ct.TensorType("x", (2, 4), **HALF)],
            outputs=[ct.TensorType("y", **HALF)],
            states=[ct.StateType(ct.TensorType(shape=(2, 4), **HALF), name="total")],
        )
        several.add_function(str(path), "main", f"by{factor}")
    several.default_function_name = "by1"
    with quiet():
        ct.utils.save_multifunction(several, str(folder / "running.mlpackage"))
    return folder / "running.mlpackage"


# Functions and states


def test_each_function_has_its_own_name_and_the_default_runs_unasked(running):
    assert EmulatedModel(running).function_name == "by1"
    assert EmulatedModel(running).functions == ("by1", "by3")
    with pytest.raises(VaderError, match="no function 'by2'"):
        EmulatedModel(running, "by2")


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_a_state_remembers_from_call_to_call(running, precision):
    model = EmulatedModel(running, "by3", precision)
    state, other = model.make_state(), model.make_state()
    x = np.arange(8, dtype=np.float16).reshape(2, 4)
    for count in (1, 2, 3):
        y = model.predict({"x": x}, state)["y"]
        np.testing.assert_array_equal(y, 3 * count * x)
    assert y.dtype == (np.float16 if precision == "fp16" else np.float32)
    np.testing.assert_array_equal(state.read_state("total"), 3 * x)
    np.testing.assert_array_equal(other.read_state("total"), 0 * x)
    assert state.read_state("total").dtype == np.float16


def test_a_state_is_written_and_is_shared_between_functions(running):
    state = EmulatedModel(running, "by3").make_state()
    state.write_state("total", np.full((2, 4), 0.1))
    y = EmulatedModel(running, "by1").predict({"x": np.zeros((2, 4))}, state)["y"]
    np.testing.assert_array_equal(y, np.full((2, 4), np.float16(0.1)))


def test_a_state_that_was_read_is_a_copy(running):
    state = EmulatedModel(running).make_state()
    state.read_state("total")[:] = 7
    assert state.read_state("total").max() == 0


def test_wrong_states_are_refused(running, plain):
    model = EmulatedModel(running)
    with pytest.raises(UsageError, match="needs a state"):
        model.predict({"x": np.zeros((2, 4))})
    with pytest.raises(UsageError, match="no state 'other'"):
        model.make_state().read_state("other")
    with pytest.raises(UsageError, match="shape"):
        model.make_state().write_state("total", np.zeros(3))
    with pytest.raises(UsageError, match="has no states"):
        EmulatedModel(plain).make_state()


# Shapes


@pytest.fixture(scope="module")
def flexible(folder):
    shapes = {
        "enumerated": ct.EnumeratedShapes([(1, 3, 8, 12), (1, 3, 16, 16)], default=(1, 3, 8, 12)),
        "range": ct.Shape((1, 3, ct.RangeDim(8, 32, default=8), ct.RangeDim(12, 128, default=12))),
    }
    return {
        name: save(
            Stranger(),
            [torch.zeros(1, 3, 8, 12)],
            folder / f"{name}.mlpackage",
            inputs=[ct.TensorType("x0", shape)],
            half=False,
        )
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize(
    ("form", "size", "allowed"),
    [
        ("enumerated", (8, 12), True),
        ("enumerated", (16, 16), True),
        ("enumerated", (8, 16), False),
        ("range", (8, 12), True),
        ("range", (31, 99), True),
        ("range", (33, 12), False),
        ("range", (8, 11), False),
    ],
)
def test_shapes_that_are_allowed_run_and_others_are_refused(flexible, form, size, allowed):
    model = EmulatedModel(flexible[form], precision="fp32")
    x = np.random.default_rng(0).standard_normal((1, 3, *size)).astype(np.float32)
    if allowed:
        np.testing.assert_allclose(model.predict({"x0": x})["y0"], by_hand(x), atol=1e-5)
        return
    with pytest.raises(UsageError, match=f"1×3×{size[0]}×{size[1]}") as caught:
        model.predict({"x0": x})
    assert "1×3×" in caught.value.hint


def test_lists_of_shapes_go_by_place(folder):
    class Both(nn.Module):
        def forward(self, x, y):
            return x + y.mean()

    small, large = (1, 3, 8, 12), (1, 3, 16, 16)
    path = save(
        Both(),
        [torch.zeros(small), torch.zeros(large)],
        folder / "pairs.mlpackage",
        inputs=[
            ct.TensorType("x0", ct.EnumeratedShapes([small, large], default=small)),
            ct.TensorType("x1", ct.EnumeratedShapes([large, small], default=large)),
        ],
        half=False,
    )
    model = EmulatedModel(path)
    for first, second in ((small, large), (large, small)):
        assert model.predict({"x0": np.ones(first), "x1": np.ones(second)})["y0"].shape == first
    with pytest.raises(UsageError, match="x0 1×3×8×12, x1 1×3×8×12") as caught:
        model.predict({"x0": np.ones(small), "x1": np.ones(small)})
    assert caught.value.hint == "with x0 1×3×8×12 goes x1 1×3×16×16"


# Arrays


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "'x0' is missing"),
        ({"x": 0}, "no input 'x'"),
        ({"x0": np.zeros((1, 3, 8, 12)), "more": 0}, "no input 'more'"),
        ({"x0": np.zeros((3, 8, 12))}, "3×8×12"),
        ({"x0": np.zeros((1, 3, 8, 12), complex)}, "complex128"),
        ({"x0": "frame.png"}, "<U9"),
        ({"x0": Image.new("RGB", (12, 8))}, "is an image"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_inputs_are_refused(plain, data, message):
    with pytest.raises(UsageError, match=message) as caught:
        EmulatedModel(plain).predict(data)
    assert caught.value.hint


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.uint8])
def test_any_number_will_do_for_a_float(plain, dtype):
    x = np.ones((1, 3, 8, 12), dtype)
    np.testing.assert_allclose(
        EmulatedModel(plain).predict({"x0": x})["y0"], by_hand(np.float32(x)), atol=3e-3
    )


def test_inputs_are_left_alone(plain):
    x = np.random.default_rng(0).random((1, 3, 8, 12)).astype(np.float32)
    before = x.copy()
    EmulatedModel(plain).predict({"x0": x})
    np.testing.assert_array_equal(x, before)


def test_integers_stay_integers(tmp_path):
    class Pick(nn.Module):
        def forward(self, x, index):
            return x[index], index + 1

    path = save(
        Pick(),
        [torch.zeros(5, 3), torch.zeros(4, dtype=torch.int32)],
        tmp_path / "pick.mlpackage",
        inputs=[ct.TensorType("x0", (5, 3)), ct.TensorType("x1", (4,), dtype=np.int32)],
    )
    model = EmulatedModel(path)
    x, index = np.arange(15, dtype=np.float32).reshape(5, 3), np.int32([4, 0, 2, 2])
    outputs = model.predict({"x0": x, "x1": index})
    np.testing.assert_array_equal(outputs["y0"], x[index])
    np.testing.assert_array_equal(outputs["y1"], index + 1)
    assert outputs["y1"].dtype == np.int32
    with pytest.raises(UsageError, match="float64"):
        model.predict({"x0": x, "x1": index + 0.5})


def test_an_unknown_operation_is_named(plain, monkeypatch):
    from convert.emulator.registry import OPERATIONS

    monkeypatch.delitem(OPERATIONS, "silu")
    with pytest.raises(VaderError, match=r"silu \(CoreML6\).*plain.mlpackage"):
        EmulatedModel(plain)


def test_an_unknown_precision_is_refused(plain):
    with pytest.raises(UsageError, match="int8"):
        EmulatedModel(plain, precision="int8")


def test_metadata(plain):
    model = EmulatedModel(plain)
    assert "com.github.apple.coremltools.version" in model.user_defined_metadata
    assert model.get_spec().WhichOneof("Type") == "mlProgram"
    assert model.input_description == {"x0": ""}
    assert model.output_description == {"y0": ""}


def test_whoever_watches_sees_every_result(plain):
    seen = []
    x = np.random.default_rng(0).random((1, 3, 8, 12))
    model = EmulatedModel(plain)
    outputs = model.predict(
        {"x0": x}, watch=lambda operation, name, value: seen.append((operation.type, name, value))
    )
    kinds = [kind for kind, _, _ in seen]
    assert [kind for kind in kinds if kind != "cast"] == ["conv", "silu", "pixel_shuffle"]
    for _, _, value in seen[1:]:
        torch.testing.assert_close(value, value.half().float(), rtol=0, atol=0)
    np.testing.assert_array_equal(seen[-1][2].numpy(), outputs["y0"])
