"""One way to spoil a clip, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from mlx_vader.arrays import Clip, Masks
from mlx_vader.evaluation.given_masks import EXACT
from mlx_vader.evaluation.material import Material
from mlx_vader.levels import to_levels, to_unit

#: What a case does to the picture; methods say which of these they are for.
KINDS = ("clean", "overlay", "noise", "impulse", "compression", "banding", "blur")


class Spoiled(NamedTuple):
    """`mask`: the true one of an overlay, all zero for an untouched clip. `coded`: the clean clip through the encoder
    that the spoiled one went through after its overlay; None where there was none.
    """

    frames: Clip
    mask: Masks | None = None
    coded: Clip | None = None


@dataclass(frozen=True)
class Case:
    """One way to spoil a clip: `spoil(clip, key, material)`. `masks`: those that methods which need one are given."""

    artifact: str
    severity: str
    kind: str
    spoil: Callable[[Clip, int, Material], Spoiled]
    masks: tuple[str, ...] = (EXACT,)

    def applied(self, clip: Clip, name: str, material: Material | None = None) -> Spoiled:
        """A clip of this name, spoiled, in 8-bit levels as a file would hold it."""
        spoiled = self.spoil(clip, crc32(name.encode()), material or Material())
        return spoiled._replace(frames=to_unit(to_levels(spoiled.frames)))
