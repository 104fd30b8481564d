"""Files and values as nobody meant them: cut, flipped, swapped, nested, huge. Drawn by Hypothesis."""

import copy
import json
import resource
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mlx_vader.errors import VaderError

ALL = list(HealthCheck)


def counts(more: int) -> tuple[Any, ...]:
    """Examples of the default run, and of the slow one: as many as a reader gets through in about a minute."""
    return 25, pytest.param(more, marks=pytest.mark.slow)


#: KiB that reading something may take.
MOST_MEMORY = 500 * 1024


def refused_or_read(count: int, door: Callable[[st.DataObject], object]) -> None:
    """Tries a door so often: it gives something, or a `VaderError` of one line, and takes little memory and time."""

    @settings(
        max_examples=count,
        # A file is small as it is: what was drawn says enough.
        phases=[Phase.generate],
        deadline=60_000,
        database=None,
        derandomize=True,
        suppress_health_check=ALL,
    )
    @given(data=st.data())
    def tried(data: st.DataObject) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            door(data)
        except VaderError as error:
            said = error.message, error.hint
            assert said[0] and "\n" not in "".join(said), said  # noqa: PT018 - it may as well be read
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY

    tried()


#: What stands where something else is expected.
HOSTILE: tuple[Any, ...] = (
    None,
    True,
    "",
    "x" * 300,
    "../../..",
    "\u0000",
    -1,
    0,
    3.5,
    2**31,
    10**30,
    1_000_000_000,
    float("nan"),
    float("inf"),
    [],
    [[[[1]]]],
    {},
    {"a": {"b": {}}},
)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file that was cut, or of which bytes were flipped, zeroed, doubled or exchanged."""
    at, other = (draw(st.integers(0, len(whole) - 1)) for _ in range(2))
    length = draw(st.integers(1, 64))
    match draw(st.sampled_from(["cut", "flip", "zero", "double", "swap"])):
        case "cut":
            return whole[:at]
        case "flip":
            return whole[:at] + bytes([whole[at] ^ (1 << draw(st.integers(0, 7)))]) + whole[at + 1 :]
        case "zero":
            return whole[:at] + bytes(length) + whole[at + length :]
        case "double":
            return whole[: at + length] + whole[at:]
    low, high = sorted((at, other))
    return whole[:low] + whole[high:] + whole[low:high]


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """JSON in which one place is gone, has an unknown neighbour, or holds something hostile."""
    value = copy.deepcopy(value)
    places = list(_places(value))
    holder, key = draw(st.sampled_from(places)) if places else (None, None)
    what = draw(st.sampled_from(["replace", "replace", "remove", "add", "whole"]))
    if holder is None or what == "whole":
        return draw(st.sampled_from(HOSTILE))
    if what == "replace":
        holder[key] = draw(st.sampled_from(HOSTILE))
    elif what == "remove":
        del holder[key]
    elif isinstance(holder, dict):
        holder["unheard_of"] = draw(st.sampled_from(HOSTILE))
    else:
        holder.append(draw(st.sampled_from(HOSTILE)))
    return value


def changed_text(text: str) -> st.SearchStrategy[str]:
    """The same for JSON as text, which may also be damaged as text is."""
    broken = damaged(text.encode()).map(lambda data: data.decode("utf-8", "replace"))
    return st.one_of(changed(json.loads(text)).map(json.dumps), broken)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)
