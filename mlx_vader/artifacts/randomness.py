"""Small draws that every artifact needs, and how a severity becomes a physical number."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def pick(rng: np.random.Generator, items: Sequence[Item], weights: Sequence[float] | None = None) -> Item:
    """One of the items, evenly or by weight."""
    if weights is None:
        return items[int(rng.integers(len(items)))]
    edges = np.cumsum(weights)
    # The last edge may be a rounding error below the total.
    return items[min(int(np.searchsorted(edges, rng.random() * edges[-1], side="right")), len(items) - 1)]


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with the given probability."""
    return bool(rng.random() < probability)


def between(severity: float, mildest: float, strongest: float) -> float:
    """Severity 0 gives the mildest value, 1 the strongest, in equal steps."""
    return mildest + (strongest - mildest) * severity


def between_log(severity: float, mildest: float, strongest: float) -> float:
    """Severity 0 gives the mildest value, 1 the strongest, in equal ratios."""
    return float(mildest * (strongest / mildest) ** severity)
