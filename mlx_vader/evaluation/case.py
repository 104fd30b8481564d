"""One way to spoil a clip, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from mlx_vader.arrays import Clip, Masks
from mlx_vader.evaluation.given_masks import EXACT
from mlx_vader.evaluation.material import Material
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.metrics import Motion

#: What a case does to the picture; methods say which of these they are for.
KINDS = ("clean", "overlay", "object", "dropout", "noise", "impulse", "compression", "banding", "blur")
#: Those that leave a hole: beneath them nothing of the picture is left.
HOLES = ("object", "dropout")
#: Those whose place in the picture is known: of these figures inside the mask are told.
MASKED_KINDS = ("overlay", *HOLES)


class Spoiled(NamedTuple):
    """`mask`: the true one of an overlay or a hole, all zero for an untouched clip. `coded`: the clean clip through the
    encoder that the spoiled one went through after its overlay; None where there was none.
    """

    frames: Clip
    mask: Masks | None = None
    coded: Clip | None = None


@dataclass(frozen=True)
class Case:
    """One way to spoil a clip: `spoil(clip, key, material)`. `masks`: those that methods which need one are given.

    `suits`: for which clips it is, by how things move in them; None: for all.
    """

    artifact: str
    severity: str
    kind: str
    spoil: Callable[[Clip, int, Material], Spoiled]
    masks: tuple[str, ...] = (EXACT,)
    suits: Callable[[Motion], bool] | None = None

    def applied(self, clip: Clip, name: str, material: Material | None = None) -> Spoiled:
        """A clip of this name, spoiled, in 8-bit levels as a file would hold it."""
        spoiled = self.spoil(clip, crc32(name.encode()), material or Material())
        return spoiled._replace(frames=to_unit(to_levels(spoiled.frames)))
