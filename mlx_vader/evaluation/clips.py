"""Which clips are restored: videos, and photographs, which become still clips."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.data.stills import check_still
from mlx_vader.errors import UsageError, VaderError, missing
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.resizing import at_most
from mlx_vader.sample_clips import BUNNY, CARPHONE, sample_clip
from mlx_vader.video import is_image, is_video, list_media, open_video, probe, read_image

#: The warping error's optical flow, and the windows of SSIM and LPIPS, need as much.
SMALLEST = 16


def find_clips(paths: Iterable[Path] = ()) -> dict[str, Path]:
    """Videos and photographs by the name that rows have: files, and all below folders; none: the sample clips.

    A name is the file's, with its folder where two files have the same. Reads the heads only. Raises VaderError or
    UsageError for what cannot be read.
    """
    files = [file for path in paths for file in _media(path)] or [sample_clip(CARPHONE), sample_clip(BUNNY)]
    files = list(dict.fromkeys(file.absolute() for file in files))
    for file in files:
        _check(file)
    names = [file.name for file in files]
    return {
        file.name if names.count(file.name) == 1 else f"{file.parent.name}/{file.name}": file
        for file in files
    }


def middle_of(path: Path, frames: int, height: int) -> Clip:
    """Up to `frames` frames from the middle of a video, in 8-bit levels; a photograph as often.

    Damaged frames are left out. Frames of more than `height` lines are scaled down to so many (Lanczos); 0 leaves them
    as they are.
    """
    if is_image(path):
        clip = np.repeat(at_most(to_levels(read_image(path)), height)[None], frames, axis=0)
    else:
        start = max(0, ((probe(path).frames or 0) - frames) // 2)
        with open_video(path, start, start + frames) as video:
            pictures = [at_most(to_levels(frame.rgb), height) for frame in video if not frame.damaged]
        if not pictures:
            raise VaderError(f"{path} holds no frame", hint="truncated, or not finished")
        clip = np.stack(pictures)
    if min(clip.shape[1:3]) < SMALLEST:
        raise VaderError(
            f"the frames of {path} are too small", hint=f"at least {SMALLEST}x{SMALLEST} can be measured"
        )
    return to_unit(clip)


def _media(path: Path) -> Sequence[Path]:
    if not path.exists():
        raise missing(path)
    if not path.is_dir():
        return (path,)
    found = list_media(path)
    if not found:
        raise VaderError(f"no video or image in {path}", hint="name a folder that holds some, or files")
    return found


def _check(path: Path) -> None:
    if not (is_image(path) or is_video(path)):
        raise UsageError(f"{path} is neither a video nor an image by its name", hint="rename it")
    if is_video(path):
        probe(path)
    else:
        check_still(path)
