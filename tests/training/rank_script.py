"""What each of two launched ranks runs: five steps on its half of every batch; the first rank leaves its state."""

import sys

import mlx.core as mx

import mlx_vader  # noqa: F401 - the fast BLAS comes before MLX
from mlx_vader.models import registry
from mlx_vader.training import Run, TrainConfig, Trainer
from mlx_vader.training.distributed import join
from tests.training.noise import Noise

if __name__ == "__main__":
    folder = sys.argv[1]
    mx.set_default_device(mx.cpu)
    world = join()
    # Each rank begins with other weights: those of the first must win.
    mx.random.seed(7 + world.rank)
    config = TrainConfig(
        out=f"{folder}/{world.rank}", clip_length=2, before=2, size=16, warmup_steps=2, batch_size=4, lr=1e-3
    )
    trainer = Trainer(Run(config, registry.build("composite", "tiny"), 5, world=world))
    trainer.run(Noise(size=4, world=world.size, rank=world.rank))
    print(f"rank {world.rank} of {world.size} is through", flush=True)
