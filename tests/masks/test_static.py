"""Marks that stand still: statistics, what is believed of what the network says, the first pass over a video."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mlx_vader.masks.static import statistics as module
from mlx_vader.masks.static.gate import is_a_copy
from mlx_vader.masks.static.network import Seen, finder_of
from mlx_vader.masks.static.source import SAMPLES, StaticMarks, find
from mlx_vader.masks.static.statistics import CHANNELS, NAMES, find_shots, statistics

SIZE = 96, 128
LOGO = slice(20, 40), slice(80, 110)
SIGN = slice(60, 76), slice(20, 40)
#: A larger picture, and a place at its edge.
PAN = 160, 240
AT_EDGE = slice(10, 30), slice(5, 35)


def scene(frame, size=SIZE):
    """Smooth noise, another one for each number."""
    random = np.random.default_rng(frame)
    small = random.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    return cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)


def clip(frames=16, logo=True, moving=True, size=SIZE):
    pictures = np.stack([scene(frame if moving else 0, size) for frame in range(frames)])
    if logo:
        pictures[:, *LOGO] = 255
    return pictures


def channel(frames, name):
    return statistics(frames)[..., NAMES.index(name)]


def test_statistics_are_within_their_range_and_in_bands_as_in_one_piece(monkeypatch):
    whole = statistics(clip())
    assert whole.shape == (*SIZE, CHANNELS)
    assert np.abs(whole).max() <= 1
    monkeypatch.setattr(module, "_BAND", 40)
    assert np.abs(statistics(clip()) - whole).max() < 1e-5


def test_at_the_edge_of_a_mark_frames_agree_and_elsewhere_not():
    edge = 30, 79
    agreeing = channel(clip(), "agreeing")
    assert agreeing[edge] > 0.5
    assert agreeing[60:, :60].mean() < 0.25
    assert channel(clip(), "spread")[30, 90] == 0
    assert channel(clip(), "darkest")[30, 90] > 0.95


def test_cuts_are_shots_and_a_still_shot_counts_once():
    joined = np.concatenate([np.repeat(scene(number)[None], 5, axis=0) for number in range(3)])
    shots = find_shots(joined)
    assert shots.cut
    assert shots.labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert not find_shots(clip(moving=False)).cut


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_few_frames_have_statistics_too(frames):
    assert np.isfinite(statistics(clip(frames))).all()


@dataclass
class Frame:
    levels: np.ndarray
    damaged: bool = False


@dataclass
class Video:
    """With a logo from frame `first` to `last`. `damaged`: the frames that are; `reads`: what was read."""

    frames: int = 64
    moving: bool = True
    height: int = SIZE[0]
    width: int = SIZE[1]
    fields: bool = False
    top_first: bool = True
    damaged: tuple[int, ...] = ()
    first: int = 0
    last: int = 10**9
    sign: bool = False
    reads: list = field(default_factory=list)

    def read(self, start, stop):
        self.reads.append((start, stop))
        for number in range(start, stop):
            levels = scene(number if self.moving else 0, (self.height, self.width))
            if self.sign:
                levels[:, :64] = 90
                levels[SIGN] = 255
            if self.first <= number <= self.last:
                levels[LOGO] = 255
            yield Frame(np.zeros_like(levels) if number in self.damaged else levels, number in self.damaged)


def see(stats):
    """A network that marks what is bright in all frames."""
    return Seen((stats[..., NAMES.index("darkest")] > 0.9).astype(np.float32), 0.0)


def edges(stats):
    """One that knows where the logo would be."""
    mask = np.zeros(stats.shape[:2], np.float32)
    mask[LOGO] = 1
    return Seen(mask, 0.0)


def analysed(video, kept=None):
    marks = StaticMarks(see, "weights")
    steps = list(marks.analyse(video, kept or {}))
    return marks, steps


def test_a_video_is_looked_at_all_along_and_has_one_mask():
    marks, steps = analysed(Video())
    assert marks.finding.status == "found"
    assert marks.finding.marks[0].box == (80, 20, 30, 20)
    first, second = (mask for mask, _ in zip(marks.masks(3), range(2), strict=False))
    assert first is second
    assert first.shape == (*SIZE, 1)
    assert first[30, 90, 0] == 1
    assert first.sum() == 600
    assert all(set(step) == {"frames", "numbers"} for step in steps[:-1])


def test_an_interrupted_pass_goes_on_and_a_complete_one_is_not_repeated():
    whole, steps = analysed(Video())
    resumed, video = StaticMarks(see, "weights"), Video()
    assert len(list(resumed.analyse(video, steps[1]))) == len(steps) - 2
    assert video.reads[0][0] > 0
    again, unread = StaticMarks(see, "weights"), Video()
    assert list(again.analyse(unread, steps[-1])) == []
    assert unread.reads == []
    for marks in (resumed, again):
        assert marks.finding == whole.finding
        assert (next(marks.masks(0)) == next(whole.masks(0))).all()


def test_a_long_video_is_not_read_through():
    video = Video(frames=20_000)
    analysed(video)
    assert len(video.reads) == SAMPLES
    assert all(stop - start < 100 for start, stop in video.reads)


def test_damaged_frames_do_not_count():
    marks, _ = analysed(Video(damaged=tuple(range(4, 12))))
    assert marks.finding.status == "found"


@pytest.mark.parametrize("video", [Video(frames=1), Video(moving=False)])
def test_what_shows_no_change_is_undecidable(video):
    marks, _ = analysed(video)
    assert marks.finding.status == "undecidable"
    assert not next(marks.masks(0)).any()


def test_a_mark_that_is_there_for_a_part_of_the_video_has_a_mask_for_that_part():
    marks = StaticMarks(edges, "weights")
    list(marks.analyse(Video(frames=120, first=23, last=101), {}))
    (mark,) = marks.finding.marks
    assert (mark.first, mark.last) == (23, 101)
    masks = [mask for mask, _ in zip(marks.masks(20), range(90), strict=False)]
    assert [index + 20 for index, mask in enumerate(masks) if mask.any()] == list(range(23, 102))
    assert len({id(mask) for mask in masks}) == 2


def test_what_is_not_passed_behind_is_left_and_can_be_chosen():
    found, _steps = analysed(Video(sign=True))
    treated = [mark.treated for mark in found.finding.marks]
    assert sorted(treated) == ["left", "taken"]
    found.choose([treated.index("left")])
    assert [mark.treated for mark in found.finding.marks] == [
        "taken" if t == "left" else "left" for t in treated
    ]
    mask = next(found.masks(0))[..., 0]
    assert mask[SIGN].all()
    assert not mask[LOGO].any()


def test_on_a_still_scene_a_mark_can_be_chosen():
    found, _steps = analysed(Video(moving=False))
    assert not next(found.masks(0)).any()
    found.choose([0])
    assert next(found.masks(0))[LOGO].all()


def test_a_backend_is_asked_for_what_it_sees():
    class Backend:
        def run(self, inputs):
            (statistics,) = inputs["statistics"]
            mask = statistics[None, ..., :1]
            return SimpleNamespace(values={"mask": mask, "undecidable": np.array([[0.25]])})

    statistics = np.ones((4, 5, CHANNELS), np.float32)
    seen = finder_of(Backend())(statistics)
    assert seen.mask.shape == (4, 5)
    assert seen.undecidable == 0.25


def test_a_network_is_asked_of_mirrored_statistics_and_the_mean_lies_where_they_do():
    class Backend:
        def run(self, inputs):
            (statistics,) = inputs["statistics"]
            asked.append(statistics)
            mask = np.zeros((1, 4, 5, 1), np.float32)
            mask[0, :, 0] = 1
            return SimpleNamespace(values={"mask": mask, "undecidable": np.array([[0.5]])})

    asked = []
    seen = finder_of(Backend())(np.ones((4, 5, CHANNELS), np.float32))
    assert len(asked) == 4
    assert seen.mask[0].tolist() == [0.5, 0, 0, 0, 0.5]


def panned(frames=24):
    """A camera pans along a wall: the picture changes where it has texture, along a slanting stripe."""
    random = np.random.default_rng(0)
    wall = cv2.resize(
        random.integers(0, 256, (20, 60, 3)).astype(np.uint8), (480, 160), interpolation=cv2.INTER_CUBIC
    )
    pictures = np.full((frames, *PAN, 3), 180, np.uint8)
    shape = np.zeros(PAN, np.uint8)
    cv2.fillPoly(shape, [np.array([[50, 0], [130, 159], [205, 159], [130, 0]])], 1)
    for number, picture in enumerate(pictures):
        picture[shape > 0] = wall[:, 5 * number : 5 * number + PAN[1]][shape > 0]
    return pictures


def sees(*places, sure=1.0):
    mask = np.zeros(PAN, np.float32)
    for place in places:
        mask[place] = sure
    return lambda stats: Seen(mask, 0.0)


def test_beside_a_camera_that_pans_along_even_ground_a_mark_is_believed():
    pictures = panned()
    pictures[:, *AT_EDGE] = 255
    assert find(pictures, sees(AT_EDGE)).finding.status == "found"


def test_beside_a_film_within_a_page_nothing_is_believed():
    pictures = np.full((24, *PAN, 3), 180, np.uint8)
    pictures[:, 20:150, 90:230] = [cv2.resize(scene(number), (140, 130)) for number in range(24)]
    pictures[:, *AT_EDGE] = 255
    decision = find(pictures, sees(AT_EDGE))
    assert decision.finding.status == "undecidable"
    assert not decision.mask.any()


def test_what_has_the_shape_of_a_mark_that_is_believed_is_one_too():
    one = np.zeros((40, 60), bool)
    one[4:10, 5:20] = one[6, 8:30] = True
    moved, other = np.roll(one, (15, 20), axis=(0, 1)), np.zeros_like(one)
    other[20:36, 10:14] = True
    assert is_a_copy(moved, one, 0.6)
    assert not is_a_copy(moved, one, 0.3)
    assert not is_a_copy(other, one, 0.9)


def test_what_stays_in_many_shots_is_believed_however_large():
    joined = np.concatenate([np.repeat(scene(number, PAN)[None], 5, axis=0) for number in range(5)])
    large = slice(0, 60), slice(0, 120)
    joined[:, *large] = (joined[:, *large] * 0.3 + 0.7 * 200).astype(np.uint8)
    assert find(joined, sees(large)).finding.status == "found"
    assert find(joined[:10], sees(large)).finding.status == "undecidable"


def test_large_pictures_are_made_smaller_and_boxes_and_masks_large_again(monkeypatch):
    monkeypatch.setattr("mlx_vader.masks.static.source.MOST_PIXELS", SIZE[0] * SIZE[1] // 4)
    marks, steps = analysed(Video())
    assert steps[0]["frames"].shape[1:] == (48, 64, 3)
    box = marks.finding.marks[0].box
    assert np.abs(np.array(box) - (80, 20, 30, 20)).max() <= 4
    assert next(marks.masks(0)).shape == (*SIZE, 1)


def test_frames_that_are_at_hand_are_judged_as_a_video_is():
    assert find(clip(), see).finding.status == "found"
    assert find(clip(moving=False), see).finding.status == "undecidable"
