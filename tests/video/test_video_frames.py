"""Decoded frames keep their samples; patches change what they touch and nothing else."""

import numpy as np
import pytest
from video_files import Recipe, make

from mlx_vader.video import open_video, write_video


def frames_of(path):
    with open_video(path) as video:
        return list(video)


def test_what_is_written_unedited_in_a_lossless_codec_is_the_same(tmp_path):
    source = make(tmp_path / "source.mp4", Recipe())
    with open_video(source) as video, write_video(tmp_path / "t.mkv", video.info, codec="ffv1") as writer:
        for frame in video:
            writer.write(frame)
    for before, after in zip(frames_of(source), frames_of(tmp_path / "t.mkv"), strict=True):
        assert before.pts * before.time_base == pytest.approx(after.pts * after.time_base, abs=1e-3)
        for a, b in zip(before.samples, after.samples, strict=True):
            np.testing.assert_array_equal(a, b)
