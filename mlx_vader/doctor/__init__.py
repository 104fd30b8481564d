"""What this machine can run, tried rather than guessed: `examine()` gives what `vader-mlx doctor` shows."""

from collections.abc import Callable

from mlx_vader.doctor.checks import GROUPS
from mlx_vader.doctor.findings import Finding, looked_at, works

__all__ = ["Finding", "examine", "works"]


def examine(on_step: Callable[[str], None] = lambda step: None) -> list[Finding]:
    """Everything that was found, group by group."""
    findings: list[Finding] = []
    for group in GROUPS:
        on_step(f"looking at {group.__name__}; the first time libraries are slow to load")
        findings += looked_at(group)
    return findings
