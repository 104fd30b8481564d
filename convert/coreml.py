"""Twin → fp16 ML program in an `.mlpackage`: from a network to a file under its name.

The package restores a video frame by frame. It holds one function, to which the memory comes as arrays:

    in   frames (1, 3, H, W)  RGB in [0, 1]         out  restored (1, 3, H, W)  RGB in [0, 1]
         hint (1, 1, H, W)    if the network             mask (1, 1, H, W)      1 = artifact, if predicted
                              takes one                  NAME_out               NAME_in of the next frame
         NAME_in              one for each state

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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.compression import check_tools, compressed
from convert.destination import check_name, reject
from convert.form import DEFAULT_SHAPES, DEFAULT_TARGET, Form
from convert.metadata import describe
from convert.mlprogram import to_model
from convert.multifunction import function_name, save_together
from convert.package import count_operations, read_spec, single_precision, size_in_mib
from convert.quiet import quiet
from convert.report import ConversionReport
from convert.shapes import Shapes, Size, parse_shapes
from convert.source import Source, open_source
from convert.tracing import trace
from convert.verification import RejectedError, Verification
from convert.verify import verify_source
from mlx_vader.writing import folder_written_beside

if TYPE_CHECKING:
    from mlx_vader.models.base import Network

__all__ = ["Source", "convert", "open_source", "write_package"]


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
    on_step: Callable[[str], None] = lambda step: None,
) -> ConversionReport:
    """Writes a network, a checkpoint file or a shipped checkpoint's name as an fp16 package to `out`.

    `shapes`: see `convert.shapes`; the other options: `convert.form`. `on_step` is told what begins. The package
    appears under its name only when it is complete; one that is there is replaced only then. Raises `UsageError` for
    shapes that the network cannot take, unknown options or a missing checkpoint, `VaderError` when Core ML cannot
    express the network, and `RejectedError` when the package does not compute what the network does (`convert.verify`);
    it is then kept as `X.mlpackage.rejected`.
    """
    started = time.monotonic()
    form = Form(target, stateful, io, compress, Path(calibrate) if calibrate else None)
    check_name(Path(out))
    on_step("reading the network")
    source = open_source(net_or_checkpoint)
    report = _write(source, Path(out), shapes, form, on_step, verify=True)
    return replace(report, seconds=time.monotonic() - started)


def write_package(
    source: Source,
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
    form = Form(target, stateful, io, compress, calibrate)
    check_name(out)
    return _write(source, out, shapes, form, on_step)


def _write(
    source: Source,
    out: Path,
    shapes: str | Iterable[str],
    form: Form,
    on_step: Callable[[str], None],
    *,
    verify: bool = False,
) -> ConversionReport:
    started = time.monotonic()
    allowed = parse_shapes(shapes, stride=source.twin.stride)
    form.check(source.twin, allowed)
    check_tools(form)
    sizes = {function_name(size): size for size in _largest_first(allowed)} if form.stateful else {}
    functions = {name: str(size) for name, size in sizes.items()}
    with quiet():
        models = {
            name: _model(source, Shapes("fixed", (size,)), form, on_step, f" for {size}")
            for name, size in sizes.items()
        } or {"main": _model(source, allowed, form, on_step)}
        full_size_mib = 0.0
        if form.compress != "none":
            full_size_mib = _size_in_mib(models, form)
            on_step(f"compressing with {form.compress}")
            models = {name: compressed(model, form) for name, model in models.items()}
    on_step("writing the package")
    with folder_written_beside(out) as partial:
        with quiet():
            _save(models, form, partial)
        describe(partial, source, allowed, form, functions)
        report = _report(partial, source, allowed, form, functions)
        verification = _verified(partial, source, out, on_step) if verify else None
    return replace(
        report,
        path=out,
        verification=verification,
        uncompressed_size_mib=full_size_mib or report.size_mib,
        seconds=time.monotonic() - started,
    )


def _report(
    package: Path, source: Source, shapes: Shapes, form: Form, functions: dict[str, str]
) -> ConversionReport:
    """What is in a written package."""
    spec = read_spec(package)
    interface = next(iter(spec.description.functions), spec.description)
    size_mib = size_in_mib(package)
    return ConversionReport(
        path=package,
        network=source.network,
        shapes=str(shapes),
        default_shape=str(shapes.default),
        target=form.target,
        functions=functions,
        inputs=tuple(entry.name for entry in interface.input),
        outputs=tuple(entry.name for entry in interface.output),
        states=tuple(entry.name for entry in interface.state),
        io=form.io,
        compress=form.compress,
        size_mib=size_mib,
        uncompressed_size_mib=size_mib,
        ops=count_operations(spec),
        fp32_ops=single_precision(spec),
        seconds=0,
    )


def _verified(package: Path, source: Source, out: Path, on_step: Callable[[str], None]) -> Verification:
    verification = verify_source(package, source, on_step=on_step)
    if not verification.passed:
        raise RejectedError(reject(package, out), verification)
    return verification


def _largest_first(shapes: Shapes) -> list[Size]:
    return sorted(
        shapes.sizes, key=lambda size: (size == shapes.default, size.height * size.width), reverse=True
    )


def _model(
    source: Source, shapes: Shapes, form: Form, on_step: Callable[[str], None], which: str = ""
) -> Any:
    on_step(f"tracing the twin{which}")
    traced, outputs = trace(source.twin, shapes, form)
    on_step(f"converting to an ML program{which}")
    return to_model(source, traced, outputs, shapes, form)


def _save(models: Mapping[str, Any], form: Form, out: Path) -> None:
    if form.stateful:
        save_together(models, out)
    else:
        models["main"].save(str(out))


def _size_in_mib(models: Mapping[str, Any], form: Form) -> float:
    """What the package of these models would take on disk."""
    with tempfile.TemporaryDirectory() as folder:
        _save(models, form, Path(folder) / "net.mlpackage")
        return size_in_mib(Path(folder))
