"""`vader-mlx bench`: frame rates on this machine, measured on real decoded frames."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from benchmarks.session import Configuration

EXAMPLES = """
Measure frame rates on this machine: the network alone, and from file to file with decoding and encoding.

Frames are those of a real clip. Each configuration runs in a process of its own, by turns with the others; every
figure is measured, and is judged only where a target is known for the device.

Examples:

    vader-mlx bench --res 256 --res 512 --res 720p

    vader-mlx bench --res 720p --backend mlx --backend torch --json result.json

    vader-mlx bench --backend coreml --compute-units cpuAndNeuralEngine --compute-units cpuAndGPU

    vader-mlx bench --compare before.json after.json
"""
UNITS = ("all", "cpuAndGPU", "cpuAndNeuralEngine", "cpuOnly")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("bench", help=EXAMPLES)(bench)


def bench(
    res: Annotated[
        list[str] | None,
        typer.Option(
            "--res", help="256, 720p or HEIGHTxWIDTH; may be repeated.", show_default="256, 512, 720p"
        ),
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option(help="auto, mlx, torch or coreml; may be repeated.", show_default="auto"),
    ] = None,
    compute_units: Annotated[
        list[str] | None,
        typer.Option(help=f"Core ML's: {', '.join(UNITS)}; may be repeated.", show_default="each of them"),
    ] = None,
    checkpoint: Annotated[
        str, typer.Option("--checkpoint", "-c", help="A .safetensors, a shipped name or a .mlpackage.")
    ] = "default",
    input: Annotated[
        Path | None, typer.Option("--input", "-i", help="The video to take frames from.")
    ] = None,
    frames: Annotated[int, typer.Option(min=4, help="Frames to measure at each size.")] = 48,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds that a step may take.")] = 600,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Compare two result files instead of measuring.")
    ] = None,
    json: Annotated[str, typer.Option("--json", help="Write the result to this file; - is stdout.")] = "",
) -> None:
    from mlx_vader.cli.console import emit_json, stdout_console

    if compare is not None:
        from benchmarks.session import compare as compare_results
        from benchmarks.session import read_result

        pairs = compare_results(read_result(compare[0]), read_result(compare[1]))
        value: Any = {"files": [str(path) for path in compare], "rows": pairs}
        table = comparison_table(pairs, compare)
    else:
        value = measure(res, backend, compute_units, checkpoint, input, frames, time_limit)
        table = result_table(value)
    if json:
        emit_json(value, json)
    if json != "-":
        stdout_console().print(table)
    _raise_if_nothing_worked(value["rows"])


def measure(
    res: Sequence[str] | None,
    backends: Sequence[str] | None,
    units: Sequence[str] | None,
    checkpoint: str,
    clip: Path | None,
    frames: int,
    limit: float,
) -> dict[str, Any]:
    import tempfile

    from benchmarks import session
    from mlx_vader.cli.console import stderr_console

    with (
        tempfile.TemporaryDirectory(prefix="vader-packages-") as folder,
        stderr_console().status("starting") as status,
    ):
        configurations = _configurations(
            res or ("256", "512", "720p"), backends or ("auto",), units or UNITS, checkpoint, Path(folder)
        )
        return session.run(
            configurations,
            frames=frames,
            clip=clip,
            limit=limit,
            facts={"checkpoint": checkpoint},
            on_step=status.update,
        )


def _configurations(
    sizes: Sequence[str], backends: Sequence[str], units: Sequence[str], checkpoint: str, folder: Path
) -> "list[Configuration]":
    """All that was asked for; what cannot work here is refused before anything is measured."""
    from benchmarks.session import Configuration
    from convert.shapes import parse_size
    from mlx_vader.backends import BACKENDS, fastest, unavailable
    from mlx_vader.errors import UsageError, VaderError

    if unknown := [unit for unit in units if unit not in UNITS]:
        raise UsageError(f"there are no compute units {unknown[0]!r}", hint=f"choose of {', '.join(UNITS)}")
    configurations = []
    for name in backends:
        backend = fastest(checkpoint) if name == "auto" else name
        if backend not in BACKENDS:
            raise UsageError(f"there is no backend {name!r}", hint=f"choose of auto, {', '.join(BACKENDS)}")
        if reason := unavailable(backend):
            raise VaderError(
                f"the backend {backend} does not work here: {reason}", hint=BACKENDS[backend].hint
            )
        for text in sizes:
            size = parse_size(text)
            source = _source(backend, checkpoint, str(size), folder)
            configurations += [
                Configuration(text, size, backend, unit, source)
                for unit in (units if backend == "coreml" and sys.platform == "darwin" else [""])
            ]
    return configurations


def _source(backend: str, checkpoint: str, size: str, folder: Path) -> str:
    """What the backend loads: for Core ML the package given, or one made of the checkpoint for this size alone."""
    from mlx_vader import checkpoints

    if backend != "coreml":
        return str(checkpoints.resolve(checkpoint))
    if checkpoint.endswith(".mlpackage"):
        return str(Path(checkpoint).resolve())
    from convert.coreml import open_source, write_package
    from convert.shapes import nearest, parse_size

    opened = open_source(checkpoint)
    fitting = nearest(parse_size(size), opened.twin.stride)
    return str(write_package(opened, folder / f"{size}.mlpackage", shapes=str(fitting)).path)


def result_table(result: dict[str, Any]) -> "Table":
    """The result as a person reads it."""
    from rich.box import SIMPLE
    from rich.table import Table

    kinds = " and ".join(sorted({row["kind"] for row in result["rows"]}, reverse=True))
    table = Table("size", title=f"{result['device']}, {kinds}", title_justify="left", box=SIMPLE)
    table.add_column("backend", min_width=len("backend"))
    for name in ("p50 ms", "p95 ms", "FPS", "FPS\nfile to file", "load s", "1st call s", "peak MiB"):
        table.add_column(name, justify="right")
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


def comparison_table(pairs: list[dict[str, Any]], files: tuple[Path, Path]) -> "Table":
    """Two results side by side."""
    from rich.table import Table

    table = Table("size", "backend", title="frames per second, network alone", title_justify="left")
    for name in (files[0].name, files[1].name, "second / first"):
        table.add_column(name, justify="right")
    for pair in pairs:
        colour = "green" if pair["ratio"] >= 1 else "red"
        table.add_row(
            pair["res"],
            f"{pair['backend']} {pair['unit']}".strip(),
            *(_number(fps) for fps in pair["fps"]),
            f"[{colour}]{pair['ratio']:.2f}[/]",
        )
    return table


def _raise_if_nothing_worked(rows: list[dict[str, Any]]) -> None:
    from mlx_vader.errors import VaderError

    if not rows:
        raise VaderError(
            "the two results have no configuration in common", hint="use the same --res and --backend"
        )
    if all(row.get("error") for row in rows):
        raise VaderError(
            f"nothing could be measured: {rows[0]['error']}", hint="vader-mlx doctor says what works here"
        )
