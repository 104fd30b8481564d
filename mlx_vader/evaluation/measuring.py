"""One restored clip against the clean one, as a row of figures."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from mlx_vader.arrays import Clip, Masks, Pixels
from mlx_vader.boxes import Box
from mlx_vader.evaluation.case import MASKED_KINDS, Case
from mlx_vader.evaluation.method import Method, Restoration
from mlx_vader.evaluation.perceptual import Perceptual
from mlx_vader.metrics import (
    CEILING,
    Motion,
    boundary_error,
    ciede2000,
    flicker,
    frechet_distance,
    hole_warping_error,
    mask_iou,
    masked_psnr,
    ms_ssim,
    psnr,
    quality,
    ssim,
    warping_error,
)
from mlx_vader.metrics.ms_ssim import SMALLEST


@dataclass(frozen=True)
class Row:
    """What one method made of one clip with one artifact. None: it does not apply, or cannot be measured here.

    `mask`: which mask it was given. `where`: the backend and the device. PSNR in dB, at most `CEILING`; of whole
    frames, of the worst frame, and inside and outside the true mask of an overlay or a hole. `ms_ssim`: of frames that
    are large enough. `lpips`: see `perceptual`. `mask_iou`: of the mask that a network found. `warping_error`: of whole
    frames; `warping_error_mask`, `flicker` and `ciede2000`: in the true mask. `boundary_error`: at the edge of the mask
    that was given, else of the true one. `fid`: of crops around the true mask; `quality`: Q of it, the warping error in
    the mask and the boundary error. `seconds_per_frame`: measured, without loading.
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
    ms_ssim: float | None
    lpips: float | None
    mask_iou: float | None
    warping_error: float | None
    warping_error_mask: float | None
    flicker: float | None
    boundary_error: float | None
    ciede2000: float | None
    fid: float | None
    quality: float | None
    seconds_per_frame: float

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


#: The figures among the fields of a row, in their order.
FIGURES = tuple(field.name for field in fields(Row))[9:]


@dataclass(frozen=True)
class Truth:
    """What restorations of a clip are compared with, computed once: the clean clip, and how things move in it.

    `features`: of the frames of a clip, those of FID.
    """

    name: str
    clean: Clip
    motion: Motion | None
    perceptual: Perceptual | None
    features: Callable[[Clip], np.ndarray] | None = None


def measure(
    truth: Truth,
    case: Case,
    mask: Masks | None,
    method: Method,
    restoration: Restoration,
    seconds: float,
    *,
    given: str | None = None,
    drawn: Masks | None = None,
) -> Row:
    """The figures of a restoration that took so many seconds a frame.

    `mask` is the true one, `drawn` the one that the method was given, and `given` its name.
    """
    restored = restoration.frames
    masked = mask if case.kind in MASKED_KINDS else None
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
        ms_ssim=ms_ssim(restored, truth.clean) if min(restored.shape[1:3]) >= SMALLEST else None,
        lpips=truth.perceptual(restored, truth.clean) if truth.perceptual else None,
        mask_iou=mask_iou(restoration.mask, mask) if found else None,  # type: ignore[arg-type]
        warping_error=_known(warping_error(restored, truth.motion)) if truth.motion else None,
        **_inside(truth, restored, masked, drawn),
        seconds_per_frame=seconds,
    )


def _inside(truth: Truth, restored: Clip, mask: Masks | None, drawn: Masks | None) -> dict[str, float | None]:
    """The figures that there are in the true mask alone, and at the edge of the one that was given."""
    if mask is None:
        return dict.fromkeys(
            ("warping_error_mask", "flicker", "boundary_error", "ciede2000", "fid", "quality")
        )
    figures = {
        "warping_error_mask": _known(hole_warping_error(restored, truth.motion, mask))
        if truth.motion
        else None,
        "flicker": _known(flicker(restored, truth.clean, mask)),
        "boundary_error": _known(boundary_error(restored, truth.clean, mask if drawn is None else drawn)),
        "ciede2000": _known(ciede2000(restored, truth.clean, mask)),
        "fid": _fid(truth, restored, mask),
    }
    parts = [figures[name] for name in ("warping_error_mask", "fid", "boundary_error")]
    known = [part for part in parts if part is not None]
    return figures | {"quality": quality(*known) if known == parts else None}


def _fid(truth: Truth, restored: Clip, mask: Masks) -> float | None:
    """Of squares around the mask of each frame that has one: as many real pictures as restored ones."""
    windows = [(time, _around(held[..., 0] > 0.5)) for time, held in enumerate(mask) if (held > 0.5).any()]
    if truth.features is None or len(windows) < 2:
        return None
    real, filled = (
        np.concatenate([truth.features(clip[time][window][None]) for time, window in windows])
        for clip in (truth.clean, restored)
    )
    return frechet_distance(real, filled)


def _around(hole: Pixels) -> tuple[slice, slice]:
    """The square around a hole, within the picture; of the hole's longer side, if the picture is so large."""
    box = Box.around(hole)
    side = min(max(box.height, box.width), *hole.shape)
    top, left = min(box.top, hole.shape[0] - side), min(box.left, hole.shape[1] - side)
    return slice(top, top + side), slice(left, left + side)


def _masked(restored: Clip, clean: Clip, mask: Masks | None, *, inside: bool) -> float | None:
    return None if mask is None else _known(min(masked_psnr(restored, clean, mask, inside=inside), CEILING))


def _known(value: float) -> float | None:
    """None for what is not a number."""
    return None if math.isnan(value) else value
