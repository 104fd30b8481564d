"""What every network is: a pure function of its inputs and its state."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

import mlx.core as mx
import mlx.nn as nn
from annotated_types import Interval
from jaxtyping import Float

from mlx_vader.errors import UsageError
from mlx_vader.interface import Interface, Port, StatePort
from mlx_vader.layers.padding import pad_to_multiple

#: What a network remembers of the frames before. Maps are `(b, h, w, c)`; arrays of a fixed shape have the same shape
#: in MLX, PyTorch and Core ML. All zeros is the state at the start of a video.
State = dict[str, mx.array]

#: Sizes in a spec, with the bounds that a spec from a file must keep. Far beyond what anybody trains; near enough that
#: building a network of any of them takes seconds.
Channels = Annotated[int, Interval(ge=2, le=1024)]
Count = Annotated[int, Interval(ge=1, le=64)]
CountOrNone = Annotated[int, Interval(ge=0, le=64)]

#: Shapes of parameters by their names in PyTorch, of a checkpoint that somebody published.
PublishedShapes = Mapping[str, tuple[int, ...]]


class Restored(NamedTuple):
    """What a restoration network returns: frames in [0, 1], its mask (1 = artifact) and its memory."""

    frames: Float[mx.array, "b t h w 3"]
    mask: Float[mx.array, "b t h w 1"] | None
    state: State


def restoration(
    *, stride: int, window: int = 1, hint: bool = False, mask: bool = True, state: tuple[StatePort, ...] = ()
) -> Interface:
    """The interface of a network that restores frames; the names are those in every package of such a network."""
    hints = (Port("hint", "hint", 1, optional=True),) if hint else ()
    masks = (Port("mask", "mask", 1),) if mask else ()
    return Interface(
        (Port("frames", "frames", 3), *hints), (Port("restored", "frames", 3), *masks), state, stride, window
    )


class Network(nn.Module):
    """A network. Its `spec` says what it takes and gives (`spec.interface`).

    A restoration network implements `restore`, any other one `compute`. The class variables are what else is true of
    one network: each stands in that network's file.
    """

    spec: Any

    #: What training teaches it: "restoration" of frames, or where "marks" are.
    task: ClassVar[str] = "restoration"
    #: Arguments of `TrainConfig` with which it learns best, where they are not the usual ones; `losses` by name.
    recipe: ClassVar[Mapping[str, Any]] = {}
    #: The modules that paint after, or beside, the layers that its mask is read from. Stage 1 leaves them as they are.
    painting_heads: ClassVar[tuple[str, ...]] = ()
    #: The parameter whose last entries are the bias of the mask's logits, and how many they are.
    mask_bias: ClassVar[tuple[str, int] | None] = None
    #: The parameters that, multiplied by a factor, multiply the state before its activation by that factor.
    state_gains: ClassVar[tuple[str, ...]] = ()

    @property
    def interface(self) -> Interface:
        """What it takes and gives."""
        interface: Interface = self.spec.interface
        return interface

    @property
    def stride(self) -> int:
        """Inside, height and width are multiples of it."""
        return self.interface.stride

    @property
    def window(self) -> int:
        """The number of frames that see each other; 1 means that frame by frame equals clip by clip."""
        return self.interface.window

    def __call__(
        self,
        frames: Float[mx.array, "b t h w 3"],
        state: State | None = None,
        hint: Float[mx.array, "b t h w 1"] | None = None,
    ) -> Restored:
        """Restores RGB frames of any size in [0, 1]; `state` is what the call before returned, `None` a new video.

        Raises UsageError for a hint that the network does not take, and where it does not restore frames.
        """
        ports = self.interface.restoration()
        inputs = {ports.frames.name: frames}
        if hint is not None:
            if ports.hint is None:
                raise UsageError("this network takes no hint", hint="leave it out, or use realtime")
            inputs[ports.hint.name] = hint
        outputs, state = self.run(inputs, state)
        return Restored(outputs[ports.restored.name], outputs[ports.mask.name] if ports.mask else None, state)

    def run(
        self, inputs: dict[str, mx.array], state: State | None = None
    ) -> tuple[dict[str, mx.array], State]:
        """Outputs and the new state from inputs by name, `(b, t, h, w, c)`, or `(b, t, c)` of a flat one.

        Any size of frames works: maps are extended by reflection, and outputs cropped, here and nowhere else.
        """
        interface = self.interface
        interface.check_inputs(inputs)
        maps = [port for port in interface.inputs if port.name in inputs and not port.flat]
        size = interface.frame_size({port.name: inputs[port.name].shape[2:4] for port in maps})
        padded = {
            port.name: pad_to_multiple(inputs[port.name], interface.stride // port.stride) for port in maps
        }
        batch = next(iter(inputs.values())).shape[0]
        state = state or self.fresh_state(batch, *interface.padded(*size))
        outputs, state = self.compute(inputs | padded, state)
        return {port.name: _cropped(outputs[port.name], port, size) for port in interface.outputs}, state

    def compute(self, inputs: dict[str, mx.array], state: State) -> tuple[dict[str, mx.array], State]:
        """The network itself, for sizes that are multiples of `stride`. An optional input may be missing."""
        ports = self.interface.restoration()
        hint = (inputs.get(ports.hint.name),) if ports.hint else ()
        frames, mask, state = self.restore(inputs[ports.frames.name], state, *hint)
        outputs = {ports.restored.name: frames}
        if ports.mask is not None and mask is not None:
            outputs[ports.mask.name] = mask
        return outputs, state

    def restore(self, frames: Float[mx.array, "b t h w 3"], state: State) -> Restored:
        """A restoration network itself; one that takes a hint has `hint=None` as its third argument."""
        raise NotImplementedError

    def state_spec(self, height: int, width: int) -> dict[str, tuple[int, ...]]:
        """The shape of each state array without the batch dimension; empty for a network without memory."""
        return {port.name: port.shape(height, width) for port in self.interface.state}

    def fresh_state(self, batch: int, height: int, width: int) -> State:
        """The state at the start of a video."""
        return {name: mx.zeros((batch, *shape)) for name, shape in self.state_spec(height, width).items()}

    @staticmethod
    def published_spec(shapes: PublishedShapes, config: Mapping[str, Any]) -> Any:
        """The spec of a published checkpoint with parameters of these shapes; None where it is another network's.

        `config` is the publisher's, for what shapes do not tell.
        """
        return None


def _cropped(output: mx.array, port: Port, size: tuple[int, int]) -> mx.array:
    if port.flat:
        return output
    rows, columns, _ = port.shape(*size)
    return output[:, :, :rows, :columns]
