"""`vader-mlx train`: makes a checkpoint from a folder of videos and images."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlx_vader.errors import UsageError

if TYPE_CHECKING:
    from mlx_vader.training import TrainConfig

#: What may change when a run goes on.
CHANGEABLE = ("data", "steps", "epochs", "lr", "device", "workers", "validate_every")

EXAMPLES = """
Train a network of your own on a folder of videos and images.

The folder holds `train/` and `val/`, or just media: then one file in twenty is held out for validation.
Artifacts are added on the fly. `best.safetensors` in the run's folder is what `clean` and `convert` take.

Examples:

    vader-mlx train --dummy --steps 50                       try it, no data needed

    vader-mlx train --data photos --out runs/logo --artifacts corner_logo,text_overlay

    vader-mlx train --resume runs/logo                       go on where it stopped

    mlx.launch -n 2 --backend ring -- vader-mlx train --data photos    on several machines

    tensorboard --logdir runs                                watch it
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("train", help=EXAMPLES)(train)


def train(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="Folder of videos and images.")] = None,
    dummy: Annotated[bool, typer.Option("--dummy", help="Train on drawn scenes, to try things out.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/train"),
    resume: Annotated[
        Path | None, typer.Option(help="Folder of a run to go on with, exactly as if it had not stopped.")
    ] = None,
    net: Annotated[str, typer.Option(help="Network: composite, nafunet, nafunet-lite.")] = "composite",
    preset: Annotated[str, typer.Option(help="Its size: tiny, lite, small, base, large.")] = "small",
    init: Annotated[str | None, typer.Option(help="Start from the weights of this checkpoint.")] = None,
    guidance: Annotated[str | None, typer.Option(help="nafunet: what the predicted mask does.")] = None,
    residual: Annotated[
        bool | None,
        typer.Option("--residual/--no-residual", help="nafunet: predict what to add to the input."),
    ] = None,
    no_temporal: Annotated[
        bool, typer.Option("--no-temporal", help="Without attention across frames.")
    ] = False,
    artifacts: Annotated[str | None, typer.Option(help="Only these artifacts, with commas between.")] = None,
    logos: Annotated[
        Path | None, typer.Option(help="Folder of images with alpha, for the logo overlays.")
    ] = None,
    stage: Annotated[
        str,
        typer.Option(help="1: the mask only; 2: all losses, the mask's fades; 3: without it; all: in turn."),
    ] = "2",
    epochs: Annotated[int | None, typer.Option(help="How often each file is seen.  [default: 100]")] = None,
    steps: Annotated[int | None, typer.Option(help="How many updates, instead of epochs.")] = None,
    stop_after: Annotated[
        int | None, typer.Option(help="Stop after so many steps of this call; --resume goes on.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Clips a step, of all machines together.")] = 4,
    grad_accum: Annotated[int, typer.Option(help="Batches an update.")] = 1,
    clip_length: Annotated[int, typer.Option(help="Frames a clip.")] = 4,
    before: Annotated[
        int, typer.Option(help="Frames before a clip that make the state of a warm start.")
    ] = 8,
    size: Annotated[int, typer.Option(help="Height and width of the crops.")] = 128,
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 5e-4,
    warmup: Annotated[int, typer.Option(help="Steps in which the learning rate rises.")] = 200,
    bf16: Annotated[
        bool, typer.Option("--bf16", help="Compute in bfloat16; weights stay in float32.")
    ] = False,
    lpips: Annotated[
        str | None,
        typer.Option(
            help="Perceptual loss: alex, vgg, squeeze, vgg16 or a file.  [default: alex if it is there]"
        ),
    ] = None,
    no_lpips: Annotated[
        bool, typer.Option("--no-lpips", help="VGG16 instead of LPIPS, if it is there.")
    ] = False,
    edge_weight: Annotated[float, typer.Option(help="Weight of the edge loss.")] = 0.0,
    mask_loss: Annotated[str, typer.Option(help="dice (and L1), or bce.")] = "dice",
    mask_weight: Annotated[float, typer.Option(help="How much more pixels inside the artifact count.")] = 1.0,
    validate_every: Annotated[int, typer.Option(help="Steps between validations; each one saves.")] = 500,
    device: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    workers: Annotated[int, typer.Option(help="Processes that make batches ahead.")] = 1,
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the result as JSON, - for stdout.")] = None,
) -> None:
    """See `EXAMPLES`."""
    from mlx_vader import training
    from mlx_vader.cli.console import emit_json
    from mlx_vader.cli.train_screen import screen

    config = _resumed(context, context.params) if resume else _new(context.params)
    with screen(stop_after) as shown:
        finished = training.train(config, shown, resume=resume is not None)
    shown.conclude(config, finished)
    if json is not None:
        emit_json(shown.summary(config, finished), json)
    if shown.interrupt and not finished:
        raise typer.Exit(130)


def _new(options: dict[str, Any]) -> "TrainConfig":
    """The options as a configuration. Raises `UsageError` where they contradict each other."""
    from mlx_vader.losses import LossWeights
    from mlx_vader.training import TrainConfig

    if (options["data"] is None) == (not options["dummy"]):
        raise UsageError(
            "training needs --data DIR or --dummy",
            hint="a folder of videos and images, or drawn scenes to try",
        )
    spec = {name: options[name] for name in ("guidance", "residual") if options[name] is not None}
    if options["no_temporal"]:
        spec["temporal"] = False
    same = {field.name for field in dataclasses.fields(TrainConfig)} & options.keys()
    values = {name: _plain(options[name]) for name in same}
    return TrainConfig(
        **values
        | {
            "artifacts": tuple(
                name.strip() for name in (options["artifacts"] or "").split(",") if name.strip()
            ),
            "spec": spec,
            "initial": options["init"],
            "warmup_steps": options["warmup"],
            "losses": LossWeights(edge=options["edge_weight"]),
            "perceptual": _perceptual(options["lpips"], options["no_lpips"]),
        }
    )


def _resumed(context: typer.Context, options: dict[str, Any]) -> "TrainConfig":
    """The configuration of the run, with those options that may change. Raises `UsageError` for the others."""
    from mlx_vader.training import resumed

    given = {
        name
        for name in options
        if context.get_parameter_source(name).name == "COMMANDLINE"  # type: ignore[union-attr]
    } - {"resume", "json", "stop_after"}
    if fixed := sorted(given - set(CHANGEABLE)):
        changeable = ", ".join(f"--{name.replace('_', '-')}" for name in CHANGEABLE)
        raise UsageError(
            f"--{fixed[0].replace('_', '-')} belongs to the run and cannot change",
            hint=f"with --resume: {changeable}",
        )
    return dataclasses.replace(resumed(options["resume"]), **{name: _plain(options[name]) for name in given})


def _perceptual(lpips: str | None, no_lpips: bool) -> str:
    if no_lpips:
        return "vgg"
    if lpips is None:
        return "auto"
    return f"lpips-{lpips}" if lpips in ("alex", "vgg", "squeeze") else lpips


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
