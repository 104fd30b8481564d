"""Trains a network that comes with the package, part by part, and puts it there: the weights in half precision.

python scripts/ship.py realtime                                     goes on where it was stopped
python scripts/ship.py realtime --checkpoint runs/mine/best.safetensors       trains nothing
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np

from mlx_vader import checkpoints
from mlx_vader.cli import run
from mlx_vader.models import registry
from mlx_vader.training.trainer import BEST, STATE

#: What a package on PyPI may weigh for each network.
LARGEST = 8 * 2**20

#: Name → the options of its parts of `vader-mlx train`. Each part starts from the best weights of the one before.
PARTS: dict[str, tuple[str, ...]] = {
    "realtime": (
        # Many single frames, half of them after one other; then larger ones; then clips, for the memory.
        "--net realtime --preset base --seed 1 --steps 5000 --size 96 --batch-size 16 --clip-length 1 --before 1",
        "--seed 2 --steps 9500 --lr 0.015 --size 128 --batch-size 16 --clip-length 1 --before 1",
        "--seed 3 --steps 3600 --lr 0.005 --size 128 --batch-size 8 --clip-length 4 --before 4 --losses mask=0.02",
        "--seed 4 --steps 2000 --lr 0.004 --size 160 --batch-size 6 --clip-length 4 --before 4 --losses mask=0.02",
        # Once more from single frames, with artifacts that grow from the easy ones to all, to clips.
        (
            "--seed 5 --steps 2800 --lr 0.012 --size 160 --batch-size 16 --clip-length 1 --before 1 --ramp 400"
            " --losses mask=0.01"
        ),
        "--seed 8 --steps 600 --lr 0.006 --size 128 --batch-size 18 --clip-length 2 --before 2 --losses mask=0.015",
        "--seed 9 --steps 1800 --lr 0.005 --size 128 --batch-size 10 --clip-length 4 --before 4 --losses mask=0.02",
        "--seed 11 --steps 160 --lr 0.002 --size 128 --batch-size 6 --clip-length 8 --before 4 --losses mask=0.02",
        # Overlays above all, on many single frames again, each used four times; then clips, for the memory.
        (
            "--seed 12 --steps 7600 --lr 0.012 --size 128 --batch-size 16 --clip-length 1 --before 2 --echo 4"
            " --losses mask=0.03"
        ),
        # On a GPU, many times as many samples: single frames, clips; single frames twice, clips twice.
        (
            "--seed 21 --steps 250 --lr 0.015 --size 128 --batch-size 32 --clip-length 1 --before 2 --echo 4"
            " --losses mask=0.03"
        ),
        (
            "--seed 24 --steps 550 --lr 0.008 --size 128 --batch-size 16 --clip-length 4 --before 6 --echo 4"
            " --losses mask=0.02"
        ),
        (
            "--seed 25 --steps 1000 --lr 0.008 --size 128 --batch-size 16 --clip-length 4 --before 6 --echo 4"
            " --losses mask=0.02"
        ),
        (
            "--seed 31 --steps 1600 --lr 0.015 --size 128 --batch-size 128 --clip-length 1 --before 2 --echo 4"
            " --losses mask=0.03"
        ),
        (
            "--seed 33 --steps 1500 --lr 0.012 --size 128 --batch-size 128 --clip-length 1 --before 2 --echo 4"
            " --losses mask=0.03"
        ),
        (
            "--seed 35 --steps 900 --lr 0.01 --size 128 --batch-size 48 --clip-length 4 --before 6 --echo 4"
            " --losses mask=0.02 --warmup 60"
        ),
        (
            "--seed 36 --steps 640 --lr 0.008 --size 128 --batch-size 48 --clip-length 4 --before 6 --echo 4"
            " --losses mask=0.02 --warmup 40"
        ),
        # Without drawings among the objects of the scenes, on two CPU cores.
        (
            "--seed 37 --steps 6000 --lr 0.012 --size 128 --batch-size 16 --clip-length 1 --before 2 --echo 4"
            " --losses mask=0.03"
        ),
        (
            "--seed 38 --steps 1000 --lr 0.006 --size 128 --batch-size 8 --clip-length 4 --before 6 --echo 4"
            " --losses mask=0.02 --warmup 50"
        ),
        (
            "--seed 42 --steps 5000 --lr 0.012 --size 128 --batch-size 16 --clip-length 1 --before 2 --echo 4"
            " --losses mask=0.03"
        ),
    ),
    "degradations": (
        # Without overlays from the beginning: beside them corrections are hardly learned.
        (
            "--net realtime --preset base --artifacts degradations --seed 1 --steps 2000 --size 96 --batch-size 16"
            " --clip-length 1 --before 0"
        ),
        (
            "--artifacts degradations --seed 2 --steps 2700 --lr 0.02 --size 128 --batch-size 16 --clip-length 1"
            " --before 0"
        ),
        (
            "--artifacts degradations --seed 3 --steps 450 --lr 0.006 --size 128 --batch-size 8 --clip-length 4"
            " --before 4 --warmup 50"
        ),
        (
            "--artifacts degradations --seed 4 --steps 1800 --lr 0.012 --size 128 --batch-size 16 --clip-length 2"
            " --before 4 --echo 4"
        ),
        # Blur by itself, then with what else is learned slowest: in the mix it is never begun, and once begun it stays.
        (
            "--artifacts blur --seed 5 --steps 1000 --lr 0.012 --size 96 --batch-size 16 --clip-length 1 --before 0"
            " --echo 4 --warmup 50"
        ),
        (
            "--artifacts blur,jpeg_compression,video_compression --seed 6 --steps 1800 --lr 0.015 --size 96"
            " --batch-size 16 --clip-length 1 --before 3 --echo 4 --warmup 50"
        ),
        (
            "--artifacts degradations --seed 7 --steps 3800 --lr 0.015 --size 128 --batch-size 16 --clip-length 2"
            " --before 4 --echo 4"
        ),
        (
            "--artifacts degradations --seed 8 --steps 2300 --lr 0.012 --size 128 --batch-size 12 --clip-length 3"
            " --before 4 --echo 4"
        ),
        (
            "--artifacts degradations --seed 9 --steps 2000 --lr 0.01 --size 128 --batch-size 12 --clip-length 3"
            " --before 4 --echo 4"
        ),
        (
            "--artifacts degradations --seed 32 --steps 1550 --lr 0.012 --size 128 --batch-size 32 --clip-length 3"
            " --before 4 --echo 4"
        ),
        (
            "--artifacts degradations --seed 34 --steps 1800 --lr 0.012 --size 128 --batch-size 32 --clip-length 3"
            " --before 4 --echo 4"
        ),
    ),
    "quality": (
        # It costs several times as much a pixel, and begins with smaller pictures.
        "--net composite --preset base --seed 1 --steps 2000 --size 64 --batch-size 16 --clip-length 1 --before 0",
        "--seed 2 --steps 2000 --lr 0.015 --size 96 --batch-size 16 --clip-length 1 --before 1",
    ),
}
#: Name → the parts that are averaged, weight by weight (Wortsman et al., "Model soups", ICML 2022); one that is named
#: three times counts three times. realtime's twelfth harms least, the later ones find most; their mean does both.
AVERAGED = {"realtime": (12, 12, 12, 15, 16, 17, 18, 19, 19, 19), "degradations": (10, 11), "quality": (2,)}
#: Subtracted from the logits of the mask. realtime harms less, and still finds more than it did before its last parts;
#: quality leaves untouched clips above 42 dB on average.
MASK_LOGIT_OFFSET = {"realtime": 0.3, "quality": 0.1}
#: Factor on the convolution of the hidden state, so that fp16 keeps 50 dB. At 0.5 realtime's state was at 49 dB at
#: 720p; at 0.4 it is above 55 at all three sizes.
STATE_SCALE = {"realtime": 0.4}
ALWAYS = "--data data --logos data/logos --warmup 100 --bf16 --validate-every 250"


def trained(name: str, runs: Path) -> list[Path]:
    """The checkpoints to average. Raises SystemExit when a part is interrupted; the next call goes on."""
    best: list[Path] = []
    for number, options in enumerate(PARTS[name], 1):
        out = runs / f"{name}-{number}"
        if (out / STATE).exists():
            arguments = ["train", "--resume", str(out)]
        else:
            start = ["--init", str(best[-1])] if best else []
            arguments = ["train", *ALWAYS.split(), *options.split(), *start, "--out", str(out)]
        sys.argv = ["vader-mlx", *arguments]  # what the checkpoint says it was made by
        print(*sys.argv, file=sys.stderr)
        if code := run(arguments):
            raise SystemExit(code)
        best.append(out / BEST)
    return [best[part - 1] for part in AVERAGED[name]]


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
    weights = {key: np.mean([checkpoint.weights[key] for checkpoint in read], axis=0) for key in last.weights}
    after = []
    network = registry.entry(last.network).network
    if offset := MASK_LOGIT_OFFSET.get(name):
        key, count = network.mask_bias
        weights[key][-count:] -= offset
        after.append(f"{offset} off the logits of the mask")
    if scale := STATE_SCALE.get(name):
        for key in network.state_gains:
            weights[key] *= scale
        after.append(f"{scale} times the memory's convolution")
    if after:
        origin["after"] = ", ".join(after)
    shipped = dataclasses.replace(
        last,
        weights={key: weight.astype(np.float16) for key, weight in weights.items()},
        provenance=origin,
    )
    size = sum(weight.nbytes for weight in shipped.weights.values())
    if size > LARGEST:
        raise SystemExit(f"{size / 2**20:.1f} MiB are more than {LARGEST / 2**20:.0f}")
    return checkpoints.write(shipped, checkpoints.SHIPPED / f"{name}.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=PARTS, help="what `load` and `-c` call it")
    parser.add_argument(
        "--checkpoint", type=Path, nargs="+", help="what to ship, without training; several are averaged"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the runs are kept")
    given = parser.parse_args()
    print(ship(given.checkpoint or trained(given.name, given.runs), given.name))
