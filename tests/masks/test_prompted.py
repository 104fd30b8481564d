"""Objects that are clicked on or named: how that is written, and that they are followed to both ends of the video."""

from dataclasses import dataclass

import numpy as np
import pytest

from mlx_vader.errors import UsageError
from mlx_vader.masks.clicks import parse_clicks, parse_words
from mlx_vader.masks.prompted import PromptedMasks

SIZE = 24, 32
FRAMES = 40


def square_at(number):
    """Where the object is: it moves by half a pixel a frame."""
    return 4 + number // 2


@dataclass
class Frame:
    levels: np.ndarray


@dataclass
class Video:
    """A bright square that moves to the right, from frame 5 on."""

    height: int = SIZE[0]
    width: int = SIZE[1]
    frames: int = FRAMES
    fields: bool = False
    top_first: bool = True

    def read(self, start, stop):
        for number in range(start, stop):
            levels = np.zeros((*SIZE, 3), np.uint8)
            if number >= 5:
                levels[8:14, square_at(number) : square_at(number) + 6] = 200
            yield Frame(levels)


class Bright:
    """Follows what is bright, if it is pointed at; knows two words."""

    names = ("bright", "words")

    def __init__(self):
        self.pointed = []

    def boxes(self, levels, words):
        rows, columns, _ = np.nonzero(levels)
        if words != "the square" or not len(rows):
            return []
        sure = 0.5 + 0.4 * columns.max() / SIZE[1]
        return [((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1), float(sure))]

    def track(self, frames, objects):
        self.pointed.append(objects)
        for levels in frames:
            yield (levels[..., :1] > 100).astype(np.float32)


def prompted(clicks=(), words=(), segmenter=None, kept=None):
    source = PromptedMasks(
        segmenter or Bright(), parse_clicks(clicks), parse_words(words), lambda seconds: int(10 * seconds)
    )
    steps = list(source.analyse(Video(), kept or {}))
    return source, steps


def test_an_object_is_followed_from_the_click_to_both_ends():
    source, _ = prompted("18,10@24")
    made = list(source.masks(0))
    assert len(made) == FRAMES
    for number, (mask, frame) in enumerate(zip(made, Video().read(0, FRAMES), strict=True)):
        assert np.array_equal(mask, (frame.levels[..., :1] > 100).astype(np.float32)), number
    (mark,) = source.finding.marks
    assert (mark.kind, mark.box) == ("click", (16, 8, 6, 6))
    assert source.finding.status == "found"


def test_points_and_frames_reach_the_network():
    segmenter = Bright()
    prompted("50%,25%+1,2-3,4@1s", segmenter=segmenter)
    assert segmenter.pointed == [[[(16.0, 6.0, 1), (1.0, 2.0, 1), (3.0, 4.0, 0)]]] * 2


def test_words_are_looked_for_all_along_and_the_surest_answer_counts():
    segmenter = Bright()
    source, _ = prompted(words="the square", segmenter=segmenter)
    left = square_at(FRAMES - 1)
    assert segmenter.pointed[0] == [[(left, 8, 2), (left + 6, 14, 3)]]
    (mark,) = source.finding.marks
    assert mark.kind == "prompt"
    assert 0.8 < mark.confidence < 1
    assert next(source.masks(10))[10, square_at(10) + 2]


def test_words_that_mean_nothing_here_find_nothing_and_say_so():
    source, _ = prompted(words="the circle")
    assert source.finding.status == "nothing"
    assert "the circle" in source.finding.reason
    assert not any(mask.any() for mask in source.masks(0))


def test_a_pass_that_was_complete_is_not_repeated():
    source, steps = prompted("18,10@24", "the square")
    segmenter = Bright()
    again, more = prompted("18,10@24", "the square", segmenter, steps[-1])
    assert more == []
    assert segmenter.pointed == []
    assert again.finding == source.finding
    assert all(np.array_equal(*pair) for pair in zip(source.masks(0), again.masks(0), strict=True))


def test_the_same_mask_is_the_same_array():
    source, _ = prompted("18,10@24")
    first, second = (mask for mask, _ in zip(source.masks(0), range(2), strict=False))
    assert first is second


@pytest.mark.parametrize(
    "texts",
    ["300", "300,", "a,b", "-300,60", "300,60@x", ["300,60", "-4,5@3"], "300;60", ""],
)
def test_what_is_no_click_is_refused_with_a_hint(texts):
    with pytest.raises(UsageError) as error:
        parse_clicks(texts)
    assert error.value.hint


def test_a_click_goes_on_in_the_next_text():
    (joined,) = parse_clicks(["300,80", "+340,90", "-280,60"])
    (whole,) = parse_clicks("300,80+340,90-280,60")
    assert joined == whole
    assert [there for *_, there in whole.points] == [True, True, False]


def test_each_click_is_another_object():
    assert len(parse_clicks(["300,80", "40,50@3"])) == 2


def test_words_may_hold_an_at():
    assert parse_words("me@home")[0].text == "me@home"
    assert parse_words("the logo@2.5s")[0].at == (2.5, True)
    with pytest.raises(UsageError):
        parse_words(" @3")


def test_a_click_outside_the_frame_is_refused():
    with pytest.raises(UsageError) as error:
        prompted("40,10")
    assert "32x24" in error.value.hint
