"""The seven degradations: pure functions `(frames, rng, severity) -> frames`, one a file.

Each file says what severity 0 and 1 mean in physical units. Severity changes the strength only: for one key the
kind, the direction and the codec stay the same, so that a rising severity is a rising damage.
"""

from mlx_vader.artifacts.degradations.blur import blur
from mlx_vader.artifacts.degradations.color_banding import color_banding
from mlx_vader.artifacts.degradations.film_grain import film_grain
from mlx_vader.artifacts.degradations.gaussian_noise import gaussian_noise
from mlx_vader.artifacts.degradations.jpeg_compression import jpeg_compression
from mlx_vader.artifacts.degradations.salt_pepper_noise import salt_pepper_noise
from mlx_vader.artifacts.degradations.video_compression import video_compression

__all__ = [
    "blur",
    "color_banding",
    "film_grain",
    "gaussian_noise",
    "jpeg_compression",
    "salt_pepper_noise",
    "video_compression",
]
