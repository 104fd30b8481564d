"""One restored clip against the clean one, as a row of figures."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from mlx_vader.arrays import Clip, Masks
from mlx_vader.evaluation.case import Case
from mlx_vader.evaluation.method import Method, Restoration
from mlx_vader.evaluation.perceptual import Perceptual
from mlx_vader.metrics import CEILING, Motion, flicker, mask_iou, masked_psnr, psnr, ssim, warping_error


@dataclass(frozen=True)
class Row:
    """What one method made of one clip with one artifact. None: it does not apply, or cannot be measured here.

    `mask`: which mask it was given. `where`: the backend and the device. PSNR in dB, at most `CEILING`; of whole
    frames, of the worst frame, and inside and outside the true mask of an overlay. `lpips`: see `perceptual`.
    `mask_iou`: of the mask that a network found. `flicker`: in the true mask, 1 is as much as the clean clip.
    `seconds_per_frame`: measured, without loading.
    """

    clip: str
    artifact: str
    severity: str
    kind: str
    method: str
    ours: bool
    uses_mask: bool
    mask: str | None
    where: str
    psnr: float
    psnr_worst: float
    psnr_mask: float | None
    psnr_outside: float | None
    ssim: float
    lpips: float | None
    mask_iou: float | None
    warping_error: float | None
    flicker: float | None
    seconds_per_frame: float

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


#: The figures among the fields of a row, in their order.
FIGURES = tuple(field.name for field in fields(Row))[9:]


@dataclass(frozen=True)
class Truth:
    """What restorations of a clip are compared with, computed once: the clean clip, and how things move in it."""

    name: str
    clean: Clip
    motion: Motion | None
    perceptual: Perceptual | None


def measure(
    truth: Truth,
    case: Case,
    mask: Masks | None,
    method: Method,
    restoration: Restoration,
    seconds: float,
    *,
    given: str | None = None,
) -> Row:
    """The figures of a restoration that took so many seconds a frame. `mask` is the true one, `given` names another."""
    restored = restoration.frames
    masked = mask if case.kind == "overlay" else None
    found = mask is not None and restoration.mask is not None and not method.needs_mask
    return Row(
        clip=truth.name,
        artifact=case.artifact,
        severity=case.severity,
        kind=case.kind,
        method=method.name,
        ours=method.ours,
        uses_mask=method.needs_mask,
        mask=given,
        where=method.where or "CPU",
        psnr=min(psnr(restored, truth.clean), CEILING),
        psnr_worst=min(CEILING, *(psnr(*pair) for pair in zip(restored, truth.clean, strict=True))),
        psnr_mask=_masked(restored, truth.clean, masked, inside=True),
        psnr_outside=_masked(restored, truth.clean, masked, inside=False),
        ssim=ssim(restored, truth.clean),
        lpips=truth.perceptual(restored, truth.clean) if truth.perceptual else None,
        mask_iou=mask_iou(restoration.mask, mask) if found else None,  # type: ignore[arg-type]
        warping_error=_known(warping_error(restored, truth.motion)) if truth.motion else None,
        flicker=_known(flicker(restored, truth.clean, masked)) if masked is not None else None,
        seconds_per_frame=seconds,
    )


def _masked(restored: Clip, clean: Clip, mask: Masks | None, *, inside: bool) -> float | None:
    return None if mask is None else _known(min(masked_psnr(restored, clean, mask, inside=inside), CEILING))


def _known(value: float) -> float | None:
    """None for what is not a number."""
    return None if math.isnan(value) else value
