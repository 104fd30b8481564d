"""What a network takes and gives: named inputs and outputs, and what it remembers between calls.

Each spec has one. Backends, conversion, verification and Swift read it, and know no network and no port by name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

from mlx_vader.errors import UsageError, VaderError

#: What the numbers of a port mean. `frames`: RGB in [0, 1]. `mask`: 1 = artifact, 0 = none. `hint`: see below.
#: `flow`: pixels (x, y). `embedding` and `scalar` have no height and width; the others are maps.
Kind = Literal["frames", "hint", "mask", "features", "flow", "latent", "embedding", "scalar"]
KINDS: tuple[str, ...] = get_args(Kind)
FLAT = ("embedding", "scalar")

#: The values of a hint, which says where overlays are. Zero is also what padding and a missing hint are.
UNKNOWN, ARTIFACT, CLEAN = 0.0, 1.0, -1.0

#: Height, width and channels, in this order.
MapShape = tuple[int, ...]


@dataclass(frozen=True)
class Port:
    """An input or output. `stride`: pixels of a frame for each of its elements. `optional`: an input that may be
    left out, which means the same as zeros.
    """

    name: str
    kind: Kind
    channels: int
    stride: int = 1
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
    channels: int = 0
    stride: int = 1
    fixed: tuple[int, ...] = ()

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
    stride: int = 1
    window: int = 1
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
    def from_json(cls, value: Any) -> "Interface":
        """What `as_json` described. Raises VaderError where it cannot be one."""
        try:
            _check_types(value)
            made = cls(
                tuple(Port(**port) for port in value["inputs"]),
                tuple(Port(**port) for port in value["outputs"]),
                tuple(StatePort(**{**port, "fixed": tuple(port["fixed"])}) for port in value["state"]),
                value["stride"],
                value["window"],
                value["any_size"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise _invalid(f"something is missing or unknown ({error})") from error
        _check(made)
        return made


def _check_types(value: Any) -> None:
    """Raises VaderError for JSON whose values are of another type than the interface's."""
    ports = [*value["inputs"], *value["outputs"]]
    sizes = [value["stride"], value["window"]]
    for port in (*ports, *value["state"]):
        if not (isinstance(port["name"], str) and port["name"].isidentifier()):
            raise _invalid(f"{port['name']!r} is no name")
        sizes += [port.get("stride", 1), *(port.get("fixed") or [port["channels"]])]
    for port in ports:
        if port["kind"] not in KINDS:
            raise _invalid(f"{port['name']!r} is of the unknown kind {port['kind']!r}")
    if not all(type(size) is int and size > 0 for size in sizes):
        raise _invalid("sizes, channels, strides and the window are whole numbers from 1")
    if not all(
        type(flag) is bool for flag in (value["any_size"], *(port.get("optional", False) for port in ports))
    ):
        raise _invalid("any_size and optional are true or false")


def _check(interface: Interface) -> None:
    """Raises VaderError for ports that do not go together."""
    ports: list[Port | StatePort] = [*interface.inputs, *interface.outputs, *interface.state]
    if any(interface.stride % port.stride for port in ports):
        raise _invalid("the strides of the ports divide the network's")
    if not (interface.inputs and interface.outputs):
        raise _invalid("a network has inputs and outputs")
    if len({port.name for port in ports}) < len(ports):
        raise _invalid("two of its ports have the same name")


def _invalid(reason: str) -> VaderError:
    return VaderError(f"this is no interface of a network: {reason}", hint="convert the network again")
