"""What the emulator's operations are tested with: a MIL operation, its inputs, and the same in PyTorch or numpy."""

from tests.emulator.cases import arithmetic, convolution, layout, packed, pooling, resampling, sequence
from tests.emulator.cases.case import Case

FAMILIES: dict[str, list[Case]] = {
    "arithmetic": arithmetic.CASES,
    "convolution": convolution.CASES,
    "layout": layout.CASES,
    "packed": packed.CASES,
    "pooling": pooling.CASES,
    "resampling": resampling.CASES,
    "sequence": sequence.CASES,
}
