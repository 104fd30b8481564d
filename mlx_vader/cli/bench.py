"""`vader-mlx bench`: frame rates on this machine, measured on real decoded frames."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlx_vader.bench import BenchOptions
from mlx_vader.cli.options import with_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from mlx_vader.bench.session import Configuration

EXAMPLES = """
Measure frame rates on this machine: the network alone, and from file to file with decoding and encoding.

Frames are those of a real clip. Each configuration runs in a process of its own, by turns with the others; every
figure is measured, and is judged only where a target is known for the device.

Examples:

    vader-mlx bench --res 256 --res 512 --res 720p

    vader-mlx bench --backend mlx --backend torch --json result.json

    vader-mlx bench --backend coreml --compute-units cpuAndNeuralEngine

    vader-mlx bench --compare before.json after.json
"""


#: How the second of two results compares with the first.
VERDICTS = {"faster": "[green]faster[/]", "slower": "[red]slower[/]", None: "no clear difference"}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("bench", help=EXAMPLES)(bench)


@with_options
def bench(
    options: BenchOptions,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Compare two result files instead of measuring.")
    ] = None,
    json: Annotated[str, typer.Option("--json", help="Write the result to this file; - is stdout.")] = "",
) -> None:
    from mlx_vader.bench import results
    from mlx_vader.checkpoints import locate
    from mlx_vader.cli.console import check_results, emit_json, stdout_console

    check_results([*(compare or ()), locate(options.checkpoint), options.input], json)
    if compare is not None:
        both = [results.read_result(path) for path in compare]
        pairs, other = results.compare(*both), results.differences(*both)
        value: Any = {"files": [str(path) for path in compare], "rows": pairs, "differences": other}
        table = comparison_table(pairs, other)
    else:
        value = measured(options)
        table = result_table(value)
    if json:
        emit_json(value, json)
    if json != "-":
        stdout_console().print(table)
    results.check(value["rows"])


def measured(options: BenchOptions) -> dict[str, Any]:
    """The result, with a line on the terminal that says what is going on."""
    from mlx_vader.bench.measuring import measure
    from mlx_vader.cli.console import announce, stderr_console

    with stderr_console().status("starting") as status:

        def on_begin(configurations: "Sequence[Configuration]") -> None:
            status.stop()
            each = [f"{one.name} on {one.backend} {one.units}".strip() for one in configurations]
            about = (
                f"{options.frames} of {options.input or 'the sample clip'} for each, then from file to file"
            )
            announce(
                f"measuring {options.checkpoint}", {"sizes and backends": ", ".join(each), "frames": about}
            )
            status.start()

        return measure(options, status.update, on_begin)


def result_table(result: dict[str, Any]) -> "Table":
    """The result as a person reads it."""
    from rich.box import SIMPLE
    from rich.table import Table

    kinds = " and ".join(sorted({row["kind"] for row in result["rows"]}, reverse=True))
    title = f"{result['device']}, {kinds}"
    table = Table(title=title, title_justify="left", box=SIMPLE)
    table.add_column("size", no_wrap=True)
    table.add_column("backend")
    for name in ("p50\nms", "p95\nms", "FPS", "FPS file\nto file", "load\ns", "1st\ncall s", "peak\nMiB"):
        table.add_column(name, justify="right", no_wrap=True)
    judged = any(row["target_fps"] for row in result["rows"])
    if judged:
        table.add_column("target")
    for row in result["rows"]:
        where = f"{row['backend']} {row['unit']}".strip()
        keys = (
            "latency_ms_p50",
            "latency_ms_p95",
            "fps",
            "fps_end_to_end",
            "load_s",
            "compile_s",
            "peak_mib",
        )
        table.add_row(
            row["res"], where, *(_number(row[key]) for key in keys), *([_verdict(row)] if judged else [])
        )
    notes = [
        f"{row['res']} {row['backend']} {row['unit']}: {row['error']}"
        for row in result["rows"]
        if row["error"]
    ]
    if "emulated" in kinds:
        notes.append("emulated: computed by this processor; it says nothing about the speed of a device")
    elif not judged:
        notes.append("no target for this device")
    labels = ", ".join(sorted({row["clip"] for row in result["rows"]}))
    notes.append(
        f"frames of {labels}; FPS: the network, frame by frame; file to file: as clean works, clips in one call"
    )
    table.caption, table.caption_justify = "\n".join(notes), "left"
    return table


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _verdict(row: dict[str, Any]) -> str:
    if row["target_fps"] is None:
        return "[dim]none for this device[/]"
    passed = "[green]passed[/]" if row["passed"] else "[red]failed[/]"
    return f"{row['target_fps']:g} FPS ({row['target']}) {passed}"


def comparison_table(pairs: list[dict[str, Any]], other: dict[str, tuple[str, str]]) -> "Table":
    """Two results side by side, and how far their noise allows a verdict."""
    from rich.box import SIMPLE
    from rich.table import Table

    title = "frames per second, network alone"
    table = Table("size", "backend", title=title, title_justify="left", box=SIMPLE)
    for name in ("first", "second", "second\n/ first", "noise\nallows"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", min_width=len("difference"))
    for pair in pairs:
        bounds = (pair["ratio_low"], pair["ratio_high"])
        table.add_row(
            pair["res"],
            f"{pair['backend']} {pair['unit']}".strip(),
            *(_number(fps) for fps in pair["fps"]),
            f"{pair['ratio']:.2f}",
            "?" if None in bounds else "{:.2f} to {:.2f}".format(*bounds),
            VERDICTS[pair["differs"]],
        )
    notes = [f"{name}: {first} and {second}" for name, (first, second) in sorted(other.items())]
    notes.append("noise: what the slowest and the fastest turns of both runs allow")
    notes.append("a busy machine changes whole runs: before you trust a difference, measure both twice")
    table.caption, table.caption_justify = "\n".join(notes), "left"
    return table
