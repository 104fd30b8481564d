"""A mark is learned from one video in which the scene moves, or from several that are still; else that is said."""

import numpy as np
import pytest

from mlx_vader.errors import VaderError
from mlx_vader.inpainting.learning import learn_mark
from mlx_vader.levels import to_unit
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.video.in_memory import ClipInMemory
from tests.inpainting.test_unblend import SIZE, WORD, marked, scene, strokes

ALPHA = 0.5


def masks(frames: int) -> ArrayMasks:
    mask = (ALPHA * strokes() > 0.02).astype(np.float32)
    return ArrayMasks(np.broadcast_to(mask[..., None], (frames, *SIZE, 1)).copy())


def spoiled(clip: np.ndarray) -> ClipInMemory:
    return ClipInMemory(to_unit(marked(clip, ALPHA * strokes(), WORD)))


@pytest.mark.parametrize("stills", [False, True], ids=["one that moves", "stills"])
def test_opacity_colour_and_place_are_learned(stills):
    """Every shot is a background: some that are still together tell what one of them does not."""
    moving = scene(24)
    clips = [moving[[index, index]] for index in range(0, 24, 2)] if stills else [moving]
    videos = [spoiled(clip) for clip in clips]
    mark = learn_mark(videos, [masks(video.frames) for video in videos], "logo")
    assert mark.frame == SIZE
    opacity = np.zeros(SIZE, np.float32)
    opacity[mark.box.rows, mark.box.columns] = mark.alpha
    assert np.abs(opacity - ALPHA * strokes()).mean() < 0.005
    inside = mark.alpha > 0.4
    assert np.abs(np.median(mark.colour[inside], axis=0) - WORD).max() < 0.1


def test_where_nothing_moves_it_is_said():
    video = spoiled(scene(8, moving=False))
    with pytest.raises(VaderError, match="nothing moves behind the mark"):
        learn_mark([video], [masks(8)])


def test_without_a_mark_it_is_said():
    video = ClipInMemory(scene(8))
    empty = ArrayMasks(np.zeros((8, *SIZE, 1), np.float32))
    with pytest.raises(VaderError, match="no mark was found"):
        learn_mark([video], [empty])


def test_videos_of_different_sizes_are_refused():
    videos = [spoiled(scene(8)), ClipInMemory(scene(8)[:, :100])]
    with pytest.raises(VaderError, match="differ in size"):
        learn_mark(videos, [masks(8), masks(8)])
