"""`vader-mlx run`: anybody's Core ML package, without Core ML."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from convert.emulator import EmulatedModel

EXAMPLES = """
Run any Core ML ML program on this machine, also on Linux, and see its numbers.

It computes with PyTorch on the CPU, rounding each result to half precision as a device stores it, and names the
operations whose results half precision does not hold. States begin as zeros. It tells nothing about speed.

Examples:

    vader-mlx run theirs.mlpackage

    vader-mlx run theirs.mlpackage --input frame.png -o out.png

    vader-mlx run theirs.mlpackage --input image=frame.png \\
        --input noise=noise.npy -o all.npz --precision fp32
"""

#: Flags that are shown; there can be one for each operation.
SHOWN_FLAGS = 10


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("run", help=EXAMPLES)(run)


def run(
    package: Annotated[Path, typer.Argument(help="An .mlpackage.")],
    input: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            help="FILE or NAME=FILE: an image, .npy or .npz. Without: what the package takes.",
        ),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option("--output", "-o", help="FILE or NAME=FILE: an image, .npy, or .npz with all outputs."),
    ] = None,
    function: Annotated[
        str, typer.Option(help="Which function, if there are several.", show_default="the default one")
    ] = "",
    precision: Annotated[str, typer.Option(help="fp16 rounds as a device does; fp32 does not.")] = "fp16",
    json: Annotated[
        str, typer.Option("--json", help="Write the report as JSON to this file; - is stdout.")
    ] = "",
) -> None:
    from mlx_vader.cli.console import (
        check_results,
        emit_json,
        show_refusals,
        shown_steps,
        stderr_console,
        stdout_console,
    )
    from mlx_vader.errors import UsageError

    check_results([package, *map(_file, input or [])], *map(_file, output or []), json)
    if output and not input:
        raise UsageError("there is no input to compute the output from", hint="--input FILE")
    notes: list[str] = []
    with shown_steps() as on_step:
        on_step("reading the package")
        from convert.emulator import EmulatedModel
        from convert.limits import refusals

        model = EmulatedModel(package, function or None, precision)
        refused = refusals(model.program)
    show_refusals(refused, stderr_console())
    with shown_steps() as on_step:
        on_step("computing")
        report = _computed(model, input, output or [], notes) if input else _interface(model)
    report["refusals"] = [refusal.as_dict() for refusal in refused]
    for note in notes:
        stderr_console().print(f"[dim]{note}[/]")
    if json:
        emit_json(report, json)
    if json != "-":
        (_show_results if input else _show_interface)(report, stdout_console())


def _file(text: str) -> Path:
    """The file of `FILE` or `NAME=FILE`."""
    return Path(text) if Path(text).exists() else Path(text.partition("=")[2] or text)


def _interface(model: "EmulatedModel") -> dict[str, Any]:
    return {
        "package": str(model.path),
        "function": model.function_name,
        "functions": model.functions,
        "inputs": [_row(feature) for feature in model.inputs],
        "outputs": [_row(feature) for feature in model.outputs],
        "states": [{"name": name, "dtype": of.dtype, "shape": of.shape} for name, of in model.states.items()],
    }


def _row(feature: Any) -> dict[str, Any]:
    kind = f"{feature.color} image" if feature.kind == "image" else feature.dtype
    return {"name": feature.name, "dtype": kind, "shape": feature.allowed, "about": feature.description}


def _computed(
    model: "EmulatedModel", given: list[str], wanted: list[str], notes: list[str]
) -> dict[str, Any]:
    from dataclasses import asdict

    import numpy as np

    from convert.blanks import blank_inputs
    from convert.emulator.files import read_inputs, write_outputs

    data = read_inputs(given, model.inputs, notes.append)
    if blank := blank_inputs(model.user_defined_metadata, data):
        notes.append(f"zeros, as nothing was given: {', '.join(blank)}")
        data |= blank
    state = model.make_state() if model.states else None
    if state:
        notes.append(f"states begin as zeros: {', '.join(model.states)}")
    results = model.predict(data, state)
    written = write_outputs(results, model.outputs, wanted, notes.append)
    rows = []
    for name, value in results.items():
        array = np.asarray(value)
        numbers = array.astype(np.float64) if array.dtype.kind in "biuf" and array.size else None
        rows.append(
            {
                "name": name,
                "shape": list(array.shape),
                "dtype": str(array.dtype),
                "min": None if numbers is None else float(numbers.min()),
                "max": None if numbers is None else float(numbers.max()),
            }
        )
    return {
        "package": str(model.path),
        "function": model.function_name,
        "precision": model.precision,
        "outputs": rows,
        "written": [str(path) for path in written],
        "fp16_flags": [asdict(flag) for flag in model.flags],
    }


def _show_interface(report: dict[str, Any], console: "Console") -> None:
    from rich.table import Table

    table = Table(title=f"{report['package']}, function {report['function']}", title_justify="left", box=None)
    for heading in ("", "name", "type", "shape", ""):
        table.add_column(heading)
    for kind in ("inputs", "states", "outputs"):
        for row in report[kind]:
            shape = row["shape"] if isinstance(row["shape"], str) else "×".join(map(str, row["shape"]))
            table.add_row(f"[dim]{kind[:-1]}[/]", row["name"], row["dtype"], shape, row.get("about", ""))
    console.print(table)
    if sum(" or " in row["shape"] for row in report["inputs"]) > 1:
        console.print("the inputs have the first of their shapes together, or the second, and so on")
    if len(report["functions"]) > 1:
        console.print(f"functions: {', '.join(report['functions'])}")


def _show_results(report: dict[str, Any], console: "Console") -> None:
    from rich.table import Table

    table = Table(title=f"{report['package']}, {report['precision']}, emulated", title_justify="left")
    for heading in ("output", "shape", "type", "min", "max"):
        table.add_column(heading, justify="right" if heading in ("min", "max") else "left")
    for row in report["outputs"]:
        ends = ["" if row[end] is None else f"{row[end]:.6g}" for end in ("min", "max")]
        table.add_row(row["name"], "×".join(map(str, row["shape"])), row["dtype"], *ends)
    console.print(table)
    flags = report["fp16_flags"]
    for flag in flags[:SHOWN_FLAGS]:
        what = {"large": "nears the end of", "inf": "overflows", "nan": "is not a number in"}[flag["kind"]]
        console.print(
            f"[yellow]![/] {flag['type']} {flag['name']} {what} half precision: up to {flag['largest']:.4g}"
        )
    if len(flags) > SHOWN_FLAGS:
        console.print(f"and {len(flags) - SHOWN_FLAGS} more; --json has all")
    for path in report["written"]:
        console.print(f"[green]✓[/] {path}")
