"""What a mask hides comes from other frames where it shows, and from around it elsewhere."""

from collections.abc import Iterator

import numpy as np
import pytest

from mlx_vader.inpainting import propagating
from mlx_vader.inpainting.filling import Filling
from mlx_vader.inpainting.propagating import Propagating
from mlx_vader.inpainting.propagation.passes import BLOCK
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.metrics import psnr
from mlx_vader.process import Process, edits_of
from mlx_vader.video.in_memory import ClipInMemory
from tests.inpainting.test_unblend import scene

COUNT = 24
#: The patch is 24 pixels wide and moves by 7 a frame over a scene that pans by 17.
PATCH, STEP = 24, 7


@pytest.fixture(scope="module")
def spoiled() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A clip, the same with a patch that moves, and the patch's masks."""
    clip = to_unit(to_levels(scene(COUNT)))
    seen, masks = clip.copy(), np.zeros((*clip.shape[:3], 1), np.float32)
    for number in range(COUNT):
        left = 10 + STEP * number % 150
        masks[number, 60 : 60 + PATCH, left : left + PATCH] = 1
    seen[masks[..., 0] > 0] = 0.9, 0.1, 0.2
    return clip, seen, masks


def inpainted(process: Process, clip: np.ndarray) -> np.ndarray:
    return np.stack([edit.frame.edited(edit.patches()).rgb for edit in edits_of(process, ClipInMemory(clip))])


def quality(made: np.ndarray, clip: np.ndarray, masks: np.ndarray) -> float:
    hidden = masks[..., 0] > 0
    return float(psnr(made[hidden], clip[hidden]))


def test_what_shows_elsewhere_is_fetched(spoiled):
    clip, seen, masks = spoiled
    process = Propagating(ArrayMasks(masks), ["membrane"])
    made = inpainted(process, seen)
    filled = inpainted(Filling(ArrayMasks(masks), "membrane"), seen)
    assert quality(made, clip, masks) > quality(filled, clip, masks) + 8
    assert process.finding.fetched > 0.8


def test_the_rest_keeps_its_samples(spoiled):
    _, seen, masks = spoiled
    made = inpainted(Propagating(ArrayMasks(masks), ["plain"]), seen)
    kept = masks[..., 0] == 0
    assert np.array_equal(made[kept], seen[kept])


def test_nothing_is_fetched_across_a_cut(spoiled):
    """The second half shows another scene: the first frames after the cut would be the nearest source."""
    clip, seen, masks = spoiled
    half = COUNT // 2
    other, hidden = 1 - clip[::-1, ::-1], masks[..., 0] > 0
    cut = np.concatenate([seen[:half], np.where(masks[half:] > 0, seen[half:], other[half:])])
    made = inpainted(Propagating(ArrayMasks(masks), ["membrane"]), cut)
    alone = inpainted(Propagating(ArrayMasks(masks[:half]), ["membrane"]), seen[:half])
    assert np.abs(made[:half] - alone)[hidden[:half]].mean() < 0.002


@pytest.mark.parametrize("hole", [np.s_[40:90, 60:120], np.s_[:, :], np.s_[:5, :]])
def test_what_never_shows_is_filled_as_by_the_fill(hole):
    """A still picture with a still hole."""
    clip = np.repeat(to_unit(to_levels(scene(1))), 5, axis=0)
    masks = np.zeros((*clip.shape[:3], 1), np.float32)
    masks[(slice(None), *hole)] = 1
    process = Propagating(ArrayMasks(masks), ["membrane"])
    assert np.array_equal(inpainted(process, clip), inpainted(Filling(ArrayMasks(masks), "membrane"), clip))
    assert process.finding.fetched == 0


@pytest.mark.parametrize("size", [(9, 9), (17, 33), (40, 31)])
def test_small_and_odd_clips_of_one_frame_are_filled(size):
    clip = scene(1)[:, : size[0], : size[1]]
    masks = np.zeros((1, *size, 1), np.float32)
    masks[:, 3:6, 2:7] = 1
    made = inpainted(Propagating(ArrayMasks(masks), ["membrane"]), clip)
    assert np.array_equal(made, inpainted(Filling(ArrayMasks(masks), "membrane"), clip))


def test_frames_without_a_hole_wait_for_nobody():
    """Of a clip whose masks are empty no more than two frames are held."""
    clip = scene(30)
    read = 0

    def frames() -> Iterator[object]:
        nonlocal read
        for frame in ClipInMemory(clip).read(0, len(clip)):
            read += 1
            yield frame

    process = Propagating(ArrayMasks(np.zeros((*clip.shape[:3], 1), np.float32)), ["membrane"])
    for given, chunk in enumerate(process.chunks(frames(), {}), start=1):
        assert read - given <= 1
        (edit,) = chunk.edits
        assert not edit.patches()


def test_large_frames_do_not_wait_for_others(spoiled, monkeypatch):
    _, seen, masks = spoiled
    monkeypatch.setattr(propagating, "LARGE_FRAME", seen.shape[1] * seen.shape[2] - 1)
    process = Propagating(ArrayMasks(masks), ["membrane"])
    assert np.array_equal(inpainted(process, seen), inpainted(Filling(ArrayMasks(masks), "membrane"), seen))
    assert process.finding.fetched is None


@pytest.mark.parametrize("first", [0, 7])
def test_a_run_goes_on_where_it_stopped(spoiled, first):
    """The same pixels as without a stop; `first`: the frame with the first hole."""
    _, seen, masks = spoiled
    seen, masks = np.tile(seen, (3, 1, 1, 1)), np.tile(masks, (3, 1, 1, 1))
    masks[:first] = 0
    video = ClipInMemory(seen)
    whole = list(Propagating(ArrayMasks(masks), ["membrane"], 12).chunks(video.read(0, len(seen)), {}))
    stopped = next(n for n, chunk in enumerate(whole) if len(chunk.edits) == BLOCK)
    done = sum(len(chunk.edits) for chunk in whole[: stopped + 1])
    again = Propagating(ArrayMasks(masks), ["membrane"], 12)
    rest = again.chunks(video.read(done, len(seen)), whole[stopped].carry())
    expected = [edit for chunk in whole[stopped + 1 :] for edit in chunk.edits]
    made = [edit for chunk in rest for edit in chunk.edits]
    assert len(made) == len(expected) == len(seen) - done
    for one, other in zip(made, expected, strict=True):
        assert np.array_equal(one.frame.edited(one.patches()).rgb, other.frame.edited(other.patches()).rgb)
    assert again.finding.fetched == pytest.approx(0.9, abs=0.1)
