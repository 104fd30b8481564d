"""Twin → fp16 ML program in an `.mlpackage`: from a network to a file under its name.

The package restores a video frame by frame. It holds one function, to which the memory comes as arrays:

    in   each input of the network's interface      out  each of its outputs, as (1, c, H, W)
         NAME_in, one for each state                     NAME_out, which is NAME_in of the next frame

or, with `stateful`, one function `size_HxW` for each size, the largest being the default, which keep the memory
themselves: Core ML states with the names of the network's, so that a frame is one `predict({"frames": …}, state)`.
All-zeros states start a video; Core ML's are all zeros when they are made.

All is fp16; with `io="image"` frames are 8-bit pixels (`convert.mlprogram`). Weights, and with `w8a8` activations too,
may take fewer bits (`convert.compression`).

**Target iOS 18 / macOS 15**: the first with several flexible inputs in one function, with states and with functions
in a package; fp16 inputs and outputs came with iOS 16, which is the least that can be asked for.
"""

import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.compression import check_tools, compressed, weight_digests
from convert.destination import check_name, reject, rejected_path
from convert.facts import PackageFacts
from convert.form import DEFAULT_SHAPES, DEFAULT_TARGET, Form
from convert.metadata import describe_package
from convert.mixed_precision import weights_to_keep
from convert.mlprogram import to_model
from convert.multifunction import function_name, save_together
from convert.package import count_operations, read_spec, single_precision, size_in_mib, write_spec
from convert.quiet import quiet
from convert.report import ConversionReport
from convert.shapes import Shapes, Size, parse_shapes
from convert.source import TwinSource, open_source
from convert.tracing import trace
from convert.verification import RejectedError, Verification
from convert.verify import verify_source
from mlx_vader.checkpoints import locate
from mlx_vader.overwriting import check_overwriting
from mlx_vader.writing import folder_written_beside

if TYPE_CHECKING:
    from mlx_vader.models.base import Network

__all__ = ["TwinSource", "convert", "open_source", "write_package"]


def convert(
    net_or_checkpoint: "Network | str | Path",
    out: str | Path,
    *,
    shapes: str | Iterable[str] = DEFAULT_SHAPES,
    target: str = DEFAULT_TARGET,
    stateful: bool = False,
    io: str = "tensor",
    compress: str = "none",
    calibrate: str | Path | None = None,
    on_begin: Callable[[str], None] = lambda sizes: None,
    on_step: Callable[[str], None] = lambda step: None,
) -> ConversionReport:
    """Writes a network, a checkpoint file or a shipped checkpoint's name as an fp16 package to `out`.

    `shapes`: see `convert.shapes`; the other options: `convert.form`. `on_begin` hears the sizes once all was checked,
    `on_step` what begins. The package appears under its name only when it is complete; one that is there is replaced
    only then. Raises `UsageError` for shapes that the network cannot take, unknown options or a missing checkpoint,
    `VaderError` when Core ML cannot express the network, and `RejectedError` when the package does not compute what the
    network does (`convert.verify`); it is then kept as `X.mlpackage.rejected`.
    """
    started = time.monotonic()
    form = Form(target, stateful, io, compress, Path(calibrate) if calibrate else None)
    check_name(Path(out))
    file = locate(net_or_checkpoint) if isinstance(net_or_checkpoint, str | Path) else None
    check_overwriting(
        [file, calibrate],
        [],
        replaced_folders=[out, rejected_path(Path(out))],
    )
    on_step("reading the network")
    source = open_source(net_or_checkpoint)
    return _write(source, Path(out), shapes, form, on_begin, on_step, started=started, verify=True)


def write_package(
    source: TwinSource,
    out: Path,
    *,
    shapes: str | Iterable[str] = DEFAULT_SHAPES,
    target: str = DEFAULT_TARGET,
    stateful: bool = False,
    io: str = "tensor",
    compress: str = "none",
    calibrate: Path | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> ConversionReport:
    """`convert` for a twin that is already there, without running what was written."""
    started = time.monotonic()
    form = Form(target, stateful, io, compress, calibrate)
    check_name(out)
    return _write(source, out, shapes, form, lambda sizes: None, on_step, started=started, verify=False)


def _write(
    source: TwinSource,
    out: Path,
    shapes: str | Iterable[str],
    form: Form,
    on_begin: Callable[[str], None],
    on_step: Callable[[str], None],
    *,
    started: float,
    verify: bool,
) -> ConversionReport:
    interface = source.twin.interface
    allowed = parse_shapes(shapes, stride=interface.stride)
    form.check(interface, allowed)
    check_tools(form)
    on_begin(str(allowed))
    parts = {"main": allowed}
    if form.stateful:
        parts = {function_name(size): Shapes("fixed", (size,)) for size in _largest_first(allowed)}
    functions = {name: str(part) for name, part in parts.items()} if form.stateful else {}
    kept: dict[str, str] = {}
    if verify and form.compress != "none":
        on_step(f"trying {form.compress}")
        kept = weights_to_keep(source, allowed, form)
    models, full_size_mib = _models(source, parts, form, kept, on_step)
    on_step("writing the package")
    with folder_written_beside(out) as partial:
        with quiet():
            _save(models, form, partial)
        spec = read_spec(partial)
        describe_package(spec, source, allowed, form, functions)
        write_spec(partial, spec)
        verification = _verified(partial, spec, source, out, on_step) if verify else None
        size_mib = size_in_mib(partial)
    entry = next(iter(spec.description.functions), spec.description)
    return ConversionReport(
        path=out,
        network=source.network,
        shapes=str(allowed),
        default_shape=str(allowed.default),
        target=form.target,
        functions=functions,
        inputs=tuple(feature.name for feature in entry.input),
        outputs=tuple(feature.name for feature in entry.output),
        states=tuple(feature.name for feature in entry.state),
        io=form.io,
        compress=form.compress,
        kept=tuple(kept.values()),
        size_mib=size_mib,
        uncompressed_size_mib=full_size_mib or size_mib,
        ops=count_operations(spec),
        fp32_ops=single_precision(spec),
        seconds=time.monotonic() - started,
        verification=verification,
    )


def _named(model: Any, digests: Collection[str]) -> set[str]:
    """What the weights with these digests are called in a model of one function."""
    if not digests:
        return set()
    return {name for name, digest in weight_digests(Path(model.package_path)).items() if digest in digests}


def _models(
    source: TwinSource,
    parts: Mapping[str, Shapes],
    form: Form,
    keep: Collection[str],
    on_step: Callable[[str], None],
) -> tuple[dict[str, Any], float]:
    """The functions as models of coremltools; and before they were compressed, what they take on disk, else 0."""
    models: dict[str, Any] = {}
    full_size_mib = 0.0
    with quiet():
        for name, part in parts.items():
            which = f" for {part}" if form.stateful else ""
            on_step(f"tracing the twin{which}")
            traced = trace(source.twin, part, form)
            on_step(f"converting to an ML program{which}")
            models[name] = to_model(source, traced, part, form)
        if form.compress != "none":
            full_size_mib = _size_in_mib(models, form)
            on_step(f"compressing with {form.compress}")
            for name, part in parts.items():
                facts = PackageFacts(
                    source.twin.interface, part, {}, images=form.io == "image", stateful=form.stateful
                )
                models[name] = compressed(models[name], facts, form, _named(models[name], keep))
    return models, full_size_mib


def _verified(
    package: Path, spec: Any, source: TwinSource, out: Path, on_step: Callable[[str], None]
) -> Verification:
    facts = PackageFacts.of(dict(spec.description.metadata.userDefined))
    verification = verify_source(package, facts, source, on_step=on_step)
    if not verification.passed:
        raise RejectedError(reject(package, out), verification)
    return verification


def _largest_first(shapes: Shapes) -> list[Size]:
    return sorted(
        shapes.sizes, key=lambda size: (size == shapes.default, size.height * size.width), reverse=True
    )


def _save(models: Mapping[str, Any], form: Form, out: Path) -> None:
    if form.stateful:
        save_together(models, out)
    else:
        models["main"].save(str(out))


def _size_in_mib(models: Mapping[str, Any], form: Form) -> float:
    """What the package of these models would take on disk."""
    if not form.stateful:
        return size_in_mib(Path(models["main"].package_path))
    with tempfile.TemporaryDirectory() as folder:
        _save(models, form, Path(folder) / "net.mlpackage")
        return size_in_mib(Path(folder))
