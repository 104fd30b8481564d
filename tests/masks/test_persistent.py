"""What a network sees is believed only where it persists, the scene moves behind it, and it is small."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest

from mlx_vader.masks.persistent import FRAMES_PER_LOOK, LOOKS, PersistentMarks, decide
from mlx_vader.process import SourceFrame

SIZE = 90, 160
LOGO = slice(10, 22), slice(120, 150)


@dataclass
class Frame:
    rgb: np.ndarray
    height: int = SIZE[0]
    width: int = SIZE[1]
    levels: None = None
    damaged: bool = False


@dataclass
class Video:
    """Noise that changes from frame to frame, or stays; with a logo, and with what the network is to see."""

    frames: int = 60
    moving: bool = True
    logo: bool = True
    height: int = SIZE[0]
    width: int = SIZE[1]
    fields: bool = False
    top_first: bool = True

    def read(self, start, stop):
        for index in range(start, stop):
            random = np.random.default_rng(index if self.moving else 0)
            rgb = np.repeat(random.random((*SIZE, 1), dtype=np.float32), 3, axis=-1)
            if self.logo:
                rgb[LOGO] = 1
            yield Frame(rgb)


def seen_at(*boxes, probability=1.0):
    """A network that marks the boxes in every frame."""

    def see(frames):
        *_, last = frames
        mask = np.zeros((*last.rgb.shape[:2], 1), np.float32)
        for rows, columns in boxes:
            mask[rows, columns] = probability
        return mask

    return see


def found(see, video=None, kept=None):
    marks = PersistentMarks(see, "weights")
    steps = list(marks.analyse(video or Video(), kept or {}))
    return marks, steps


def test_a_logo_over_a_moving_scene_is_found():
    marks, steps = found(seen_at(LOGO))
    assert marks.finding.status == "found"
    assert marks.finding.marks[0].box == (120, 10, 30, 12)
    assert marks.finding.marks[0].treated == "taken"
    assert len(steps) == LOOKS
    first, second = islice(marks.masks(7), 2)
    assert first is second
    wanted = np.zeros((*SIZE, 1), np.float32)
    wanted[LOGO] = 1
    assert np.array_equal(first, wanted)


def test_on_a_still_scene_nothing_can_be_decided():
    """A letter of the scene and a logo look the same to the network, and both stand still."""
    marks, _ = found(seen_at(LOGO), Video(moving=False))
    assert marks.finding.status == "undecidable"
    assert marks.finding.reason
    assert [mark.treated for mark in marks.finding.marks] == ["left"]
    assert not next(marks.masks(0)).any()


def test_what_moves_with_the_scene_is_not_a_mark():
    def see(frames):
        frames = list(frames)
        place = int(1e6 * frames[-1].rgb[0, 0, 0]) % 60
        return seen_at((slice(40, 60), slice(place, place + 40)))(frames)

    marks, _ = found(see, Video(logo=False))
    assert marks.finding.status in {"nothing", "undecidable"}
    assert not next(marks.masks(0)).any()


def test_what_changes_as_the_scene_does_is_no_mark():
    """A window or a sign that a moving camera shows at the same place."""
    marks, _ = found(seen_at(LOGO), Video(logo=False))
    assert marks.finding.status == "undecidable"


def test_a_network_that_marks_half_the_picture_is_not_believed():
    calls = 0

    def see(frames):
        nonlocal calls
        calls += 1
        rest = slice(30, 90) if calls % 2 else slice(30, 40)
        return seen_at(LOGO, (rest, slice(0, 100)))(frames)

    marks, _ = found(see)
    assert marks.finding.status == "undecidable"
    assert "%" in marks.finding.reason
    assert not next(marks.masks(0)).any()


def test_a_large_mark_is_left_alone():
    marks, _ = found(seen_at((slice(0, 45), slice(0, 80))), Video(logo=False))
    assert marks.finding.status == "undecidable"


def test_a_mark_that_was_left_can_be_chosen():
    """Nothing moves, so that nothing is believed; whoever chooses knows better."""
    marks, _ = found(seen_at(LOGO), Video(moving=False))
    marks.choose([0])
    chosen = next(marks.masks(0))
    assert np.array_equal(chosen[..., 0] > 0, _inside(LOGO))
    marks.choose([])
    assert not next(marks.masks(0)).any()


def _inside(box):
    inside = np.zeros(SIZE, bool)
    inside[box] = True
    return inside


def test_nothing_seen_is_nothing_found():
    assert found(seen_at())[0].finding.status == "nothing"


@pytest.mark.parametrize("frames", [1, 5])
def test_few_frames_show_nothing(frames):
    marks, steps = found(seen_at(LOGO), Video(frames=frames))
    assert marks.finding.status == "undecidable"
    assert not steps


def test_an_interrupted_look_goes_on_where_it_stopped():
    asked = []

    def see(frames):
        frames = list(frames)
        asked.append(len(frames))
        return seen_at(LOGO)(frames)

    _, steps = found(see)
    assert asked == [FRAMES_PER_LOOK] * LOOKS
    asked.clear()
    marks, rest = found(see, kept=steps[4])
    assert len(rest) == len(asked) == LOOKS - 5
    assert marks.finding.status == "found"
    asked.clear()
    assert found(see, kept=steps[-1])[0].finding.status == "found"
    assert not asked


def test_a_large_video_is_looked_at_in_a_smaller_size():
    class Large(Video):
        def read(self, start, stop):
            for frame in super().read(start, stop):
                yield Frame(frame.rgb.repeat(24, axis=0).repeat(24, axis=1)[:2150, :3833])

    rows, columns = LOGO
    large = slice(24 * rows.start, 24 * rows.stop), slice(24 * columns.start, 24 * columns.stop)
    marks, _ = found(seen_at(large), Large(height=2150, width=3833))
    assert marks.finding.status == "found"
    mask = next(marks.masks(0))
    assert mask.shape == (2150, 3833, 1)
    wanted = np.zeros_like(mask)
    wanted[large] = 1
    assert (mask != wanted).mean() < 0.001


@dataclass
class Broken(Video):
    """Grey pictures, which the decoder put in the place of those that it could not decode."""

    damaged: tuple[int, ...] = ()

    def read(self, start, stop):
        for index, frame in enumerate(super().read(start, stop), start):
            if index in self.damaged:
                yield Frame(np.full_like(frame.rgb, 0.5), damaged=True)
            else:
                yield frame


@pytest.mark.parametrize("damaged", [range(20, 60), range(57), range(1, 60, 2)])
def test_damaged_frames_are_not_looked_at(damaged):
    looked_at = []

    def see(frames):
        taken = list(frames)
        looked_at.extend(taken)
        return np.zeros((*taken[-1].rgb.shape[:2], 1), np.float32)

    _, steps = found(see, Broken(damaged=tuple(damaged)))
    assert len(steps) == LOOKS
    assert not any(frame.damaged for frame in looked_at)
    assert not (steps[-1]["luma"] == 128).all(axis=(1, 2)).any()


def test_where_all_is_damaged_it_is_looked_at_as_it_is():
    _, steps = found(seen_at(), Broken(damaged=tuple(range(60))))
    assert len(steps) == LOOKS


def test_a_mark_grows_to_where_it_is_seen_half_of_the_time():
    seen = np.zeros((10, *SIZE), np.uint8)
    seen[:, 40:44, 40:60] = 255
    seen[:6, 44:48, 40:60] = 255
    luma = np.random.default_rng(3).integers(0, 255, seen.shape, dtype=np.uint8)
    luma[:, 40:48, 40:60] = 200
    decision, _ = decide(seen, luma)
    assert decision.mask.sum() == 8 * 20
    assert 0.7 < decision.finding.marks[0].confidence < 0.9


def test_the_protocol_of_a_frame_is_what_the_sources_use():
    assert {"rgb", "levels", "height", "width", "damaged"} <= set(dir(SourceFrame))
