"""`vader-mlx inspect`: where the operations of a package run, and what that is predicted to take."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from convert.ane import Inspection
    from convert.ane.report import OperationReport

EXAMPLES = """
Predict where each operation of a Core ML package runs on a chip, and how long that takes. Works without a Mac.

Everything is predicted, from published measurements, and comes with its interval; --measured, on a Mac, puts Core ML's
own plan and a measured time beside it.

Examples:

    vader-mlx inspect vader.mlpackage --chip m4

    vader-mlx inspect vader.mlpackage --chip m1 --chip m4-pro --chip a18-pro

    vader-mlx inspect vader.mlpackage --shape 720p --all --html report.html
"""
#: Lines of the table unless all are asked for.
SHOWN = 25
#: Columns of a terminal in which the reasons have room, and the least that is shown of a name where they have not.
WIDE, SHORT = 120, 10
COLOURS = {"ANE": "green", "GPU": "cyan", "CPU": "red"}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("inspect", help=EXAMPLES)(inspect)


def inspect(
    package: Annotated[Path, typer.Argument(help="An .mlpackage that holds an ML program.")],
    chip: Annotated[
        list[str] | None,
        typer.Option(
            help="m1 to m6, m4-pro, m4-max, a17-pro, a19 and more; may be repeated.  this Mac's, else m4"
        ),
    ] = None,
    function: Annotated[str, typer.Option(help="One function alone.  every one")] = "",
    shape: Annotated[str, typer.Option(help="Frame size: 720p or HEIGHTxWIDTH.  the default one")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help=f"Every operation, in order, instead of the {SHOWN} costliest.")
    ] = False,
    measured: Annotated[
        bool, typer.Option("--measured", help="On a Mac: Core ML's own plan, and measured times.")
    ] = False,
    json: Annotated[str, typer.Option("--json", help="Write the result to this file; - is stdout.")] = "",
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with a timeline to this file.")
    ] = None,
) -> None:
    from mlx_vader.cli.console import check_results, emit_json, show_refusals, stdout_console
    from mlx_vader.writing import write_file

    check_results([package], json, html)
    _check_measured(measured)
    from convert import ane
    from convert.ane.chips import DEFAULT, this_machine

    chips = [ane.chip(name) for name in chip or [this_machine() or DEFAULT]]
    found = ane.inspect(package, chips, function=function or None, shape=shape or None)
    actual = _measurements(package, found[0]) if measured else None
    if html:
        from convert.ane.page import page

        write_file(html, page(found).encode())
    if json:
        emit_json(_json(found, actual), json)
    if json != "-":
        console = stdout_console()
        show_refusals(found[0].refusals, console)
        for line in _tables(found, everything, actual):
            console.print(line)


def _check_measured(wanted: bool) -> None:
    import platform

    from mlx_vader.errors import UsageError

    if wanted and platform.system() != "Darwin":
        raise UsageError("measuring needs a Mac", hint="leave --measured out: the prediction works here")


def _measurements(package: Path, found: "Inspection") -> dict[str, Any]:
    from convert.ane.measured import measure

    return measure(package, found.main.name if len(found.functions) > 1 else None)


def _json(found: "list[Inspection]", actual: dict[str, Any] | None) -> dict[str, Any]:
    """The first chip under the stable keys; what else was asked for beside it."""
    value = found[0].as_dict()
    if len(found) > 1:
        value["chips"] = [item.as_dict() for item in found]
    if actual is not None:
        value["measured"] = actual
    return value


def _tables(found: "list[Inspection]", everything: bool, actual: dict[str, Any] | None) -> list[Any]:
    lines: list[Any] = [_comparison(found)] if len(found) > 1 else []
    lines += [_totals(found[0])]
    if len(found[0].functions) > 1:
        lines.append(_functions(found[0]))
    lines += [_operations(found[0], everything), _advice(found[0])]
    if actual is not None:
        lines.append(_measured(actual, found[0]))
    return lines


def _totals(found: "Inspection") -> Any:
    from rich.markup import escape
    from rich.table import Table

    main = found.main
    table = Table(
        title=f"{escape(found.package)}, predicted for {found.chip.name}",
        title_justify="left",
        show_header=False,
        box=None,
    )
    slow, fast = _rate(1e3 / main.high), _rate(1e3 / main.low)
    rows = {
        "function": f"{main.name} {main.frame}".strip(),
        "latency": f"[bold]{_ms(main.latency)}[/] ({_ms(main.low)} to {_ms(main.high)}), predicted",
        "frame rate": f"[bold]{_rate(main.fps)} FPS[/] ({slow} to {fast}), predicted",
        "arithmetic": f"{main.macs / 1e9:.3g} GMAC",
        "weights": f"{main.weights_bytes / 2**20:.3g} MiB",
        "activations": f"{main.peak_activation_bytes / 2**20:.3g} MiB at the peak",
        "on the engine": f"{main.ane_share:.0%} of the operations' time; switches between units: {main.switches}",
        "besides": f"call {_ms(main.floor)}, inputs and outputs {_ms(sum(edge.ms for edge in main.edges))}"
        + (f", switches {_ms(main.switching)}" if main.switching else ""),
        "chip": found.chip.note,
    }
    for name, value in rows.items():
        table.add_row(f"[dim]{name}[/]", value)
    for note in main.notes:
        table.add_row("[yellow]note[/]", note)
    return table


def _comparison(found: "list[Inspection]") -> Any:
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table("chip", title="predicted", title_justify="left", box=SIMPLE)
    for name in ("ms", "interval", "FPS", "on the engine", "switches"):
        table.add_column(name, justify="right")
    table.add_column("peak")
    for item in found:
        main = item.main
        table.add_row(
            item.chip.name,
            f"{main.latency:.3g}",
            f"{main.low:.3g}–{main.high:.3g}",
            _rate(main.fps),
            f"{main.ane_share:.0%}",
            str(main.switches),
            "measured" if item.chip.measured else f"borrowed of {item.chip.like}",
        )
    return table


def _functions(found: "Inspection") -> Any:
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table("function", "frame", title="functions, predicted", title_justify="left", box=SIMPLE)
    for name in ("ms", "interval", "FPS", "GMAC"):
        table.add_column(name, justify="right")
    for item in found.functions:
        name = f"{item.name} (default)" if item.name == found.default else item.name
        interval = f"{item.low:.3g}–{item.high:.3g}"
        table.add_row(
            name, item.frame, f"{item.latency:.3g}", interval, _rate(item.fps), f"{item.macs / 1e9:.3g}"
        )
    return table


def _operations(found: "Inspection", everything: bool) -> Any:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    from mlx_vader.cli.console import stdout_console

    main = found.main
    shown = main.operations if everything else main.costliest(SHOWN)
    title = (
        f"all {len(shown)} operations"
        if len(shown) == len(main.operations)
        else f"the {len(shown)} costliest operations"
    )
    # An operation is a line: the reason only where there is room for it, or in a report that asks for everything.
    width = stdout_console().width
    room = width >= WIDE
    table = Table(
        title=f"{title}, predicted", title_justify="left", box=SIMPLE, padding=(0, int(room)), show_edge=room
    )
    heads = ("operation", "type", "result", "MMAC", "MiB", "ms", "unit", "bound by")
    rows = [_cells(line) for line in shown]
    if not room:
        rows = _fitting([heads, *rows], width)[1:]
    for name in (*heads, *(["why"] if room else [])):
        right = name in ("MMAC", "MiB", "ms")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for line, cells in zip(shown, rows, strict=True):
        *texts, unit, bound = map(escape, cells)
        why = [escape(f"{line.why} ({line.source})")] if room else []
        table.add_row(*texts, f"[{COLOURS[line.unit]}]{unit}[/]", bound, *why)
    rest = main.operations if everything else main.costliest(None)[SHOWN:]
    if not everything and rest:
        table.caption = f"{len(rest)} more take {sum(line.ms for line in rest):.3g} ms together: --all"
        if not room:
            table.caption += "\nthe rule behind each unit: a wider terminal, --html or --json"
        table.caption_justify = "left"
    return table


def _cells(line: "OperationReport") -> tuple[str, ...]:
    return (
        line.name,
        line.type,
        "×".join(map(str, line.shape)),
        _count(line.macs / 1e6) if line.macs else "",
        f"{line.bytes / 2**20:.1f}",
        f"{line.ms:.2f}" if line.ms else "",
        line.unit,
        line.bound,
    )


def _fitting(rows: Sequence[tuple[str, ...]], width: int) -> list[tuple[str, ...]]:
    """Rows of a table of `width` columns, one between two: names are shortened for it, and types; never a number."""
    widest = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    # Where nothing else has room, types give way too.
    for column in (0, 1):
        spare = width - sum(widest) - len(widest) + 1
        widest[column] = max(min(widest[column], SHORT), widest[column] + min(spare, 0))
    return [(*map(_shortened, cells[:2], widest[:2]), *cells[2:]) for cells in rows]


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _count(value: float) -> str:
    """Three digits, or a whole number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _advice(found: "Inspection") -> Any:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="what would help most", title_justify="left", show_header=False, box=None)
    for line in found.main.advice:
        table.add_row(f"{line.share:.0%}", escape(f"{line.about}: {line.text}"))
    return table


def _measured(actual: dict[str, Any], found: "Inspection") -> Any:
    from rich.table import Table

    units = {line.result: line.unit for line in found.main.operations}
    differing = [
        f"{line['result']} ({line['type']}: {line['unit']}, predicted {units[line['result']]})"
        for line in actual["operations"]
        if line["unit"] in COLOURS and units.get(line["result"], line["unit"]) != line["unit"]
    ]

    table = Table(title="measured on this Mac", title_justify="left", show_header=False, box=None)
    table.add_row("latency", f"{actual['latency_ms_p50']:.3g} ms p50, {actual['latency_ms_p95']:.3g} ms p95")
    table.add_row(
        "Core ML's plan", ", ".join(f"{share:.0%} {unit}" for unit, share in actual["shares"].items())
    )
    table.add_row("predicted", f"{found.main.latency:.3g} ms for {found.chip.name}")
    if differing:
        table.add_row("planned elsewhere", ", ".join(differing[:8]))
    return table


def _ms(value: float) -> str:
    return f"{value:.3g} ms"


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
