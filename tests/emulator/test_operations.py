"""Every operation of the emulator against PyTorch or numpy."""

from functools import cache

import numpy as np
import pytest

from convert.emulator import (
    control_flow,
    ops,  # noqa: F401 - fills the table
)
from convert.emulator.registry import OPERATIONS
from mlx_vader.errors import VaderError
from tests.emulator.cases import FAMILIES
from tests.emulator.cases.case import Case, mb
from tests.emulator.programs import expected, run, write

#: Tested in test_model.py.
ELSEWHERE = {"read_state", "write_state", "coreml_update_state", "classify"}
#: Run by the compiler and not by the table.
CONTROL = {"cond", "while_loop"}
#: Near a pole or a jump, half precision has no use for a small difference of the input.
STEEP = {
    "tan",
    "atanh",
    "acos",
    "asin",
    "pow",
    "floor_div",
    "mod",
    "ceil",
    "floor",
    "round",
    "cast",
    "sign",
    "quantize",
}
OPSETS = ("iOS15", "iOS16", "iOS17", "iOS18")

CASES = {
    f"{case.operation}-{at}": (family, case)
    for family, cases in FAMILIES.items()
    for at, case in enumerate(cases)
}


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """`computed(family, opset, half)`: what the emulator gives for each case of an opset, by the case's identity."""
    folder = tmp_path_factory.mktemp("operations")

    @cache
    def compute(family: str, opset: str, half: bool) -> dict[int, list[np.ndarray]]:
        cases = [case for case in FAMILIES[family] if case.opset == opset]
        path = folder / f"{family}-{opset}-{half}.mlpackage"
        names = write(cases, path, opset, half=half)
        results = run(cases, path, names, "fp16" if half else "fp32")
        return {id(case): result for case, result in zip(cases, results, strict=True)}

    return compute


@pytest.mark.parametrize("name", CASES)
def test_operation(computed, name):
    family, case = CASES[name]
    for ours, theirs in zip(computed(family, case.opset, False)[id(case)], expected(case), strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][1].operation not in STEEP])
def test_operation_in_half_precision(computed, name):
    family, case = CASES[name]
    for ours, theirs in zip(computed(family, case.opset, True)[id(case)], expected(case), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=2e-2, atol=2e-2)


def test_every_operation_of_coremltools_is_there():
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    random = {name for name in SSAOpRegistry.core_ops if name.startswith("random_")}
    experimental = {"conv_quantized", "_const_symbolic", "const"}
    assert SSAOpRegistry.core_ops.keys() - random - experimental <= OPERATIONS.keys() | CONTROL


def test_every_operation_is_tested():
    tested = {case.operation for cases in FAMILIES.values() for case in cases}
    assert tested | ELSEWHERE == OPERATIONS.keys() | CONTROL


def test_a_loop_without_an_end_is_stopped(tmp_path, monkeypatch):
    def build(x):
        return mb.while_loop(
            _cond=lambda value: mb.less(x=mb.reduce_min(x=value), y=np.float32(1)),
            _body=lambda value: mb.mul(x=value, y=np.float32(0)),
            loop_vars=(x,),
        )

    case = Case("while_loop", (np.float32([0.5]),), build, None)
    names = write([case], tmp_path / "endless.mlpackage", "iOS16")
    monkeypatch.setattr(control_flow, "MOST_TURNS", 50)
    with pytest.raises(VaderError, match=r"endless.mlpackage did not end within 50 turns"):
        run([case], tmp_path / "endless.mlpackage", names, "fp32")
