"""What the toolkit is measured by: numpy in and out, values in [0, 1].

`metrics.st_lpips` computes in MLX and needs weights of the user's own: it is imported by itself.
"""

from mlx_vader.metrics.flicker import flicker
from mlx_vader.metrics.mask_iou import mask_iou
from mlx_vader.metrics.psnr import CEILING, masked_psnr, psnr
from mlx_vader.metrics.ssim import ssim
from mlx_vader.metrics.warping import Motion, motion_of, warping_error

__all__ = [
    "CEILING",
    "Motion",
    "flicker",
    "mask_iou",
    "masked_psnr",
    "motion_of",
    "psnr",
    "ssim",
    "warping_error",
]
