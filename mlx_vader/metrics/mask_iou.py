"""Intersection over union of a found mask and the true one (Jaccard 1912)."""

import numpy as np
from jaxtyping import Float


def mask_iou(predicted: Float[np.ndarray, "*shape"], true: Float[np.ndarray, "*shape"]) -> float:
    """Pixels above ½ in both masks over those in either, pooled over all frames; 1 where both are empty."""
    found, wanted = predicted > 0.5, true > 0.5
    union = np.count_nonzero(found | wanted)
    return np.count_nonzero(found & wanted) / union if union else 1.0
