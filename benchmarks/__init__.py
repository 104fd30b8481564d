"""How fast it is: what `vader-mlx bench` measures, the targets, and the pytest-benchmark suites."""
