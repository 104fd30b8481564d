"""Shapes of the realtime network: what each would cost on an M4 at 720p, and what it learns in equal training.

python -m benchmarks.realtime_shapes --data data --steps 500      (hours on a CPU; without --data only the costs)
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from convert import ane
from convert.coreml import open_source, write_package
from mlx_vader.models.registry import build

#: Name → fields of the spec.
SHAPES: dict[str, dict[str, Any]] = {
    "96 x 5 blocks of 2": {},
    "96 x 5 blocks of 2, 32 remembered": {"hidden": 32},
    "96 x 3 blocks of 3": {"blocks": 3, "convs": 3},
    "96 x 12, no skips": {"blocks": 6, "skips": False},
    "64 x 8 blocks of 2": {"channels": 64, "blocks": 8},
    "128 x 3 blocks of 2": {"channels": 128, "blocks": 3},
}


class Cost(NamedTuple):
    """A frame of 720p on an M4, predicted, by a stateful package."""

    gmac: float
    latency_ms: float
    low_ms: float
    high_ms: float


def cost(spec: dict[str, Any]) -> Cost:
    """Converts the shape and inspects it."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "net.mlpackage"
        write_package(open_source(build("realtime", "base", **spec)), package, shapes="720p", stateful=True)
        main = ane.inspect(package, [ane.chip("m4")])[0].main
    return Cost(main.macs / 1e9, main.latency, main.low, main.high)


def learned(spec: dict[str, Any], data: Path, steps: int) -> tuple[float, float]:
    """Gain in PSNR on the validation clips after `steps` of the same training, whole and inside the mask, in dB."""
    from mlx_vader.training import TrainConfig, recipe, train
    from mlx_vader.training.validation import Scores
    from mlx_vader.training.watch import Watch

    class Last(Watch):
        scores: Scores

        def on_validation(self, step: int, scores: Scores, best: bool) -> None:
            self.scores = scores

    watch = Last()
    with tempfile.TemporaryDirectory() as folder:
        config = TrainConfig(
            out=folder,
            data=str(data),
            logos=str(data / "logos"),
            net="realtime",
            preset="base",
            spec=spec,
            steps=steps,
            batch_size=16,
            clip_length=1,
            before=1,
            size=96,
            warmup_steps=50,
            ema=0.99,
            bf16=True,
            validate_every=steps,
            **recipe("realtime"),
        )
        train(config, watch)
    scores = watch.scores
    return scores.psnr - scores.psnr_before, scores.psnr_mask - scores.psnr_mask_before


def main() -> None:
    """Prints the table, a row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="as `vader-mlx train` takes it")
    parser.add_argument("--steps", type=int, default=500)
    arguments = parser.parse_args()
    print(
        f"| channels x convolutions | GMAC | M4, predicted | gain after {arguments.steps} steps | in the mask |"
    )
    print("|---|---:|---:|---:|---:|")
    for name, spec in SHAPES.items():
        found = cost(spec)
        gains = learned(spec, arguments.data, arguments.steps) if arguments.data else None
        shown = [f"{gain:+.2f} dB" for gain in gains] if gains else ["", ""]
        span = f"{found.latency_ms:.1f} ms ({found.low_ms:.1f} to {found.high_ms:.1f})"
        print(f"| {name} | {found.gmac:.1f} | {span} | {shown[0]} | {shown[1]} |", flush=True)


if __name__ == "__main__":
    main()
