"""Decoding and encoding without a network.

pytest -n 0 benchmarks/test_video.py
"""

import pytest

from mlx_vader.video import open_video, read_clip, write_video

SIZES = [(256, 256), (720, 1280)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_decode_16_frames(benchmark, clip, size):
    path = clip(size).path

    def decode():
        with open_video(path) as video:
            return sum(1 for _ in video)

    assert benchmark(decode) == 16


def test_decode_the_last_frame(benchmark, clip):
    path = clip((720, 1280)).path
    benchmark(lambda: read_clip(path, 15, 1))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_encode_16_frames(benchmark, clip, size, tmp_path):
    frames = read_clip(clip(size).path, 0, 16)

    def encode():
        with write_video(tmp_path / "out.mp4", frame_rate=30) as writer:
            for frame in frames:
                writer.write(frame)

    benchmark.pedantic(encode, rounds=3, warmup_rounds=1)
