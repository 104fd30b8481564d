"""The kind of file that a video becomes where nobody says which."""

import os
from pathlib import Path

from mlx_vader.errors import VaderError
from mlx_vader.video.choice import TARGETS
from mlx_vader.video.encoders import WEBM
from mlx_vader.video.holding import first_unheld
from mlx_vader.video.info import probe
from mlx_vader.video.library import main_stream, opened_in_full


def default_suffix(source: str | os.PathLike[str]) -> str:
    """The source's own suffix where such files are written and hold it; else .mp4, or .mkv where MP4 lacks something.

    >>> default_suffix("tape.avi")
    '.mp4'
    """
    path = Path(source)
    own = path.suffix.lower()
    if own in TARGETS - WEBM:
        return own
    suffixes = [*({own} & WEBM), ".mp4", ".mkv", ".mov"]
    try:
        return next((suffix for suffix in suffixes if _is_fit(path, suffix)), suffixes[0])
    except VaderError:  # whoever cleans it says why it cannot be read
        return suffixes[0]


def _is_fit(path: Path, suffix: str) -> bool:
    if suffix in WEBM and probe(path).sample_aspect_ratio != 1:
        return False  # its codecs leave the shape of pixels to the container
    with opened_in_full(path) as container:
        return first_unheld(container, main_stream(container, path), suffix) is None
