"""What is concluded from a look at a video: which marks are believed."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from mlx_vader.process import Finding, FoundMark


@dataclass(frozen=True)
class Decision:
    """The mask of what is believed, and the finding with its marks, those that are left alone too."""

    mask: Bool[np.ndarray, "h w"]
    finding: Finding


def decision(believed: Bool[np.ndarray, "h w"], marks: tuple[FoundMark, ...], doubt: str) -> Decision:
    """To take the marks in `believed`; with a `doubt`, the reason for people, to leave all of them."""
    if doubt:
        left = tuple(replace(mark, treated="left") for mark in marks)
        return Decision(np.zeros_like(believed), Finding("undecidable", left, doubt))
    return Decision(believed, Finding("found" if believed.any() else "nothing", marks))
