"""On a Mac: Core ML's own plan for a package, and how long a call takes. Nothing here is predicted.

Core ML is loaded in a process of its own with a time limit, because loading has been seen to hang and first calls to
crash (coremltools #2367, #2758). `python -m convert.ane.measured PACKAGE [FUNCTION]` prints the result as JSON.

API: https://apple.github.io/coremltools/docs-guides/source/mlcomputeplan.html. A plan is read from a compiled model;
the use or the cost of an operation may be unknown, and constants have neither.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from convert.program import Function, Type, read_program
from convert.quiet import quiet
from mlx_vader.errors import VaderError

#: Seconds; loads of several minutes were reported.
TIME_LIMIT = 900
WARM_UP, CALLS = 10, 60
_UNITS = {"MLNeuralEngineComputeDevice": "ANE", "MLGPUComputeDevice": "GPU", "MLCPUComputeDevice": "CPU"}


@dataclass(frozen=True)
class Planned:
    """An operation in Core ML's plan. `result` names its first output; `weight` is its share of the whole cost."""

    result: str
    type: str
    unit: str
    weight: float


def measure(package: Path, function: str | None = None, limit: float = TIME_LIMIT) -> dict[str, Any]:
    """Plan and latency of a function under cpuAndNeuralEngine. Raises `VaderError` when Core ML fails or hangs."""
    command = [sys.executable, "-m", "convert.ane.measured", str(package), *([function] if function else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired as error:
        raise VaderError(
            f"Core ML did not finish {package} in {limit:.0f} s",
            hint="convert a smaller function, or try again",
        ) from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise VaderError(
            f"Core ML failed on {package}: {reason}", hint="vader-mlx doctor says what works here"
        )
    return json.loads(done.stdout)


def planned(plan: Any, function: str) -> list[Planned]:
    """A plan's operations, constants apart, those of nested blocks too."""
    program = plan.model_structure.program
    if program is None or function not in program.functions:
        raise VaderError(f"the plan has no function {function!r}", hint="name another with --function")
    return [_planned(plan, operation) for operation in _operations(program.functions[function].block)]


def shares(operations: list[Planned]) -> dict[str, float]:
    """The share of the estimated cost that each unit bears; by number of operations where no cost is known."""
    whole = sum(operation.weight for operation in operations)
    found: dict[str, float] = {}
    for operation in operations:
        part = operation.weight / whole if whole else 1 / len(operations)
        found[operation.unit] = found.get(operation.unit, 0.0) + part
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _operations(block: Any) -> Iterator[Any]:
    for operation in block.operations:
        if operation.operator_name.split(".")[-1] != "const":
            yield operation
        for nested in operation.blocks or ():
            yield from _operations(nested)


def _planned(plan: Any, operation: Any) -> Planned:
    usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
    cost = plan.get_estimated_cost_for_mlprogram_operation(operation)
    device = type(usage.preferred_compute_device).__name__ if usage is not None else ""
    return Planned(
        operation.outputs[0].name if operation.outputs else "",
        operation.operator_name.split(".")[-1],
        _UNITS.get(device, "unknown"),
        cost.weight if cost is not None else 0.0,
    )


def _run(package: Path, function: str | None) -> dict[str, Any]:
    """All of it, in this process."""
    with quiet():
        import coremltools as ct
        from coremltools.models.compute_plan import MLComputePlan

        units = ct.ComputeUnit.CPU_AND_NE
        program = read_program(package)
        name = function or program.default
        with tempfile.TemporaryDirectory(prefix="vader-plan-") as folder:
            compiled = ct.models.utils.compile_model(str(package), str(Path(folder) / "model.mlmodelc"))
            operations = planned(MLComputePlan.load_from_path(path=str(compiled), compute_units=units), name)
        model = ct.models.MLModel(str(package), compute_units=units, function_name=function)
        times = _times(model, program.function(name))
    return {
        "kind": "measured",
        "function": name,
        "compute_units": "cpuAndNeuralEngine",
        "latency_ms_p50": statistics.median(times),
        "latency_ms_p95": sorted(times)[int(0.95 * len(times))],
        "calls": len(times),
        "shares": shares(operations),
        "operations": [asdict(operation) for operation in operations],
    }


def _times(model: Any, function: Function) -> list[float]:
    """Milliseconds of calls on zeros, after a warm-up."""
    import numpy as np

    inputs = {named.name: _given(named.type, np) for named in function.inputs if named.type.kind == "tensor"}
    state = model.make_state() if any(named.type.kind == "state" for named in function.inputs) else None
    times = []
    for call in range(WARM_UP + CALLS):
        started = time.perf_counter()
        model.predict(inputs, state) if state is not None else model.predict(inputs)
        if call >= WARM_UP:
            times.append(1e3 * (time.perf_counter() - started))
    return times


def _given(of: Type, np: Any) -> Any:
    return np.zeros([size or 1 for size in of.shape], np.float32 if of.dtype == "fp32" else np.float16)


if __name__ == "__main__":
    print(json.dumps(_run(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)))
