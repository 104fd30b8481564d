"""The frames that are measured: a real clip at the size asked for, as a file, so that decoding is measured too."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from convert.real_frames import centre_cropped
from convert.shapes import Size
from mlx_vader.sample_clips import find_sample_clip


class Clip(NamedTuple):
    """A file with `frames` frames of `size`; `label` says what is in it."""

    path: Path
    size: Size
    frames: int
    label: str


def prepare(source: Path | None, size: Size, frames: int, folder: Path) -> Clip:
    """Writes `frames` frames of `source`, cropped to the shape of `size` and scaled to it.

    Without a source it is the demo clip, and without that a drawn scene, labelled so. A shorter source runs forwards
    and backwards.
    """
    from mlx_vader.video import open_video, write_video

    source = source or find_sample_clip()
    path = folder / f"{size}.mp4"
    with write_video(path, frame_rate=30, crf=14) as writer:
        if source is None:
            for frame in _to_and_fro(_drawn(min(frames, 30)), frames):
                writer.write(centre_cropped(frame, size))
        else:
            with open_video(source, stop=frames) as video:
                for frame in _to_and_fro((centre_cropped(frame.rgb, size) for frame in video), frames):
                    writer.write(frame)
    return Clip(path, size, frames, source.name if source else "drawn")


def _drawn(frames: int) -> Iterable[Float[np.ndarray, "h w 3"]]:
    from mlx_vader.artifacts.gallery import drawn_scene

    return drawn_scene(frames)


def _to_and_fro(frames: Iterable[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """`count` frames, bouncing at both ends of what there is."""
    seen: list[np.ndarray] = []

    def forwards() -> Iterator[np.ndarray]:
        for frame in frames:
            seen.append(frame)
            yield frame

    def again() -> Iterator[np.ndarray]:
        while seen:
            yield from reversed(seen)
            yield from seen

    return islice(chain(forwards(), again()), count)
