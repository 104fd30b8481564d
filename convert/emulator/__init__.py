"""Runs Core ML packages where there is no Core ML: `EmulatedModel(path).predict({...})`.

It knows the operations of iOS 15 to 18 and the numbers that half precision holds. It measures nothing: no device is
as slow or as fast.
"""

from convert.emulator.model import EmulatedModel
from convert.emulator.rounding import Flag
from convert.emulator.state import EmulatedState

__all__ = ["EmulatedModel", "EmulatedState", "Flag"]
