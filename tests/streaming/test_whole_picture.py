"""How strongly a network restores whole pictures: what noise and coding of the clip itself call for."""

import numpy as np
import pytest
from scipy import ndimage

from mlx_vader.backends import Restored
from mlx_vader.inpainting.fill import FILLS
from mlx_vader.process import edits_of
from mlx_vader.streaming import Recurrent, Restoration
from mlx_vader.streaming.evidence import blockiness, jumps, noise_of
from mlx_vader.streaming.whole_picture import DEBLOCKING, Look, WholePicture, decided
from mlx_vader.video.in_memory import ClipInMemory
from tests.streaming.backends import Numpy

SIZE = 160, 192
COUNT = 12


class Smoothing(Numpy):
    """A mean over a few pixels."""

    calls = 0
    width = 5

    def _restore(self, frames, state, hint=None):
        self.calls += 1
        return Restored(ndimage.uniform_filter(frames, (0, self.width, self.width, 0)), None, None)


def scene(moving=3.0):
    """Soft shapes under a camera that pans by so many pixels a frame."""
    rng = np.random.default_rng(3)
    world = ndimage.gaussian_filter(rng.normal(size=(SIZE[0], SIZE[1] + 80, 3)), (9, 9, 0), mode="wrap")
    world = 0.5 + 0.15 * world / world.std()
    shown = [ndimage.shift(world, (0, -moving * t, 0), order=1)[:, 10 : SIZE[1] + 10] for t in range(COUNT)]
    return np.clip(np.stack(shown), 0.05, 0.95).astype(np.float32)


def textured():
    """The same with a fine texture, which smoothing takes for noise."""
    texture = np.random.default_rng(4).normal(0, 0.02, (*SIZE, 1))
    texture[:, : SIZE[1] // 2] = 0
    return scene(0) + texture.astype(np.float32)


def noisy(clip, sigma, grain=0.0):
    noise = np.random.default_rng(5).normal(size=clip.shape)
    if grain:
        noise = ndimage.gaussian_filter(noise, (0, grain, grain, 0))
    return (clip + sigma / 255 * noise / noise.std()).astype(np.float32)


def blocky(clip):
    """Each block of 8x8 its own mean."""
    blocks = clip.reshape(COUNT, SIZE[0] // 8, 8, SIZE[1] // 8, 8, 3).mean(axis=(2, 4))
    return blocks.repeat(8, axis=1).repeat(8, axis=2)


def process(backend=None, strength=None):
    restoration = Restoration(
        backend or Smoothing(), Recurrent(), weights="w", fill=FILLS["network"].fill, marks=False
    )
    return WholePicture(restoration, "smoothing", strength)


def found(clip, backend=None):
    made = process(backend)
    for _ in made.analyse(ClipInMemory(clip), {}):
        pass
    return made.finding


def best_strength(clean, spoiled, backend=None):
    change = (backend or Smoothing())._restore(spoiled, None).frames - spoiled
    return float(((clean - spoiled) * change).sum() / (change**2).sum())


LUMA = np.sqrt(0.299**2 + 0.587**2 + 0.114**2)


@pytest.mark.parametrize("sigma", [3, 10, 25])
@pytest.mark.parametrize("moving", [0, 3.0])
def test_noise_is_measured_behind_motion(sigma, moving):
    level = noise_of(noisy(scene(moving), sigma)[:3]).level
    assert level == pytest.approx(LUMA * sigma, rel=0.1)


def test_grain_is_measured_as_well():
    assert noise_of(noisy(scene(), 10, grain=1.5)[:3]).level == pytest.approx(LUMA * 10, rel=0.15)


def test_motion_and_cuts_are_no_noise():
    assert noise_of(scene()[:3]).level < 0.5
    assert noise_of(np.stack([scene()[0], *(1 - scene(0)[:2])])).level < 0.5


def test_where_nothing_is_flat_enough_there_is_no_noise():
    assert noise_of(noisy(np.ones((3, *SIZE, 3), np.float32), 10)).level == 0


@pytest.mark.parametrize("shift", [0, 3])
def test_blocks_stand_out_wherever_their_grid_begins(shift):
    assert blockiness(jumps(np.roll(blocky(scene()), shift, axis=(1, 2))[0])) > 0.5
    assert blockiness(jumps(scene()[0])) < 0.05
    assert blockiness(jumps(noisy(scene(), 25)[0])) < 0.05


@pytest.mark.parametrize(
    ("clean", "sigma", "grain"),
    [(scene(), 10, 0), (textured(), 5, 0), (textured(), 10, 0), (scene(), 10, 1.0)],
)
def test_the_strength_is_nearly_the_best(clean, sigma, grain):
    spoiled = noisy(clean, sigma, grain)
    best = min(best_strength(clean, spoiled), 1)
    assert found(spoiled).restored.strength == pytest.approx(best, abs=0.12)


@pytest.mark.parametrize("clip", [scene(1.0), scene(0), textured(), np.zeros_like(scene())], ids="abcd")
def test_what_is_clean_is_left_and_costs_no_network(clip):
    backend = Smoothing()
    finding = found(clip, backend)
    assert finding.restored.strength == 0
    assert finding.changes_nothing
    assert not backend.calls


def test_nothing_is_copied_anew_for_a_network_that_changes_hardly_anything():
    class Faint(Smoothing):
        width = 1

    assert found(noisy(scene(), 10), Faint()).changes_nothing


def test_blocks_are_smoothed_by_half():
    assert found(blocky(scene())).restored.strength == DEBLOCKING


@pytest.mark.parametrize(("quantiser", "strength"), [(40.0, DEBLOCKING), (5.0, 0.0), (None, 0.0)])
def test_coarse_coding_is_smoothed_by_half(quantiser, strength):
    video = ClipInMemory(textured())
    video.quantiser = quantiser
    made = process()
    for kept in made.analyse(video, {}):  # noqa: B007 - the last one is wanted
        pass
    assert made.finding.restored.strength == strength
    assert made.finding.restored.quantiser == quantiser
    again = process()
    assert not list(again.analyse(ClipInMemory(textured()), kept))
    assert again.finding == made.finding


def test_blocks_in_a_finely_coded_file_belong_to_what_was_coded():
    video = ClipInMemory(blocky(scene()))
    video.quantiser = 5.0
    made = process()
    for _ in made.analyse(video, {}):
        pass
    assert made.finding.changes_nothing


def test_noise_is_not_believed_where_blocks_stand_out():
    look = Look(20.0, np.full((2, 8), 0.1), noise_taken=2.0, change=2.0)
    look.jumps[:, 0] = 1.0
    assert decided("n", [look]).strength == DEBLOCKING


def test_blocks_show_in_one_picture():
    assert found(blocky(scene())[:1]).restored.strength == DEBLOCKING
    assert found(scene()[:1]).changes_nothing


def test_more_noise_than_the_network_takes_away_is_none():
    look = Look(20.0, np.zeros((2, 8)), noise_taken=4.0, change=2.0)
    assert decided("n", [look]).strength == 0
    assert decided("n", [look._replace(noise_taken=2.6)]).strength == 1
    assert decided("n", [look._replace(noise_taken=1.0)]).strength == 0.5


@pytest.mark.parametrize("strength", [0.25, 1.0])
def test_the_result_is_mixed_with_the_picture(strength):
    clip = noisy(scene(), 10)
    out = [
        edit.frame.edited(edit.patches()).rgb
        for edit in edits_of(process(strength=strength), ClipInMemory(clip))
    ]
    full = Smoothing()._restore(clip, None).frames
    np.testing.assert_allclose(out, clip + strength * (full - clip), atol=1e-6)


def test_a_told_strength_needs_no_first_pass():
    assert not list(process(strength=1.0).analyse(ClipInMemory(scene()), {}))
    assert process(strength=1.0).finding.restored.strength == 1


def test_the_first_pass_goes_on_where_it_stopped():
    clip = noisy(scene(), 10)
    whole = found(clip)
    steps = list(process().analyse(ClipInMemory(clip), {}))
    backend = Smoothing()
    again = process(backend)
    assert len(list(again.analyse(ClipInMemory(clip), steps[-3]))) == 2
    assert again.finding == whole
    backend.calls = 0
    assert not list(again.analyse(ClipInMemory(clip), steps[-1]))
    assert again.finding == whole
    assert not backend.calls


def test_frames_shown_twice_hide_no_noise():
    clip = noisy(scene(), 10)[::2].repeat(2, axis=0)
    assert found(clip).restored.noise == pytest.approx(LUMA * 10, rel=0.15)


def test_fields_of_other_lines_are_no_noise():
    class Fields(ClipInMemory):
        fields = True

    lines = np.sin(np.arange(SIZE[0]) * np.pi / 2 * np.ones((SIZE[1], 1))).T[..., None] * 0.05
    clip = (scene(0) + np.stack([lines if t % 2 else -lines for t in range(COUNT)])).astype(np.float32)
    made = process()
    for _ in made.analyse(Fields(clip), {}):
        pass
    assert made.finding.restored.noise < 0.5


def test_damaged_frames_do_not_count():
    class Damaged(ClipInMemory):
        def read(self, start, stop):
            for frame in super().read(start, stop):
                frame.damaged = True
                yield frame

    made = process()
    for _ in made.analyse(Damaged(noisy(scene(), 10)), {}):
        pass
    assert made.finding.changes_nothing
