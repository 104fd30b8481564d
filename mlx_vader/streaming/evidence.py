"""What a few frames show of noise and of coding. Frames are RGB in [0, 1]."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int
from scipy import ndimage

from mlx_vader.arrays import Frame

#: Noise is measured in the flattest of blocks of so many pixels: this share of them, and no fewer than these.
BLOCK, FLAT_SHARE, FEWEST_BLOCKS = 16, 0.1, 8
#: Black and white clip noise: blocks that reach beyond these levels are not counted.
DARKEST, BRIGHTEST = 8, 247
#: The side of the blocks in which most codecs transform.
GRID = 8
#: Pictures without contrast count as if their mean step were so many levels.
SMALLEST_STEP = 0.5
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Noise(NamedTuple):
    """Noise that is new in every frame: its standard deviation in levels of luma, of 255, and samples of it, RGB."""

    level: float
    samples: Float32[np.ndarray, "n 16 16 3"]

    def spread(self, height: int, width: int, *, seed: int) -> Frame:
        """As much of it as a frame takes: samples side by side, some of them negated; the same for the same seed."""
        rng = np.random.default_rng(seed)
        rows, columns = -(-height // BLOCK), -(-width // BLOCK)
        chosen = self.samples[rng.integers(len(self.samples), size=rows * columns)]
        chosen = chosen * rng.choice(np.array([-1, 1], np.float32), size=(rows * columns, 1, 1, 1))
        tiled = chosen.reshape(rows, columns, BLOCK, BLOCK, 3).swapaxes(1, 2)
        return np.ascontiguousarray(tiled.reshape(rows * BLOCK, columns * BLOCK, 3)[:height, :width])


NO_NOISE = Noise(0.0, np.zeros((1, BLOCK, BLOCK, 3), np.float32))


def noise_of(frames: Float32[np.ndarray, "3 h w 3"]) -> Noise:
    """The noise of three frames that follow one another, where they are flat; `NO_NOISE` where too little is.

    Noise is new in every frame. What is left of the scene in a difference of frames is least in that of both
    differences, where motion is steady, and in one of the two where there is a cut at the other: the least counts.
    """
    flat = _flattest(255 * (frames.mean(axis=0) @ _LUMA))
    if len(flat) < FEWEST_BLOCKS:
        return NO_NOISE
    first, second, third = (_blocks(frame)[flat] for frame in frames)
    # Each has the variance of the noise of one frame.
    differences = (
        (second - first) / np.sqrt(np.float32(2)),
        (third - second) / np.sqrt(np.float32(2)),
        (first - 2 * second + third) / np.sqrt(np.float32(6)),
    )
    return min((_noise_in(difference) for difference in differences), key=lambda noise: noise.level)


def _noise_in(difference: Float32[np.ndarray, "n 256 3"]) -> Noise:
    samples = difference - difference.mean(axis=1, keepdims=True)
    variance = ((samples @ _LUMA) ** 2).mean(axis=1)
    return Noise(255 * float(np.sqrt(np.median(variance))), samples.reshape(-1, BLOCK, BLOCK, 3))


def jumps(frame: Frame) -> Float64[np.ndarray, "2 8"]:
    """How far luma jumps at every eighth row, and column, beyond the steps beside it: means, for each place of a grid.

    In shares of the picture's mean step: what shows in a smooth picture is lost in a busy one.
    """
    luma = 255 * (frame @ _LUMA)
    found = np.zeros((2, GRID))
    for axis in (0, 1):
        steps = np.abs(np.diff(luma, axis=axis))
        steps = np.moveaxis(steps, axis, 0)
        beyond = (steps[1:-1] - (steps[:-2] + steps[2:]) / 2).mean(axis=1)
        # The first of them lies between rows 1 and 2.
        beyond = beyond / max(float(steps.mean()), SMALLEST_STEP)
        places = (np.arange(len(beyond)) + 2) % GRID
        found[axis] = np.bincount(places, beyond, GRID) / np.maximum(np.bincount(places, minlength=GRID), 1)
    return found


def blockiness(found: Float64[np.ndarray, "2 8"]) -> float:
    """How far the jumps at one place of the grid stand out from all others; 0 where none does."""
    by_size = np.sort(found, axis=1)
    return float((by_size[:, -1] - by_size[:, -2]).mean())


def _flattest(luma: Float32[np.ndarray, "h w"]) -> Int[np.ndarray, " n"]:
    """The blocks with the weakest gradients, among those that are neither black nor white."""
    smooth = ndimage.uniform_filter(luma, 5)
    rows, columns = np.gradient(smooth)
    gradient = _blocks((rows**2 + columns**2)[..., None])[..., 0].mean(axis=1)
    values = _blocks(luma[..., None])[..., 0]
    usable = np.flatnonzero((values.min(axis=1) > DARKEST) & (values.max(axis=1) < BRIGHTEST))
    count = max(int(len(usable) * FLAT_SHARE), FEWEST_BLOCKS)
    return usable[np.argsort(gradient[usable])[:count]]


def _blocks(image: Float32[np.ndarray, "h w c"]) -> Float32[np.ndarray, "n 256 c"]:
    """Whole blocks of an image, from its upper left corner on."""
    height, width = (side // BLOCK * BLOCK for side in image.shape[:2])
    cut = image[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, -1)
    return cut.swapaxes(1, 2).reshape(-1, BLOCK * BLOCK, image.shape[2])
