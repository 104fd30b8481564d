"""Each residency rule on a tiny program that it decides about."""

import pytest

from convert.ane.conditions import CONDITIONS
from convert.ane.costs import families, table
from convert.ane.rules import rules
from convert.ane.sources import named_in
from tests.ane.programs import constant, conv, line, operation, program, state, tensor, weight

X = tensor(1, 64, 32, 32)


def one(kind, result=X, of=X, **inputs):
    return program({"x": of}, [operation(kind, "op", {"x": "x"} | inputs, result)])


def of_conv(**options):
    return program({"x": X}, [conv("op", "x", 64, 64, **options)])


def of_state(*shape):
    read = operation("read_state", "op", {"input": "memory"}, tensor(*shape))
    return program({"memory": state(*shape)}, [read])


def chain_of_resizes():
    first = operation("resize_bilinear", "first", {"x": "x"}, tensor(1, 64, 64, 64))
    return program(
        {"x": X}, [first, operation("resize_bilinear", "op", {"x": "first"}, tensor(1, 64, 128, 128))]
    )


CASES = {
    "rank": (one("add", tensor(1, 1, 1, 4, 4, 4), tensor(1, 1, 1, 4, 4, 4), y="x"), "m4", "CPU"),
    "dimension": (one("relu", tensor(1, 1, 1, 20000), tensor(1, 1, 1, 20000)), "m1", "CPU"),
    "half-precision": (one("relu", tensor(1, 4, dtype="fp32"), tensor(1, 4, dtype="fp32")), "m4", "CPU"),
    "integer-cast": (one("cast", tensor(1, 4), tensor(1, 4, dtype="int32")), "m4", "CPU"),
    "edge-cast": (one("cast", tensor(1, 4), tensor(1, 4, dtype="fp32")), "m4", "CPU"),
    "conv": (of_conv(), "m4", "ANE"),
    "conv-kernel": (of_conv(kernel=(1, 17)), "m4", "CPU"),
    "conv-wide": (of_conv(kernel=(1, 9)), "m4", "ANE"),
    "conv-dilated": (of_conv(dilation=2), "m4", "ANE"),
    "conv-stride": (of_conv(stride=16), "m4", "CPU"),
    "conv-groups": (
        program({"x": tensor(1, 256, 8, 8)}, [conv("op", "x", 256, 256, (8, 8), groups=128)]),
        "m4",
        "CPU",
    ),
    "conv-3d": (
        program({"x": tensor(1, 8, 4, 8, 8)}, [conv("op", "x", 8, 8, (4, 8, 8), kernel=(3, 3, 3))]),
        "m4",
        "CPU",
    ),
    "conv-dynamic": (one("conv", weight="x"), "m4", "CPU"),
    "conv-transpose-stride": (
        one("conv_transpose", weight=weight(64, 64, 5, 5), strides=constant([5, 5])),
        "m4",
        "CPU",
    ),
    "shuffle": (one("pixel_shuffle", upscale_factor=constant(4)), "m4", "ANE"),
    "shuffle-factor": (one("pixel_shuffle", upscale_factor=constant(5)), "m4", "CPU"),
    "resize": (one("upsample_bilinear"), "m4", "ANE"),
    "resize-chain": (chain_of_resizes(), "m4", "CPU"),
    "resample": (one("resample", coordinates="x"), "m4", "CPU"),
    "gather-static": (one("gather", indices=constant([0, 1])), "m4", "ANE"),
    "gather-dynamic": (one("gather", indices="x"), "m4", "CPU"),
    "slice-dynamic": (one("slice_by_size", begin="x", size=constant([1])), "m4", "CPU"),
    "cpu-only": (one("cumsum"), "m4", "CPU"),
    "layout": (one("concat", values=("x", "x")), "m4", "ANE"),
    "pad-mode": (
        one("pad", mode=constant("constant", "string"), constant_val=constant(1.0, "fp16")),
        "m4",
        "CPU",
    ),
    "inner-dimension": (
        one("linear", tensor(1, 8), tensor(1, 40000), weight=weight(8, 40000)),
        "m4",
        "CPU",
    ),
    "product": (one("linear", tensor(1, 8), tensor(1, 64), weight=weight(8, 64)), "m4", "ANE"),
    "norm": (one("layer_norm"), "m4", "ANE"),
    "pool-width": (one("max_pool", kernel_sizes=constant([9, 9])), "m4", "CPU"),
    "pool-width-average": (one("avg_pool", kernel_sizes=constant([15, 15])), "m4", "CPU"),
    "reduce": (one("avg_pool", kernel_sizes=constant([9, 9])), "m4", "ANE"),
    "lookup": (one("silu"), "m4", "ANE"),
    "elementwise": (one("add", y="x"), "m4", "ANE"),
    "quantization": (one("quantize", tensor(1, 64, dtype="int8")), "m4", "ANE"),
    "state": (of_state(1, 32, 64), "m4", "ANE"),
    "state-width": (of_state(1, 32, 270), "m4", "CPU"),
    "state-m1": (of_state(1, 32, 64), "m1", "CPU"),
    "control-flow": (one("while_loop"), "m4", "CPU"),
    "unknown": (one("operation_of_next_year"), "m4", "CPU"),
}


@pytest.mark.parametrize("rule", CASES)
def test_rule_decides(rule: str) -> None:
    made, chip, unit = CASES[rule]
    found = line(made, "op", chip)
    assert (found.rule, found.unit) == (rule, unit)
    assert found.why


def test_every_rule_has_a_case() -> None:
    assert {rule.id for rule in rules()} == set(CASES)


def test_rules_name_conditions_that_exist_and_say_where_they_come_from() -> None:
    for rule in rules():
        assert set(rule.when) <= set(CONDITIONS), rule.id
        assert named_in([rule.source]) or "inferred" in rule.source, rule.id
        assert any(word in rule.source for word in ("measured", "one source", "inferred")), rule.id
        assert rule.advice or rule.unit == "ANE", rule.id


def test_a_long_dimension_runs_on_m4_and_not_on_m1() -> None:
    made = one("relu", tensor(1, 1, 1, 20000), tensor(1, 1, 1, 20000))
    assert line(made, "op", "m4").unit == "ANE"
    assert line(made, "op", "m1").unit == "CPU"


def test_each_operation_is_of_one_family() -> None:
    listed = [name for row in table("family").values() for name in row["ops"]]
    assert len(listed) == len(set(listed))
    assert all(kind.low < 1 < kind.high for kind in families().values())
