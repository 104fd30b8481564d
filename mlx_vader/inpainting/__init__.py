"""Filling what a mask hides. `fill` is the table of ways to fill; `filling` the process that does nothing else."""
