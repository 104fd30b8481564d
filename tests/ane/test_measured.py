"""What is read from Core ML's plan: with a plan made by hand, and on a Mac with a real one."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import pytest

from convert.ane.measured import measure, planned, shares
from mlx_vader.errors import VaderError


class MLNeuralEngineComputeDevice: ...


class MLCPUComputeDevice: ...


@dataclass(frozen=True)
class Operation:
    operator_name: str
    name: str
    device: Any = None
    weight: float | None = None
    blocks: tuple = field(default_factory=tuple)

    @property
    def outputs(self):
        return [Some(name=self.name)]


class Plan:
    def __init__(self, *operations):
        block = Some(operations=operations)
        self.model_structure = Some(program=Some(functions={"main": Some(block=block)}))

    def get_compute_device_usage_for_mlprogram_operation(self, operation):
        return operation.device and Some(preferred_compute_device=operation.device())

    def get_estimated_cost_for_mlprogram_operation(self, operation):
        return None if operation.weight is None else Some(weight=operation.weight)


def test_constants_are_left_out_blocks_are_read_and_costs_weigh() -> None:
    inner = Operation("ios18.add", "inner", MLCPUComputeDevice, 0.2)
    plan = Plan(
        Operation("const", "c"),
        Operation("ios18.conv", "a", MLNeuralEngineComputeDevice, 0.6),
        Operation("while_loop", "loop", MLCPUComputeDevice, 0.0, (Some(operations=(inner,)),)),
        Operation("ios18.relu", "unsure", None, None),
    )
    found = planned(plan, "main")
    assert [(line.result, line.type, line.unit) for line in found] == [
        ("a", "conv", "ANE"),
        ("loop", "while_loop", "CPU"),
        ("inner", "add", "CPU"),
        ("unsure", "relu", "unknown"),
    ]
    assert shares(found) == pytest.approx({"ANE": 0.75, "CPU": 0.25, "unknown": 0.0})


def test_without_costs_operations_count() -> None:
    found = planned(Plan(Operation("conv", "a", MLNeuralEngineComputeDevice), Operation("relu", "b")), "main")
    assert shares(found) == {"ANE": 0.5, "unknown": 0.5}


def test_a_function_that_is_not_there() -> None:
    with pytest.raises(VaderError, match="no function 'other'"):
        planned(Plan(), "other")


@pytest.mark.apple
def test_a_real_plan_and_real_times(tmp_path: Path) -> None:
    from tests.ane import packages

    found = measure(packages.of_convolutions(tmp_path, 20, channels=64, side=64))
    assert found["latency_ms_p50"] > 0
    assert {line["type"] for line in found["operations"]} >= {"conv", "relu", "cumsum"}
