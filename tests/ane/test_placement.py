"""The placement against trying every assignment, and on programs with an operation that only the CPU has."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.ane.placement import Choice, extra_ms, place
from tests.ane.programs import conv, operation, program, report, state, tensor

MS = st.floats(0, 1)


def priced(choices, places) -> float:
    total, before = 0.0, None
    for choice, at in zip(choices, places, strict=True):
        total += choice.on(at)
        total += 0.125 * (before is not None and at != before) + 0.125 * (at == "ANE" and before != "ANE")
        before = at
    return total + 0.125 * (before == "ANE")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.one_of(MS, st.just(math.inf)), MS), min_size=1, max_size=7))
def test_no_assignment_is_cheaper(pairs) -> None:
    choices = [Choice(*pair) for pair in pairs]
    best = min(priced(choices, places) for places in itertools.product(("ANE", "CPU"), repeat=len(choices)))
    assert priced(choices, place(choices).places) == pytest.approx(best)


def in_the_middle(kind: str, count: int = 6):
    size = (128, 128)
    lines = [conv(f"a{index}", f"a{index - 1}" if index else "x", 128, 128, size) for index in range(count)]
    lines.append(operation(kind, "middle", {"x": lines[-1].name}, tensor(1, 128, *size)))
    lines += [
        conv(f"b{index}", f"b{index - 1}" if index else "middle", 128, 128, size) for index in range(count)
    ]
    return program({"x": tensor(1, 128, *size)}, lines)


def test_an_operation_of_the_cpu_in_the_middle_costs_two_switches_and_a_segment() -> None:
    plain, broken = report(in_the_middle("relu")), report(in_the_middle("cumsum"))
    assert (plain.switches, plain.segments, plain.ane_share) == (0, 1, 1.0)
    assert (broken.switches, broken.segments) == (2, 2)
    assert broken.switching == pytest.approx(0.375)
    assert [line.name for line in broken.operations if line.unit == "CPU"] == ["middle"]
    assert broken.latency > plain.latency + 0.375
    assert "no implementation" in next(line.why for line in broken.operations if line.name == "middle")


def test_the_way_back_is_paid_once_whichever_unit_has_the_end() -> None:
    engine, tail = Choice(0.0, 9.0), Choice(9.0, 0.0)
    assert extra_ms(place([engine])) == extra_ms(place([engine, tail])) == extra_ms(place([tail])) == 0
    assert extra_ms(place([tail, engine])) == pytest.approx(0.125)


def test_a_small_network_stays_on_the_cpu_and_the_table_says_why() -> None:
    found = report(program({"x": tensor(1, 16, 8, 8)}, [conv("c", "x", 16, 16, (8, 8))]))
    assert [(line.unit, line.rule) for line in found.operations] == [("CPU", "planner")]


def test_casts_at_the_edge_run_before_and_after_and_cost_no_switch_of_the_planner() -> None:
    of, single = tensor(1, 128, 128, 128), tensor(1, 128, 128, 128, dtype="fp32")
    # The file has the cast of an input where it is first read: after the state.
    lines = [operation("read_state", "before", {"input": "memory"}, of)]
    lines += [
        operation("cast", "half", {"x": "x"}, of),
        operation("add", "c", {"x": "half", "y": "before"}, of),
    ]
    lines += [conv(f"c{at}", f"c{at - 1}" if at else "c", 128, 128, (128, 128)) for at in range(6)]
    lines += [operation("cast", "out", {"x": "c5"}, single), operation("relu", "mask", {"x": "c5"}, of)]
    found = report(program({"x": single, "memory": state(1, 128, 128, 128)}, lines, ["out", "mask"]))
    units = [line.unit for line in found.operations]
    assert units == ["CPU", *["ANE"] * (len(lines) - 2), "CPU"]
    assert [line.name for line in found.operations if line.unit == "CPU"] == ["half", "out"]
    assert (found.switches, found.segments, found.switching) == (2, 1, 0)
    assert any("the CPU converts x, out" in note and "--io tensor" in note for note in found.notes)


def test_what_would_help_several_is_said_once() -> None:
    lines = [conv(f"c{at}", f"c{at - 1}" if at else "x", 128, 128, (128, 128)) for at in range(6)]
    lines += [conv("few", "c5", 128, 20, (128, 128))]
    first, second = report(program({"x": tensor(1, 128, 128, 128)}, lines)).advice
    assert first.operations == tuple(f"c{at}" for at in range(6))
    assert first.about == "c0, c1 and 4 more (conv)"
    assert (second.operations, second.about) == (("few",), "few (conv)")
    assert "20 channels are computed as 32" in second.text
    assert first.share + second.share < 1


def test_everything_that_can_goes_to_the_engine_when_asked() -> None:
    choices = [Choice(9, 0), Choice(math.inf, 0), Choice(9, 0)]
    placement = place(choices, to_engine=True)
    assert placement.places == ("ANE", "CPU", "ANE")
    assert extra_ms(placement) == pytest.approx(0.375)
