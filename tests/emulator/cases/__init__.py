"""What the emulator's operations are tested with: a MIL operation, its inputs, and the same in PyTorch or numpy."""

from tests.emulator.cases import arithmetic, layout, packed, sequence, spatial
from tests.emulator.cases.case import Case

FAMILIES: dict[str, list[Case]] = {
    "arithmetic": arithmetic.CASES,
    "layout": layout.CASES,
    "packed": packed.CASES,
    "sequence": sequence.CASES,
    "spatial": spatial.CASES,
}
