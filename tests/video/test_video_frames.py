"""Decoded frames keep their samples; patches change what they touch and nothing else."""

from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_frames import TICK, frame_of, noise
from video_files import Recipe, make

from mlx_vader.video import Box, Patch, VideoFrame, open_video
from mlx_vader.video.compositing import parts_of
from mlx_vader.video.frame import Traits
from mlx_vader.video.layouts import layout_of
from mlx_vader.video.orientation import Orientation
from mlx_vader.video.planes import samples
from mlx_vader.video.siting import Siting
from mlx_vader.video.to_rgb import Coding

ORIENTATIONS = [Orientation(*map(bool, flags)) for flags in np.ndindex(2, 2, 2)]
FORMATS = [
    *("yuv420p", "yuv422p", "yuv444p", "yuv411p", "yuv410p", "yuv440p", "nv12", "p010le", "yuvj420p"),
    *(
        "yuv420p10le",
        "yuv422p12le",
        "yuv444p16le",
        "gray",
        "gray10le",
        "yuva420p",
        "yuva422p10le",
        "yuva444p12le",
    ),
    *("gbrp", "gbrp12le", "rgb24", "bgr0", "rgba", "gbrap", "gbrap16le"),
]


@st.composite
def patched(draw):
    """A frame and patches in it."""
    frame = frame_of(
        draw(st.sampled_from(FORMATS)),
        draw(st.integers(1, 40)),
        draw(st.integers(1, 120)),
        full=draw(st.booleans()),
        siting=Siting(draw(st.booleans()), draw(st.booleans())),
        orientation=draw(st.sampled_from(ORIENTATIONS)),
    )
    patches = []
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for _ in range(draw(st.integers(1, 3))):
        height, width = draw(st.integers(0, frame.height)), draw(st.integers(0, frame.width))
        top, left = draw(st.integers(0, frame.height - height)), draw(st.integers(0, frame.width - width))
        touched = rng.random((height, width)) < draw(st.floats(0, 0.3)) if draw(st.booleans()) else None
        rgb = rng.random((height, width, 3), np.float32) * 1.2 - 0.1
        patches.append(Patch(top, left, rgb.astype(np.float32), touched))
    return frame, patches


def touched_of(frame, patches):
    """Which stored pixels are touched."""
    touched = np.zeros((frame.height, frame.width), bool)
    for patch in patches:
        touched[patch.box.rows, patch.box.columns] |= True if patch.touched is None else patch.touched
    return frame.traits.orientation.stored(touched)


def footprints(touched, columns, rows):
    """Which chroma samples cover a touched pixel, one by one."""
    height, width = touched.shape
    return np.array(
        [
            [
                touched[y : y + (1 << rows), x : x + (1 << columns)].any()
                for x in range(0, width, 1 << columns)
            ]
            for y in range(0, height, 1 << rows)
        ]
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(patched())
def test_a_patch_changes_no_sample_outside_its_footprint(case):
    frame, patches = case
    before = [plane.copy() for plane in frame.samples]
    edited = frame.edited(patches)
    touched = touched_of(frame, patches)
    assert (edited is frame) == (not touched.any())
    for number, (old, new) in enumerate(zip(before, edited.samples, strict=True)):
        covered = footprints(touched, *frame.layout.halvings_of(number))
        if number >= frame.layout.colours:
            covered[:] = False  # alpha
        np.testing.assert_array_equal(new[~covered], old[~covered])
        np.testing.assert_array_equal(frame.samples[number], old)
    assert (edited.pts, edited.time_base, edited.index) == (7, TICK, 3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(patched(), st.data())
def test_a_region_is_that_part_of_the_whole(case, data):
    frame, _ = case
    top, left = data.draw(st.integers(0, frame.height - 1)), data.draw(st.integers(0, frame.width - 1))
    height, width = (
        data.draw(st.integers(1, frame.height - top)),
        data.draw(st.integers(1, frame.width - left)),
    )
    part = frame.region(Box(top, left, height, width))
    whole = frame.rgb[top : top + height, left : left + width]
    assert part.flags.c_contiguous
    np.testing.assert_allclose(part, whole, atol=2e-4)


def test_very_wide_frames_are_converted_in_bands():
    frame = frame_of("yuv420p", 19_000, 600)
    across_two_bands = Box(500, 1000, 40, 64)
    expected = frame.region(across_two_bands)
    np.testing.assert_allclose(
        frame.rgb[across_two_bands.rows, across_two_bands.columns], expected, atol=2e-4
    )


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le", "yuv411p", "gbrp"])
def test_tiles_make_what_one_patch_makes(pix_fmt):
    frame = frame_of(pix_fmt, 150, 230)
    rgb = np.random.default_rng(1).random((230, 150, 3), np.float32)
    whole = frame.edited([Patch(0, 0, rgb)])
    edges = [(y, x) for y in range(0, 230, 53) for x in range(0, 150, 47)]
    tiled = frame.edited([Patch(y, x, rgb[y : y + 53, x : x + 47]) for y, x in edges])
    for a, b in zip(whole.samples, tiled.samples, strict=True):
        assert np.abs(a.astype(int) - b).max() <= 1
        assert np.mean(a != b) < 1e-3


def test_a_mask_with_gaps_is_worked_on_in_parts():
    """The parts hold all that is touched, and make what the whole makes."""
    frame = frame_of("yuv420p", 700, 500)
    rgb = np.random.default_rng(1).random((500, 700, 3), np.float32)
    touched = np.zeros((500, 700), bool)
    touched[3:40, 5:60] = touched[3:40, 650:690] = touched[300:470, 100:111] = touched[499, 699] = True
    parts = parts_of(Patch(0, 0, rgb, touched))
    assert sum(part.touched.sum() for part in parts) == touched.sum()
    assert sum(part.touched.size for part in parts) < 0.2 * touched.size
    edited = frame.edited([Patch(0, 0, rgb, touched)])
    canvas = np.where(touched[..., None], rgb, frame.rgb)
    whole = frame.edited([Patch(0, 0, canvas)])
    for number, (plane, other) in enumerate(zip(edited.samples, whole.samples, strict=True)):
        covered = footprints(touched, *frame.layout.halvings_of(number))
        assert np.abs(plane[covered].astype(int) - other[covered]).max() <= 1
        assert np.mean(plane[covered] != other[covered]) < 1e-2


def test_of_two_patches_on_one_pixel_the_later_counts():
    frame = frame_of("yuv444p", 16, 16)
    red, blue = np.full((8, 8, 3), (1, 0, 0), np.float32), np.full((8, 8, 3), (0, 0, 1), np.float32)
    edited = frame.edited([Patch(0, 0, red), Patch(4, 4, blue)])
    np.testing.assert_allclose(edited.rgb[5:8, 5:8], np.broadcast_to((0, 0, 1), (3, 3, 3)), atol=0.02)
    np.testing.assert_allclose(edited.rgb[:4, :4], np.broadcast_to((1, 0, 0), (4, 4, 3)), atol=0.02)


@pytest.mark.parametrize("box", [(-1, 0, 4, 4), (0, 14, 4, 4), (13, 0, 4, 4)])
def test_patches_and_regions_beyond_the_frame_are_refused(box):
    frame = frame_of("yuv420p", 16, 16)
    with pytest.raises(ValueError, match="is not within a frame of 16x16"):
        frame.region(Box(*box))
    with pytest.raises(ValueError, match="is not within a frame of 16x16"):
        frame.edited([Patch(box[0], box[1], np.zeros((4, 4, 3), np.float32))])


#: K_R and K_B of H.273, and the reference conversion below: nothing of the code under test.
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def reference(rgb, matrix, bits, full, halvings, siting):
    """H.273 in float64, chroma by an ideal filter's Fourier transform: the mean of what lies beside counts less."""
    red, blue = WEIGHTS[matrix]
    luma = red * rgb[..., 0] + (1 - red - blue) * rgb[..., 1] + blue * rgb[..., 2]
    planes = [luma, 0.5 * (rgb[..., 2] - luma) / (1 - blue), 0.5 * (rgb[..., 0] - luma) / (1 - red)]
    for axis, (steps, first) in enumerate(
        zip(halvings[::-1], (siting.on_row, siting.on_column), strict=True)
    ):
        for _ in range(steps):
            planes[1:] = [linear(plane, axis, first) for plane in planes[1:]]
    top, unit = 2**bits - 1, 2 ** (bits - 8)
    scales = [(top, 0), (top, 128 * unit)] if full else [(219 * unit, 16 * unit), (224 * unit, 128 * unit)]
    return [np.clip(plane * scales[n > 0][0] + scales[n > 0][1], 0, top) for n, plane in enumerate(planes)]


def linear(plane, axis, first):
    """Where chroma is sampled, by the Catmull-Rom spline, or the plain mean of three: right for smooth pictures."""
    plane = np.moveaxis(plane, axis, 0)
    padded = np.concatenate([plane[:1], plane, plane[-1:], plane[-1:]])
    count = (len(plane) + 1) // 2
    at = [padded[n : n + 2 * count - 1 : 2] for n in range(4)]
    made = at[1] if first else (at[1] + at[2]) * (9 / 16) - (at[0] + at[3]) / 16
    return np.moveaxis(made, 0, axis)


@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("siting", [Siting(), Siting(False, False), Siting(True, True)])
@pytest.mark.parametrize(
    "pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv411p", "yuv420p10le", "yuv422p12le", "yuv444p16le"]
)
def test_a_full_edit_is_what_h273_says(pix_fmt, matrix, full, siting):
    y, x = np.mgrid[0:90, 0:130]
    rgb = np.stack([0.5 + 0.45 * np.sin(x / 17 + y / 29 + k) for k in range(3)], -1)
    layout = layout_of(pix_fmt)
    frame = VideoFrame(noise(pix_fmt, 130, 90), Traits(Coding(matrix, full, siting)), 0, TICK, 0)
    edited = frame.edited([Patch(0, 0, rgb.astype(np.float32))])
    expected = reference(rgb, matrix, layout.bits, full, layout.halvings, siting)
    inner = np.s_[4:-4, 4:-4]
    for number, (plane, codes) in enumerate(zip(edited.samples, expected, strict=True)):
        error = np.abs(plane - codes)
        if number == 0 or layout.halvings == (0, 0):
            assert error.max() <= 0.5 + 2**layout.bits * 1e-6
        else:  # the filters differ: by less than one level of eight bits
            assert error[inner].max() <= 0.5 + 0.5 * 2 ** (layout.bits - 8)


@pytest.mark.parametrize(
    "pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p12le", "yuva444p16le", "gray", "gbrp10le", "rgba"]
)
@pytest.mark.parametrize("full", [False, True])
def test_an_edit_that_changes_no_colour_changes_next_to_nothing(pix_fmt, full):
    """Smooth colours there and back."""
    y, x = np.mgrid[0:64, 0:96]
    rgb = np.stack([0.5 + 0.3 * np.sin(x / 15 + y / 21 + k) for k in range(3)], -1).astype(np.float32)
    frame = frame_of(pix_fmt, 96, 64, full=full).edited([Patch(0, 0, rgb)])
    again = frame.edited([Patch(0, 0, frame.rgb)])
    for a, b in zip(frame.samples, again.samples, strict=True):
        assert np.abs(a.astype(int) - b).max() <= max(1, 4 * 2**frame.layout.bits // 2**16)


def test_levels_are_rgb_in_eight_bits():
    for pix_fmt in FORMATS:
        frame = frame_of(pix_fmt, 38, 26)
        smooth = np.full((26, 38, 3), (0.2, 0.5, 0.7), np.float32)
        frame = frame.edited([Patch(0, 0, smooth)])
        assert frame.levels.dtype == np.uint8
        assert frame.levels.flags.c_contiguous
        assert np.abs(frame.levels / 255 - frame.rgb).max() <= 1.01 / 255, pix_fmt


def test_what_is_forgotten_is_computed_again():
    frame = frame_of("yuv420p", 32, 16)
    first = frame.rgb
    assert frame.rgb is first
    frame.forget()
    assert frame.rgb is not first
    np.testing.assert_array_equal(frame.rgb, first)


def test_frames_that_were_computed():
    rgb = np.random.default_rng(0).random((20, 30, 3), np.float32)
    frame = VideoFrame.of_rgb(rgb, pts=5, time_base=TICK, index=2)
    assert frame.rgb is rgb
    assert (frame.height, frame.width, frame.pts, frame.index, frame.samples) == (20, 30, 5, 2, ())
    np.testing.assert_array_equal(frame.region(Box(2, 3, 4, 5)), rgb[2:6, 3:8])
    edited = frame.edited([Patch(2, 3, np.zeros((4, 5, 3), np.float32))])
    assert not edited.rgb[2:6, 3:8].any()
    np.testing.assert_array_equal(edited.rgb[6:], rgb[6:])
    np.testing.assert_array_equal(VideoFrame.woven(*frame.fields()).rgb, rgb)


def test_a_computed_frame_like_another_has_its_alpha_and_time():
    like = frame_of("yuva420p", 30, 20)
    made = VideoFrame.of_rgb(np.full((20, 30, 3), 0.5, np.float32), like)
    np.testing.assert_array_equal(made.samples[3], like.samples[3])
    assert (made.pts, made.index) == (like.pts, like.index)
    np.testing.assert_allclose(made.rgb, 0.5, atol=0.01)
    preview = VideoFrame.of_rgb(np.zeros((20, 90, 3), np.float32), like)
    assert (preview.width, preview.pts, preview.samples) == (90, like.pts, ())


def test_rows_that_are_stored_from_the_last_to_the_first():
    """A negative stride, as decoders of bitmaps and the vflip filter make it."""
    upright = noise("yuv420p", 34, 18)
    graph = av.filter.Graph()
    source = graph.add_buffer(width=34, height=18, format=upright.format, time_base=TICK)
    flip, sink = graph.add("vflip"), graph.add("buffersink")
    source.link_to(flip)
    flip.link_to(sink)
    graph.configure()
    source.push(upright)
    flipped = sink.pull()
    assert flipped.planes[0].line_size < 0
    traits = Traits(Coding(1, False))
    expected = [plane[::-1] for plane in samples(upright)]
    frame = VideoFrame(flipped, traits, 0, TICK, 0)
    for plane, other in zip(frame.samples, expected, strict=True):
        np.testing.assert_array_equal(plane, other)
    edited = frame.edited([Patch(0, 0, np.zeros((2, 2, 3), np.float32))])
    np.testing.assert_array_equal(edited.samples[0][2:], expected[0][2:])
    np.testing.assert_array_equal(edited.samples[0][:2, :2], 16)


def test_frames_of_one_video_may_be_in_different_threads(tmp_path):
    def worked_on(frame):
        patch = Patch(3, 5, np.full((30, 40, 3), 0.3, np.float32))
        return frame.rgb, frame.levels, frame.edited([patch]).samples, frame.region(Box(1, 2, 30, 20))

    source = make(tmp_path / "source.mp4", Recipe())
    with open_video(source) as one, open_video(source) as other, ThreadPoolExecutor(4) as pool:
        for alone, beside in zip(map(worked_on, one), pool.map(worked_on, list(other)), strict=True):
            for a, b in zip(
                (*alone[:2], *alone[2], alone[3]), (*beside[:2], *beside[2], beside[3]), strict=True
            ):
                np.testing.assert_array_equal(a, b)
