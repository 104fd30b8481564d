"""Long video through a network in bounded memory.

`strategies` cut a video into clips, `pipeline` runs decoder, network and encoder at the same time, and `clean` is the
whole road from file to file.
"""

from mlx_vader.streaming.results import Carry, Chunk, Result
from mlx_vader.streaming.strategies import (
    STRATEGIES,
    Bidirectional,
    ClipRecurrent,
    Recurrent,
    SlidingWindow,
    Strategy,
    make_strategy,
)

__all__ = [
    "STRATEGIES",
    "Bidirectional",
    "Carry",
    "Chunk",
    "ClipRecurrent",
    "Recurrent",
    "Result",
    "SlidingWindow",
    "Strategy",
    "make_strategy",
]
