"""Marks that move, over scenes that are drawn here: what is found, where, and what is left alone."""

import cv2
import numpy as np
import pytest

from mlx_vader.masks.tracked.source import MovingMarks
from tests.masks.drawn_video import Drawn, letters, texture

SIZE = 180, 320
#: A plate with a word, as levels.
BADGE = np.full((24, 66, 3), (190, 30, 60), np.uint8)
cv2.putText(BADGE, "LIVE", (5, 18), cv2.FONT_HERSHEY_DUPLEX, 0.6, (255, 255, 255), 2)


def bounced(number, step=(1.5, 1.0)):
    """Where the badge is: straight on, and back from the borders."""
    room = np.array([SIZE[1] - BADGE.shape[1], SIZE[0] - BADGE.shape[0]])
    travelled = (40, 90) + number * np.array(step)
    return room - np.abs(travelled % (2 * room) - room)


def jumped(number):
    corners = [(10, 10), (240, 140), (240, 10), (10, 140)]
    return corners[number // 30 % 4]


def carried(number):
    """As a hand does: to and fro, ever faster and slower."""
    return 120 + 100 * np.sin(number / 14), 70 + 50 * np.sin(number / 23)


def passed(number):
    """From one side to the other."""
    return 10 + 1.5 * number, 60


def with_badge(place, *, frames=120, scene=lambda number: texture(SIZE, left=2 * number)):
    def picture(number):
        shift = np.array([[1, 0, place(number)[0]], [0, 1, place(number)[1]]], np.float32)
        alpha = cv2.warpAffine(np.ones(BADGE.shape[:2], np.float32), shift, SIZE[::-1])[..., None]
        moved = cv2.warpAffine(BADGE, shift, SIZE[::-1], borderMode=cv2.BORDER_REPLICATE)
        return scene(number) * (1 - alpha) + moved * alpha

    return Drawn(picture, frames)


def found(video, kept=None):
    marks = MovingMarks()
    return marks, list(marks.analyse(video, kept or {}))


@pytest.fixture(scope="module")
def bouncing():
    video = with_badge(bounced)
    return video, *found(video)


@pytest.mark.parametrize("number", [0, 33, 64, 119])
def test_a_badge_that_bounces_is_found_in_each_frame(bouncing, number):
    _, marks, _ = bouncing
    assert [(mark.kind, mark.first, mark.last) for mark in marks.finding.marks] == [("moving", 0, 119)]
    mask = next(marks.masks(number))[..., 0] > 0
    left, top = np.round(bounced(number)).astype(int)
    true = np.zeros(SIZE, bool)
    true[top : top + BADGE.shape[0], left : left + BADGE.shape[1]] = True
    assert (mask & true).sum() > 0.97 * true.sum()
    assert (mask & true).sum() > 0.75 * (mask | true).sum()


def test_a_logo_that_changes_its_place_is_found():
    marks, _ = found(with_badge(jumped))
    assert marks.finding.status == "found"
    assert (next(marks.masks(40))[140:164, 240:306] > 0).mean() > 0.97


@pytest.mark.parametrize("place", [carried, passed, lambda number: (200, 20)])
def test_what_moves_as_things_of_the_scene_do_or_stands_still_is_left_alone(place):
    assert found(with_badge(place))[0].finding.status == "nothing"


def test_a_scene_without_a_mark_is_left_alone_and_not_read_again():
    video = Drawn(lambda number: texture(SIZE, left=2 * number), 120)
    marks, steps = found(video)
    assert marks.finding.status == "nothing"
    assert not next(marks.masks(0)).any()
    video.reads.clear()
    assert found(video, steps[-1])[1] == []
    assert video.reads == []


def test_lettering_of_a_moving_scene_is_left_alone():
    ink, alpha = letters((SIZE[0], 4 * SIZE[1]), "Fresh bread and milk every day", (0.1, 0.5))
    scene = np.where(alpha[..., None] > 0, ink, texture((SIZE[0], 4 * SIZE[1]), left=0))

    def to_and_fro(number):
        left = 100 + abs(2 * number - 120)
        return scene[:, left : left + SIZE[1]]

    assert found(Drawn(to_and_fro, 120))[0].finding.status == "nothing"


@pytest.mark.parametrize("frames", [0, 1, 2, 30])
def test_very_short_clips_show_nothing(frames):
    assert found(with_badge(bounced, frames=frames))[0].finding.status == "nothing"


def test_a_pass_goes_on_where_it_stopped(bouncing):
    video, whole, steps = bouncing
    for kept in steps:
        again, _ = found(video, kept)
        assert again.finding == whole.finding
    assert found(video, steps[-1])[1] == []
