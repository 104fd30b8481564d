"""`vader-mlx convert`: a checkpoint becomes a Core ML package."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convert.form import Form
from mlx_vader.cli.options import with_options
from mlx_vader.shipped import TAKEN

if TYPE_CHECKING:
    from convert import ConversionReport

EXAMPLES = """
Make an fp16 Core ML package of a checkpoint, for iPhone, iPad and Mac. Works on Linux too.

The package restores a video frame by frame. Its memory goes in and out with each frame; with --stateful it stays
inside, and there is a function for each size (size_720x1280), which is the form for an app.

It is run before it is called done: at every size, on real frames, rounded to half precision as on the device, against
the fp32 network. A package that differs is rejected.

Examples:

    vader-mlx convert --to coreml -o vader.mlpackage

    vader-mlx convert --to coreml -c runs/mine -o mine.mlpackage --shapes 720p

    vader-mlx convert --to coreml -o app.mlpackage --stateful --io image \\
        --shapes 512,720p --swift VaderSwift

    vader-mlx convert --to coreml -o any.mlpackage --shapes range:256-1280

    vader-mlx convert --to coreml -o small.mlpackage --compress palettize6
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("convert", help=EXAMPLES)(convert)


@with_options
def convert(
    checkpoint: Annotated[str, typer.Option("--checkpoint", "-c", help=f"{TAKEN}.")] = "default",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The .mlpackage to write; the checkpoint's name if not given."),
    ] = None,
    to: Annotated[str, typer.Option("--to", help="The only format so far: coreml.")] = "coreml",
    shapes: Annotated[
        str,
        typer.Option(
            help="Frame sizes: 720p, or 512x288 (HEIGHTxWIDTH); several with commas; or range:MIN-MAX. "
            "One fixed size is what holds on the Neural Engine."
        ),
    ] = "256,512,720p",
    form: Form = Form(),
    swift: Annotated[
        Path | None,
        typer.Option(help="Also write a Swift package around it to this folder, with an example app."),
    ] = None,
    json: Annotated[
        str, typer.Option("--json", help="Write the report as JSON to this file; - is stdout.")
    ] = "",
) -> None:
    from convert.shapes import squares_that_are_heights
    from mlx_vader import checkpoints
    from mlx_vader.cli.console import check_results, emit_json, shown_steps, stderr_console, stdout_console
    from mlx_vader.cli.verify import show
    from mlx_vader.errors import UsageError
    from mlx_vader.overwriting import check_overwriting

    if to != "coreml":
        raise UsageError(f"cannot convert to {to!r}", hint="--to coreml")
    source = checkpoints.resolve(checkpoint)
    out = output or Path(f"{checkpoints.label(source)}.mlpackage")
    check_results([], json)
    check_overwriting([source, form.calibrate], [json, swift], replaced_folders=[out])
    if swift:
        from convert.swift import check_folder

        check_folder(swift)
    for note in squares_that_are_heights(shapes):
        stderr_console().print(f"[yellow]note[/] {note}")
    with _rejection_shown(json), shown_steps() as on_step:
        from convert import convert as to_package

        on_step("loading the converter")
        report = to_package(
            source,
            out,
            shapes=shapes,
            **vars(form),
            on_begin=partial(_announce, source, out, form),
            on_step=on_step,
        )
    if swift:
        from convert.swift import write_swift_package

        write_swift_package(report.path, swift)
    if json:
        emit_json(report.as_dict(), json)
    if json != "-":
        _print(report, swift)
        if report.verification:
            show(report.verification, stdout_console())
        next_step = f"next: vader-mlx inspect {shlex.quote(str(report.path))}"
        stdout_console().print(next_step, markup=False, soft_wrap=True)


@contextmanager
def _rejection_shown(json: str) -> Iterator[None]:
    """The table of what was checked, and as JSON what it was, also when it is why there is no package."""
    from convert.verification import RejectedError
    from mlx_vader.cli.console import emit_json, stderr_console
    from mlx_vader.cli.verify import show

    try:
        yield
    except RejectedError as rejected:
        show(rejected.verification, stderr_console())
        if json:
            emit_json(rejected.as_dict(), json)
        raise


def _announce(source: Path, out: Path, form: Form, sizes: str) -> None:
    """What is going to be made, once all that was asked for has been checked."""
    from mlx_vader.cli.console import announce

    states = "memory as states, " if form.stateful else ""
    announce(
        f"converting {source}",
        {
            "to": str(out),
            "sizes": sizes,
            "form": f"{form.io}, {form.target}, {states}compression: {form.compress}",
            "then": "the package is run and compared with the network",
        },
    )


def _print(report: "ConversionReport", swift: Path | None) -> None:
    from rich.table import Table

    from convert.swift import module_name
    from mlx_vader.cli.console import stdout_console

    commonest = ", ".join(f"{count} {name}" for name, count in list(report.ops.items())[:6])
    unless_asked = "" if report.shapes == report.default_shape else f", {report.default_shape} unless asked"
    before = "" if report.compress == "none" else f" ({report.uncompressed_size_mib:.2f} MiB uncompressed)"
    pixels = {"tensor": "fp16 arrays, RGB in 0..1", "image": "8-bit RGB pixel buffers"}
    rows = {
        "network": report.network,
        "shapes": f"{report.shapes} (height x width){unless_asked}",
        "functions": ", ".join(report.functions),
        "inputs": ", ".join(report.inputs),
        "outputs": ", ".join(report.outputs),
        "states": ", ".join(report.states),
        "frames": pixels[report.io],
        "precision": f"fp16 but for {', '.join(report.fp32_ops)}" if report.fp32_ops else "fp16 throughout",
        "compression": report.compress,
        "16 bits kept by": ", ".join(map(_layer, report.kept)),
        "operations": f"{sum(report.ops.values())}: {commonest}, …",
        "oldest system": report.target,
        "size": f"{report.size_mib:.2f} MiB{before}",
        "time": f"{report.seconds:.1f} s",
        "Swift package": f"{swift}; in an app: import {module_name(swift)}" if swift else "",
    }
    table = Table(title=f"[green]✓[/] {report.path}", title_justify="left", show_header=False, box=None)
    for name, value in rows.items():
        if value:
            table.add_row(f"[dim]{name}[/]", value)
    stdout_console().print(table)


def _layer(weight: str) -> str:
    """A layer by the name of its weight: `twin_body_0_weight_to_fp16` → `body_0`."""
    return weight.removesuffix("_to_fp16").removesuffix("_weight").replace("twin_", "", 1)
