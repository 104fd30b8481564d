"""Ways to fill holes, as a table: a new one is a function of arrays and a line here.

`fill(frames, mask, flow) → frames`: frames (t, h, w, 3) in [0, 1], mask (t, h, w, 1) with 1 in the holes, flow
(t, h, w, 2) in pixels from each frame to the next or None. What comes back is filled in the holes and equal to
`frames` elsewhere; "membrane" mends colours up to `coded.FRINGE` pixels around. What "auto" and "unblend" do besides
needs a look at the whole video: see `mlx_vader.inpainting.unblending`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mlx_vader.arrays import Clip, Flows, Masks
from mlx_vader.errors import UsageError, choices
from mlx_vader.inpainting.fill.coded import fill_as_coded
from mlx_vader.inpainting.fill.membrane import fill_smooth_places, fill_with_membrane
from mlx_vader.inpainting.fill.opencv import fill_by_navier_stokes, fill_by_telea


@dataclass(frozen=True)
class Fill:
    """`needs_network`: the frames that it is given are a network's, which painted in the holes."""

    fill: Callable[[Clip, Masks, Flows | None], Clip]
    needs_network: bool
    summary: str


def keep(frames: Clip, mask: Masks, flow: Flows | None = None) -> Clip:
    """The network's painting as it is."""
    return frames.copy()


FILLS = {
    "auto": Fill(
        fill_smooth_places,
        False,
        "what the video shows to be best beside each mark: subtracting it, or one of the membranes; where the network "
        "finds the marks, as mixed",
    ),
    "mixed": Fill(
        fill_smooth_places, True, "the network in texture, a membrane where the surroundings are smooth"
    ),
    "network": Fill(keep, True, "what the network paints"),
    "membrane": Fill(fill_as_coded, False, "smooth between the hole's borders, without a network"),
    "plain": Fill(fill_with_membrane, False, "a membrane that trusts the colours at the hole's border, too"),
    "telea": Fill(fill_by_telea, False, "OpenCV's fast marching"),
    "ns": Fill(fill_by_navier_stokes, False, "OpenCV's Navier-Stokes"),
    "unblend": Fill(
        fill_as_coded,
        False,
        "the same as auto, without a network in any case",
    ),
}


def find_fill(name: str) -> Fill:
    """The fill called `name`. Raises UsageError for one that there is not."""
    if name not in FILLS:
        raise UsageError(f"there is no fill {name!r}", hint=choices(name, FILLS))
    return FILLS[name]
