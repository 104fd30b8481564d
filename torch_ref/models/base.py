"""What every network is: a pure function of frames and state."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from torch_ref.layers.padding import pad_to_multiple

#: What a network remembers of the frames before. Feature maps are `(b, c, h, w)`; everything of another rank has the
#: same shape in MLX, PyTorch and Core ML. All zeros is the state at the start of a video.
State = dict[str, Tensor]


class Restored(NamedTuple):
    """What a network returns: frames in [0, 1], where it saw artifacts (1 = artifact), and its memory."""

    frames: Float[Tensor, "b t 3 h w"]
    mask: Float[Tensor, "b t 1 h w"] | None
    state: State


class Network(nn.Module):
    """A restoration network. Subclasses implement `restore` and `state_spec`; see `mlx_vader.models.base.Network`."""

    stride: int = 1
    window: int = 1
    takes_hint: bool = False

    def forward(self, frames: Float[Tensor, "b t c h w"], state: State | None = None) -> Restored:
        """Restores RGB frames of any size in [0, 1]; `state` is what the call before returned, `None` a new video."""
        height, width = frames.shape[3:]
        padded = pad_to_multiple(frames, self.stride)
        if not state:
            state = self.fresh_state(padded.shape[0], padded.shape[3], padded.shape[4], like=frames)
        hint = (padded[:, :, 3:],) if frames.shape[2] == 4 else ()
        restored, mask, state = self.restore(padded[:, :, :3], state, *hint)
        if padded.shape != frames.shape:
            restored = restored[..., :height, :width]
            mask = None if mask is None else mask[..., :height, :width]
        return Restored(restored, mask, state)

    def restore(self, frames: Float[Tensor, "b t 3 h w"], state: State) -> Restored:
        """The network itself, for sizes that are multiples of `stride`; one that takes a hint takes it third."""
        raise NotImplementedError

    def state_spec(self, height: int, width: int) -> dict[str, tuple[int, ...]]:
        """The shape of each state array without the batch dimension; empty for a network without memory."""
        raise NotImplementedError

    def fresh_state(self, batch: int, height: int, width: int, like: Tensor | None = None) -> State:
        """The state at the start of a video, with the device and the type of `like`."""
        like = torch.empty(0) if like is None else like
        return {name: like.new_zeros(batch, *shape) for name, shape in self.state_spec(height, width).items()}
