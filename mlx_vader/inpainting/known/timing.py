"""When a mark is there, and how opaque: from looks all along a video."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

#: From this multiple of its opacity on a mark is there.
LEAST_GAIN = 0.15
#: How far a frame's gain may lie from the usual one without the mark fading.
STEADY = 0.05
#: Looks over which gains are smoothed.
_SMOOTHED = 7


@dataclass(frozen=True, eq=False)
class Gains:
    """`numbers`: frames that were looked at, in order; `values`: the mark's gain in each, 0 where it is not."""

    numbers: tuple[int, ...]
    values: Float64[np.ndarray, " looks"]

    @cached_property
    def usual(self) -> float:
        """The gain of a mark that does not fade."""
        there = self.values[self.values >= LEAST_GAIN]
        if not len(there):
            return 0.0
        high = there[there >= 0.8 * np.percentile(there, 90)]
        return float(np.median(high))

    def at(self, number: int) -> float | None:
        """The gain in a frame; None where the looks beside it differ, and the frame itself must tell."""
        before = max(bisect_right(self.numbers, number) - 1, 0)
        after = min(before + 1, len(self.numbers) - 1)
        values, usual = self.steady, self.usual
        here = values[[before, after]]
        if not here.any():
            return 0.0
        if np.abs(here - usual).max() > STEADY + 1e-9:
            return None
        return float(np.interp(number, self.numbers, values))

    def of_usual(self) -> "Gains":
        """As multiples of the usual one."""
        return Gains(self.numbers, self.values / self.usual)

    @property
    def span(self) -> tuple[int, int | None]:
        """The first frame that shows the mark, and the last; None: to the end. Frames that were not looked at count."""
        there = np.flatnonzero(self.values > 0)
        first, last = int(there[0]), int(there[-1])
        ends = last == len(self.numbers) - 1
        return (0 if first == 0 else self.numbers[first]), (None if ends else self.numbers[last])

    @cached_property
    def steady(self) -> Float64[np.ndarray, " looks"]:
        """Smoothed where the mark does not fade."""
        values, usual = self.values.copy(), self.usual
        calm = np.abs(values - usual) <= 2 * STEADY
        ours = values[calm]
        reach = _SMOOTHED // 2
        for place, index in enumerate(np.flatnonzero(calm)):
            near = ours[max(0, place - reach) : place + reach + 1]
            values[index] = np.clip(np.median(near), usual - STEADY, usual + STEADY)
        return values
