"""What is done with a mark is what does best beside it, where the truth is known."""

import numpy as np
import pytest

from mlx_vader.inpainting.fill.coded import fill_as_coded
from mlx_vader.inpainting.fill.membrane import fill_with_membrane
from mlx_vader.inpainting.unblend import Mark, fit, proved
from mlx_vader.levels import to_levels
from tests.inpainting.test_unblend import WORD, marked, scene, strokes

FILLS = fill_as_coded, fill_with_membrane
FRAMES = 16


def tried(spoiled: np.ndarray, mask: np.ndarray) -> Mark:
    return proved(spoiled, mask, fit(spoiled, mask, whole=True), FILLS, whole=True)


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    return scene(FRAMES)


def test_what_shines_through_over_a_moving_scene_is_subtracted(clip):
    opacity = 0.4 * strokes()
    mark = tried(marked(clip, opacity, WORD), opacity > 0.02)
    assert all(part.unblends for part in mark.parts)


def test_an_opaque_mark_is_filled_by_what_does_better_beside_it(clip):
    """The scene's colours are as fine as its luma: they are to be followed up to the hole."""
    opacity = strokes()
    mark = tried(marked(clip, opacity, WORD), opacity > 0.02)
    assert FILLS[mark.fill] is fill_with_membrane


def test_a_mark_that_changes_is_not_subtracted(clip):
    """Of what changes under a mask no one opacity holds, though a mark that stood still could be subtracted here."""
    random = np.random.default_rng(5)
    mask = strokes() > 0.02
    spoiled = to_levels(clip)
    for frame in spoiled:
        shown = mask & (random.random(mask.shape) < 0.5)
        frame[shown] = frame[shown] // 2 + 120
    assert not any(part.unblends for part in tried(spoiled, mask).parts)


def test_over_a_still_scene_nothing_is_subtracted():
    opacity = 0.4 * strokes()
    still = scene(FRAMES, moving=False)
    mark = tried(marked(still, opacity, WORD), opacity > 0.02)
    assert not any(part.unblends for part in mark.parts)
