"""What the toolkit is measured by: numpy in float64, values in [0, 1], no framework."""

from mlx_vader.metrics.psnr import masked_psnr, psnr
from mlx_vader.metrics.ssim import ssim

__all__ = ["masked_psnr", "psnr", "ssim"]
