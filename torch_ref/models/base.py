"""What every network is: a pure function of its inputs and its state; see `mlx_vader/models/base.py`."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from torch_ref.layers.padding import pad_to_multiple

#: What a network remembers of the frames before. Maps are `(b, c, h, w)`; arrays of a fixed shape have the same shape
#: in MLX, PyTorch and Core ML. All zeros is the state at the start of a video.
State = dict[str, Tensor]


class Restored(NamedTuple):
    """What a restoration network returns: frames in [0, 1], its mask (1 = artifact) and its memory."""

    frames: Float[Tensor, "b t 3 h w"]
    mask: Float[Tensor, "b t 1 h w"] | None
    state: State


class Network(nn.Module):
    """A network. Its `spec` says what it takes and gives (`spec.interface`, see `mlx_vader/interface.py`).

    A restoration network implements `restore`, any other one `compute`.
    """

    spec: Any

    @property
    def interface(self) -> Any:
        """What it takes and gives."""
        return self.spec.interface

    @property
    def stride(self) -> int:
        """Inside, height and width are multiples of it."""
        stride: int = self.interface.stride
        return stride

    def forward(
        self,
        frames: Float[Tensor, "b t 3 h w"],
        state: State | None = None,
        hint: Float[Tensor, "b t 1 h w"] | None = None,
    ) -> Restored:
        """Restores RGB frames of any size in [0, 1]; `state` is what the call before returned, `None` a new video."""
        ports = self.interface.restoration()
        inputs = {ports.frames.name: frames}
        if hint is not None:
            inputs[ports.hint.name] = hint
        outputs, state = self.run(inputs, state)
        return Restored(outputs[ports.restored.name], outputs[ports.mask.name] if ports.mask else None, state)

    def run(self, inputs: dict[str, Tensor], state: State | None = None) -> tuple[dict[str, Tensor], State]:
        """Outputs and the new state from inputs by name, `(b, t, c, h, w)`, or `(b, t, c)` of a flat one.

        Any size of frames works: maps are extended by reflection, and outputs cropped, here and nowhere else.
        """
        interface = self.interface
        interface.check_inputs(inputs)
        maps = [port for port in interface.inputs if port.name in inputs and not port.flat]
        size = interface.frame_size({port.name: tuple(inputs[port.name].shape[3:]) for port in maps})
        padded = {
            port.name: pad_to_multiple(inputs[port.name], interface.stride // port.stride) for port in maps
        }
        first = next(iter(inputs.values()))
        if not state:
            height, width = interface.padded(*size)
            state = self.fresh_state(first.shape[0], height, width, like=first)
        outputs, state = self.compute(inputs | padded, state)
        return {port.name: _cropped(outputs[port.name], port, size) for port in interface.outputs}, state

    def compute(self, inputs: dict[str, Tensor], state: State) -> tuple[dict[str, Tensor], State]:
        """The network itself, for sizes that are multiples of its stride. An optional input may be missing."""
        ports = self.interface.restoration()
        hint = (inputs.get(ports.hint.name),) if ports.hint else ()
        frames, mask, state = self.restore(inputs[ports.frames.name], state, *hint)
        outputs = {ports.restored.name: frames}
        if ports.mask is not None and mask is not None:
            outputs[ports.mask.name] = mask
        return outputs, state

    def restore(self, frames: Float[Tensor, "b t 3 h w"], state: State) -> Restored:
        """A restoration network itself; one that takes a hint has `hint=None` as its third argument."""
        raise NotImplementedError

    def state_spec(self, height: int, width: int) -> dict[str, tuple[int, ...]]:
        """The shape of each state array without the batch dimension; empty for a network without memory."""
        return {port.name: port.planes(height, width) for port in self.interface.state}

    def fresh_state(self, batch: int, height: int, width: int, like: Tensor | None = None) -> State:
        """The state at the start of a video, with the device and the type of `like`."""
        like = torch.empty(0) if like is None else like
        return {name: like.new_zeros(batch, *shape) for name, shape in self.state_spec(height, width).items()}


def _cropped(output: Tensor, port: Any, size: tuple[int, int]) -> Tensor:
    if port.flat:
        return output
    _, rows, columns = port.planes(*size)
    # Returned as it is where it fits: a slice is no longer channels last.
    return output if output.shape[3:] == (rows, columns) else output[..., :rows, :columns]
