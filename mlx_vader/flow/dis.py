"""Dense inverse search (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016), of OpenCV."""

import threading
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

#: Pixels that a picture needs each way: the search reads beyond smaller ones and crashes.
SMALLEST = 16

#: The search keeps buffers between calls, so that each thread has one of its own.
_searches = threading.local()


def dis(here: UInt8[np.ndarray, "h w"], there: UInt8[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w 2"]:
    """Flow by the preset "medium"; see `mlx_vader.flow`."""
    if not hasattr(_searches, "medium"):
        _searches.medium = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search: Any = _searches.medium
    return search.calc(np.ascontiguousarray(here), np.ascontiguousarray(there), None)
