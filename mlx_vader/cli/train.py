"""`vader-mlx train`: makes a checkpoint from a folder of videos and images."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlx_vader.errors import UsageError

if TYPE_CHECKING:
    from mlx_vader.losses import LossWeights
    from mlx_vader.training import TrainConfig

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

DATA, NETWORK, COURSE, LOSSES, MACHINE = "Data", "Network", "Course", "Losses", "Machine"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("train", help=EXAMPLES)(train)


def _option(about: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, help=about, rich_help_panel=panel)


def train(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")] = Path("runs/train"),
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this folder, as if it had not stopped.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result as JSON, - for stdout.")] = None,
    data: Annotated[Path | None, _option("Folder of videos and images.", DATA)] = None,
    dummy: Annotated[bool, _option("Drawn scenes instead, to try things out.", DATA, "--dummy")] = False,
    artifacts: Annotated[
        str | None, _option("Only these: names, overlays, degradations, with commas between.", DATA)
    ] = None,
    ramp: Annotated[int, _option("Steps over which artifacts grow to their full severity.", DATA)] = 0,
    echo: Annotated[int, _option("See each clip so often, mirrored: where making them is slow.", DATA)] = 1,
    logos: Annotated[Path | None, _option("Folder of images with alpha, for the logos.", DATA)] = None,
    batch_size: Annotated[int, _option("Clips a batch, of all machines together.", DATA)] = 4,
    clip_length: Annotated[int, _option("Frames a clip.", DATA)] = 4,
    before: Annotated[int, _option("Frames before it that a warm start has seen.", DATA)] = 8,
    size: Annotated[int, _option("Height and width of the crops.", DATA)] = 128,
    net: Annotated[str, _option("Name of the network; see docs/models.md.", NETWORK)] = "composite",
    preset: Annotated[str, _option("tiny, lite, small, base or large.", NETWORK)] = "small",
    init: Annotated[str | None, _option("Start from the weights of this checkpoint.", NETWORK)] = None,
    guidance: Annotated[
        str | None, _option("What the predicted mask does, in networks with that choice.", NETWORK)
    ] = None,
    residual: Annotated[
        bool | None, _option("Predict what to add to the input.", NETWORK, "--residual/--no-residual")
    ] = None,
    no_temporal: Annotated[bool, _option("No attention across frames.", NETWORK, "--no-temporal")] = False,
    epochs: Annotated[int | None, _option("How often to see each file; 100 unless said.", COURSE)] = None,
    steps: Annotated[int | None, _option("How many updates, instead of epochs.", COURSE)] = None,
    stop_after: Annotated[int | None, _option("Stop after so many steps of this call.", COURSE)] = None,
    stage: Annotated[
        str, _option("1: mask only; 2: all losses; 3: without the mask's; all: in turn.", COURSE)
    ] = "2",
    optimiser: Annotated[str | None, _option("adamw or muon; else what suits the network.", COURSE)] = None,
    lr: Annotated[
        float | None,
        _option("Highest learning rate; else the optimiser's, a tenth of it after --init.", COURSE),
    ] = None,
    warmup: Annotated[int, _option("Steps in which the learning rate rises.", COURSE)] = 200,
    grad_accum: Annotated[int, _option("Batches an update.", COURSE)] = 1,
    seed: Annotated[int, _option("Everything random follows from it.", COURSE)] = 0,
    validate_every: Annotated[int, _option("Steps between validations; each saves.", COURSE)] = 500,
    lpips: Annotated[
        str | None,
        _option("alex, vgg, squeeze, vgg16, efficientnet-lite0 or a file; else what is there.", LOSSES),
    ] = None,
    no_lpips: Annotated[
        bool, _option("VGG16 instead of LPIPS, if it is there.", LOSSES, "--no-lpips")
    ] = False,
    losses: Annotated[
        str | None,
        _option("Weights other than the network's, such as rmse=1,charbonnier=0,mask=0.01.", LOSSES),
    ] = None,
    mask_loss: Annotated[
        str | None, _option("dice (and L1) or bce; else what suits the network.", LOSSES)
    ] = None,
    mask_weight: Annotated[float, _option("How often a pixel of the artifact counts.", LOSSES)] = 1.0,
    backend: Annotated[
        str, _option("mlx or torch; torch unless said where MLX has no GPU.", MACHINE)
    ] = "auto",
    device: Annotated[str, _option("auto, cpu or gpu.", MACHINE)] = "auto",
    bf16: Annotated[
        bool, _option("Compute in bfloat16; weights stay in float32.", MACHINE, "--bf16")
    ] = False,
    workers: Annotated[int, _option("Processes that make batches ahead.", MACHINE)] = 1,
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
    from mlx_vader import checkpoints
    from mlx_vader.training import TrainConfig, recipe

    if (options["data"] is None) == (not options["dummy"]):
        raise UsageError(
            "training needs --data DIR or --dummy",
            hint="a folder of videos and images, or drawn scenes to try",
        )
    spec = {name: options[name] for name in ("guidance", "residual") if options[name] is not None}
    if options["no_temporal"]:
        spec["temporal"] = False
    initial = options["init"]
    network = checkpoints.read(initial).network if initial else options["net"]
    usual = recipe(network, optimiser=options["optimiser"], fine_tuning=initial is not None)
    same = {field.name for field in dataclasses.fields(TrainConfig)} & options.keys()
    values = {name: _plain(options[name]) for name in same if options[name] is not None}
    return TrainConfig(
        **usual
        | values
        | {
            "artifacts": tuple(
                name.strip() for name in (options["artifacts"] or "").split(",") if name.strip()
            ),
            "spec": spec,
            "initial": initial,
            "warmup_steps": options["warmup"],
            "losses": _losses(options["losses"], usual["losses"]),
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


def _losses(given: str | None, usual: "LossWeights") -> "LossWeights":
    """The usual weights with those that are given. Raises `UsageError` for an unknown loss or what is no number."""
    known = [field.name for field in dataclasses.fields(usual)]
    weights: dict[str, float] = {}
    for part in given.split(",") if given else ():
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in known:
            raise UsageError(f"there is no loss {name!r}", hint=f"one of {', '.join(known)}")
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
