"""Colours against formulas of ITU-T H.273 written down here, and against FFmpeg's own conversion."""

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from video_files import Recipe, make

from mlx_vader.video import ColorTags, open_video
from mlx_vader.video.color import FULL_RANGE, effective_matrix
from mlx_vader.video.from_rgb import FromRgb
from mlx_vader.video.layouts import planar
from mlx_vader.video.to_rgb import Coding, rgb_of

#: K_R and K_B by matrix code point.
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
BARS = np.array(
    [[1, 1, 1], [1, 1, 0], [0, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0.5, 0.5, 0.5]]
)


def to_rgb(tags: ColorTags, frame: av.VideoFrame) -> np.ndarray:
    """A frame of a stream with these tags."""
    matrix = effective_matrix(tags.matrix, frame.width, frame.height)
    return rgb_of(planar(frame)[0], Coding(matrix, tags.range == FULL_RANGE))


def exact_codes(rgb: np.ndarray, matrix: int, bits: int, full: bool) -> np.ndarray:
    """(…, 3) Y', Cb, Cr before rounding: H.273 equations 1 to 7 and table 4."""
    red, blue = WEIGHTS[matrix]
    luma = red * rgb[..., 0] + (1 - red - blue) * rgb[..., 1] + blue * rgb[..., 2]
    cb = 0.5 * (rgb[..., 2] - luma) / (1 - blue)
    cr = 0.5 * (rgb[..., 0] - luma) / (1 - red)
    top, unit = 2**bits - 1, 2 ** (bits - 8)
    if full:
        values = [top * luma, top * cb + 128 * unit, top * cr + 128 * unit]
    else:
        values = [(219 * luma + 16) * unit, (224 * cb + 128) * unit, (224 * cr + 128) * unit]
    return np.clip(np.stack(values, -1), 0, top)


def bars(matrix: int, bits: int, full: bool, pix_fmt: str) -> av.VideoFrame:
    """Columns of 16 pixels a bar, filled by hand."""
    frame = av.VideoFrame(16 * len(BARS), 32, pix_fmt)
    dtype = np.uint8 if bits == 8 else np.uint16
    for plane, codes in zip(frame.planes, exact_codes(BARS, matrix, bits, full).T, strict=True):
        rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
        rows[:, : plane.width] = np.repeat(np.round(codes), plane.width // len(BARS))
    return frame


def planes(frame: av.VideoFrame, bits: int) -> list[np.ndarray]:
    dtype = np.uint8 if bits == 8 else np.uint16
    rows = [np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1) for plane in frame.planes]
    return [row[:, : plane.width].astype(int) for row, plane in zip(rows, frame.planes, strict=True)]


CASES = [
    (matrix, bits, full, pix_fmt)
    for matrix in WEIGHTS
    for full in (False, True)
    for pix_fmt, bits in [
        ("yuv444p", 8),
        ("yuv420p", 8),
        ("yuv420p10le", 10),
        ("yuv422p10le", 10),
        ("yuv444p12le", 12),
    ]
]


@pytest.mark.parametrize(("matrix", "bits", "full", "pix_fmt"), CASES)
def test_colour_bars_are_decoded_to_their_colours(matrix, bits, full, pix_fmt):
    rgb = to_rgb(ColorTags(matrix=matrix, range=2 if full else 1), bars(matrix, bits, full, pix_fmt))
    middles = rgb[16, 8::16]
    # Code values are whole numbers: two codes of error in each of three channels at most.
    np.testing.assert_allclose(middles, BARS, atol=2.0 / (2**bits - 1) * (1 if full else 1.2))


@pytest.mark.parametrize(("matrix", "bits", "full", "pix_fmt"), CASES)
def test_colour_bars_are_encoded_to_the_nearest_code(matrix, bits, full, pix_fmt):
    rgb = np.repeat(np.repeat(BARS[None], 16, 1), 32, 0).astype(np.float32)
    frame = FromRgb(pix_fmt, matrix, full_range=full)(rgb)
    for plane, codes in zip(planes(frame, bits), exact_codes(BARS, matrix, bits, full).T, strict=True):
        step = plane.shape[1] // len(BARS)
        assert np.abs(plane[8, step // 2 :: step] - codes).max() <= 0.501


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    matrix=st.sampled_from(sorted(WEIGHTS)),
    full=st.booleans(),
    pix_fmt=st.sampled_from(["yuv444p", "yuv444p10le", "yuv444p12le"]),
)
def test_without_subsampling_there_and_back_is_within_rounding(seed, matrix, full, pix_fmt):
    rgb = np.random.default_rng(seed).random((8, 12, 3), np.float32)
    bits = int(pix_fmt[7:9] or 8)
    frame = FromRgb(pix_fmt, matrix, full_range=full)(rgb)
    back = to_rgb(ColorTags(matrix=matrix, range=2 if full else 1), frame)
    # Half a code of luma and of chroma, and three roundings to 16 bits on the way.
    assert np.abs(back - rgb).max() < (1.7 + 3 * 2**bits / 2**16) / (2**bits - 1)


def test_decoding_equals_ffmpegs_own(bunny):
    """The `scale` filter with its most exact flags, on a real frame: an independent way through FFmpeg."""
    with av.open(str(bunny)) as container:
        frame = next(container.decode(video=0))
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    flags = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
    options = f"in_color_matrix=bt709:in_range=tv:out_range=pc:in_chroma_loc=left:flags={flags}"
    scale, form, sink = graph.add("scale", options), graph.add("format", "rgb24"), graph.add("buffersink")
    for before, after in [(source, scale), (scale, form), (form, sink)]:
        before.link_to(after)
    graph.configure()
    source.push(frame)
    expected = sink.pull().to_ndarray() / 255
    with open_video(bunny) as video:
        found = next(iter(video)).rgb
    assert np.abs(found - expected).max() < 0.55 / 255
    assert abs(np.mean(found - expected)) < 0.01 / 255


@pytest.mark.parametrize(
    ("size", "matrix"),
    [((640, 480), 6), ((720, 576), 6), ((1280, 544), 1), ((960, 720), 1), ((1920, 1080), 1)],
)
def test_untagged_video_is_decoded_as_players_do(size, matrix):
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, code in zip(
        frame.planes, exact_codes(np.array([0.2, 0.7, 0.4]), matrix, 8, full=False), strict=True
    ):
        np.frombuffer(memoryview(plane), np.uint8)[:] = round(code)
    rgb = to_rgb(ColorTags(), frame)
    np.testing.assert_allclose(rgb[100, 100], [0.2, 0.7, 0.4], atol=0.008)


@pytest.mark.parametrize("pix_fmt", ["rgb24", "bgra", "gbrp", "rgb48le", "gbrp10le", "gbrp12le", "gbrp16le"])
def test_rgb_is_decoded_exactly(pix_fmt):
    bits = av.VideoFormat(pix_fmt, 8, 8).components[0].bits
    dtype = np.uint8 if bits == 8 else np.uint16
    channels = 4 if pix_fmt == "bgra" else 3
    samples = np.random.default_rng(1).integers(0, 2**bits, (6, 10, channels)).astype(dtype)
    rgb = to_rgb(ColorTags(), av.VideoFrame.from_ndarray(samples, format=pix_fmt))
    expected = samples[..., [2, 1, 0]] if pix_fmt == "bgra" else samples
    np.testing.assert_allclose(rgb, expected / (2**bits - 1), atol=1e-6)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv420p10le"])
def test_chroma_survives_there_and_back(pix_fmt, carphone):
    """Upsampling and downsampling chroma on a real picture costs less than half a code value."""
    with av.open(str(carphone)) as container:
        frame = next(container.decode(video=0)).reformat(format=pix_fmt)
    bits = frame.format.components[0].bits
    rgb = to_rgb(ColorTags(matrix=6), frame)
    back = FromRgb(pix_fmt, 6, full_range=False)(rgb)
    for before, after in zip(planes(frame, bits), planes(back, bits), strict=True):
        assert np.sqrt(np.mean((before - after) ** 2)) < 0.5 * 2 ** (bits - 8)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (175, 143), (17, 2)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "p010le", "gbrp", "bgr0"])
def test_any_size_is_filled_to_the_edge(size, pix_fmt):
    rgb = np.full((size[1], size[0], 3), (0.25, 0.5, 0.75), np.float32)
    back = to_rgb(ColorTags(matrix=1), FromRgb(pix_fmt, 1, full_range=False)(rgb))
    np.testing.assert_allclose(back, rgb, atol=0.01)


def test_a_grey_video_is_grey(tmp_path: Path):
    path = make(tmp_path / "grey.mkv", Recipe(codec="ffv1", pix_fmt="gray", options={}))
    with open_video(path) as video:
        rgb = next(iter(video)).rgb
    assert np.abs(rgb - rgb[..., :1]).max() < 1e-6
    assert rgb.std() > 0.05
