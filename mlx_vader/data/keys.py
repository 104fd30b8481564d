"""Random keys: whole numbers, from which every random choice in the data follows."""

from functools import lru_cache

import numpy as np
from jaxtyping import Int


def derive(*parts: int) -> int:
    """One 64-bit key from several whole numbers >= 0; different parts give independent keys."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0])


@lru_cache(maxsize=4)
def shuffled(seed: int, epoch: int, count: int) -> Int[np.ndarray, " count"]:
    """The order in which an epoch visits `count` items: each exactly once."""
    return np.random.default_rng([seed, epoch]).permutation(count)
