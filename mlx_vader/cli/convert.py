"""`vader-mlx convert`: a checkpoint becomes a Core ML package."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from convert import ConversionReport

EXAMPLES = """
Make an fp16 Core ML package of a checkpoint, for iPhone, iPad and Mac. Works on Linux too.

The package restores a video frame by frame; its memory goes in and out with each frame.

Examples:

    vader-mlx convert --to coreml -o vader.mlpackage

    vader-mlx convert --to coreml -c runs/mine/best.safetensors -o mine.mlpackage --shapes 720p

    vader-mlx convert --to coreml -o any.mlpackage --shapes range:256-1280
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("convert", help=EXAMPLES)(convert)


def convert(
    checkpoint: Annotated[
        str, typer.Option("--checkpoint", "-c", help="A .safetensors file, or the name of a shipped one.")
    ] = "default",
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
    target: Annotated[
        str, typer.Option(help="Oldest system: iOS16, iOS17, iOS18 (macOS 15), iOS26.")
    ] = "iOS18",
    json: Annotated[
        str, typer.Option("--json", help="Write the report as JSON to this file; - is stdout.")
    ] = "",
) -> None:
    from mlx_vader.cli.console import emit_json, shown_steps
    from mlx_vader.errors import UsageError

    if to != "coreml":
        raise UsageError(f"cannot convert to {to!r}", hint="--to coreml")
    with shown_steps() as on_step:
        from convert import convert as to_package
        from mlx_vader import checkpoints

        on_step("loading the converter")
        source = checkpoints.resolve(checkpoint)
        out = output or Path(source.stem + ".mlpackage")
        report = to_package(source, out, shapes=shapes, target=target, on_step=on_step)
    if json:
        emit_json(report.as_dict(), json)
    if json != "-":
        _print(report)


def _print(report: "ConversionReport") -> None:
    from rich.table import Table

    from mlx_vader.cli.console import stdout_console

    commonest = ", ".join(f"{count} {name}" for name, count in list(report.ops.items())[:6])
    unless_asked = "" if report.shapes == report.default_shape else f", {report.default_shape} unless asked"
    rows = {
        "network": report.network,
        "shapes": f"{report.shapes} (height x width){unless_asked}",
        "inputs": ", ".join(report.inputs),
        "outputs": ", ".join(report.outputs),
        "precision": f"fp16 but for {', '.join(report.fp32_ops)}" if report.fp32_ops else "fp16 throughout",
        "operations": f"{sum(report.ops.values())}: {commonest}, …",
        "oldest system": report.target,
        "size": f"{report.size_mib:.2f} MiB",
        "time": f"{report.seconds:.1f} s",
    }
    table = Table(title=f"[green]✓[/] {report.path}", title_justify="left", show_header=False, box=None)
    for name, value in rows.items():
        table.add_row(f"[dim]{name}[/]", value)
    stdout_console().print(table)
