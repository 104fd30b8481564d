"""The network that finds marks, as the rest of this package asks it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import Float32

from mlx_vader.masks.static.statistics import inverted, mirrored

#: The shipped network that finds marks which stand still.
FINDER = "mark-finder"


class Seen(NamedTuple):
    """What the network says: how likely each pixel is a mark's, and that nothing can be decided; 0 to 1."""

    mask: Float32[np.ndarray, "h w"]
    undecidable: float


#: The network, on statistics.
See = Callable[[Float32[np.ndarray, "h w channels"]], Seen]


class _Runs(Protocol):
    """A backend: `mlx_vader.backends.Backend`."""

    def run(self, inputs: Mapping[str, np.ndarray]) -> Any: ...


def finder_of(backend: _Runs) -> See:
    """The network called `FINDER`, or another of its kind, that runs in a backend.

    It is asked of the video, of its negative, and of both with left for right, and the mean counts: what it takes for a
    mark by mistake changes, what is one stays.
    """

    def once(statistics: Float32[np.ndarray, "h w channels"]) -> Seen:
        values = backend.run({"statistics": statistics[None]}).values
        return Seen(values["mask"][0, ..., 0], float(values["undecidable"].item()))

    def see(statistics: Float32[np.ndarray, "h w channels"]) -> Seen:
        straight = [once(statistics), once(inverted(statistics))]
        turned = [once(mirrored(statistics)), once(mirrored(inverted(statistics)))]
        masks = [seen.mask for seen in straight] + [seen.mask[:, ::-1] for seen in turned]
        undecidable = [seen.undecidable for seen in straight + turned]
        return Seen(np.stack(masks).mean(axis=0), float(np.mean(undecidable)))

    return see
