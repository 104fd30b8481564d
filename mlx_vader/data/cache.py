"""Decoded pictures kept in memory, never more than a bound."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
from jaxtyping import UInt8

Picture = UInt8[np.ndarray, "..."]


class PictureCache:
    """Forgets the least recently used arrays as soon as all of them together exceed `limit_bytes`.

    An array larger than the bound is handed out and not kept. For one thread.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self._arrays: OrderedDict[Hashable, Picture] = OrderedDict()

    def get(self, name: Hashable, make: Callable[[], Picture]) -> Picture:
        """The array called `name`; `make` is called when it is not held."""
        if name in self._arrays:
            self._arrays.move_to_end(name)
            return self._arrays[name]
        array = make()
        if array.nbytes <= self.limit_bytes:
            self._arrays[name] = array
            self.held_bytes += array.nbytes
        while self.held_bytes > self.limit_bytes:
            _, forgotten = self._arrays.popitem(last=False)
            self.held_bytes -= forgotten.nbytes
        return array
