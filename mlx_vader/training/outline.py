"""What a run is going to do, in words, before it does it."""

from dataclasses import asdict

from mlx.utils import tree_flatten

from mlx_vader.data import ClipSource, FolderSource
from mlx_vader.models import registry
from mlx_vader.models.base import Network
from mlx_vader.training.config import TrainConfig

#: What each stage trains.
STAGES = {
    "1": "the mask alone",
    "2": "all losses",
    "3": "all losses but the mask's",
    "all": "the mask, then all losses, then all but the mask's",
}


def outline(
    config: TrainConfig,
    net: Network,
    source: ClipSource,
    held_out: ClipSource,
    *,
    course: tuple[int, int],
    device: str,
) -> dict[str, str]:
    """The facts of a run by name: network, data, course, losses, device and folder.

    `course`: the steps that are done already, and the steps in all.
    """
    done, steps = course
    finds = net.task == "marks"
    start = f"from {config.initial}" if config.initial else "from nothing"
    clip = f"{config.clip_length} frame{'s' * (config.clip_length > 1)} of {config.size}x{config.size}"
    batch = config.batch_size * config.grad_accum
    before = f", {done:,} of them done," if done else ""
    losses = [f"{name} {weight:g}" for name, weight in asdict(config.losses).items() if weight]
    return {
        "network": f"{registry.name_of(net)} ({_size(net)}), {_parameters(net):,} parameters, {start}",
        "data": f"{_counted(source, config.data)}; to validate: {_counted(held_out, config.data)}",
        "artifacts": "" if finds else ", ".join(config.artifacts) or "all",
        "course": f"{steps:,} steps{before} of {batch} clips of {clip} pixels",
        "stage": "" if finds else f"{config.stage}: {STAGES[config.stage]}",
        "losses": "" if finds else ", ".join(losses),
        "optimiser": f"{config.optimiser}, learning rate up to {config.lr:g}",
        "device": device + (", in bfloat16" if config.bf16 else ""),
        "folder": config.out,
    }


def _size(net: Network) -> str:
    presets = registry.entry(registry.name_of(net)).presets
    return next((name for name, spec in presets.items() if spec == net.spec), "a spec of its own")


def _parameters(net: Network) -> int:
    return sum(array.size for array in dict(tree_flatten(net.parameters(), destination={})).values())


def _counted(source: ClipSource, folder: str | None) -> str:
    if not isinstance(source, FolderSource):
        return f"{len(source)} drawn scenes"
    files = len(source.files)
    return f"{files} file{'s' * (files != 1)} of {folder}"
