"""What every network is: a pure function of frames and state."""

from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.errors import UsageError
from mlx_vader.layers.padding import pad_to_multiple

#: What a network remembers of the frames before. Feature maps are `(b, h, w, c)`; everything of another rank has
#: the same shape in MLX, PyTorch and Core ML. All zeros is the state at the start of a video.
State = dict[str, mx.array]


class Restored(NamedTuple):
    """What a network returns: frames in [0, 1], where it saw artifacts (1 = artifact), and its memory."""

    frames: Float[mx.array, "b t h w 3"]
    mask: Float[mx.array, "b t h w 1"] | None
    state: State


class Network(nn.Module):
    """A restoration network. Subclasses implement `restore` and `state_spec`.

    `stride`: inside, height and width are multiples of it. `window`: the number of frames that see each other; a
    video cut into clips of any multiple of `window` gives the same output as the uncut video, and 1 means that
    frame by frame equals clip by clip. `takes_hint`: frames may have a fourth channel, which says where overlays
    are: 1 here, -1 not here, 0 unknown.
    """

    stride: int = 1
    window: int = 1
    takes_hint: bool = False

    def __call__(self, frames: Float[mx.array, "b t h w c"], state: State | None = None) -> Restored:
        """Restores RGB frames of any size in [0, 1]; `state` is what the call before returned, `None` a new video.

        Raises UsageError for a hint that the network does not take.
        """
        if frames.shape[-1] == 4 and not self.takes_hint:
            raise UsageError("this network takes no hint", hint="give it RGB frames, or use realtime")
        height, width = frames.shape[2:4]
        padded = pad_to_multiple(frames, self.stride)
        state = state or self.fresh_state(*padded.shape[:1], *padded.shape[2:4])
        hint = (padded[..., 3:],) if frames.shape[-1] == 4 else ()
        restored, mask, state = self.restore(padded[..., :3], state, *hint)
        if mask is not None:
            mask = mask[:, :, :height, :width]
        return Restored(restored[:, :, :height, :width], mask, state)

    def restore(self, frames: Float[mx.array, "b t h w 3"], state: State) -> Restored:
        """The network itself, for sizes that are multiples of `stride`; one that takes a hint takes it third."""
        raise NotImplementedError

    def state_spec(self, height: int, width: int) -> dict[str, tuple[int, ...]]:
        """The shape of each state array without the batch dimension; empty for a network without memory."""
        raise NotImplementedError

    def fresh_state(self, batch: int, height: int, width: int) -> State:
        """The state at the start of a video."""
        return {name: mx.zeros((batch, *shape)) for name, shape in self.state_spec(height, width).items()}
