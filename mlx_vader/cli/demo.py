"""`vader-mlx demo`: from a spoiled clip to a clean one, a Core ML package and a frame rate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlx_vader.shipped import TAKEN

if TYPE_CHECKING:
    from rich.table import Table

    from mlx_vader.demo import DemoReport

HELP = """
The whole road on a real clip, in a few minutes: spoil it, clean it, measure, convert, bench.

Examples:

    vader-mlx demo                              a clip of the demo extra

    vader-mlx demo --input holiday.mp4 --artifacts tiled_pattern,blur
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo", help=HELP)(demo)


def demo(
    input: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="A clip of yours.", show_default="a real one, of the demo extra"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for what it makes.")] = Path("vader-demo"),
    checkpoint: Annotated[str, typer.Option("--checkpoint", "-c", help=f"{TAKEN}.")] = "default",
    artifacts: Annotated[
        str, typer.Option(help="What to spoil it with; a wrong name lists all.")
    ] = "corner_logo,text_overlay",
    frames: Annotated[int, typer.Option(min=1, help="Frames to take.")] = 48,
    seed: Annotated[int, typer.Option(help="Another seed, another logo and another text.")] = 7,
    json: Annotated[str, typer.Option("--json", help="Write the result to this file; - is stdout.")] = "",
) -> None:
    from mlx_vader.artifacts import parse_names
    from mlx_vader.checkpoints import locate
    from mlx_vader.cli.bench import result_table
    from mlx_vader.cli.console import announce, check_results, emit_json, stderr_console, stdout_console
    from mlx_vader.demo import PACKAGE, files_in
    from mlx_vader.demo import demo as run

    check_results(
        [input, locate(checkpoint)], json, *files_in(out).values(), replaced_folders=[out / PACKAGE]
    )
    with stderr_console().status("starting") as status:

        def on_begin(source: Path, count: int) -> None:
            status.stop()
            announce(
                f"demo of {checkpoint}",
                {
                    "clip": f"{source}, {count} frames",
                    "spoils it with": artifacts,
                    "then": "cleans it, measures, converts the network to Core ML, measures its speed: minutes",
                    "folder": str(out),
                },
            )
            status.start()

        report = run(
            input,
            out,
            checkpoint=checkpoint,
            artifacts=parse_names(artifacts),
            frames=frames,
            seed=seed,
            on_step=status.update,
            on_begin=on_begin,
        )
    if json:
        emit_json(report.as_dict(), json)
    if json != "-":
        print_ = stdout_console().print
        print_(_quality_table(report))
        print_(_summary(report))
        print_(result_table(report.bench))
        print_(_next_steps(report))


def _quality_table(report: "DemoReport") -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    title = f"{report.source.name}, {report.frames} frames of {report.width}x{report.height}"
    table = Table(
        "PSNR, dB",
        title=f"{title}, spoiled with {', '.join(report.artifacts)}",
        title_justify="left",
        box=SIMPLE,
    )
    for name in ("spoiled", "cleaned", "gain"):
        table.add_column(name, justify="right")
    for label, key in (("whole frame", "whole"), ("inside the artifacts", "inside"), ("outside", "outside")):
        before, after = getattr(report.before, key), getattr(report.after, key)
        table.add_row(label, f"{before:.2f}", f"{after:.2f}", f"{after - before:+.2f}")
    return table


def _summary(report: "DemoReport") -> str:
    clean, package = report.clean, report.package
    return (
        f"  The network found the artifacts itself: mask IoU {report.mask_iou:.2f} in the last frame.\n"
        f"  {clean.fps:.1f} frames/s from file to file ({clean.backend} on {clean.device}).\n"
        f"  Core ML: {package.path.name}, {package.size_mib:.1f} MiB, fp16, made in {package.seconds:.0f} s.\n"
    )


def _next_steps(report: "DemoReport") -> str:
    folder: Any = report.comparison.parent
    return (
        f"Look at    {report.comparison}\n"
        f"Play       {folder / 'cleaned.preview.mp4'}  (before | mask | after)\n"
        "Then try   vader-mlx clean YOUR_VIDEO -o CLEAN.mp4 --preview\n"
        f"           vader-mlx demo --input YOUR_VIDEO -o {folder}-2\n"
        "           vader-mlx train --data YOUR_FOOTAGE --init default"
    )
