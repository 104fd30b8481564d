"""`vader-mlx inpaint`: takes what a mask shows out of a video, and puts in its place what lies behind."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlx_vader.cli.options import Inputs, JsonReport, with_options
from mlx_vader.jobs.inpaint_options import InpaintOptions

if TYPE_CHECKING:
    from mlx_vader.jobs.clean import Beginning

HELP = """
Take objects, tears and drop-outs out of videos, images and folders of them.

You show what goes: by a mask, a box, a click or words. Where other frames show what is behind it, their pixels take its
place; what never shows is filled from around it. All else stays as it is, sample by sample.

Examples:

    vader-mlx inpaint clip.mp4 --mask people.mkv      writes clip.inpaint.mp4

    vader-mlx inpaint clip.mp4 -o out.mp4 --box 40,60,80,90

    vader-mlx inpaint clip.mp4 --box 0,9,80,40@0 --box 60,9,80,40@2.5s

    vader-mlx inpaint clip.mp4 --prompt 'the red car' by words

    vader-mlx mask clip.mp4 --frame 120               a grid to read from
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("inpaint", help=HELP)(inpaint)


@with_options
def inpaint(
    inputs: Inputs,
    *,
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", help="File, or folder for several; INPUT.inpaint.EXT beside it if not given."
        ),
    ] = None,
    options: Annotated[dict, InpaintOptions],
    json: JsonReport = None,
) -> None:
    """See `HELP`."""
    from mlx_vader.cli.clean import carry_out
    from mlx_vader.jobs.inpaint import inpaint as library
    from mlx_vader.jobs.options import made

    chosen = made(InpaintOptions, options)
    carry_out(library, inputs, out, options, lambda beginning: _announce(beginning, chosen), "none", json)


def _announce(beginning: "Beginning", options: InpaintOptions) -> None:
    """Says what will be done, with what, and where the result goes."""
    from mlx_vader.cli.clean import codec_in_words, files_in_words, places_in_words
    from mlx_vader.cli.console import announce
    from mlx_vader.cli.mask import marks_in_words

    fill = "what does best beside it" if options.fill == "auto" else options.fill
    ways = {
        "fill": f"each frame from its own surroundings, by {fill}",
        "network": f"what {beginning.network} paints, {beginning.backend} on {beginning.device}",
    }
    fetched = f"from {options.window} frames before and after, what never shows by {fill}"
    announce(
        f"inpainting {files_in_words(beginning)}",
        {
            **places_in_words(beginning),
            "takes out": marks_in_words(options.masking()),
            "fills": ways.get(options.method, fetched),
            "codec": codec_in_words(beginning),
        },
    )
