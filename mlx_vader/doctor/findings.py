"""What is found, and how a look at something that may be broken is taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and whether it works (`None`: neither good nor bad)."""

    group: str
    name: str
    value: str
    ok: bool | None = True
    hint: str = ""


def tried(group: str, name: str, look: Callable[[], str | None], hint: str) -> Finding:
    """What `look` says; `None` is an absence that nobody need mend, an exception a fault."""
    try:
        value = look()
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        return Finding(group, name, f"{type(error).__name__}: {reason}", False, hint)
    return Finding(group, name, "none", None) if value is None else Finding(group, name, value)


def looked_at(group: Callable[[], list[Finding]]) -> list[Finding]:
    """The findings of a group; where even looking fails, as with a broken installation, that is the finding."""
    try:
        return group()
    except Exception as error:
        hint = "pip install --force-reinstall vader-mlx mlx torch"
        return [Finding(group.__name__, type(error).__name__, str(error), False, hint)]


def works(findings: Sequence[Finding]) -> bool:
    """Whether at least one backend restored a frame."""
    return any(finding.group == "backends" and finding.ok for finding in findings)
