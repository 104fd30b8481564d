"""Small networks in numpy, whose results can be told by heart."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlx_vader.backends import Outputs, Restored
from mlx_vader.interface import Interface, Port
from mlx_vader.levels import to_unit


@dataclass
class Numpy:
    """A backend without a framework; subclasses implement `_restore`."""

    window: int = 1
    takes_hint: bool = False
    masks: bool = False
    takes_levels: bool = False
    emulated: bool = False
    name: str = "numpy"
    device: str = "CPU"

    @cached_property
    def interface(self):
        hint = (Port("told", "hint", 1, optional=True),) if self.takes_hint else ()
        mask = (Port("where", "mask", 1),) if self.masks else ()
        return Interface(
            (Port("seen", "frames", 3), *hint), (Port("made", "frames", 3), *mask), window=self.window
        )

    def run(self, inputs, state=None):
        frames = inputs["seen"]
        frames = to_unit(frames) if frames.dtype == np.uint8 else frames
        assert frames.dtype == np.float32
        assert frames.flags.c_contiguous
        restored = self._restore(frames, state, inputs.get("told"))
        mask = {} if restored.mask is None else {"where": restored.mask}
        return Outputs({"made": restored.frames, **mask}, restored.state)

    def pack(self, state):
        return {} if state is None else {"seen": state}

    def unpack(self, arrays):
        return arrays.get("seen")


@dataclass
class Identity(Numpy):
    """Gives back what it gets; the mask is the red channel."""

    masks: bool = True

    def _restore(self, frames, state, hint=None):
        return Restored(frames.copy(), frames[..., :1].copy(), state)


class Maskless(Numpy):
    def _restore(self, frames, state, hint=None):
        return Restored(frames.copy(), None, state)


class Leaky(Numpy):
    """A running mean: each frame depends on all before it. Window 1, like a recurrent network."""

    def _restore(self, frames, state, hint=None):
        restored = []
        seen = np.zeros_like(frames[0]) if state is None else state
        for frame in frames:
            seen = np.float32(0.5) * (seen + frame)
            restored.append(seen)
        return Restored(np.stack(restored), None, seen)


class Windowed(Numpy):
    """Frames of a window see each other (their mean), and the last window before (its mean, in the state)."""

    def _restore(self, frames, state, hint=None):
        restored = []
        for start in range(0, len(frames), self.window):
            mean = frames[start : start + self.window].mean(axis=0)
            before = np.zeros_like(mean) if state is None else state
            restored += [np.float32(0.5) * (mean + before)] * len(frames[start : start + self.window])
            state = mean
        return Restored(np.stack(restored), None, state)


class Centred(Numpy):
    """Each frame becomes the mean of the clip it was in: shows where clips begin and end."""

    def _restore(self, frames, state, hint=None):
        return Restored(np.broadcast_to(frames.mean(axis=0), frames.shape).copy(), None, None)


class Broken(Leaky):
    """NaN in the upper left pixel of every frame brighter than one half, and in the state from then on."""

    def _restore(self, frames, state, hint=None):
        restored = super()._restore(frames, state)
        out = restored.frames.copy()
        for frame, result in zip(frames, out, strict=True):
            if frame.mean() > 0.5:
                result[0, 0] = np.nan
                restored.state[...] = np.nan
        return Restored(out, None, restored.state)


class Painter(Numpy):
    """White where the hint says artifact, stripes where it says clean, grey where there is none."""

    told: frozenset[bool] = frozenset()

    def _restore(self, frames, state, hint=None):
        self.told |= {hint is not None}
        hint = np.zeros_like(frames[..., :1]) if hint is None else hint
        stripes = (np.arange(frames.shape[2]) % 2)[:, None]
        painted = np.select([hint > 0, hint < 0], [1, stripes], 0.5).astype(np.float32)
        return Restored(np.repeat(painted, 3, axis=-1), None, state)


def ramp(count, height=2, width=3):
    """Frames that differ from each other and inside themselves."""
    random = np.random.default_rng(7)
    return [random.random((height, width, 3), dtype=np.float32) for _ in range(count)]
