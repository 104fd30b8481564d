"""A network as a process: where its work counts, what fills the holes, and what is left alone bit for bit."""

from fractions import Fraction

import numpy as np
import pytest

from mlx_vader.inpainting.fill import FILLS
from mlx_vader.inpainting.fill.membrane import fill_smooth_places
from mlx_vader.inpainting.filling import Filling
from mlx_vader.masks import REACH, blend, feathered
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.process import edits_of
from mlx_vader.streaming import Recurrent, Restoration, SlidingWindow
from mlx_vader.video import VideoFrame
from mlx_vader.video.color import BT709
from mlx_vader.video.frame import Traits
from mlx_vader.video.from_rgb import FromRgb
from mlx_vader.video.in_memory import ClipInMemory
from mlx_vader.video.to_rgb import Coding
from tests.streaming.backends import Identity, Leaky, Maskless, Numpy, Painter, ramp

SIZE = 40, 48
HOLE = np.zeros((*SIZE, 1), np.float32)
HOLE[16:22, 10:38] = 1
FRAME = np.full((*SIZE, 3), 0.25, np.float32)
PAINTED = np.where(HOLE > 0, np.float32(0.75), FRAME)


class Marking(Numpy):
    """Paints the hole, and says with a probability that it is one."""

    probability = 1.0
    made = PAINTED

    def _restore(self, frames, state, hint=None):
        from mlx_vader.backends import Restored

        mask = np.broadcast_to(np.float32(self.probability) * HOLE, (len(frames), *HOLE.shape))
        return Restored(np.broadcast_to(self.made, frames.shape).copy(), mask, None)


def marking(probability=1.0, made=PAINTED):
    backend = Marking(masks=True)
    backend.probability, backend.made = probability, made
    return backend


def process(backend, masks=None, fill="auto", strategy=None, **options):
    source = None if masks is None else ArrayMasks(masks)
    strategy = strategy or Recurrent()
    return Restoration(backend, strategy, weights="w", fill=FILLS[fill].fill, masks=source, **options)


def restored(made, clip):
    return np.stack([edit.frame.edited(edit.patches()).rgb for edit in edits_of(made, ClipInMemory(clip))])


@pytest.mark.parametrize(("probability", "smooth"), [(0.2, False), (0.4, True), (0.9, True)])
def test_blind_a_hole_is_where_the_network_says_so(probability, smooth):
    out = restored(process(marking(probability)), FRAME[None])[0]
    np.testing.assert_allclose(out, FRAME if smooth else PAINTED, atol=1e-6)


def test_told_that_there_are_no_marks_nothing_is_filled():
    out = restored(process(marking(), marks=False), FRAME[None])[0]
    np.testing.assert_allclose(out, PAINTED, atol=1e-6)


def test_told_that_there_are_no_marks_the_network_hears_so():
    out = restored(process(Painter(takes_hint=True), marks=False), FRAME[None])[0]
    np.testing.assert_array_equal(out[:, 0], 0)
    np.testing.assert_array_equal(out[:, 1], 1)


def test_a_given_mask_takes_the_place_of_the_networks():
    out = restored(process(marking(probability=0.0), HOLE[None]), FRAME[None])[0]
    filled = fill_smooth_places(PAINTED[None], HOLE[None])[0]
    np.testing.assert_allclose(out, blend(FRAME, filled, feathered(HOLE)), atol=1e-6)
    np.testing.assert_allclose(out, FRAME, atol=1e-6)


@pytest.mark.parametrize(("fill", "inside"), [("network", 0.75), ("membrane", 0.25), ("auto", 0.25)], ids=str)
def test_a_fill_is_chosen_by_name(fill, inside):
    out = restored(process(marking(), HOLE[None], fill=fill), FRAME[None])[0]
    np.testing.assert_allclose(out[HOLE[..., 0] > 0], inside, atol=1e-6)


def test_outside_the_mask_nothing_is_touched():
    random = np.random.default_rng(1)
    clip = random.random((3, *SIZE, 3), dtype=np.float32)
    out = restored(process(Leaky(), np.stack([HOLE] * 3)), clip)
    far = np.ones(SIZE, bool)
    far[16 - REACH : 22 + REACH, 10 - REACH : 38 + REACH] = False
    np.testing.assert_array_equal(out[:, far], clip[:, far])
    assert not np.array_equal(out[1:], clip[1:])


def test_an_empty_mask_leaves_the_very_same_frame():
    clip = np.stack(ramp(4, *SIZE))
    for edit in edits_of(process(Leaky(), np.zeros((4, *SIZE, 1), np.float32)), ClipInMemory(clip)):
        assert edit.frame.edited(edit.patches()) is edit.frame


def test_what_the_network_could_not_compute_is_neither_filled_nor_spoiled():
    broken = PAINTED.copy()
    broken[30, 30] = np.nan
    (edit,) = edits_of(process(marking(made=broken)), ClipInMemory(FRAME[None]))
    assert not edit.finite
    out = edit.frame.edited(edit.patches()).rgb
    np.testing.assert_array_equal(out[HOLE[..., 0] > 0], 0.75)
    np.testing.assert_array_equal(out[30, 30], FRAME[30, 30])


def test_a_network_that_wants_levels_gets_levels():
    class Levels(Identity):
        def run(self, inputs, state=None):
            assert inputs["seen"].dtype == np.uint8
            return super().run({"seen": inputs["seen"] / np.float32(255)}, state)

    clip = np.stack(ramp(2, *SIZE))
    out = restored(process(Levels(takes_levels=True)), clip)
    assert np.abs(out - clip).max() <= 0.51 / 255 + 1e-6 or out.shape == clip.shape


@pytest.mark.parametrize(("bits", "masked", "dtype"), [(8, True, "u1"), (10, True, "f4"), (8, False, "f4")])
def test_inside_a_mask_a_network_sees_the_levels_that_a_frame_has(bits, masked, dtype):
    """Elsewhere what it gives may differ by less than a level, and it sees fractions of one."""
    seen = []

    class Seeing(Maskless):
        def run(self, inputs, state=None):
            seen.append(inputs["seen"].dtype)
            unit = inputs["seen"] / np.float32(255) if dtype == "u1" else inputs["seen"]
            return super().run({"seen": unit}, state)

    stored = FromRgb("yuv420p10le" if bits == 10 else "yuv420p", BT709, full_range=False)(FRAME)
    frame = VideoFrame(stored, Traits(Coding(BT709, full_range=False)), 0, Fraction(1, 25), 0)
    made = process(Seeing(), HOLE[None] if masked else None)
    for chunk in made.chunks([frame], {}):
        for edit in chunk.edits:
            out = edit.frame.edited(edit.patches())
    assert seen == [np.dtype(dtype)]
    assert np.abs(out.rgb - frame.rgb).max() <= 1.5 / 255


@pytest.mark.parametrize("strategy", [Recurrent(), SlidingWindow(4, 2)])
@pytest.mark.parametrize("cut", [0, 1])
def test_it_goes_on_after_any_chunk(strategy, cut):
    clip, masks = np.stack(ramp(11, *SIZE)), np.stack([HOLE] * 11)
    video = ClipInMemory(clip)
    whole = restored(process(Leaky(), masks, strategy=strategy), clip)
    chunks = iter(process(Leaky(), masks, strategy=strategy).chunks(video.read(0, 11), {}))
    done = 0
    for _ in range(cut + 1):
        chunk = next(chunks)
        done += len(chunk.edits)
    rest = process(Leaky(), masks, strategy=strategy).chunks(video.read(done, 11), chunk.carry())
    edits = [edit for part in rest for edit in part.edits]
    assert [edit.frame.index for edit in edits] == list(range(done, 11))
    out = np.stack([edit.frame.edited(edit.patches()).rgb for edit in edits])
    np.testing.assert_array_equal(out, whole[done:])


class TestFillingAlone:
    """Without a network."""

    def test_a_hole_is_filled_from_around_it(self):
        made = Filling(ArrayMasks(HOLE[None]), "membrane")
        np.testing.assert_allclose(restored(made, PAINTED[None])[0], FRAME, atol=1e-4)

    def test_it_goes_on_after_any_chunk(self):
        clip = np.stack(ramp(20, *SIZE))
        masks = np.stack([np.roll(HOLE, shift, axis=1) for shift in range(20)])
        whole = restored(Filling(ArrayMasks(masks), "membrane"), clip)
        video = ClipInMemory(clip)
        first = next(iter(Filling(ArrayMasks(masks), "membrane").chunks(video.read(0, 20), {})))
        done = len(first.edits)
        rest = Filling(ArrayMasks(masks), "membrane").chunks(video.read(done, 20), first.carry())
        out = [edit.frame.edited(edit.patches()).rgb for part in rest for edit in part.edits]
        np.testing.assert_array_equal(np.stack(out), whole[done:])

    def test_what_it_depends_on_is_said(self):
        identity = Filling(ArrayMasks(HOLE[None]), "membrane").identity()
        assert identity["fill"] == "membrane"
