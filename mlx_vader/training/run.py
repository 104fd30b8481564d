"""A run from its configuration: device, network, data and losses are made here, and `trainer.py` trains."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

import mlx.core as mx

from mlx_vader import checkpoints
from mlx_vader._malloc import keep_freed_blocks
from mlx_vader.checkpoints import Checkpoint
from mlx_vader.data import Batches, ClipSource, Sample, dummy_source, open_source, validation_clips
from mlx_vader.data.mark_batches import MarkBatches
from mlx_vader.errors import UsageError
from mlx_vader.losses.perceptual import find_perceptual
from mlx_vader.models import registry
from mlx_vader.models.base import Network
from mlx_vader.overwriting import check_overwriting
from mlx_vader.training.config import NETS, PRESET, TrainConfig
from mlx_vader.training.distributed import World, join
from mlx_vader.training.marks import MarkTrainer, make_mark_batches, make_mark_validation
from mlx_vader.training.outline import outline
from mlx_vader.training.provenance import provenance
from mlx_vader.training.state import saved_config
from mlx_vader.training.trainer import LAST, STATE, Run, Trainer
from mlx_vader.training.validation import Validation
from mlx_vader.training.watch import Watch
from mlx_vader.writing import check_folder


def train(config: TrainConfig, watch: Watch | None = None, *, resume: bool = False) -> bool:
    """Runs to the end, or until `watch` says stop; true at the end. `resume` goes on in the folder `config.out`.

    Raises `VaderError` for data that cannot be read, for a folder that holds another run and for a run that diverges.
    """
    watch = watch or Watch()
    if not resume and (Path(config.out) / STATE).exists():
        hint = f"go on with --resume {config.out}, or give another --out"
        raise UsageError(f"{config.out} holds a run already", hint=hint)
    if config.initial is not None:
        check_overwriting([checkpoints.locate(config.initial)], files_of(config))
    keep_freed_blocks()
    choose_device(config.device)
    world = join()
    net = make_network(config)
    source, held_out = open_data(config)
    steps = config.total_steps(len(source))
    origin = provenance(config, source, steps)
    trainer: Trainer
    batches: Callable[[], Batches | MarkBatches]
    if net.task == "marks":
        finds = make_mark_validation(config, held_out) if world.rank == 0 else None
        trainer = MarkTrainer(Run(config, net, steps, None, finds, world, origin), watch)
        batches = partial(make_mark_batches, config, source, world)
    else:
        perceptual, note = find_perceptual(config.perceptual)
        if note and config.losses.perceptual and world.rank == 0:
            watch.on_note(note)
        restores = Validation(make_validation_clips(config, held_out)) if world.rank == 0 else None
        trainer = Trainer(Run(config, net, steps, perceptual, restores, world, origin), watch)
        batches = partial(make_batches, config, net, source, world)
    check_folder(Path(config.out))
    if resume:
        trainer.restore()
    if world.rank == 0 and trainer.state.step < steps:
        course = trainer.state.step, steps
        watch.on_outline(outline(config, net, source, held_out, course=course, device=trainer.device))
    with batches() as drawn:
        return trainer.run(drawn)


def files_of(config: TrainConfig) -> list[Path]:
    """The checkpoints and the state that a run writes and replaces."""
    return [Path(config.out) / name for name in (checkpoints.BEST, LAST, STATE)]


def resumed(folder: Path | str) -> TrainConfig:
    """The configuration of the run in a folder, or beside a checkpoint of it."""
    folder = Path(folder)
    folder = folder.parent if folder.is_file() else folder
    return dataclasses.replace(saved_config(folder / STATE), out=str(folder))


def choose_device(name: str) -> None:
    """Makes MLX compute on `cpu` or `gpu`; `auto` leaves MLX's own choice."""
    if name == "gpu" and not mx.is_available(mx.gpu):
        raise UsageError("this MLX has no GPU", hint="--device auto, or install vader-mlx[cuda] on Linux")
    if name != "auto":
        mx.set_default_device(mx.Device(mx.cpu if name == "cpu" else mx.gpu))


def make_network(config: TrainConfig) -> Network:
    """A network with random weights that follow from the seed, or with those of the checkpoint `initial`.

    Raises `UsageError` for one that nothing here teaches, for crops and clips that it cannot take, and for a checkpoint
    of another network than the configuration names.
    """
    mx.random.seed(config.seed)
    if config.initial is not None:
        checkpoint = checkpoints.read(config.initial)
        _check_same_network(config, checkpoint)
        net = checkpoint.network_with_weights()
        net.train()
    else:
        net = registry.build(config.net or NETS[0], config.preset or PRESET, **config.spec)
    if net.task == "restoration":
        net.interface.restoration()
    if config.size % net.stride:
        raise UsageError(
            f"crops of {config.size} pixels do not fit", hint=f"--size is a multiple of {net.stride}"
        )
    if config.clip_length % net.window:
        raise UsageError(
            f"clips of {config.clip_length} frames do not fit", hint=f"a multiple of {net.window}"
        )
    mx.eval(net.parameters())
    return net


def _check_same_network(config: TrainConfig, checkpoint: Checkpoint) -> None:
    """Weights fit the network that they were trained in, and no other."""
    hint = "--init brings its network along: leave out --net, --preset and the like, or --init"
    if config.net not in (None, checkpoint.network):
        raise UsageError(f"{config.initial} holds {checkpoint.network}, not {config.net}", hint=hint)
    if config.preset is not None:
        wanted = registry.make_spec(checkpoint.network, config.preset, **config.spec)
    else:
        wanted = registry.changed_spec(checkpoint.network, checkpoint.spec, **config.spec)
    for field in dataclasses.fields(wanted):
        has, asked = getattr(checkpoint.spec, field.name), getattr(wanted, field.name)
        if has != asked:
            raise UsageError(
                f"{config.initial} was trained with {field.name} {has}, and {asked} is asked for", hint=hint
            )


def open_data(config: TrainConfig) -> tuple[ClipSource, ClipSource]:
    """What to train on, and what is held out to validate."""
    if config.data is None:
        return dummy_source("train"), dummy_source("val")
    return open_source(config.data, "train"), open_source(config.data, "val")


def make_batches(config: TrainConfig, net: Network, source: ClipSource, world: World) -> Batches:
    """The rank's share of the batches, with frames before the clip if the network remembers any."""
    return Batches(
        source,
        artifacts=config.artifacts or None,
        batch_size=config.batch_size,
        clip_length=config.clip_length,
        warmup=config.before if net.state_spec(config.size, config.size) else 0,
        size=config.size,
        seed=config.seed,
        rank=world.rank,
        world=world.size,
        workers=config.workers,
        logos=config.logos,
        ramp=config.ramp * config.grad_accum,
        echo=config.echo,
    )


def make_validation_clips(config: TrainConfig, held_out: ClipSource) -> list[Sample]:
    """The fixed clips: the run's artifacts in turn, in the vocabulary that training never shows."""
    return validation_clips(
        held_out,
        config.validation_clips,
        artifacts=config.artifacts or None,
        clip_length=config.clip_length,
        size=config.size,
        logos=Path(config.logos) if config.logos else None,
    )
