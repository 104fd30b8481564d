"""The process: what is subtracted and what is filled, frame by frame; its first pass goes on where it stopped."""

from collections.abc import Iterator

import numpy as np
import pytest

from mlx_vader.inpainting.fill.membrane import fill_with_membrane
from mlx_vader.inpainting.filling import Filling
from mlx_vader.inpainting.unblending import Unblending
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.metrics.psnr import psnr
from mlx_vader.process import Finding, edits_of
from mlx_vader.video.in_memory import ClipInMemory
from tests.inpainting.test_unblend import SIZE, WORD, inside, marked, scene, strokes

ALPHA = 0.5


@pytest.fixture(scope="module")
def spoiled() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A clip, the same with a mark, and the mark's mask."""
    clip, opacity = scene(), ALPHA * strokes()
    return clip, to_unit(marked(clip, opacity, WORD)), opacity > 0.02


def masks_of(mask: np.ndarray, frames: int) -> np.ndarray:
    return np.broadcast_to(mask[..., None].astype(np.float32), (frames, *mask.shape, 1)).copy()


def cleaned(process: Unblending, clip: np.ndarray) -> np.ndarray:
    return np.stack([edit.frame.edited(edit.patches()).rgb for edit in edits_of(process, ClipInMemory(clip))])


def test_a_translucent_mark_is_subtracted_and_told(spoiled):
    clip, seen, mask = spoiled
    process = Unblending(ArrayMasks(masks_of(mask, len(seen))))
    made = cleaned(process, seen)
    filled = fill_with_membrane(seen, masks_of(mask, len(seen)))
    assert inside(made, clip, mask) > inside(filled, clip, mask) + 3
    assert process.finding.status == "told"
    (mark,) = process.finding.marks
    rows, columns = np.nonzero(mask)
    assert mark.box[:2] == (columns.min(), rows.min())
    assert mark.treated == "unblend"
    assert abs(mark.alpha - ALPHA) < 0.05
    assert np.abs(np.array(mark.colour) - 255 * WORD).max() < 26
    assert not process.finding.changes_nothing


def test_where_the_mask_changes_all_the_time_nothing_is_measured(spoiled):
    """Digits that count: each pixel is covered often, and shows in other frames."""
    clean, seen, mask = spoiled
    masks = masks_of(mask, len(seen))
    for number in range(len(masks)):
        masks[number, :, number % 3 :: 3] = 0
    process = Unblending(ArrayMasks(masks))
    made = cleaned(process, seen)
    assert not process.finding.marks
    filling = Filling(ArrayMasks(masks), "membrane")
    filled = np.stack([e.frame.edited(e.patches()).rgb for e in edits_of(filling, ClipInMemory(seen))])
    hidden = masks[..., 0] > 0
    assert psnr(made[hidden], clean[hidden]) > psnr(filled[hidden], clean[hidden]) + 3


def test_frames_without_the_mark_are_kept_bit_for_bit(spoiled):
    """The mask says when the mark is there; subtracting it from a frame without it would draw it anew, in negative."""
    clip, seen, mask = spoiled
    seen, masks = seen.copy(), masks_of(mask, len(seen))
    seen[16:], masks[16:] = clip[16:], 0
    process = Unblending(ArrayMasks(masks))
    made = cleaned(process, seen)
    assert np.array_equal(made[16:], seen[16:])
    assert process.finding.marks[0].treated == "unblend"
    assert inside(made[:16], clip[:16], mask) > 31


def test_what_moves_under_a_moving_mask_is_filled(spoiled):
    _, seen, _ = spoiled
    masks = np.zeros((len(seen), *SIZE, 1), np.float32)
    for index, mask in enumerate(masks):
        mask[40:52, 6 * index : 6 * index + 12] = 1
    process = Unblending(ArrayMasks(masks))
    made = cleaned(process, seen)
    assert all(mark.treated == "fill" for mark in process.finding.marks)
    for frame, before, mask in zip(made, seen, masks[..., 0] > 0, strict=True):
        assert not np.array_equal(frame[mask], before[mask])


def test_a_still_picture_is_filled(spoiled):
    _, seen, mask = spoiled
    process = Unblending(ArrayMasks(masks_of(mask, 1)))
    made = cleaned(process, seen[:1])
    assert [mark.treated for mark in process.finding.marks] == ["fill"]
    assert not np.array_equal(made[0][mask], seen[0][mask])


def test_an_empty_mask_changes_nothing(spoiled):
    _, seen, mask = spoiled
    made = cleaned(Unblending(ArrayMasks(masks_of(mask & False, len(seen)))), seen)
    assert np.array_equal(made, seen)


def test_the_first_pass_goes_on_after_an_interruption(spoiled):
    _, seen, mask = spoiled
    video, masks = ClipInMemory(seen), masks_of(mask, len(seen))
    steps = list(Unblending(ArrayMasks(masks)).analyse(video, {}))
    assert len(steps) > 2
    resumed = Unblending(ArrayMasks(masks))
    again = list(resumed.analyse(video, dict(steps[0])))
    assert len(again) == len(steps) - 1
    for name, array in steps[-1].items():
        assert np.array_equal(again[-1][name], array), name
    complete = Unblending(ArrayMasks(masks))
    assert list(complete.analyse(video, dict(steps[-1]))) == []
    assert complete.finding == resumed.finding


def test_where_nothing_is_found_nothing_is_looked_at(spoiled):
    class Nothing(ArrayMasks):
        def __init__(self) -> None:
            self.finding = Finding("nothing")

        def masks(self, start: int) -> Iterator[np.ndarray]:
            raise AssertionError("there is no mask")

    process = Unblending(Nothing())
    assert list(process.analyse(ClipInMemory(spoiled[1]), {})) == []
    assert process.finding.changes_nothing


def test_fields_are_measured_apart(spoiled):
    """The lines of a mark in one field are not those in the other."""
    clip, seen, mask = spoiled

    class Fields(ClipInMemory):
        fields = True

    def split(frames: np.ndarray) -> np.ndarray:
        return np.stack([frames[:, 0::2], frames[:, 1::2]], axis=1).reshape(
            -1, SIZE[0] // 2, *frames.shape[2:]
        )

    masks = split(masks_of(mask, len(seen)))
    process = Unblending(ArrayMasks(masks))
    made = np.stack([e.frame.edited(e.patches()).rgb for e in edits_of(process, Fields(split(seen)))])
    assert process.finding.marks[0].treated == "unblend"
    error = np.square(made - split(clip))[masks[..., 0] > 0].mean()
    assert -10 * np.log10(error) > 30


def test_what_stays_is_no_surroundings_for_what_changes_beside_it():
    """A clock: letters that stay, and right beside them digits that change, over a scene that stands still."""
    clip = to_unit(to_levels(scene(32, moving=False)))
    masks = np.zeros((*clip.shape[:3], 1), np.float32)
    masks[:, 60:72, 40:90] = 1
    for number in range(len(masks)):
        masks[number, 60 + number % 5 : 72, 90:110] = 1
    seen = np.where(masks > 0, np.float32(0.95), clip)
    made = cleaned(Unblending(ArrayMasks(masks)), seen)
    filling = Filling(ArrayMasks(masks), "membrane")
    filled = np.stack([e.frame.edited(e.patches()).rgb for e in edits_of(filling, ClipInMemory(seen))])
    hidden = masks[..., 0] > 0
    assert psnr(made[hidden], clip[hidden]) > psnr(filled[hidden], clip[hidden]) - 0.5
