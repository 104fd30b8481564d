"""Packages of many operations each, because a conversion costs far more than an operation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from convert.emulator import EmulatedModel
from convert.quiet import quiet
from tests.emulator.cases.case import Case, mb

with quiet():
    import coremltools as ct
    from coremltools.converters.mil.mil import Function, Program, types

TYPES = {"float32": types.fp32, "int32": types.int32}


def write(cases: Sequence[Case], path: Path, opset: str, *, half: bool = False) -> list[list[str]]:
    """A package with every case's operation, side by side. Returns the names of each case's outputs."""
    inputs = {
        f"c{at}_{number}": mb.placeholder(array.shape, dtype=TYPES[array.dtype.name])
        for at, case in enumerate(cases)
        for number, array in enumerate(case.inputs)
    }
    names: list[list[str]] = []
    outputs = []
    with quiet(), Function(inputs, opset_version=getattr(ct.target, opset)) as function:
        for at, case in enumerate(cases):
            given = [function.inputs[f"c{at}_{number}"] for number in range(len(case.inputs))]
            made = case.build(*given)
            made = list(made) if isinstance(made, list | tuple) else [made]
            named = [mb.identity(x=value, name=f"c{at}_out{number}") for number, value in enumerate(made)]
            names.append([value.name for value in named])
            outputs += named
        function.set_outputs(outputs)
    program = Program()
    program.add_function("main", function)
    with quiet():
        precision = ct.precision.FLOAT16 if half else ct.precision.FLOAT32
        ct.convert(
            program,
            source="milinternal",
            convert_to="mlprogram",
            minimum_deployment_target=getattr(ct.target, opset),
            compute_precision=precision,
            pass_pipeline=ct.PassPipeline.DEFAULT if half else ct.PassPipeline.EMPTY,
            skip_model_load=True,
        ).save(str(path))
    return names


def run(cases: Sequence[Case], path: Path, names: list[list[str]], precision: str) -> list[list[np.ndarray]]:
    """What the emulator computes for each case."""
    data = {f"c{at}_{n}": array for at, case in enumerate(cases) for n, array in enumerate(case.inputs)}
    results = EmulatedModel(path, precision=precision).predict(data)
    return [[results[name] for name in each] for each in names]


def expected(case: Case) -> list[np.ndarray]:
    """What PyTorch or numpy computes."""
    wanted = case.expected(*(torch.from_numpy(array) for array in case.inputs))
    return [value.numpy() for value in (wanted if isinstance(wanted, list | tuple) else (wanted,))]
