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

    from mlx_vader.cli.console import stdout_console

    console = stdout_console()
    marks: dict[Any, str] = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[dim]-[/]"}
    width = max(len(finding.name) for finding in findings)
    group = ""
    for finding in findings:
        if finding.group != group:
            group = finding.group
            console.print(f"[bold]{group}[/]")
        # Nothing is wrapped by us: what is to be copied stays in one piece, and terminals wrap by themselves.
        console.print(
            f"{marks[finding.ok]} {escape(finding.name):{width}}  {escape(finding.value)}", soft_wrap=True
        )
        if finding.hint:
            console.print(f"    [dim]{escape(finding.hint)}[/]", soft_wrap=True)
