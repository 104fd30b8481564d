"""`vader-mlx train`: makes a checkpoint from a folder of videos and images."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from mlx_vader.cli.options import with_options
from mlx_vader.errors import UsageError, choices
from mlx_vader.loss_weights import LossWeights
from mlx_vader.options import flag_of
from mlx_vader.training.config import COURSE, DATA, LOSSES, NETS, NETWORK, TrainConfig

#: Of the network `nafunet`, whose own list is too heavy for `--help`.
GUIDANCE = ("none", "modulation", "concat", "residual", "skip_gate", "attn_gate")

#: What may change when a run goes on.
CHANGEABLE = ("data", "steps", "epochs", "lr", "device", "workers", "validate_every")

EXAMPLES = """
Train a network of your own on a folder of videos and images.

The folder holds train/ and val/, or just media: then one file in twenty is held out for validation.
Artifacts are added on the fly. best.safetensors in the run's folder is what clean and convert take.

Examples:

    vader-mlx train --dummy --steps 50               needs no data

    vader-mlx train --data photos --out runs/mine

    vader-mlx train --data photos --artifacts corner_logo,text_overlay

    vader-mlx train --resume runs/mine               goes on where it stopped

    mlx.launch -n 2 --backend ring -- vader-mlx train --data photos

    tensorboard --logdir runs                        shows curves and pictures
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("train", help=EXAMPLES)(train)


def _option(about: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, help=about, rich_help_panel=panel)


@with_options
def train(
    context: typer.Context,
    config: Annotated[dict, TrainConfig],  # type: ignore[type-arg] # `with_options` reads it
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this folder, as if it had not stopped.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result as JSON, - for stdout.")] = None,
    dummy: Annotated[bool, _option("Drawn scenes instead, to try things out.", DATA, "--dummy")] = False,
    guidance: Annotated[
        str | None, _option(f"What nafunet does with its mask: {', '.join(GUIDANCE)}.", NETWORK)
    ] = None,
    residual: Annotated[
        bool | None, _option("Predict what to add to the input.", NETWORK, "--residual/--no-residual")
    ] = None,
    no_temporal: Annotated[bool, _option("No attention across frames.", NETWORK, "--no-temporal")] = False,
    stop_after: Annotated[int | None, _option("Stop after so many steps of this call.", COURSE)] = None,
    lpips: Annotated[
        str | None,
        _option("alex, vgg, squeeze, vgg16, efficientnet-lite0 or a file; else what is there.", LOSSES),
    ] = None,
    no_lpips: Annotated[
        bool, _option("VGG16 instead of LPIPS, if it is there.", LOSSES, "--no-lpips")
    ] = False,
) -> None:
    """See `EXAMPLES`."""
    from mlx_vader import training
    from mlx_vader.checkpoints import locate
    from mlx_vader.cli.console import check_results, emit_json
    from mlx_vader.cli.train_screen import screen

    if resume:
        run = _resumed(resume, _given(context))
    else:
        spec = {"guidance": guidance, "residual": residual, "temporal": False if no_temporal else None}
        own = {
            "spec": {name: value for name, value in spec.items() if value is not None},
            "perceptual": _perceptual(lpips, no_lpips),
            "command": " ".join([context.find_root().info_name or "vader-mlx", *context.obj]),
        }
        run = _new(config, own, dummy=dummy)
    check_results([run.data, run.logos, run.initial and locate(run.initial)], json, *training.files_of(run))
    with screen(stop_after) as shown:
        finished = training.train(run, shown, resume=resume is not None)
    shown.conclude(run, finished)
    if json is not None:
        emit_json(shown.summary(run, finished), json)
    if shown.interrupt and not finished:
        raise typer.Exit(130)


def _new(typed: dict[str, Any], own: dict[str, Any], *, dummy: bool) -> TrainConfig:
    """What was typed as a configuration, over what suits the network. Raises `UsageError` for contradictions."""
    from mlx_vader import checkpoints
    from mlx_vader.training import recipe

    if (typed["data"] is None) == (not dummy):
        raise UsageError(
            "training needs --data DIR or --dummy",
            hint="a folder of videos and images, or drawn scenes to try",
        )
    initial = typed["initial"]
    network = checkpoints.read(initial).network if initial else typed["net"] or NETS[0]
    usual = recipe(network, optimiser=typed["optimiser"], fine_tuning=initial is not None)
    values = {name: _plain(value) for name, value in typed.items() if value is not None}
    values["losses"] = _losses(typed["losses"], usual["losses"])
    values["artifacts"] = tuple(
        name.strip() for name in (typed["artifacts"] or "").split(",") if name.strip()
    )
    return TrainConfig(**usual | values | own)


def _given(context: typer.Context) -> dict[str, Any]:
    """What was typed, by the parameter's name."""
    return {
        name: value
        for name, value in context.params.items()
        if context.get_parameter_source(name).name == "COMMANDLINE"  # type: ignore[union-attr]
    }


def _resumed(folder: Path, given: dict[str, Any]) -> TrainConfig:
    """The configuration of the run, with those options that may change. Raises `UsageError` for the others."""
    from mlx_vader.training import resumed

    changed = {name: value for name, value in given.items() if name not in ("resume", "json", "stop_after")}
    if fixed := sorted(changed.keys() - set(CHANGEABLE)):
        changeable = ", ".join(flag_of(TrainConfig, name) for name in CHANGEABLE)
        raise UsageError(
            f"{flag_of(TrainConfig, fixed[0])} belongs to the run and cannot change",
            hint=f"with --resume: {changeable}",
        )
    return dataclasses.replace(resumed(folder), **{name: _plain(value) for name, value in changed.items()})


def _losses(given: str | None, usual: LossWeights) -> LossWeights:
    """The usual weights with those that are given. Raises `UsageError` for an unknown loss or what is no number."""
    known = [field.name for field in dataclasses.fields(usual)]
    weights: dict[str, float] = {}
    for part in given.split(",") if given else ():
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in known:
            raise UsageError(f"there is no loss {name!r}", hint=choices(name, known))
        try:
            weights[name] = float(number)
        except ValueError:
            raise UsageError(
                f"{number!r} is no weight for {name}", hint="for example --losses mask=0.01"
            ) from None
    return dataclasses.replace(usual, **weights)


def _perceptual(lpips: str | None, no_lpips: bool) -> str:
    if no_lpips:
        return "vgg"
    if lpips is None:
        return "auto"
    return f"lpips-{lpips}" if lpips in ("alex", "vgg", "squeeze") else lpips


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
