"""Training data: clips out of folders of video and photographs, spoiled by artifacts, batched ahead of the trainer.

`open_source` reads a folder, `dummy_source` needs none; `Batches` makes every batch from (seed, step) alone;
`validation_clips` is the fixed set that a run is judged by.
"""

from mlx_vader.data.batches import Batches, BatchStream
from mlx_vader.data.samples import Batch, Sample, validation_clips
from mlx_vader.data.scenes import SceneSource, dummy_source
from mlx_vader.data.source import ClipSource, FolderSource, open_source

__all__ = [
    "Batch",
    "BatchStream",
    "Batches",
    "ClipSource",
    "FolderSource",
    "Sample",
    "SceneSource",
    "dummy_source",
    "open_source",
    "validation_clips",
]
