"""What the toolkit is measured by: numpy in and out, values in [0, 1].

`metrics.lpips`, `metrics.st_lpips` and `metrics.inception` compute in MLX and need weights of the user's own: they are
imported by themselves.
"""

from mlx_vader.metrics.boundary import boundary_error
from mlx_vader.metrics.ciede2000 import ciede2000
from mlx_vader.metrics.fid import fid, frechet_distance, vfid
from mlx_vader.metrics.flicker import flicker
from mlx_vader.metrics.mask_iou import mask_iou
from mlx_vader.metrics.ms_ssim import ms_ssim
from mlx_vader.metrics.psnr import CEILING, masked_psnr, psnr
from mlx_vader.metrics.quality import quality
from mlx_vader.metrics.ssim import ssim
from mlx_vader.metrics.warping import Motion, hole_warping_error, motion_of, warping_error

__all__ = [
    "CEILING",
    "Motion",
    "boundary_error",
    "ciede2000",
    "fid",
    "flicker",
    "frechet_distance",
    "hole_warping_error",
    "mask_iou",
    "masked_psnr",
    "motion_of",
    "ms_ssim",
    "psnr",
    "quality",
    "ssim",
    "vfid",
    "warping_error",
]
