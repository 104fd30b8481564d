"""Which form of package is asked for, and whether a network can have it."""

from dataclasses import dataclass
from pathlib import Path

from convert.shapes import Shapes, Size
from mlx_vader.errors import UsageError, VaderError, choices
from mlx_vader.interface import Interface, Port, StatePort
from mlx_vader.options import documented, option

DEFAULT_SHAPES = ("256", "512", "720p")
DEFAULT_TARGET = "iOS18"
#: Deployment targets that take and give fp16 arrays, oldest first.
TARGETS = ("iOS16", "iOS17", "iOS18", "iOS26")
#: States, several functions in one package and lists of shapes for several inputs came with iOS 18, activations of
#: eight bits with iOS 17.
STATEFUL_TARGETS = TARGETS[2:]
W8A8_TARGETS = TARGETS[1:]
IO = ("tensor", "image")
COMPRESSIONS = ("none", "palettize4", "palettize6", "palettize8", "int8", "w8a8")
#: The Neural Engine fails on states whose last dimension is no multiple of it (apple/coremltools #2631).
STATE_MULTIPLE = 32


@documented
@dataclass(frozen=True)
class Form:
    """The form of a package: `target` is one of `TARGETS`, `io` of `IO`, `compress` of `COMPRESSIONS`."""

    target: str = option(DEFAULT_TARGET, help="Oldest system: iOS16, iOS17, iOS18 (macOS 15), iOS26.")
    stateful: bool = option(
        False, help="Keep the memory inside, as Core ML states, with a function for each size. From iOS18 on."
    )
    io: str = option(
        "tensor", help="What frames are: tensor (fp16 arrays, RGB in 0..1) or image (8-bit pixel buffers)."
    )
    compress: str = option(
        "none",
        help="Fewer bits: palettize4, palettize6, palettize8 or int8 for weights; w8a8 for weights and "
        "activations. A smaller package that restores a little worse.",
    )
    calibrate: Path | None = option(
        None, help="The video that shows w8a8 what values to expect.", unsaid="the demo's clip"
    )

    def __post_init__(self) -> None:
        """Raises `UsageError` for an unknown choice, and for choices that exclude each other.

        Choices are the same in capitals and small letters.
        """
        for name, what, known in (
            ("target", "target", TARGETS),
            ("io", "io", IO),
            ("compress", "compression", COMPRESSIONS),
        ):
            object.__setattr__(self, name, _chosen(what, getattr(self, name), known))
        if self.stateful and self.target not in STATEFUL_TARGETS:
            raise UsageError(
                f"{self.target} has no states and no functions in a package", hint="--target iOS18 has both"
            )
        if self.compress == "w8a8" and self.target not in W8A8_TARGETS:
            raise UsageError(f"{self.target} has no w8a8", hint="--target iOS17, or --compress int8")
        if self.calibrate is not None and self.compress != "w8a8":
            raise UsageError(
                f"compression {self.compress!r} needs no clip",
                hint="leave out --calibrate, or add --compress w8a8",
            )

    def check(self, interface: Interface, shapes: Shapes) -> None:
        """Raises `UsageError` for sizes that the network or the form cannot have.

        Raises `VaderError` for states that Core ML cannot keep.
        """
        if not interface.any_size and shapes.kind != "fixed" and not self.stateful:
            raise UsageError(
                f"this network needs one size, not {shapes}",
                hint="give one size, or --stateful, which makes a function for each",
            )
        if not self.stateful:
            self._check_list(interface, shapes)
            return
        if shapes.kind == "range":
            raise UsageError(
                f"Core ML states have fixed shapes: {shapes} cannot be stateful",
                hint="list the sizes, for example --shapes 256,512,720p",
            )
        for size in shapes.sizes:
            for port in interface.state:
                shape = port.planes(*size)
                if shape[-1] % STATE_MULTIPLE:
                    raise VaderError(
                        f"state {port.name!r} is {shape[-1]} wide at {size}; Core ML states on the Neural Engine need "
                        f"multiples of {STATE_MULTIPLE}",
                        hint="choose another size, or leave out --stateful: states are then inputs and outputs",
                    )

    def _check_list(self, interface: Interface, shapes: Shapes) -> None:
        """Before iOS 18 one input alone may have a list of shapes: coremltools, `_converters_entry.py`."""
        ports: list[Port | StatePort] = [*interface.inputs, *interface.state]
        flexible = [port.name for port in ports if len({port.planes(*size) for size in shapes.sizes}) > 1]
        if shapes.kind == "enumerated" and len(flexible) > 1 and self.target not in STATEFUL_TARGETS:
            raise UsageError(
                f"{self.target} takes one size or a range in a network of {len(flexible)} inputs, not {shapes}",
                hint=f"--shapes {shapes.default}, a range such as range:{_span(shapes)}, or --target iOS18",
            )


def _span(shapes: Shapes) -> str:
    """From the least height and width to the largest."""
    ends = [Size(*(end(sides) for sides in zip(*shapes.sizes, strict=True))) for end in (min, max)]
    return "-".join(map(str, ends))


def _chosen(what: str, given: str, known: tuple[str, ...]) -> str:
    chosen = next((choice for choice in known if choice.lower() == given.lower()), None)
    if chosen is None:
        raise UsageError(f"unknown {what} {given!r}", hint=choices(given, known))
    return chosen
