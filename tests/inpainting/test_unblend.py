"""A mark over a scene that moves is measured and subtracted; over one that stands still, or opaque, it is not."""

import cv2
import numpy as np
import pytest

from mlx_vader.inpainting.fill.membrane import fill_with_membrane
from mlx_vader.inpainting.unblend import Mark, fit, remove
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.metrics import psnr

SIZE = 144, 208
WORD = np.float32([1.0, 0.85, 0.2])


def scene(frames: int = 32, moving: bool = True) -> np.ndarray:
    """Large and small texture that pans, (t, h, w, 3) in [0, 1]."""
    random = np.random.default_rng(7)
    step = 17 if moving else 0
    wide = np.full((SIZE[0], SIZE[1] + step * frames, 3), 0.4, np.float32)
    for size, contrast in ((14, 0.14), (2, 0.06)):
        texture = cv2.GaussianBlur(random.random(wide.shape, dtype=np.float32), (0, 0), size)
        wide += contrast * (texture - texture.mean()) / texture.std()
    panned = np.stack([wide[:, step * index : step * index + SIZE[1]] for index in range(frames)])
    return np.clip(panned, 0, 1)


def strokes() -> np.ndarray:
    """Opacity of lettering, (h, w) in [0, 1], with soft edges."""
    canvas = np.zeros((4 * SIZE[0], 4 * SIZE[1]), np.uint8)
    cv2.putText(canvas, "tv9", (200, 300), cv2.FONT_HERSHEY_DUPLEX, 4, 255, 14, cv2.LINE_AA)
    return cv2.resize(canvas, SIZE[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def plate() -> tuple[np.ndarray, np.ndarray]:
    """Opacity and colours of a red plate with a white bar."""
    opacity, colour = np.zeros(SIZE, np.float32), np.zeros((*SIZE, 3), np.float32)
    opacity[50:74, 60:100] = 1
    colour[:] = 0.8, 0.1, 0.1
    colour[58:66, 68:92] = 1
    return opacity, colour


def marked(clip: np.ndarray, opacity: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Levels of the clip with a mark over it."""
    return to_levels(clip + opacity[..., None] * (colour - clip))


def without(spoiled: np.ndarray, mark: Mark) -> np.ndarray:
    made = to_unit(spoiled)
    for frame in made:
        frame[mark.region] = remove(frame.copy(), mark)
    return made


def inside(made: np.ndarray, clip: np.ndarray, mask: np.ndarray) -> float:
    return float(psnr(made[:, mask], clip[:, mask]))


@pytest.mark.parametrize("alpha", [0.3, 0.6])
def test_opacity_and_colour_of_lettering_are_measured(alpha):
    clip, opacity = scene(), alpha * strokes()
    mark = fit(marked(clip, opacity, WORD), opacity > 0.02)
    (part,) = mark.parts
    assert part.unblends
    assert not part.opaque
    assert abs(part.alpha - alpha) < 0.04
    assert np.abs(np.array(part.colour) - 255 * WORD).max() < 26


def test_what_lies_beneath_comes_back_better_than_a_membrane_guesses_it():
    clip, opacity = scene(), 0.6 * strokes()
    spoiled, mask = marked(clip, opacity, WORD), opacity > 0.02
    made = without(spoiled, fit(spoiled, mask))
    filled = fill_with_membrane(
        to_unit(spoiled), np.broadcast_to(mask[..., None], (*clip.shape[:3], 1)) * np.float32(1)
    )
    assert inside(made, clip, mask) > inside(filled, clip, mask) + 3
    assert inside(made, clip, mask) > 30.5
    untouched = ~cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    assert np.array_equal(made[:, untouched], to_unit(spoiled)[:, untouched])


def test_a_plate_of_several_colours_has_one_opacity():
    clip, (opacity, colour) = scene(), plate()
    spoiled = marked(clip, 0.5 * opacity, colour)
    mark = fit(spoiled, opacity > 0)
    (part,) = mark.parts
    assert part.even
    assert abs(part.alpha - 0.5) < 0.05
    assert inside(without(spoiled, mark), clip, opacity > 0) > 33.5


def test_a_mask_that_is_drawn_too_large_costs_little():
    clip, opacity = scene(), 0.6 * strokes()
    spoiled, mask = marked(clip, opacity, WORD), opacity > 0.02
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    exact, loose = (inside(without(spoiled, fit(spoiled, each)), clip, mask) for each in (mask, wide))
    assert loose > exact - 2


def test_an_opaque_mark_is_known_to_be_opaque():
    clip, opacity = scene(), strokes()
    mark = fit(marked(clip, opacity, WORD), opacity > 0.02)
    assert all(part.opaque for part in mark.parts)


def test_a_still_scene_proves_nothing():
    clip, opacity = scene(moving=False), 0.6 * strokes()
    mark = fit(marked(clip, opacity, WORD), opacity > 0.02)
    assert not any(part.measured or part.unblends for part in mark.parts)


def test_a_sign_in_the_scene_is_found_opaque_or_unknown():
    """Nothing shines through it: what is subtracted from it must not be scene."""
    clip = scene()
    clip[:, 40:60, 40:80] = WORD
    mask = np.zeros(SIZE, bool)
    mask[40:60, 40:80] = True
    (part,) = fit(to_levels(clip), mask).parts
    assert part.opaque or not part.measured


def test_a_mark_survives_being_packed():
    clip, (opacity, colour) = scene(), plate()
    mark = fit(marked(clip, 0.5 * opacity, colour), opacity > 0)
    again = Mark.unpacked(mark.packed())
    assert again.parts == mark.parts
    frame = to_unit(marked(clip, 0.5 * opacity, colour))[3]
    assert np.array_equal(remove(frame, again), remove(frame, mark))


@pytest.mark.parametrize("mask", [np.zeros(SIZE, bool), np.ones(SIZE, bool)])
def test_masks_that_leave_nothing_to_measure_are_refused(mask):
    with pytest.raises(ValueError, match="mask"):
        fit(to_levels(scene(8)), mask)


def test_a_mark_at_the_border_is_measured():
    clip, opacity = scene(), np.zeros(SIZE, np.float32)
    opacity[:14, :10] = 0.5
    spoiled = marked(clip, opacity, WORD)
    made = without(spoiled, fit(spoiled, opacity > 0))
    assert inside(made, clip, opacity > 0) > 25
