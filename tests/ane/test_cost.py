"""What the cost model has to do whatever its numbers are, and how near it comes to the calibration rows."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.ane.calibration import rows
from convert.ane.chips import chip, chips, id_of
from convert.ane.cost import floor_ms
from tests.ane.programs import constant, conv, line, operation, program, report, tensor, weight

CHANNELS = st.integers(1, 600)


def latency(into, out, on="m4", **options) -> float:
    made = program({"x": tensor(1, into, 64, 64)}, [conv("op", "x", into, out, (64, 64), **options)])
    return line(made, "op", on).ms


@settings(max_examples=60, deadline=None)
@given(
    CHANNELS, CHANNELS, st.integers(0, 200), st.sampled_from([1, 3, 5]), st.sampled_from(["m1", "m4", "m6"])
)
def test_more_channels_are_never_cheaper(into, out, more, kernel, on) -> None:
    here = latency(into, out, on, kernel=(kernel, kernel))
    assert latency(into + more, out, on, kernel=(kernel, kernel)) >= here
    assert latency(into, out + more, on, kernel=(kernel, kernel)) >= here


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(chips())), CHANNELS, st.integers(1, 6))
def test_the_interval_holds_the_prediction(on, channels, count) -> None:
    lines = [
        conv(f"c{index}", f"c{index - 1}" if index else "x", channels, channels) for index in range(count)
    ]
    found = report(program({"x": tensor(1, channels, 32, 32)}, lines), on)
    assert found.low < found.latency < found.high
    assert sum(item.ms for item in found.operations) < found.latency


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.chip}: {row.name}")
def test_calibration_rows(row) -> None:
    """All within a fifth but the single row of pixels, which docs/inspect.md explains; every one in its interval."""
    assert abs(row.error) < (0.2 if "1x1024" not in row.name else 0.5)
    assert row.low < row.measured < row.high


def test_a_convolution_absorbs_bias_batch_norm_and_one_activation() -> None:
    lines = [
        conv("c", "x", 64, 64),
        operation("add", "bias", {"x": "c", "y": weight(1, 64, 1, 1)}, tensor(1, 64, 32, 32)),
        operation("batch_norm", "bn", {"x": "bias", "mean": weight(64)}, tensor(1, 64, 32, 32)),
        operation("relu", "relu", {"x": "bn"}, tensor(1, 64, 32, 32)),
        operation("sigmoid", "second", {"x": "relu"}, tensor(1, 64, 32, 32)),
    ]
    made = program({"x": tensor(1, 64, 32, 32)}, lines)
    assert [line(made, name).rule for name in ("bias", "bn", "relu")] == ["fused"] * 3
    assert line(made, "second").ms > 0


def test_a_residual_add_is_a_barrier_and_takes_the_activation_along() -> None:
    lines = [
        conv("c", "x", 64, 64),
        operation("add", "sum", {"x": "c", "y": "x"}, tensor(1, 64, 32, 32)),
        operation("relu", "relu", {"x": "sum"}, tensor(1, 64, 32, 32)),
    ]
    made = program({"x": tensor(1, 64, 32, 32)}, lines)
    assert line(made, "sum").rule == "elementwise"
    assert line(made, "sum").ms > 0
    assert line(made, "relu").why == "fused into sum"


def test_a_result_that_two_read_is_not_absorbed() -> None:
    lines = [
        conv("c", "x", 64, 64),
        operation("relu", "a", {"x": "c"}, tensor(1, 64, 32, 32)),
        operation("sigmoid", "b", {"x": "c"}, tensor(1, 64, 32, 32)),
    ]
    made = program({"x": tensor(1, 64, 32, 32)}, lines, ["a", "b"])
    assert {line(made, name).rule for name in "ab"} == {"elementwise", "lookup"}


def test_batch_norm_alone_moves_no_more_than_an_activation() -> None:
    of = tensor(1, 256, 64, 64)
    lines = [
        operation("batch_norm", "scale", {"x": "x", "mean": weight(256)}, of),
        operation("max_pool", "pool", {"x": "scale"}, of),
        operation("relu", "relu", {"x": "pool"}, of),
    ]
    made = program({"x": of}, lines)
    assert line(made, "scale").ms == pytest.approx(line(made, "relu").ms)


def test_planes_of_channels_are_joined_where_they_are_written() -> None:
    def joined(axis, *size):
        values = ("a", "b")
        lines = [conv("a", "x", 64, 64), conv("b", "x", 64, 64)]
        lines.append(operation("concat", "both", {"values": values, "axis": constant(axis)}, tensor(*size)))
        return line(program({"x": tensor(1, 64, 32, 32)}, lines), "both").ms

    assert joined(1, 1, 128, 32, 32) == joined(-3, 1, 128, 32, 32) == 0
    assert joined(3, 1, 64, 32, 64) > 0


def test_what_stays_on_chip_is_bound_by_arithmetic() -> None:
    def thin(side):
        narrow = conv("op", "x", 256, 16, (side, side), kernel=(1, 1))
        return line(program({"x": tensor(1, 256, side, side)}, [narrow]), "op", "m1").bound

    assert (thin(48), thin(128)) == ("compute", "traffic")


def test_channels_in_are_padded_less_than_channels_out() -> None:
    assert latency(3, 64) == latency(4, 64) < 0.5 * latency(16, 64)
    assert latency(64, 3) == latency(64, 16)


def test_the_floor_of_a_call_grows_while_the_engine_works() -> None:
    floors = [floor_ms(busy, chip("m4")) for busy in (0, 0.2, 0.3, 0.4, 20)]
    assert floors == pytest.approx([0.16, 0.16, 0.26, 0.36, 0.36])
    assert floor_ms(20, chip("m5")) == chip("m5").floor


def test_long_skips_go_through_memory_and_short_ones_do_not() -> None:
    def skip(length):
        size = (256, 256)
        lines = [
            conv(f"c{index}", f"c{index - 1}" if index else "x", 64, 64, size) for index in range(length + 1)
        ]
        lines.append(operation("add", "sum", {"x": lines[-1].name, "y": "c0"}, tensor(1, 64, *size)))
        return line(program({"x": tensor(1, 64, *size)}, lines), "sum")

    assert skip(2).bound == "traffic"
    assert skip(8).bound == "spill"
    assert skip(8).ms > 1.5 * skip(2).ms


def test_dilation_depthwise_and_winograd() -> None:
    assert latency(256, 256, dilation=2) == pytest.approx(latency(256, 256) / 0.7, rel=0.05)
    assert latency(256, 256, groups=256) < latency(256, 256)
    assert latency(256, 256, "m6", kernel=(1, 1)) == pytest.approx(latency(256, 256, "m6") / 9 * 1.5, rel=0.2)


def test_palettised_weights_stream_faster() -> None:
    def seconds(dtype):
        inputs = {"x": "x", "weight": weight(2048, 2048, 1, 1, dtype=dtype)}
        inputs |= {"strides": constant([1, 1]), "dilations": constant([1, 1])}
        made = program({"x": tensor(1, 2048, 1, 1)}, [operation("conv", "op", inputs, tensor(1, 2048, 1, 1))])
        return line(made, "op").ms

    assert seconds("uint4") < 0.4 * seconds("fp16")


def test_weights_stream_ahead_as_far_as_there_is_room() -> None:
    busy = conv("busy", "x", 256, 256, (32, 32))

    def second(channels):
        heavy = conv("heavy", "busy", 256, channels, (8, 8))
        alone = program({"busy": tensor(1, 256, 32, 32)}, [heavy])
        after = program({"x": tensor(1, 256, 32, 32)}, [busy, heavy])
        return line(alone, "heavy").ms, line(after, "heavy").ms

    alone, after = second(128)
    assert after < 0.5 * alone
    alone, after = second(4096)
    assert alone - after == pytest.approx(1e3 * 2**20 / (chip("m4").weights * 1e9), rel=0.05)


def test_eight_bit_activations_are_faster_where_the_chip_can() -> None:
    packed = operation(
        "constexpr_affine_dequantize",
        "w",
        {"q": weight(256, 256, 3, 3, dtype="int8")},
        tensor(256, 256, 3, 3),
    )
    inputs = {"x": "half", "weight": "w", "strides": constant([1, 1]), "dilations": constant([1, 1])}
    of = tensor(1, 256, 64, 64)
    lines = [
        packed,
        operation("quantize", "eight", {"input": "x"}, tensor(1, 256, 64, 64, dtype="int8")),
        operation("dequantize", "half", {"input": "eight"}, of),
        operation("conv", "op", inputs, of),
    ]
    made = program({"x": of}, lines)
    assert line(made, "op").ms == pytest.approx(latency(256, 256) / 1.9, rel=0.05)
    assert any("8-bit" in note for note in report(made, to_engine=True).notes)
    assert line(made, "op", "m2").ms == pytest.approx(latency(256, 256, "m2"), rel=0.05)


def test_peak_activations_are_what_is_alive_at_once() -> None:
    lines = [
        conv("a", "x", 64, 64),
        conv("b", "a", 64, 64),
        operation("add", "s", {"x": "b", "y": "x"}, tensor(1, 64, 32, 32)),
    ]
    one = 64 * 32 * 32 * 2
    assert report(program({"x": tensor(1, 64, 32, 32)}, lines)).peak_activation_bytes == 3 * one


def test_chips_say_what_they_borrow() -> None:
    for item in chips().values():
        assert min(item.peak, item.on_chip, item.weights, item.spill, item.host, item.floor) > 0
        assert item.measured or ("not measured" in item.note and item.like in chips())
    assert chip("M4 Pro").id == "m4-pro"
    assert chip("m3-max").spread > chip("m3-pro").spread
    assert [id_of(f"Apple {name}") for name in ("M1", "M4 Pro", "M2 Ultra", "M99")] == [
        "m1",
        "m4-pro",
        "m2-max",
        None,
    ]
    wanted = {f"m{n}{kind}" for n, kind in itertools.product(range(1, 7), ("", "-pro", "-max"))}
    assert set(chips()) == wanted | {"a17-pro", "a18", "a18-pro", "a19", "a19-pro"}
