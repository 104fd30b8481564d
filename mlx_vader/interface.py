"""What a network takes and gives: named inputs and outputs, and what it remembers between calls.

Each spec has one. Backends, conversion, verification and Swift read it, and know no network and no port by name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, NamedTuple, get_args

from annotated_types import Interval

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.untrusted import parse_json

#: What the numbers of a port mean. `frames`: RGB in [0, 1]. `mask`: 1 = artifact, 0 = none. `hint`: see below.
#: `flow`: pixels (x, y). `embedding` and `scalar` have no height and width; the others are maps.
Kind = Literal["frames", "hint", "mask", "features", "flow", "latent", "embedding", "scalar"]
KINDS: tuple[str, ...] = get_args(Kind)
FLAT = ("embedding", "scalar")

#: The values of a hint, which says where overlays are. Zero is also what padding and a missing hint are.
UNKNOWN, ARTIFACT, CLEAN = 0.0, 1.0, -1.0

#: Channels, strides and sizes, with the bounds that JSON must keep.
Size = Annotated[int, Interval(ge=1, le=2**16)]

#: Height, width and channels, in this order.
MapShape = tuple[int, ...]


_NO_INTERFACE, _CONVERT_AGAIN = "this is no interface of a network", "convert the network again"


@dataclass(frozen=True)
class Port:
    """An input or output. `stride`: pixels of a frame for each of its elements. `optional`: an input that may be
    left out, which means the same as zeros.
    """

    name: str
    kind: Kind
    channels: Size
    stride: Size = 1
    optional: bool = False

    @property
    def flat(self) -> bool:
        """Whether it has neither height nor width."""
        return self.kind in FLAT

    def shape(self, height: int, width: int) -> MapShape:
        """For frames of this size, channels last, without batch and time."""
        if self.flat:
            return (self.channels,)
        return (-(-height // self.stride), -(-width // self.stride), self.channels)

    def planes(self, height: int, width: int) -> MapShape:
        """The same with channels first, as PyTorch and Core ML have it."""
        return _channels_first(self.shape(height, width))


@dataclass(frozen=True)
class StatePort:
    """An array that a network remembers: a map of `channels` at a `stride`, or an array of a `fixed` shape."""

    name: str
    channels: Annotated[int, Interval(ge=0, le=2**16)] = 0
    stride: Size = 1
    fixed: tuple[Size, ...] = ()

    def shape(self, height: int, width: int) -> MapShape:
        """For frames of this size, without batch; maps have their channels last."""
        if self.fixed:
            return self.fixed
        return (-(-height // self.stride), -(-width // self.stride), self.channels)

    def planes(self, height: int, width: int) -> MapShape:
        """The same with the channels of maps first, as PyTorch and Core ML have it."""
        return self.fixed or _channels_first(self.shape(height, width))


def _channels_first(shape: MapShape) -> MapShape:
    return (shape[-1], *shape[:-1])


class RestorationPorts(NamedTuple):
    """The ports of a network that restores frames, a clip or a frame at a time."""

    frames: Port
    hint: Port | None
    restored: Port
    mask: Port | None


@dataclass(frozen=True)
class Interface:
    """The ports of a network in order.

    `stride`: inside, height and width of frames are multiples of it. `window`: how many frames see each other; a
    video cut into clips of any multiple of it gives the same output as the uncut video. `any_size`: False where a
    package of the network needs one fixed size.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    state: tuple[StatePort, ...] = ()
    stride: Size = 1
    window: Size = 1
    any_size: bool = True

    def input(self, kind: Kind) -> Port | None:
        """The first input of a kind."""
        return next((port for port in self.inputs if port.kind == kind), None)

    def output(self, kind: Kind) -> Port | None:
        """The first output of a kind."""
        return next((port for port in self.outputs if port.kind == kind), None)

    @property
    def restores(self) -> bool:
        """Whether it takes frames and needs nothing else, and gives frames."""
        needed = [port.kind for port in self.inputs if not port.optional]
        return needed == ["frames"] and self.output("frames") is not None

    def restoration(self) -> RestorationPorts:
        """The ports by their part in restoration. Raises UsageError for a network that does something else."""
        frames, restored = self.input("frames"), self.output("frames")
        if frames is None or restored is None or not self.restores:
            raise UsageError("this network does not restore frames", hint="call its run with inputs by name")
        return RestorationPorts(frames, self.input("hint"), restored, self.output("mask"))

    def padded(self, height: int, width: int) -> tuple[int, int]:
        """The size that frames have inside the network."""
        return -(-height // self.stride) * self.stride, -(-width // self.stride) * self.stride

    def frame_size(self, sizes: Mapping[str, tuple[int, ...]]) -> tuple[int, int]:
        """Height and width of the frames to which inputs of these heights and widths belong."""
        maps = [port for port in self.inputs if not port.flat and port.name in sizes]
        if not maps:
            return self.stride, self.stride
        finest = min(maps, key=lambda port: port.stride)
        height, width = sizes[finest.name]
        return height * finest.stride, width * finest.stride

    def check_inputs(self, names: Iterable[str]) -> None:
        """Raises UsageError where an input is missing or unknown."""
        given, known = set(names), {port.name for port in self.inputs}
        missing = [port.name for port in self.inputs if not port.optional and port.name not in given]
        if wrong := [*missing, *sorted(given - known)]:
            raise UsageError(
                f"the input {wrong[0]!r} is {'missing' if missing else 'unknown to this network'}",
                hint=f"it takes {', '.join(port.name for port in self.inputs)}",
            )

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, text: str) -> "Interface":
        """What `as_json` described, as JSON. Raises VaderError where it cannot be one."""
        made = parse_json(text, cls, _NO_INTERFACE, _CONVERT_AGAIN)
        _check(made)
        return made


def _check(interface: Interface) -> None:
    """Raises VaderError for ports that do not go together."""
    ports: list[Port | StatePort] = [*interface.inputs, *interface.outputs, *interface.state]
    if odd := [port.name for port in ports if not port.name.isidentifier()]:
        raise _invalid(f"{odd[0]!r} is no name")
    if any(not (port.channels or port.fixed) for port in interface.state):
        raise _invalid("a state has channels or a fixed shape")
    if any(interface.stride % port.stride for port in ports):
        raise _invalid("the strides of the ports divide the network's")
    if not (interface.inputs and interface.outputs):
        raise _invalid("a network has inputs and outputs")
    if len({port.name for port in ports}) < len(ports):
        raise _invalid("two of its ports have the same name")


def _invalid(reason: str) -> VaderError:
    return VaderError(f"{_NO_INTERFACE} ({reason})", _CONVERT_AGAIN)
