"""How good the averaged weights are, on clips that stay the same."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import mlx.core as mx
import numpy as np

from mlx_vader.data import Sample
from mlx_vader.metrics import CEILING, masked_psnr, psnr, ssim
from mlx_vader.models.base import Network


@dataclass(frozen=True)
class Scores:
    """Means over the validation clips, in dB for PSNR; `_mask` is inside the true mask, NaN where no clip has one."""

    psnr_before: float
    psnr: float
    psnr_mask_before: float
    psnr_mask: float
    ssim_before: float
    ssim: float

    @property
    def score(self) -> float:
        """By which the best weights are chosen."""
        return self.psnr

    def summary(self) -> str:
        """Before and after, for people."""
        inside = f"in the mask {self.psnr_mask_before:.2f} → {self.psnr_mask:.2f} dB, "
        return (
            f"PSNR {self.psnr_before:.2f} → {self.psnr:.2f} dB, {inside if np.isfinite(self.psnr_mask) else ''}"
            f"SSIM {self.ssim_before:.4f} → {self.ssim:.4f}"
        )

    def as_dict(self) -> dict[str, float]:
        """By name, without those that have no value."""
        return {name: value for name, value in asdict(self).items() if np.isfinite(value)}


class AnyScores(Protocol):
    """What a validation measures, whatever the network learns."""

    @property
    def score(self) -> float:
        """By which the best weights are chosen; more is better."""
        ...

    def as_dict(self) -> dict[str, float]:
        """By name."""
        ...

    def summary(self) -> str:
        """One line for people."""
        ...


@dataclass(frozen=True)
class Validated:
    """The scores, each artifact's gain in PSNR, and the first clips as rows of before | mask | after."""

    scores: AnyScores
    gains: dict[str, float]
    pictures: list[np.ndarray]


class Validation:
    """Restores the clips and compares. What does not change from time to time is measured once."""

    def __init__(self, samples: Sequence[Sample], pictures: int = 4) -> None:
        self._samples = list(samples)
        self._pictures = pictures
        self._before = [_measure(sample.spoiled, sample) for sample in self._samples]

    def __call__(self, net: Network) -> Validated:
        """Runs `net` as it is; the clips start cold."""
        after: list[dict[str, float]] = []
        pictures: list[np.ndarray] = []
        for sample in self._samples:
            restored = net(mx.array(sample.spoiled)[None])
            frames = np.clip(np.array(restored.frames[0]), 0, 1)
            after.append(_measure(frames, sample))
            if len(pictures) < self._pictures:
                mask = sample.mask if restored.mask is None else np.array(restored.mask[0])
                pictures.append(_picture(sample.spoiled[-1], mask[-1], frames[-1]))
        return Validated(_scores(self._before, after), self._gains(after), pictures)

    def _gains(self, after: list[dict[str, float]]) -> dict[str, float]:
        gains: dict[str, list[float]] = {}
        for sample, was, now in zip(self._samples, self._before, after, strict=True):
            gains.setdefault("+".join(sample.artifacts), []).append(now["psnr"] - was["psnr"])
        return {artifact: float(np.mean(values)) for artifact, values in gains.items()}


def _measure(frames: np.ndarray, sample: Sample) -> dict[str, float]:
    return {
        "psnr": min(CEILING, psnr(frames, sample.clean)),
        "psnr_mask": float(np.minimum(CEILING, masked_psnr(frames, sample.clean, sample.mask))),
        "ssim": ssim(frames, sample.clean),
    }


def _scores(before: list[dict[str, float]], after: list[dict[str, float]]) -> Scores:
    def mean(rows: list[dict[str, float]], name: str) -> float:
        values = [row[name] for row in rows if not np.isnan(row[name])]
        return float(np.mean(values)) if values else float("nan")

    return Scores(
        **{f"{name}_before": mean(before, name) for name in ("psnr", "psnr_mask", "ssim")},
        **{name: mean(after, name) for name in ("psnr", "psnr_mask", "ssim")},
    )


def _picture(before: np.ndarray, mask: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Side by side, (h, 3w, 3) in [0, 1]."""
    return np.concatenate([before, np.repeat(mask, 3, axis=-1), after], axis=1)
