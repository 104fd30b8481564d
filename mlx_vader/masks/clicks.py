"""Clicks and words that point at objects, as they are written.

A click is text: `x,y` on the object, in pixels of the upright frame, or in percent of its width and height. More points
of the same object follow, with `+` where it is and `-` where it is not, in the same text or in the next one:
`300,80+340,90-280,60`, or `300,80` and then `-280,60`. `@120` or `@2.5s` says in which frame; else the first.
Words are any text, such as `the logo`; with `@120` they are looked for in that frame, else in several.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mlx_vader.errors import UsageError
from mlx_vader.masks.shapes import Length, Moment, length_of, moment_of

_POINT = re.compile(r"([+-]?)([^+,-]+),([^+,-]+)")
_CLICK = re.compile(rf"(?:{_POINT.pattern})+")
_HINT = "x,y on the object, then +x,y or -x,y beside it: 300,80+340,90-280,60@120"


class Click(NamedTuple):
    """Points of one object: x and y, and whether it is there. `at`: in which frame; None is the first."""

    points: tuple[tuple[Length, Length, bool], ...]
    at: Moment | None


class Words(NamedTuple):
    """What to look for. `at`: in which frame; None is any."""

    text: str
    at: Moment | None


def parse_clicks(texts: str | Sequence[str]) -> tuple[Click, ...]:
    """The objects that are clicked on. Raises UsageError for what is no click."""
    clicks: list[Click] = []
    for text in [texts] if isinstance(texts, str) else texts:
        place, _, time = text.partition("@")
        if not _CLICK.fullmatch(place):
            raise UsageError(f"{text} is no click", hint=_HINT)
        at = moment_of(time, text) if "@" in text else None
        points = tuple(
            (length_of(x, text, _HINT), length_of(y, text, _HINT), sign != "-")
            for sign, x, y in _POINT.findall(place)
        )
        if text[0] not in "+-":
            clicks.append(Click(points, at))
        elif clicks and at is None:
            clicks[-1] = Click((*clicks[-1].points, *points), clicks[-1].at)
        else:
            raise UsageError(
                f"{text} goes on with a click that there is not" if not clicks else f"{text} has a time",
                hint="a click that begins with + or - belongs to the one before, in the same frame",
            )
    for click in clicks:
        if not click.points[0][2]:
            raise UsageError("a click begins on the object", hint=_HINT)
    return tuple(clicks)


def parse_words(texts: str | Sequence[str]) -> tuple[Words, ...]:
    """What is to be looked for. Raises UsageError for empty words."""
    found = []
    for text in [texts] if isinstance(texts, str) else texts:
        words, at, time = text.rpartition("@")
        timed = bool(at) and bool(re.fullmatch(r"\s*\d+(\.\d+)?s?\s*", time))
        words = words if timed else text
        if not words.strip():
            raise UsageError("--prompt has no words", hint='what to mask, such as "the logo"')
        found.append(Words(words.strip(), moment_of(time, text) if timed else None))
    return tuple(found)
