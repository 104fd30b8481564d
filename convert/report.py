"""What a conversion made, as a value."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from convert.verification import Verification


@dataclass(frozen=True)
class ConversionReport:
    """A written package. `shapes`: what its frames may measure; `ops`: how often each operation occurs.

    `functions`: name → size, the default one first; empty for a package of one function. `states`: what the package
    remembers itself. `inputs`, `outputs` and `states` are the default function's; `ops` counts all functions.
    """

    path: Path
    network: str
    shapes: str
    default_shape: str
    target: str
    functions: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    states: tuple[str, ...]
    io: str
    compress: str
    size_mib: float
    #: Weights that compression left in 16 bits, because outputs would have suffered.
    kept: tuple[str, ...]
    #: What the same package takes on disk with weights of 16 bits.
    uncompressed_size_mib: float
    ops: dict[str, int]
    #: Operations that give single precision, which the Neural Engine does not have: casts of images, or a flaw.
    fp32_ops: tuple[str, ...]
    seconds: float
    #: What running the package found; None when nobody asked.
    verification: Verification | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        found = self.verification.as_dict() if self.verification else None
        return {"rejected": False} | asdict(self) | {"path": str(self.path), "verification": found}
