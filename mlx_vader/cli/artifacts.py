"""`vader-mlx artifacts`: shows what the synthetic artifacts look like."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np

EXAMPLES = """
Draw all thirteen synthetic artifacts on a picture or a clip, labelled, into one image.

Overlays show their mask in an inset, degradations a magnified part before and after.

Examples:

    vader-mlx artifacts -o sheet.png

    vader-mlx artifacts -o sheet.png --input clip.mp4 --severity 0.8 --seed 3

    vader-mlx artifacts -o sheet.png --logos my_logos/   PNG logos of yours
"""
FRAMES = 9


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("artifacts", help=EXAMPLES)(artifacts)


def artifacts(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The image to write, for example sheet.png.")
    ],
    input: Annotated[Path | None, typer.Option("--input", "-i", help="Picture or video to spoil.")] = None,
    severity: Annotated[float, typer.Option(help="0 (hardly seen) to 1 (severe).")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other logos, words and noise.")] = 0,
    vocabulary: Annotated[str, typer.Option(help="Words, fonts and shapes of: train, val.")] = "train",
    logos: Annotated[
        Path | None, typer.Option(help="Folder of PNG files with transparency to use as logos.")
    ] = None,
) -> None:
    from PIL import Image

    from mlx_vader.artifacts.gallery import contact_sheet
    from mlx_vader.cli.console import check_results, stderr_console
    from mlx_vader.errors import UsageError
    from mlx_vader.video.files import check_target, is_image
    from mlx_vader.writing import written_beside

    check_results([input, logos], output)
    target = check_target(output)
    if not is_image(target):
        raise UsageError(f"{target.name} is not the name of an image", hint="end it in .png")
    sheet = contact_sheet(_frames(input), seed, severity=severity, vocabulary=vocabulary, logos=logos)
    with written_beside(target) as partial:
        Image.fromarray(sheet).save(partial)
    stderr_console().print(f"[green]✓[/] {target}")


def _frames(source: Path | None) -> "np.ndarray":
    """Up to nine frames: of the given file, else of the demo clip if it is installed, else of a drawn scene."""
    from mlx_vader.sample_clips import find_sample_clip
    from mlx_vader.video import is_image, probe, read_clip, read_image

    if source is not None and is_image(source):
        return read_image(source)[None]
    source = source or find_sample_clip()
    if source is None:
        from mlx_vader.artifacts.gallery import drawn_scene

        return drawn_scene(FRAMES)
    frames = probe(source).frames or 1
    length = min(FRAMES, frames)
    return read_clip(source, (frames - length) // 2, length)
