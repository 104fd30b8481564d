"""The rows that the cost model is tuned on: measured chains of equal convolutions, beside what is predicted."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.ane.chips import chip
from convert.ane.graph import graph
from convert.ane.inspection import predict
from convert.program import Block, Constant, Function, Named, Operation, Program, Type


@dataclass(frozen=True)
class Row:
    """A measurement and its prediction, in ms."""

    chip: str
    name: str
    measured: float
    predicted: float
    low: float
    high: float
    source: str

    @property
    def error(self) -> float:
        """Of the prediction, as a share of what was measured."""
        return self.predicted / self.measured - 1


def rows() -> list[Row]:
    """Every calibration row, predicted."""
    text = (Path(__file__).parent / "calibration.toml").read_text(encoding="utf-8")
    return [_predicted(row) for row in tomllib.loads(text)["row"]]


def chain(count: int, kernel: int, channels: int, size: tuple[int, int]) -> Program:
    """A program of `count` equal convolutions that keep channels and size."""
    of = Type("tensor", "fp16", (1, channels, *size))
    weight = Type("tensor", "fp16", (channels, channels, kernel, kernel))
    pad = _numbers([kernel // 2] * 4)
    operations = tuple(
        Operation(
            "conv",
            f"conv_{index}",
            {
                "x": (f"x_{index}",),
                "weight": (Constant(weight, lambda: np.zeros(0)),),
                "strides": (_numbers([1, 1]),),
                "dilations": (_numbers([1, 1]),),
                "pad": (pad,),
            },
            (Named(f"x_{index + 1}", of),),
        )
        for index in range(count)
    )
    function = Function("main", "CoreML8", (Named("x_0", of),), Block((), (f"x_{count}",), operations))
    return Program(Path("chain"), None, {"main": function}, "main")


def _predicted(row: dict[str, Any]) -> Row:
    program = chain(row["count"], row["kernel"], row["channels"], tuple(row["size"]))
    report = predict(
        program, graph(program.function()), chip(row["chip"]), to_engine=True, host=row.get("host", False)
    )
    return Row(row["chip"], row["name"], row["ms"], report.latency, report.low, report.high, row["source"])


def _numbers(values: list[int]) -> Constant:
    return Constant(Type("tensor", "int32", (len(values),)), lambda: np.array(values, np.int32))
