"""Trains a network that comes with the package, part by part, and puts it there: the weights in half precision.

python scripts/ship.py realtime                                     goes on where it was stopped
python scripts/ship.py realtime --checkpoint runs/mine/best.safetensors       trains nothing
"""

import argparse
import dataclasses
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlx_vader import checkpoints
from mlx_vader.checkpoints import BEST, Checkpoint
from mlx_vader.cli import run
from mlx_vader.models import registry
from mlx_vader.models.base import Network
from mlx_vader.training.trainer import STATE

TABLE = Path(__file__).with_suffix(".toml")
#: What a package on PyPI may weigh for each network.
LARGEST = 8 * 2**20


@dataclass(frozen=True)
class Course:
    """How a network is trained and finished, as `ship.toml` says it.

    `parts`: the options of each run; `averaged`: the parts whose weights are averaged; `mask_logit_offset` is
    subtracted from the logits of the mask; `state_scale` is a factor on the convolution of the hidden state.
    """

    parts: tuple[str, ...] = ()
    averaged: tuple[int, ...] = ()
    mask_logit_offset: float = 0.0
    state_scale: float = 1.0


def courses(table: Path = TABLE) -> tuple[dict[str, Course], tuple[str, ...]]:
    """The networks' courses by name, and the options of every part."""
    content = tomllib.loads(table.read_text(encoding="utf-8"))
    always = tuple(content.pop("always").split())
    return {name: _course(values) for name, values in content.items()}, always


def _course(values: dict[str, Any]) -> Course:
    parts = tuple(part["options"] for part in values.pop("parts"))
    return Course(parts, **values)


COURSES, ALWAYS = courses()


def trained(name: str, runs: Path) -> list[Path]:
    """The checkpoints to average. Raises SystemExit when a part is interrupted; the next call goes on."""
    course, best = COURSES[name], list[Path]()
    for number, options in enumerate(course.parts, 1):
        out = runs / f"{name}-{number}"
        if (out / STATE).exists():
            arguments = ["train", "--resume", str(out)]
        else:
            start = ["--init", str(best[-1])] if best else []
            arguments = ["train", *ALWAYS, *options.split(), *start, "--out", str(out)]
        print("vader-mlx", *arguments, file=sys.stderr)
        if code := run(arguments):
            raise SystemExit(code)
        best.append(out / BEST)
    return [best[part - 1] for part in course.averaged]


def ship(sources: list[Path], name: str) -> Path:
    """Writes `mlx_vader/weights/NAME.safetensors`, the mean of the sources, of which the last says where it is from.

    Raises SystemExit where it would be too large.
    """
    read = [checkpoints.read(source) for source in sources]
    last = read[-1]
    origin = {**last.provenance, "author": "vader-mlx", "licence": "MIT"}
    if len(read) > 1:
        seeds = ", ".join(checkpoint.provenance["seed"] for checkpoint in read)
        origin["mean"] = f"of the weights of the parts with the seeds {seeds}"
    mean = {key: np.mean([checkpoint.weights[key] for checkpoint in read], axis=0) for key in last.weights}
    network = registry.entry(last.network).network
    weights, after = finished(mean, COURSES.get(name, Course()), network)
    if after:
        origin["after"] = after
    return write_small(dataclasses.replace(last, weights=weights, provenance=origin), name)


def finished(
    weights: dict[str, np.ndarray], course: Course, network: type[Network]
) -> tuple[dict[str, np.ndarray], str]:
    """The weights with a more cautious mask and a smaller state, and what was done in words."""
    weights, done = dict(weights), []
    if course.mask_logit_offset:
        key, count = network.mask_bias
        weights[key] = weights[key].copy()
        weights[key][-count:] -= course.mask_logit_offset
        done.append(f"{course.mask_logit_offset} off the logits of the mask")
    if course.state_scale != 1:
        weights |= {key: course.state_scale * weights[key] for key in network.state_gains}
        done.append(f"{course.state_scale} times the memory's convolution")
    return weights, ", ".join(done)


def write_small(checkpoint: Checkpoint, name: str) -> Path:
    """Writes a checkpoint into the package, in half precision."""
    halves = {key: weight.astype(np.float16) for key, weight in checkpoint.weights.items()}
    size = sum(weight.nbytes for weight in halves.values())
    if size > LARGEST:
        raise SystemExit(f"{size / 2**20:.1f} MiB are more than {LARGEST / 2**20:.0f}")
    return checkpoints.write(
        dataclasses.replace(checkpoint, weights=halves), checkpoints.SHIPPED / f"{name}.safetensors"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=COURSES, help="what `load` and `-c` call it")
    parser.add_argument(
        "--checkpoint", type=Path, nargs="+", help="what to ship, without training; several are averaged"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the runs are kept")
    given = parser.parse_args()
    print(ship(given.checkpoint or trained(given.name, given.runs), given.name))
