"""Twin → fp16 ML program in an `.mlpackage`. All that knows coremltools' converter is in this file.

The package holds one function that restores a video frame by frame:

    in   frames (1, 3, H, W)  RGB in [0, 1]         out  restored (1, 3, H, W)  RGB in [0, 1]
         NAME_in              one for each state         mask (1, 1, H, W)      1 = artifact, if predicted
                                                         NAME_out               NAME_in of the next frame

Everything is fp16. All-zeros states start a video.

- **Target iOS 18 / macOS 15**: the first with several flexible inputs in one function, with states and with
  functions in a package; fp16 inputs and outputs came with iOS 16, which is the least that can be asked for.
- **`torch.jit.trace`, not `torch.export`**: with PyTorch 2.13 and coremltools 9.0 both convert fixed shapes; for
  flexible ones the trace keeps every size that a twin computes with as an operation, while `export` wants each
  size proven symbolic. A trace freezes what goes through Python numbers, so twins compute with sizes as
  tensors; flexible packages are traced at a size that nobody asks for, and the tests run them at the others.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.package import count_operations, read_spec, single_precision, size_in_mib
from convert.quiet import quiet
from convert.report import ConversionReport
from convert.shapes import Shapes, Size, parse_shapes
from mlx_vader.errors import UsageError, VaderError

if TYPE_CHECKING:
    import torch

    from mlx_vader.models.base import Network
    from torch_ref.models.base import Network as TorchNetwork

DEFAULT_SHAPES = ("256", "512", "720p")
DEFAULT_TARGET = "iOS18"
#: Deployment targets that take and give fp16 arrays, oldest first.
TARGETS = ("iOS16", "iOS17", "iOS18", "iOS26")
FRAMES, RESTORED, MASK = "frames", "restored", "mask"


@dataclass(frozen=True)
class Source:
    """What a package is made from. `checkpoint_sha256` is the file's; empty for a network in memory."""

    network: str
    twin: "TorchNetwork"
    spec: dict[str, Any]
    provenance: dict[str, str] = field(default_factory=dict)
    checkpoint_sha256: str = ""
    step: int = 0


def convert(
    net_or_checkpoint: "Network | str | Path",
    out: str | Path,
    *,
    shapes: str | Iterable[str] = DEFAULT_SHAPES,
    target: str = DEFAULT_TARGET,
    on_step: Callable[[str], None] = lambda step: None,
) -> ConversionReport:
    """Writes a network, a checkpoint file or a shipped checkpoint's name as an fp16 package to `out`.

    `shapes`: see `convert.shapes`. `target`: one of `TARGETS`. `on_step` is told what begins. The package appears
    under its name only when it is complete; one that is there is replaced only then. Raises `UsageError` for
    shapes that the network cannot take, an unknown target or a missing checkpoint, and `VaderError` when Core ML
    cannot express the network.
    """
    started = time.monotonic()
    _check_request(Path(out), target)
    on_step("reading the network")
    report = write_package(
        open_source(net_or_checkpoint), Path(out), shapes=shapes, target=target, on_step=on_step
    )
    return replace(report, seconds=time.monotonic() - started)


def write_package(
    source: Source,
    out: Path,
    *,
    shapes: str | Iterable[str] = DEFAULT_SHAPES,
    target: str = DEFAULT_TARGET,
    on_step: Callable[[str], None] = lambda step: None,
) -> ConversionReport:
    """`convert` for a twin that is already there."""
    started = time.monotonic()
    _check_request(out, target)
    allowed = parse_shapes(shapes, stride=source.twin.stride)
    on_step("tracing the twin")
    with quiet():
        traced, outputs = _trace(source.twin, allowed)
    on_step("converting to an ML program")
    with quiet():
        model = _to_model(source, traced, outputs, allowed, target)
        _describe(model, source, allowed)
    on_step("writing the package")
    with _replacing(out) as partial:
        with quiet():
            model.save(str(partial))
        spec = read_spec(partial)
        size_mib = size_in_mib(partial)
    return ConversionReport(
        path=out,
        network=source.network,
        shapes=str(allowed),
        default_shape=str(allowed.default),
        target=target,
        inputs=tuple(entry.name for entry in spec.description.input),
        outputs=tuple(entry.name for entry in spec.description.output),
        size_mib=size_mib,
        ops=count_operations(spec),
        fp32_ops=single_precision(spec),
        seconds=time.monotonic() - started,
    )


def open_source(net_or_checkpoint: "Network | str | Path") -> Source:
    """The twin with its weights, and all that is known of them."""
    with quiet():
        from convert.weights import twin, twin_of
        from mlx_vader import checkpoints
        from mlx_vader.models.base import Network
        from mlx_vader.models.registry import name_of

    if isinstance(net_or_checkpoint, Network):
        return Source(name_of(net_or_checkpoint), twin(net_or_checkpoint), asdict(net_or_checkpoint.spec))
    path = checkpoints.resolve(net_or_checkpoint)
    checkpoint = checkpoints.read(path)
    return Source(
        checkpoint.network,
        twin_of(checkpoint),
        asdict(checkpoint.spec),
        checkpoint.provenance,
        checkpoints.fingerprint(path),
        checkpoint.step,
    )


def _trace(twin: "TorchNetwork", shapes: Shapes) -> tuple["torch.jit.ScriptModule", list[str]]:
    """The twin's frame-by-frame function as a graph, and the names of its outputs."""
    import torch

    from convert.frame import FrameByFrame
    from convert.lowerings import lowered

    size = _sample_size(shapes, twin.stride)
    state = {name: torch.zeros(1, *shape) for name, shape in twin.state_spec(*size).items()}
    frame = torch.linspace(0, 1, 3 * size.height * size.width).reshape(1, 3, *size)
    function = FrameByFrame(lowered(twin), tuple(state)).eval()
    with torch.no_grad(), _sizes_as_tensors():
        traced = torch.jit.trace(function, (frame, *state.values()), check_trace=False)
    return traced, [RESTORED, *([MASK] if function.has_mask else []), *(f"{name}_out" for name in state)]


@contextmanager
def _sizes_as_tensors() -> Iterator[None]:
    """A trace passes sizes as tensors where annotations say int: leaves the checks of annotations out."""
    from jaxtyping import config

    checked = not config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", not checked)


def _to_model(source: Source, traced: Any, outputs: list[str], shapes: Shapes, target: str) -> Any:
    import coremltools as ct
    import numpy as np

    from convert.lowerings import register

    register()
    twin = source.twin
    shape_at: dict[str, Callable[[Size], tuple[int, ...]]] = {FRAMES: lambda size: (3, *size)}
    for name in twin.state_spec(*shapes.default):
        shape_at[f"{name}_in"] = partial(_state_shape, twin, name)
    try:
        return ct.convert(
            traced,
            inputs=[_tensor(name, shape, shapes) for name, shape in shape_at.items()],
            outputs=[ct.TensorType(name, dtype=np.float16) for name in outputs],
            convert_to="mlprogram",
            minimum_deployment_target=getattr(ct.target, target),
            compute_precision=ct.precision.FLOAT16,
            skip_model_load=True,
        )
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise VaderError(
            f"coremltools cannot convert {source.network}: {reason}",
            hint="run again with --debug for the operation",
        ) from error


def _state_shape(twin: "TorchNetwork", name: str, size: Size) -> tuple[int, ...]:
    return twin.state_spec(*size)[name]


def _sample_size(shapes: Shapes, stride: int) -> Size:
    """The size to trace at: for flexible shapes one that nobody asked for, so that a frozen size is noticed."""
    return shapes.default if shapes.kind == "fixed" else Size(6 * stride, 10 * stride)


def _tensor(name: str, shape_at: Callable[[Size], tuple[int, ...]], shapes: Shapes) -> Any:
    """An fp16 input whose shape at a frame size is `shape_at(size)`, batch apart."""
    import coremltools as ct
    import numpy as np

    default = (1, *shape_at(shapes.default))
    corners = [(1, *shape_at(size)) for size in shapes.sizes]
    if all(corner == default for corner in corners):
        return ct.TensorType(name, default, dtype=np.float16)
    if shapes.kind == "enumerated":
        return ct.TensorType(name, ct.EnumeratedShapes(corners, default=default), dtype=np.float16)
    bounds = [
        low if low == high else ct.RangeDim(low, high, default=middle)
        for low, high, middle in zip(*corners, default, strict=True)
    ]
    return ct.TensorType(name, ct.Shape(bounds), dtype=np.float16)


def _describe(model: Any, source: Source, shapes: Shapes) -> None:
    """Names for people and facts for machines, in the package itself."""
    from mlx_vader import __version__

    stride = source.twin.stride
    sizes = f"height and width in multiples of {stride}; accepts {shapes}"
    model.author = source.provenance.get("author", "vader-mlx")
    model.license = source.provenance.get("licence", "MIT")
    model.version = __version__
    model.short_description = (
        f"{source.network}: removes watermarks, logos, text and degradations from video, frame by frame. "
        "Give each NAME_out as NAME_in of the next frame; all-zeros states start a video."
    )
    described = {
        FRAMES: f"One RGB frame in [0, 1], channels first; {sizes}.",
        RESTORED: "The restored RGB frame in [0, 1].",
        MASK: "Where the network saw artifacts, 1 = artifact.",
    }
    for entry in model.get_spec().description.input:
        state = f"What the network remembers as {entry.name.removesuffix('_in')!r}; all zeros starts a video."
        model.input_description[entry.name] = described.get(entry.name, state)
    for entry in model.get_spec().description.output:
        name = entry.name.removesuffix("_out")
        model.output_description[entry.name] = described.get(
            entry.name, f"Give it as {name}_in with the next frame."
        )
    model.user_defined_metadata.update(
        {
            "vader.network": source.network,
            "vader.spec": json.dumps(source.spec, sort_keys=True),
            "vader.step": str(source.step),
            "vader.checkpoint_sha256": source.checkpoint_sha256,
            "vader.weights_sha256": weights_sha256(source.twin),
            "vader.version": __version__,
            "vader.shapes": str(shapes),
            "vader.stride": str(stride),
            "vader.window": str(source.twin.window),
            "vader.provenance": json.dumps(source.provenance, sort_keys=True),
        }
    )


def weights_sha256(twin: "torch.nn.Module") -> str:
    """A hash of a twin's weights: the same for the same numbers, whatever file they came in."""
    digest = hashlib.sha256()
    for name, weight in sorted(twin.state_dict().items()):
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        digest.update(weight.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _check_request(out: Path, target: str) -> None:
    if target not in TARGETS:
        raise UsageError(f"unknown target {target!r}", hint=f"one of {', '.join(TARGETS)}")
    if out.suffix != ".mlpackage":
        raise UsageError(f"{out} is no name for a package", hint=f"call it {out.with_suffix('.mlpackage')}")
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent}", hint=f"make it: mkdir -p {out.parent}")
    if out.exists() and not (out / "Manifest.json").is_file():
        raise UsageError(f"{out} exists and is not a Core ML package", hint="choose another name")


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A name beside `out` to write to. It becomes `out` when the body succeeds and vanishes when it fails."""
    partial = out.with_name(f".{out.stem}.{os.getpid()}.partial.mlpackage")
    previous = out.with_name(f".{out.stem}.{os.getpid()}.previous.mlpackage")
    try:
        yield partial
        if out.exists():
            out.rename(previous)
        partial.rename(out)
    except OSError as error:
        raise VaderError(
            f"cannot write {out}: {error.strerror or error}", hint="is the disk full or read-only?"
        ) from error
    finally:
        if previous.exists() and not out.exists():
            previous.rename(out)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(previous, ignore_errors=True)
