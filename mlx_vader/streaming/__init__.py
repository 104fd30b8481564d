"""Long video through a network in bounded memory.

`strategies` cut a video into clips, `restoration` is the process that `jobs` run over files, `tiling` takes frames that
are too large for one call apart.
"""

from mlx_vader.streaming.restoration import Restoration
from mlx_vader.streaming.results import Carry, Input, Result, ResultChunk
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
    "ClipRecurrent",
    "Input",
    "Recurrent",
    "Restoration",
    "Result",
    "ResultChunk",
    "SlidingWindow",
    "Strategy",
    "make_strategy",
]
