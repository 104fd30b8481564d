"""Real frames at the size of a package, with a mark on them: what a package is verified and calibrated on."""

from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from convert.shapes import Size
from mlx_vader.arrays import Clip, Masks
from mlx_vader.interface import ARTIFACT, CLEAN, UNKNOWN, Interface, Port
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.resizing import crop_and_resize

#: Another key, another logo.
LOGO_KEY = 1


class RealFrames(NamedTuple):
    """Frames in 8-bit levels, RGB in [0, 1], before and after a mark was put on them, and what they show."""

    clean: Float32[np.ndarray, "t h w 3"]
    spoiled: Float32[np.ndarray, "t h w 3"]
    mask: Float32[np.ndarray, "t h w 1"]
    label: str

    def hint(self) -> Float32[np.ndarray, "t h w 1"]:
        """Nothing is known at first, everything in the second half."""
        hint = np.where(self.mask > 0.5, np.float32(ARTIFACT), np.float32(CLEAN))
        hint[: len(hint) // 2] = UNKNOWN
        return hint

    def inputs(self, interface: Interface) -> dict[str, np.ndarray]:
        """What a network of this interface takes, over the clip.

        Several inputs of frames see the clip one frame later each. What no clip shows, such as features, is noise.
        """
        frames = [port for port in interface.inputs if port.kind == "frames"]
        later = {port.name: np.roll(self.spoiled, -shift, axis=0) for shift, port in enumerate(frames)}
        noise = np.random.default_rng(0)
        return {port.name: later.get(port.name, self._other(port, noise)) for port in interface.inputs}

    def _other(self, port: Port, noise: np.random.Generator) -> np.ndarray:
        if port.kind == "hint":
            return self.hint()
        if port.kind == "mask":
            return self.mask
        count, height, width = self.spoiled.shape[:3]
        return noise.standard_normal((count, *port.shape(height, width)), np.float32)


def real_frames(clip: Path | None, size: Size, count: int) -> RealFrames:
    """`count` frames with a corner logo.

    Of `clip`; without one, of the demo's clip; where that is not installed, of a drawn scene. A shorter clip runs
    forwards and backwards.
    """
    from mlx_vader.artifacts.gallery import drawn_scene
    from mlx_vader.sample_clips import find_sample_clip

    source = clip or find_sample_clip()
    frames = list(drawn_scene(count)) if source is None else _first(source, count)
    scaled = [crop_and_resize(frame, size.height, size.width) for frame in frames]
    clean = np.stack(list(islice(cycle([*scaled, *scaled[-2:0:-1]]), count)))
    spoiled, mask = _marked(clean)
    levels = to_unit(to_levels(spoiled))
    return RealFrames(clean, levels, mask, source.name if source else "a drawn scene")


def _marked(clean: Clip) -> tuple[Clip, Masks]:
    """With a corner logo; without the fonts of the `train` extra, with a plain bright box there."""
    from mlx_vader.artifacts import MissingFontError, apply

    try:
        spoiled = apply("corner_logo", clean, LOGO_KEY, vocabulary="val")
    except MissingFontError:
        height, width = clean.shape[1:3]
        mask = np.zeros((*clean.shape[:3], 1), np.float32)
        mask[:, height // 16 : height // 5, -width // 4 : -width // 16] = 1
        return clean + np.float32(0.6) * mask * (1 - clean), mask
    return spoiled.frames, spoiled.mask


def _first(source: Path, count: int) -> list[Float32[np.ndarray, "h w 3"]]:
    from mlx_vader.video import open_video

    with open_video(source, stop=count) as video:
        return [frame.rgb for frame in video]
