"""Frames too large for one call: what comes out of tiles is what the whole frame would have given."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from scipy import ndimage

from mlx_vader.backends import Outputs, load_backend
from mlx_vader.inpainting.fill import keep
from mlx_vader.interface import Interface, Port, StatePort
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.models.registry import build
from mlx_vader.process import edits_of
from mlx_vader.streaming import Recurrent, Restoration
from mlx_vader.streaming.tiling import OVERLAP, tiled, tiles
from mlx_vader.video import VideoFrame
from mlx_vader.video.color import BT709
from mlx_vader.video.frame import Traits
from mlx_vader.video.from_rgb import FromRgb
from mlx_vader.video.in_memory import ClipInMemory
from mlx_vader.video.to_rgb import Coding

#: Small enough for many tiles.
SMALL = {"most_pixels": 1, "tile": 128, "overlap": 64}
TRAITS = Traits(Coding(BT709, full_range=False))


@dataclass
class Blur:
    """A mean over `radius` pixels around each, of the frame and of what is remembered at a quarter of the size."""

    radius: int = 20
    channels_first: bool = False
    name: str = "blur"
    device: str = "CPU"
    emulated: bool = False
    takes_levels: bool = False
    largest: int = 0

    interface = Interface(
        (Port("frames", "frames", 3),),
        (Port("restored", "frames", 3), Port("coarse", "features", 1, stride=4)),
        (StatePort("seen", 1, 4), StatePort("count", fixed=(2,))),
        stride=4,
    )

    def run(self, inputs, state=None):
        frames = inputs["frames"]
        _, height, width, _ = frames.shape
        self.largest = max(self.largest, height * width)
        if state is None:
            shape = (1, -(-height // 4), -(-width // 4))
            state = {"seen": np.zeros((1, *shape) if self.channels_first else (*shape, 1), np.float32)}
            state["count"] = np.zeros((1, 2), np.float32)
        seen = state["seen"].reshape(-(-height // 4), -(-width // 4))
        made, coarse = [], []
        for frame in frames:
            size = (2 * self.radius + 1, 2 * self.radius + 1, 1)
            mean = ndimage.uniform_filter(frame, size, mode="nearest")
            padded = np.pad(frame[..., 0], ((0, -height % 4), (0, -width % 4)), mode="edge")
            here = padded.reshape(padded.shape[0] // 4, 4, -1, 4).mean(axis=(1, 3))
            seen = (here + ndimage.uniform_filter(seen, 5, mode="nearest")) / 2
            large = seen.repeat(4, axis=0).repeat(4, axis=1)[:height, :width, None]
            made.append((mean + large) / 2)
            coarse.append(seen[..., None])
        after = {"seen": seen.reshape(state["seen"].shape), "count": state["count"] + len(frames)}
        return Outputs({"restored": np.stack(made), "coarse": np.stack(coarse)}, after)

    def pack(self, state):
        return dict(state or {})

    def unpack(self, arrays):
        return dict(arrays) or None


def clip(frames, height, width):
    random = np.random.default_rng(4)
    return random.random((frames, height, width, 3), dtype=np.float32)


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("size", [(300, 420), (128, 500), (257, 130), (200, 321)])
def test_tiles_give_what_the_whole_frame_gives(size, channels_first):
    frames = clip(4, *size)
    whole, cut = Blur(channels_first=channels_first), tiled(Blur(channels_first=channels_first), **SMALL)
    state, tiled_state = None, None
    for frame in frames[:, None]:
        wanted, state = whole.run({"frames": frame}, state)
        got, tiled_state = cut.run({"frames": frame}, tiled_state)
        # As an interrupted job does.
        tiled_state = cut.unpack(cut.pack(tiled_state))
        for name in wanted:
            assert got[name].shape == wanted[name].shape
            # Half precision: a sixteenth of a level, now and as it was remembered.
            np.testing.assert_allclose(got[name], wanted[name], atol=1 / 8 / 255)


def test_no_tile_is_larger_than_it_should_be():
    inner = Blur()
    tiled(inner, **SMALL).run({"frames": clip(1, 500, 700)})
    assert inner.largest <= (128 + 2 * 64) ** 2 + 64 * 300


def test_small_frames_are_not_cut():
    inner = Blur()
    frames = clip(2, 60, 80)
    got = tiled(inner).run({"frames": frames})
    np.testing.assert_array_equal(got.values["restored"], Blur().run({"frames": frames}).values["restored"])
    assert inner.largest == 60 * 80


def test_a_seam_of_a_network_that_sees_further_is_a_ramp():
    frames = clip(1, 260, 260)
    got = tiled(Blur(radius=90), **SMALL).run({"frames": frames}).values["restored"][0, 100]
    wanted = Blur(radius=90).run({"frames": frames}).values["restored"][0, 100]
    steps = np.abs(np.diff(got - wanted, axis=0)).max()
    assert steps < 0.02


@pytest.mark.parametrize("length", [1, 64, 127, 128, 129, 180, 192, 193, 1000])
def test_stretches_cover_a_side_once(length):
    found = list(tiles(length, 128, 64))
    assert [tile.start for tile in found] == [0, *[tile.stop for tile in found[:-1]]]
    assert found[-1].stop == length
    for tile in found:
        assert tile.seen.start == max(tile.start - 64, 0)
        assert tile.seen.stop == min(tile.stop + 64, length)
    assert all(tile.stop - tile.start >= 64 for tile in found) or len(found) == 1


@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_the_network_that_ships_shows_no_seam(backend):
    """Its receptive field fits the overlap: equal to within one level of 255."""
    frames = clip(3, 200, 328)
    whole = load_backend(backend, build("realtime", "base"))
    cut = tiled(whole, most_pixels=1, tile=128, overlap=OVERLAP)
    state, tiled_state = None, None
    for frame in frames[:, None]:
        wanted, state = whole.run({"frames": frame}, state)
        got, tiled_state = cut.run({"frames": frame}, tiled_state)
        for name in wanted:
            assert np.abs(got[name] - wanted[name]).max() <= 1 / 255


def edited(backend, frames, mask=None):
    """What a process with this backend makes of frames."""
    masks = None if mask is None else ArrayMasks(np.stack([mask] * len(frames)))
    process = Restoration(backend, Recurrent(), weights="w", fill=keep, masks=masks)
    return [edit.frame.edited(edit.patches()) for edit in edits_of(process, ClipInMemory(frames))]


@pytest.mark.parametrize("masked", [False, True])
def test_a_process_gives_of_pieces_what_it_gives_of_whole_frames(masked):
    """The frame is never whole on its way to the network, nor is the hint."""
    frames = clip(3, 200, 328)
    mask = np.zeros((200, 328, 1), np.float32)
    mask[120:140, 110:150] = 1  # over the corner of four tiles
    network = load_backend("torch", build("realtime", "tiny"))
    wanted = edited(network, frames, mask if masked else None)
    got = edited(tiled(network, **SMALL), frames, mask if masked else None)
    for one, other in zip(got, wanted, strict=True):
        assert np.abs(one.rgb - other.rgb).max() <= 1 / 255


def test_a_tiled_process_asks_for_no_whole_frame(monkeypatch):
    frames = clip(2, 200, 328)
    for name in ("rgb", "levels"):
        monkeypatch.setattr(VideoFrame, name, property(lambda frame: pytest.fail("the whole frame")))
    backend = tiled(Blur(), **SMALL)
    process = Restoration(backend, Recurrent(), weights="w", fill=keep, marks=False)
    pictures = (stored_frame(frame) for frame in frames)
    for chunk in process.chunks(pictures, {}):
        for edit in chunk.edits:
            edit.frame.edited(edit.patches())


def stored_frame(rgb):
    return VideoFrame(FromRgb("yuv420p", BT709, full_range=False)(rgb), TRAITS, 0, Fraction(1, 25), 0)
