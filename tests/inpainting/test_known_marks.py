"""A known mark is found and taken off, also where nothing moves; where the frames do not show it, all stays."""

import cv2
import numpy as np
import pytest

from mlx_vader.boxes import Box
from mlx_vader.inpainting.fill.membrane import fill_with_membrane
from mlx_vader.inpainting.known_marks import KnownMarks
from mlx_vader.levels import to_unit
from mlx_vader.masks.mark_files import KnownMark
from mlx_vader.process import edits_of
from mlx_vader.video.in_memory import ClipInMemory
from tests.inpainting.test_unblend import SIZE, WORD, inside, marked, scene, strokes

ALPHA = 0.55


def known(opacity: np.ndarray, name: str = "logo.png", *, is_placed: bool = True) -> KnownMark:
    """The mark in a frame's opacity, as a file has it."""
    rows, columns = (np.flatnonzero((opacity > 0.002).any(axis=axis)) for axis in (1, 0))
    box = Box(int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1)
    alpha = np.ascontiguousarray(opacity[box.rows, box.columns])
    colour = np.broadcast_to(WORD, (*alpha.shape, 3)).copy()
    return KnownMark(name, alpha, colour, box, opacity.shape, is_placed)


def moved(opacity: np.ndarray, down: float, right: float, scale: float = 1.0) -> np.ndarray:
    """The opacity further down and right, and larger."""
    matrix = np.array([[scale, 0, right], [0, scale, down]], np.float32)
    return np.clip(cv2.warpAffine(opacity, matrix, SIZE[::-1], flags=cv2.INTER_CUBIC), 0, 1)


def still(frames: int = 4) -> np.ndarray:
    return scene(frames, moving=False)


def cleaned(process: KnownMarks, levels: np.ndarray) -> np.ndarray:
    edits = edits_of(process, ClipInMemory(to_unit(levels)))
    return np.stack([edit.frame.edited(edit.patches()).rgb for edit in edits])


def taking(*marks: KnownMark) -> KnownMarks:
    return KnownMarks([marks], ["test"])


@pytest.mark.parametrize(("down", "right", "gain"), [(0, 0, 1), (0.5, -0.3, 0.97), (-1.6, 2.2, 1.04)])
def test_it_is_taken_off_a_still_scene(down, right, gain):
    """A little beside where it was learned, and a little more or less opaque."""
    clip, here = still(), gain * ALPHA * moved(strokes(), down, right)
    seen, process = marked(clip, here, WORD), taking(known(ALPHA * strokes()))
    made, mask = cleaned(process, seen), here > 0.02
    masks = np.broadcast_to(mask[..., None], (*clip.shape[:3], 1)).astype(np.float32)
    assert inside(made, clip, mask) > 36
    assert inside(made, clip, mask) > inside(fill_with_membrane(to_unit(seen), masks), clip, mask) + 3
    (mark,) = process.finding.marks
    assert (process.finding.status, mark.treated, mark.first, mark.last) == ("found", "unblend", 0, None)
    assert abs(mark.alpha - gain * ALPHA) < 0.03
    far = ~cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    assert np.array_equal(made[:, far], to_unit(seen)[:, far])


def other_mark() -> np.ndarray:
    opacity = np.zeros(SIZE, np.float32)
    opacity[50:80, 45:105] = ALPHA
    return marked(still(), opacity, WORD)


@pytest.mark.parametrize(
    "seen",
    [
        marked(still(), np.zeros(SIZE, np.float32), WORD),
        marked(scene(12), np.zeros(SIZE, np.float32), WORD),
        other_mark(),
    ],
    ids=["still", "moving", "another mark"],
)
def test_where_it_is_not_nothing_is_touched(seen):
    process = taking(known(ALPHA * strokes()))
    assert np.array_equal(cleaned(process, seen), to_unit(seen))
    assert process.finding.status == "nothing"
    assert "logo.png" in process.finding.reason


@pytest.mark.parametrize(
    ("down", "right", "scale", "is_placed"),
    [(-30, 60, 1, True), (10, 20, 0.75, False)],
    ids=["elsewhere", "a drawing"],
)
def test_it_is_looked_for_in_the_whole_frame(down, right, scale, is_placed):
    """A drawing says neither where it lies nor how large or opaque it is."""
    clip, here = still(), ALPHA * moved(strokes(), down, right, scale)
    file = strokes() if not is_placed else ALPHA * strokes()
    process = taking(known(file, is_placed=is_placed))
    made = cleaned(process, marked(clip, here, WORD))
    assert process.finding.status == "found"
    assert inside(made, clip, here > 0.02) > 33


def test_frames_of_another_size():
    clip, large = still(), cv2.resize(ALPHA * strokes(), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    here = cv2.resize(large, SIZE[::-1], interpolation=cv2.INTER_AREA)
    process = taking(known(np.clip(large, 0, 1)))
    assert inside(cleaned(process, marked(clip, here, WORD)), clip, here > 0.02) > 33


def test_one_that_reaches_beyond_the_frame():
    clip, here = still(), ALPHA * moved(strokes(), 0, -70)
    process = taking(known(ALPHA * strokes()))
    made = cleaned(process, marked(clip, here, WORD))
    assert process.finding.marks[0].box[0] == 0
    assert inside(made, clip, here > 0.02) > 33


def test_a_single_frame():
    clip, here = still(1), ALPHA * strokes()
    process = taking(known(here))
    assert inside(cleaned(process, marked(clip, here, WORD)), clip, here > 0.02) > 33


@pytest.mark.parametrize("moving", [True, False])
def test_one_that_fades_in_and_goes(moving):
    """Frames without it are kept bit for bit; where it fades, so does what is subtracted."""
    clip = scene(32, moving=moving)
    gains = np.concatenate([np.zeros(8), np.linspace(0.2, 1, 5), np.ones(11), np.zeros(8)])
    opacity = ALPHA * strokes()
    seen = np.stack([marked(f[None], g * opacity, WORD)[0] for f, g in zip(clip, gains, strict=True)])
    process = taking(known(opacity))
    made = cleaned(process, seen)
    (mark,) = process.finding.marks
    assert (mark.first, mark.last) == (8, 23)
    assert np.array_equal(made[gains == 0], to_unit(seen)[gains == 0])
    mask = opacity > 0.02
    assert inside(made[gains == 1], clip[gains == 1], mask) > 33
    fading = (gains > 0) & (gains < 1)
    assert inside(made[fading], clip[fading], mask) > inside(to_unit(seen)[fading], clip[fading], mask) + 6


def test_of_several_marks_the_one_that_is_there_is_taken_and_told():
    plate = np.zeros(SIZE, np.float32)
    plate[50:80, 45:105] = ALPHA
    opacity = ALPHA * strokes()
    process = taking(known(plate, "plate.png"), known(opacity, "word.png"))
    clip = still()
    made = cleaned(process, marked(clip, opacity, WORD))
    assert process.finding.reason == "the mark is word.png"
    assert inside(made, clip, opacity > 0.02) > 36


def test_two_marks_that_overlap():
    plate = np.zeros(SIZE, np.float32)
    plate[60:120, 90:140] = 0.3
    word = ALPHA * strokes()
    clip = still()
    seen = marked(to_unit(marked(clip, word, WORD)), plate, WORD)
    process = KnownMarks([[known(plate, "plate.png")], [known(word, "word.png")]], ["a", "b"])
    made = cleaned(process, seen)
    assert len(process.finding.marks) == 2
    assert inside(made, clip, np.maximum(plate, word) > 0.02) > 32


def test_the_first_pass_goes_on_after_an_interruption():
    seen = ClipInMemory(to_unit(marked(scene(24), ALPHA * strokes(), WORD)))
    steps = list(taking(known(ALPHA * strokes())).analyse(seen, {}))
    assert len(steps) > 4
    for stopped in (0, 3):
        resumed = taking(known(ALPHA * strokes()))
        again = list(resumed.analyse(seen, dict(steps[stopped])))
        assert len(again) == len(steps) - 1 - stopped
        for name, array in steps[-1].items():
            assert np.array_equal(again[-1][name], array), name
    complete = taking(known(ALPHA * strokes()))
    assert list(complete.analyse(seen, dict(steps[-1]))) == []
    assert complete.finding == resumed.finding
