"""Whatever restores a clip: our networks, and what users have today. Each says which artifacts it is for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from mlx_vader.arrays import Clip, Masks
from mlx_vader.evaluation.case import KINDS, MASKED_KINDS, Case
from mlx_vader.inpainting.fill import find_fill


class Restoration(NamedTuple):
    """A restored clip, and the mask that a network found in it."""

    frames: Clip
    mask: Masks | None = None


@dataclass(frozen=True)
class Method:
    """One way to restore. `restore(clip, mask)` takes a mask where `needs_mask`, otherwise None.

    `kinds`: the kinds of cases it is for; whatever needs no mask also gets untouched clips, to see what it harms.
    `settings`: how it is set, in the words of its own program. `where`: backend and device of a method of ours.
    """

    name: str
    kinds: frozenset[str]
    restore: Callable[[Clip, Masks | None], Restoration]
    needs_mask: bool = False
    settings: str = ""
    where: str = ""

    @property
    def ours(self) -> bool:
        """Whether it is of this project rather than a baseline."""
        return bool(self.where)

    def is_for(self, case: Case) -> bool:
        """Whether it is asked to restore clips that were spoiled in this way."""
        return case.kind in self.kinds or (case.kind == "clean" and not self.needs_mask)


def filling(name: str, fill: Callable[[Clip, Masks], Clip], *, settings: str, where: str = "") -> Method:
    """A method that fills what a mask hides: a function of frames (t, h, w, 3) and masks (t, h, w, 1)."""

    def restore(clip: Clip, mask: Masks | None) -> Restoration:
        assert mask is not None
        return Restoration(fill(clip, mask))

    return Method(name, frozenset(MASKED_KINDS), restore, needs_mask=True, settings=settings, where=where)


def filled_by(name: str, clip: Clip, mask: Masks) -> Clip:
    """What the fill called `name` makes of a clip, in the pixels where the mask is above one half.

    The hole is not grown: the soft edge beyond is nearly the picture itself, and growing costs decibels.
    """
    return find_fill(name).fill(clip, mask, None)


#: The spoiled clip itself: what every method is compared with.
NOTHING = Method("nothing", frozenset(KINDS), lambda clip, mask: Restoration(clip), settings="as it came")

#: The clean clip through the encoder that the spoiled one went through: nothing that removes a mark can be expected to
#: be better.
RE_ENCODED = Method(
    "re-encoded", frozenset(), NOTHING.restore, settings="the clean clip through the same encoder"
)
#: What no method did.
CONTROLS = (NOTHING.name, RE_ENCODED.name)
