"""Frames as a package takes them, and how near two results are."""

from pathlib import Path

import numpy as np
import torch

from mlx_vader.video import read_clip
from torch_ref.models.base import Network, State


def psnr(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    assert ours.shape == theirs.shape
    error = float(((ours.double() - theirs.double()) ** 2).mean())
    return float("inf") if error == 0 else -10 * np.log10(error)


def real_frames(clip: Path, size: tuple[int, int], count: int) -> torch.Tensor:
    """`count` frames of a real clip: (count, 3, h, w)."""
    frames = torch.from_numpy(np.moveaxis(read_clip(clip, 0, count), -1, 1).copy())
    return torch.nn.functional.interpolate(frames, size=size, mode="area")


def given(net: Network, frame: torch.Tensor) -> dict[str, torch.Tensor]:
    """What a package takes with one frame: any frames are this one, a hint is 1 in a corner and -1 elsewhere.

    Features are the frame's channels again and again.
    """
    hint = -torch.ones_like(frame[:, :1])
    hint[..., :16, :24] = 1
    values = {"frames": frame, "hint": hint}
    return {
        port.name: values.get(port.kind, frame[:, [number % 3 for number in range(port.channels)]])
        for port in net.interface.inputs
    }


def reference(
    net: Network, data: dict[str, torch.Tensor], state: State
) -> tuple[dict[str, torch.Tensor], State]:
    """What the twin gives for one frame as a package takes it, and its new state."""
    outputs, state = net.run({name: value.unsqueeze(1) for name, value in data.items()}, state)
    return {name: value[:, 0] for name, value in outputs.items()}, state
