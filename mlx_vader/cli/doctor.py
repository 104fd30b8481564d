"""`vader-mlx doctor`: what this machine can run, tried rather than guessed."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mlx_vader.doctor import Finding

EXAMPLES = """
Say what works on this machine: versions, devices, backends (each restores a frame), encoders, fast matrix products.

Every line that fails has a hint. The exit code is 1 only when no backend works.

Examples:

    vader-mlx doctor

    vader-mlx doctor --json -
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("doctor", help=EXAMPLES)(doctor)


def doctor(
    json: Annotated[str, typer.Option("--json", help="Write the findings to this file; - is stdout.")] = "",
) -> None:
    from mlx_vader.cli.console import check_results, emit_json, stderr_console
    from mlx_vader.doctor import examine, works

    check_results([], json)
    with stderr_console().status("") as status:
        findings = examine(status.update)
    if json:
        emit_json({"works": works(findings), "findings": [asdict(finding) for finding in findings]}, json)
    if json != "-":
        _print(findings)
    if not works(findings):
        raise typer.Exit(1)


def _print(findings: "list[Finding]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from mlx_vader.cli.console import stdout_console

    marks: dict[Any, str] = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[dim]-[/]"}
    table = Table(show_header=False, box=None, pad_edge=False)
    group = ""
    for finding in findings:
        if finding.group != group:
            group = finding.group
            table.add_row("", f"[bold]{group}[/]")
        value = escape(finding.value) + (f"\n[dim]{escape(finding.hint)}[/]" if finding.hint else "")
        table.add_row(marks[finding.ok], escape(finding.name), value)
    stdout_console().print(table)
