"""Frames as a package takes them, and how near two results are."""

from pathlib import Path

import numpy as np
import torch

from mlx_vader.video import read_clip
from torch_ref.models.base import Network


def psnr(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    assert ours.shape == theirs.shape
    error = float(((ours.double() - theirs.double()) ** 2).mean())
    return float("inf") if error == 0 else -10 * np.log10(error)


def real_frames(clip: Path, size: tuple[int, int], count: int) -> torch.Tensor:
    """`count` frames of a real clip: (count, 3, h, w)."""
    frames = torch.from_numpy(np.moveaxis(read_clip(clip, 0, count), -1, 1).copy())
    return torch.nn.functional.interpolate(frames, size=size, mode="area")


def given(net: Network, frame: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
    """One frame as a package takes it, and the hint as the twin does: 1 in a corner, if the network takes one."""
    if net.interface.input("hint") is None:
        return {"frames": frame}, None
    hint = -torch.ones_like(frame[:, :1])
    hint[..., :16, :24] = 1
    return {"frames": frame, "hint": hint}, hint.unsqueeze(1)
