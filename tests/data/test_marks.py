"""Clips with marks that stand still, and the batches of their statistics."""

from itertools import islice

import numpy as np
import pytest

from mlx_vader.data import dummy_source, open_source
from mlx_vader.data.mark_batches import FIRST, MarkBatches, MarkSample, Samples, stacked, varied
from mlx_vader.data.marked_clips import Overlay, certainty, marked_clip
from mlx_vader.data.whole_videos import KEPT, spread_clip, spread_frames
from mlx_vader.errors import UsageError
from mlx_vader.masks.static.statistics import CHANNELS, NAMES, inverted, mirrored, statistics
from mlx_vader.video import write_video

SIZE = 48


@pytest.fixture(scope="module")
def clips():
    return [marked_clip(dummy_source(), key, SIZE) for key in range(12)]


def test_a_key_makes_one_clip(clips):
    again = marked_clip(dummy_source(), 3, SIZE)
    assert (again.frames == clips[3].frames).all()
    assert (again.mask == clips[3].mask).all()
    assert not (again.frames.shape == clips[4].frames.shape and (again.frames == clips[4].frames).all())


def test_there_are_clips_with_marks_and_without_and_those_at_rest_hardly_count(clips):
    assert 0 < sum(clip.mask.any() for clip in clips) < len(clips)
    for clip in clips:
        assert clip.frames.shape[1:] == (SIZE, SIZE, 3)
        assert clip.mask.shape == clip.certainty.shape == (SIZE, SIZE)
        assert clip.certainty.min() > 0
        if clip.still:
            assert (clip.certainty[clip.mask] < 0.5).all()


def test_an_overlay_covers_and_its_mask_has_no_faint_rim():
    alpha = np.zeros((4, 6, 1), np.float32)
    alpha[1, 1:5, 0] = 0.8, 0.5, 0.1, 0.03
    mark = Overlay(alpha, np.repeat(alpha, 3, axis=-1))
    assert mark.mask()[1].tolist() == [False, True, True, False, False, False]
    assert mark.over(np.zeros((2, 4, 6, 3), np.float32))[1, 1, 1, 0] == np.float32(0.8)


def test_what_motion_proves_counts_and_a_sign_at_rest_hardly():
    mask, signs, moved = (np.zeros((60, 60), bool) for _ in range(3))
    mask[10:20, 10:20] = mask[40:50, 40:50] = True
    signs[10:20, 40:50] = signs[25:29, 5:9] = True
    moved[:30, :30] = True
    weight = certainty(mask, signs, moved)
    assert weight[15, 15] == weight[27, 7] == weight[55, 5] == 1
    assert weight[15, 45] < weight[45, 45] < 0.5
    # Where nearly everything moves, a mark on even ground is one too.
    moved[:] = True
    moved[35:55, 35:55] = False
    assert weight[45, 45] < certainty(mask, signs, moved)[45, 45] < 1


def test_a_clip_of_a_whole_video_has_frames_that_lie_apart(tmp_path):
    (tmp_path / "train").mkdir()
    path = tmp_path / "train" / "long.mp4"
    with write_video(path, frame_rate=25, crf=4) as out:
        for number in range(120):
            out.write(np.full((64, 96, 3), number / 120, np.float32))
    assert len(spread_frames(path)) == KEPT
    clip = spread_clip(path, np.random.default_rng(0), 12, SIZE)
    assert clip.shape == (12, SIZE, SIZE, 3)
    assert abs(int(clip[-1].mean()) - int(clip[0].mean())) > 255 * 0.3
    assert open_source(tmp_path).videos == (path,)


def as_levels(values):
    return np.rint(127 * values).astype(np.int8)


def test_light_for_dark_is_the_statistics_of_the_negative():
    frames = np.random.default_rng(0).integers(0, 256, (9, 20, 24, 3)).astype(np.uint8)
    ours, wanted = inverted(as_levels(statistics(frames))), as_levels(statistics(255 - frames))
    assert np.abs(ours.astype(int) - wanted).max() <= 2


def test_left_for_right_is_nearly_the_statistics_of_the_mirrored_clip():
    frames = np.random.default_rng(0).integers(0, 256, (9, 20, 24, 3)).astype(np.uint8)
    ours, wanted = mirrored(statistics(frames)), statistics(frames[:, :, ::-1])
    # What joins both gradients of a pixel lies a pixel beside, and at the border there is none.
    joined = [
        NAMES.index(name)
        for name in ("mean_to_spread", "agreeing", "color_mean_to_spread", "shots_deviation")
    ]
    own = [place for place in range(CHANNELS) if place not in [*joined, NAMES.index("shots_weakest")]]
    assert np.abs(ours - wanted)[:, :-1, own].max() < 1e-5


def sample(size=SIZE):
    random = np.random.default_rng(1)
    features = random.integers(-127, 128, (size, size, CHANNELS)).astype(np.int8)
    return MarkSample(features, random.random((size, size)) > 0.5, np.full((size, size), 255, np.uint8), True)


def test_a_crop_is_the_same_place_of_everything():
    whole = sample()
    crop = varied(whole, 16, np.random.default_rng(3))
    places = [
        (top, left)
        for top in range(SIZE - 15)
        for left in range(SIZE - 15)
        if (whole.mask[top : top + 16, left : left + 16] == crop.mask).all()
    ]
    ((top, left),) = places
    seen = whole.features[top : top + 16, left : left + 16]
    assert (crop.features == seen).all() or (crop.features == inverted(seen)).all()


def test_batches_hold_numbers_from_minus_one_to_one():
    batch = stacked([sample(), sample()])
    assert batch.features.shape == (2, 1, SIZE, SIZE, CHANNELS)
    assert batch.mask.shape == batch.certainty.shape == (2, 1, SIZE, SIZE, 1)
    assert batch.still.tolist() == [[[1.0]], [[1.0]]]
    assert np.abs(batch.features).max() == batch.certainty.max() == 1


def test_a_sample_is_composed_once_and_a_damaged_file_is_made_anew(tmp_path):
    samples = Samples(dummy_source(), 0, SIZE, tmp_path / "samples")
    first = samples.sample(5)
    (path,) = (tmp_path / "samples").iterdir()
    written = path.stat().st_mtime_ns
    assert (samples.sample(5).features == first.features).all()
    assert path.stat().st_mtime_ns == written
    path.write_bytes(path.read_bytes()[:100])
    assert (samples.sample(5).features == first.features).all()
    assert (Samples(dummy_source(), 0, SIZE).sample(5).features == first.features).all()


class Counting:
    """Samples that are their number, and cost nothing."""

    def __init__(self, monkeypatch):
        self.drawn = []

        def drawn(samples, number):
            self.drawn.append(number)
            return sample(16)

        monkeypatch.setattr(Samples, "sample", drawn)


def batches(**options):
    return MarkBatches(dummy_source(), **{"batch_size": 4, "size": 16, "seed": 1, "workers": 0} | options)


def test_a_batch_follows_from_its_step_and_ranks_share_it(monkeypatch):
    counting = Counting(monkeypatch)
    list(islice(batches().iterate(0), 6))
    whole = counting.drawn[:]
    counting.drawn.clear()
    list(islice(batches().iterate(4), 2))
    assert counting.drawn == whole[16:]
    counting.drawn.clear()
    list(islice(batches(rank=1, world=2).iterate(4), 1))
    assert counting.drawn == whole[18:20]


def test_new_samples_come_as_the_run_goes_on(monkeypatch):
    counting = Counting(monkeypatch)
    list(islice(batches().iterate(0), 20))
    assert max(counting.drawn) < FIRST + 20
    counting.drawn.clear()
    list(islice(batches().iterate(5000), 40))
    assert max(counting.drawn) > FIRST + 500


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(UsageError, match="does not divide"):
        batches(batch_size=3, world=2)
