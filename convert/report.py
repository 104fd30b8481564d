"""What a conversion made, as a value."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ConversionReport:
    """A written package. `shapes`: what its frames may measure; `ops`: how often each operation occurs."""

    path: Path
    network: str
    shapes: str
    default_shape: str
    target: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    size_mib: float
    ops: dict[str, int]
    #: Operations that compute in single precision; the Neural Engine has none.
    fp32_ops: tuple[str, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"path": str(self.path)}
