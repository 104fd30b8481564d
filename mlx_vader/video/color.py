"""What a stream says about its colours, in the numbers of ITU-T H.273."""

from dataclasses import dataclass

from mlx_vader.errors import VaderError

RGB, BT709, UNSPECIFIED, FCC, BT470BG, SMPTE170M, SMPTE240M, BT2020 = 0, 1, 2, 4, 5, 6, 7, 9
LIMITED_RANGE, FULL_RANGE = 1, 2

#: The weights of red and blue in luma, ITU-T H.273 table 4.
LUMA_WEIGHTS = {
    BT709: (0.2126, 0.0722),
    FCC: (0.30, 0.11),
    BT470BG: (0.299, 0.114),
    SMPTE170M: (0.299, 0.114),
    SMPTE240M: (0.212, 0.087),
    BT2020: (0.2627, 0.0593),
}


@dataclass(frozen=True)
class ColorTags:
    """What a stream says about its colours, in H.273 code points; 2 is unspecified.

    `range` is 1 (limited, which is also what players take for unspecified) or 2 (full).
    """

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED
    range: int = LIMITED_RANGE


def players_matrix(width: int, height: int) -> int:
    """The matrix that players assume where none is tagged: BT.709 from 720p on, BT.601 below."""
    return BT709 if width >= 1280 or height > 576 else SMPTE170M


def effective_matrix(matrix: int, width: int, height: int) -> int:
    """The matrix to compute with; BT.2020 constant luminance is taken as non-constant, as players do."""
    if matrix in {UNSPECIFIED, RGB}:
        return players_matrix(width, height)
    if matrix == 10:
        return BT2020
    if matrix not in LUMA_WEIGHTS:
        raise VaderError(f"colour matrix {matrix} is not supported", hint="convert the clip to BT.709 first")
    return matrix
