"""What checking a package found, as values."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlx_vader.errors import VaderError

#: PSNR that counts as equal: beyond it half precision has nothing to say, and JSON has no infinity.
MOST_DB = 120.0


def psnr_db(mean_square: float, peak: float) -> float:
    """Of a mean square error, in dB of the peak, from 0 (or NaN) to MOST_DB."""
    if not math.isfinite(mean_square):
        return 0.0
    return min(MOST_DB, 10 * math.log10(peak**2 / max(mean_square, 1e-30)))


@dataclass(frozen=True)
class OutputCheck:
    """One output or state of one function at one size, against the fp32 twin over a stream.

    `psnr_db` is that of the worst frame, in dB of the output's range; `max_abs` the largest difference, None
    where there was nothing to compare. `judged`: whether it has to reach the threshold. A state of a compressed package
    does not: it has to be there and finite, and counts by what it does to the outputs of the frames that follow.
    """

    engine: str
    function: str
    shape: str
    name: str
    psnr_db: float
    max_abs: float | None
    judged: bool = True

    def passes(self, threshold_db: float) -> bool:
        """Whether it may be as it is."""
        return self.psnr_db >= threshold_db if self.judged else self.max_abs is not None


@dataclass(frozen=True)
class Flag:
    """Numbers that half precision cannot hold: infinite, NaN, or so large (beyond 32768) that they soon are."""

    function: str
    op: str
    type: str
    kind: str
    largest: float


@dataclass(frozen=True)
class WorstOp:
    """The operation whose fp16 result is farthest from its fp32 result, in dB of its range."""

    op: str
    type: str
    psnr_db: float


@dataclass(frozen=True)
class Verification:
    """`psnr_lost_db`: how much nearer to the clean frames the fp32 network comes than the package, at the worst size.

    `failures`: why Core ML would not load the package; engines that could not run it, and why.
    `clip`: what the frames showed.
    """

    threshold_db: float
    outputs: tuple[OutputCheck, ...]
    psnr_lost_db: float
    fp16_flags: tuple[Flag, ...]
    worst_op: WorstOp | None
    failures: tuple[str, ...]
    frames: int
    clip: str

    @property
    def passed(self) -> bool:
        """Every judged output of every engine reaches the threshold, and none is missing."""
        reached = all(output.passes(self.threshold_db) for output in self.outputs)
        return reached and bool(self.outputs) and not self.failures

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"passed": self.passed, **asdict(self)}


class RejectedError(VaderError):
    """A package that was written and failed its verification. It is kept at `path`."""

    def __init__(self, path: Path, verification: Verification) -> None:
        super().__init__(
            f"the package does not compute what the network does, and is kept as {path}",
            hint="a bug report with this file is welcome; another --shapes or --compress may do",
        )
        self.path = path
        self.verification = verification

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with the keys that a `ConversionReport` has for the same."""
        return {"rejected": True, "path": str(self.path), "verification": self.verification.as_dict()}
