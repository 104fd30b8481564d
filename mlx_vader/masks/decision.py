"""What is concluded from a look at a video: which marks are believed."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from mlx_vader.process import Finding


@dataclass(frozen=True)
class Decision:
    """The mask of what is believed, and the finding with its marks, those that are left alone too."""

    mask: Bool[np.ndarray, "h w"]
    finding: Finding
