"""Text that comes and goes, over scenes that are drawn here: what is found, when, and what is left alone."""

from itertools import islice

import cv2
import numpy as np
import pytest

from mlx_vader.masks.text.source import KEEP_EVERY, STEP, TextMarks
from tests.masks.drawn_video import Drawn, bands, letters, texture

SIZE = 180, 320
SPAN = 13, 50


def moving(number, size=SIZE):
    """A pan over texture, faster than any stroke is wide between two samples."""
    return texture(size, left=3 * number)


def still(number, size=SIZE):
    return texture(size, left=0)


def cut(number, size=SIZE):
    """Two shots."""
    return texture(size, left=3 * number, seed=int(number >= 30))


def subtitled(scene, *, span=SPAN, frames=72, words="Where is the old boat?", at=(0.1, 0.92), **style):
    ink, alpha = letters(SIZE, words, at, **style)

    def picture(number):
        base = scene(number)
        shown = span[0] <= number <= span[1]
        return np.where(alpha[..., None] > 0, ink, base) if shown else base

    return Drawn(picture, frames), alpha > 0


def found(video, kept=None):
    marks = TextMarks()
    steps = list(marks.analyse(video, kept or {}))
    return marks, steps


@pytest.mark.parametrize("scene", [moving, still, cut])
def test_a_subtitle_is_found_to_the_frame_and_to_the_pixel(scene):
    video, true = subtitled(scene)
    marks, _ = found(video)
    assert marks.finding.status == "found"
    assert {(mark.first, mark.last, mark.kind) for mark in marks.finding.marks} == {(*SPAN, "text")}
    before, first, last, after = (next(marks.masks(n))[..., 0] > 0 for n in (12, 13, 50, 51))
    assert not before.any()
    assert not after.any()
    assert (first & true).sum() > 0.97 * true.sum()
    assert (first & ~cv2.dilate(true.astype(np.uint8), np.ones((9, 9))).astype(bool)).sum() == 0
    assert (first == last).all()


def test_masks_that_stay_are_the_same_array():
    marks, _ = found(subtitled(moving)[0])
    first, second = islice(marks.masks(20), 2)
    assert first is second
    assert first.shape == (*SIZE, 1)
    assert first.dtype == np.float32


@pytest.mark.parametrize("scene", [moving, still, cut])
def test_a_clip_without_text_is_left_alone(scene):
    marks, steps = found(Drawn(scene, 72))
    assert marks.finding.status == "nothing"
    assert not next(marks.masks(30)).any()
    assert found(Drawn(scene, 72), steps[-1])[1] == []


def test_lettering_that_moves_with_the_scene_is_left_alone():
    ink, alpha = letters((SIZE[0], 4 * SIZE[1]), "Fresh bread and milk every day", (0.1, 0.5))

    def signs(number):
        """The camera stops before a sign, and goes on."""
        left = 3 * min(number, 20) + 3 * max(number - 50, 0)
        base = texture((SIZE[0], 4 * SIZE[1]), left=0)
        return np.where(alpha[..., None] > 0, ink, base)[:, left : left + SIZE[1]]

    assert found(Drawn(signs, 72))[0].finding.status == "nothing"


def test_lettering_of_a_shot_comes_and_goes_with_it():
    """A still shot with a sign between two others."""
    ink, alpha = letters(SIZE, "Fresh bread and milk", (0.1, 0.5))

    def shots(number):
        base = texture(SIZE, left=0, seed=number // 24)
        return np.where(alpha[..., None] > 0, ink, base) if 24 <= number < 48 else base

    assert found(Drawn(shots, 72))[0].finding.status == "nothing"


def test_a_sign_that_something_passes_before_is_left_alone():
    ink, alpha = letters(SIZE, "Fresh bread and milk", (0.1, 0.5))

    def passed(number):
        picture = np.where(alpha[..., None] > 0, ink, texture(SIZE, left=0))
        if 20 <= number < 50:
            picture[60:140] = bands((80, SIZE[1]), left=2 * number)
        return picture

    assert found(Drawn(passed, 80))[0].finding.status == "nothing"


def test_text_that_is_always_there_is_left_to_who_finds_what_stands_still():
    assert found(subtitled(moving, span=(0, 71))[0])[0].finding.status == "nothing"


def test_text_that_is_there_from_the_first_frame_or_to_the_last_has_one_end():
    for span in ((0, 40), (30, 71)):
        (mark,) = found(subtitled(moving, span=span)[0])[0].finding.marks
        assert (mark.first, mark.last) == span


@pytest.mark.parametrize("frames", [0, 1, 2, 5, 9])
def test_very_short_clips_show_nothing(frames):
    marks, _ = found(Drawn(moving, frames))
    assert marks.finding.status == "nothing"
    assert not next(marks.masks(0)).any()


def test_a_plate_goes_with_its_text():
    video, _ = subtitled(moving, plate=(30, 60, 140), outline=0)
    marks, _ = found(video)
    plain = moving(30)
    plate = np.abs(video.picture(30).astype(int) - plain).max(axis=-1) > 0
    assert (next(marks.masks(30))[..., 0][plate] > 0).mean() > 0.95


def test_a_pass_goes_on_where_it_stopped_and_a_complete_one_is_not_repeated(monkeypatch):
    monkeypatch.setattr("mlx_vader.masks.text.source.KEEP_EVERY", 6)
    video, _ = subtitled(moving)
    whole, steps = found(video)
    assert len(steps) > 3
    for kept in steps:
        again, _ = found(video, kept)
        assert again.finding == whole.finding
        assert (next(again.masks(30)) == next(whole.masks(30))).all()
    video.reads.clear()
    assert found(video, steps[-1])[1] == []
    assert video.reads == []


def test_samples_are_kept_seldom():
    assert KEEP_EVERY * STEP >= 240
