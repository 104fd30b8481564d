"""`vader-mlx verify`: does a Core ML package compute what its checkpoint does?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlx_vader.shipped import TAKEN

if TYPE_CHECKING:
    from rich.console import Console

    from convert.verification import Verification

EXAMPLES = """
Check a Core ML package against the checkpoint it was made from, on a stream of 16 real frames.

Every size, output and state is compared with the fp32 network. The package runs in the emulator, rounded to half
precision as on the device; on a Mac also in Core ML itself, on every compute unit. Exit code 1 when it fails.

Examples:

    vader-mlx verify Vader.mlpackage

    vader-mlx verify mine.mlpackage -c runs/mine --input holiday.mp4
"""

#: Flags that are shown; there can be one for each operation.
SHOWN_FLAGS = 5


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("verify", help=EXAMPLES)(verify)


def verify(
    package: Annotated[Path, typer.Argument(help="An .mlpackage that vader-mlx made.")],
    checkpoint: Annotated[
        str,
        typer.Option("--checkpoint", "-c", help=f"What it was made from: {TAKEN}."),
    ] = "default",
    input: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="A clip whose frames are used.", show_default="the demo's clip"),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="PSNR that every output has to reach, in dB.",
            show_default="50, or 30 for compressed weights",
        ),
    ] = None,
    json: Annotated[
        str, typer.Option("--json", help="Write the report as JSON to this file; - is stdout.")
    ] = "",
) -> None:
    from mlx_vader.checkpoints import locate
    from mlx_vader.cli.console import announce, check_results, emit_json, shown_steps, stdout_console

    check_results([package, locate(checkpoint), input], json)
    announce(f"verifying {package}", {"against": checkpoint, "on": str(input or "the demo's clip")})
    with shown_steps() as on_step:
        from convert.verify import verify as verify_package

        report = verify_package(package, checkpoint, clip=input, threshold_db=threshold, on_step=on_step)
    if json:
        emit_json(report.as_dict(), json)
    if json != "-":
        show(report, stdout_console())
    if not report.passed:
        raise typer.Exit(1)


def show(report: "Verification", console: "Console") -> None:
    """The table, the worst operation, what fp16 could not hold, and the verdict."""
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(
        box=SIMPLE,
        title=f"{report.frames} frames of {report.clip} against the fp32 network",
        title_justify="left",
    )
    for heading in ("run by", "size", "output", "PSNR (dB)", "max |Δ|", ""):
        table.add_column(heading, justify="right" if heading in ("PSNR (dB)", "max |Δ|") else "left")
    for row in report.outputs:
        mark = "[green]✓[/]" if row.passes(report.threshold_db) else "[red]✗[/]"
        if row.passes(report.threshold_db) and not row.judged:
            mark = "[dim]by its effect[/]"
        table.add_row(row.engine, row.shape, row.name, f"{row.psnr_db:.1f}", _difference(row.max_abs), mark)
    console.print(table)
    for failure in report.failures:
        console.print(f"[red]✗[/] {failure}")
    console.print(f"nearness to the clean frames lost: {max(0, report.psnr_lost_db):.2f} dB")
    if worst := report.worst_op:
        console.print(f"worst operation in fp16: {worst.type} {worst.op}, {worst.psnr_db:.1f} dB")
    for flag in report.fp16_flags[:SHOWN_FLAGS]:
        console.print(f"[yellow]![/] {flag.kind} in {flag.type} {flag.op}: up to {flag.largest:.3g}")
    if (more := len(report.fp16_flags) - SHOWN_FLAGS) > 0:
        console.print(f"  and {more} more")
    verdict = "[green]passed[/]" if report.passed else "[red]failed[/]"
    console.print(f"{verdict}: every output has to reach {report.threshold_db:g} dB")


def _difference(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"
