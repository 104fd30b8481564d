"""What `vader-mlx bench` measures: `measuring.measure(BenchOptions(...))`, each configuration in its own process.

`session` measures by turns, `worker` is the process, `results` are rows; `targets.toml` holds the rates wanted.
"""

from mlx_vader.bench.options import BenchOptions

__all__ = ["BenchOptions"]
