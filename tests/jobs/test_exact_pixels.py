"""What nothing touches comes out as it went in: every sample, alpha, fields; only what lies at the mask changes."""

import av
import numpy as np
import pytest

from mlx_vader.jobs.clean import clean
from mlx_vader.video import open_video, probe, write_image
from tests.jobs.conftest import frames_of

FORMATS = [
    "yuv420p",
    "yuv422p10le",
    "yuv444p12le",
    "bgr0",
    "gbrp10le",
    "yuva420p",
    "yuva444p10le",
    "bgra",
    "gray",
]
SIZE = 50, 66


def noise(pix_fmt, count, seed=0):
    """Frames whose every sample is random, made plane by plane."""
    random = np.random.default_rng(seed)
    for index in range(count):
        frame = av.VideoFrame(SIZE[1], SIZE[0], pix_fmt)
        top = 1 << frame.format.components[0].bits
        for plane in frame.planes:
            kind = np.uint16 if top > 256 else np.uint8
            samples = random.integers(0, top, plane.buffer_size // np.dtype(kind).itemsize, dtype=kind)
            plane.update(samples.tobytes())
        frame.pts = index
        yield frame


def lossless(path, pix_fmt, count=6):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, width=SIZE[1], height=SIZE[0])
        stream.pix_fmt = pix_fmt
        for frame in noise(pix_fmt, count):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def samples_of(path):
    with open_video(path) as video:
        return [[np.array(plane) for plane in frame.samples] for frame in video]


def mask_of(path, *boxes):
    mask = np.zeros((*SIZE, 3), np.float32)
    for rows, columns in boxes:
        mask[rows, columns] = 1
    write_image(path, mask)
    return path


@pytest.mark.parametrize("pix_fmt", FORMATS)
def test_an_all_black_mask_gives_back_every_sample(tmp_path, network, pix_fmt):
    source = lossless(tmp_path / "in.mkv", pix_fmt)
    mask = mask_of(tmp_path / "mask.png")
    report = clean(source, tmp_path / "out.mkv", checkpoint=network, mask=mask, codec="ffv1")
    assert report.files[0].losses == ()
    assert probe(tmp_path / "out.mkv").pix_fmt == probe(source).pix_fmt
    for before, after in zip(samples_of(source), samples_of(tmp_path / "out.mkv"), strict=True):
        assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "bgr0", "yuva420p"])
def test_samples_far_from_the_mask_are_kept_and_those_in_it_are_not(tmp_path, network, pix_fmt):
    source = lossless(tmp_path / "in.mkv", pix_fmt)
    mask = mask_of(tmp_path / "mask.png", (slice(20, 30), slice(20, 36)))
    clean(source, tmp_path / "out.mkv", checkpoint=network, mask=mask, codec="ffv1")
    for before, after in zip(samples_of(source), samples_of(tmp_path / "out.mkv"), strict=True):
        assert not np.array_equal(before[0], after[0])
        for old, new in zip(before, after, strict=True):
            down, across = -(-SIZE[0] // old.shape[0]), -(-SIZE[1] // old.shape[1])
            far = np.ones(old.shape, bool)
            far[14 // down : 36 // down + 1, 14 // across : 42 // across + 1] = False
            assert np.array_equal(old[far], new[far])
        if pix_fmt.startswith("yuva"):
            assert np.array_equal(before[-1], after[-1])


def test_what_the_target_cannot_hold_is_said_before_work_begins(tmp_path, network):
    source = lossless(tmp_path / "in.mkv", "yuva420p")
    said = []

    def begun(progress):
        assert said, "work has begun"

    report = clean(
        source,
        tmp_path / "out.mp4",
        checkpoint=network,
        find="network",
        on_progress=begun,
        on_note=said.append,
    )
    assert "alpha" in said[0]
    assert "out.mp4" in said[0]
    assert "alpha" in report.files[0].losses


@pytest.fixture
def interlaced(tmp_path):
    """A bar that moves from field to field, upper field first."""
    path = tmp_path / "interlaced.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, width=64, height=48)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.field_order = 2  # upper first: AV_FIELD_TT of libavcodec/codec_par.h
        for index in range(8):
            luma = np.full((48, 64), 60, np.uint8)
            luma[0::2, 8 * index % 56 : 8 * index % 56 + 4] = 200
            luma[1::2, (8 * index + 4) % 56 : (8 * index + 4) % 56 + 4] = 200
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.planes[0].update(luma.tobytes())
            for plane in frame.planes[1:]:
                plane.update(np.full((24, 32), 128, np.uint8).tobytes())
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_fields_are_restored_as_pictures_and_woven_again(tmp_path, interlaced, monkeypatch):
    from mlx_vader.jobs import composition
    from tests.streaming.backends import Leaky

    assert probe(interlaced).field_order == "tff"
    heights = []

    class Seen(Leaky):
        def _restore(self, frames, state, hint=None):
            heights.append(frames.shape[1])
            restored = super()._restore(frames, state)
            return restored._replace(frames=frames.copy())

    monkeypatch.setattr(composition, "load_backend", lambda *_: Seen())
    mask = np.zeros((48, 64, 3), np.float32)
    write_image(tmp_path / "mask.png", mask)
    clean(interlaced, tmp_path / "out.mkv", mask=tmp_path / "mask.png", codec="ffv1", fill="mixed")
    assert heights
    assert set(heights) == {24}
    assert probe(tmp_path / "out.mkv").field_order == "tff"
    for before, after in zip(samples_of(interlaced), samples_of(tmp_path / "out.mkv"), strict=True):
        assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


def test_an_interlaced_job_resumes_between_frames(tmp_path, interlaced, network, monkeypatch):
    from mlx_vader.jobs import video_job
    from mlx_vader.jobs.clean import Interrupted
    from tests.jobs.test_clean import stop_at

    monkeypatch.setattr(video_job, "SEGMENT_FRAMES", 2)
    job = {
        "checkpoint": network,
        "find": "network",
        "codec": "ffv1",
        "clip_length": 3,
        "strategy": "sliding-window",
    }
    job["overlap"] = 0
    clean(interlaced, tmp_path / "whole.mkv", **job)
    with pytest.raises(Interrupted):
        clean(interlaced, tmp_path / "out.mkv", on_progress=stop_at(5, tmp_path / "out.mkv"), **job)
    report = clean(interlaced, tmp_path / "out.mkv", resume=True, **job)
    assert report.files[0].resumed_at > 0
    assert np.array_equal(frames_of(tmp_path / "out.mkv"), frames_of(tmp_path / "whole.mkv"))
