"""How coarsely videos were coded, as their decoder tells."""

import pytest

from mlx_vader.video.quantiser import quantiser_of
from tests.video.raw_frames import noise, store

FRAMES = [noise("yuv420p", 64, 48, seed) for seed in range(12)]


@pytest.mark.parametrize("parameter", [20, 32])
def test_the_step_of_h264_doubles_with_every_six(tmp_path, parameter):
    options = {"qp": f"{parameter}", "x264-params": "ipratio=1:pbratio=1:aq-mode=0:mbtree=0"}
    path = store(tmp_path / "coded.mp4", FRAMES, "libx264", options)
    assert quantiser_of(path) == pytest.approx(0.625 * 2 ** (parameter / 6), rel=0.05)
    assert quantiser_of(path) == quantiser_of(path)


@pytest.mark.parametrize("codec", ["mpeg2video", "mpeg4"])
def test_the_step_of_mpeg_is_twice_its_scale(tmp_path, codec):
    path = store(tmp_path / "coded.mkv", FRAMES, codec, {"qmin": "9", "qmax": "9"})
    assert quantiser_of(path) == pytest.approx(18, rel=0.05)


def test_elsewhere_it_is_unknown(tmp_path):
    assert quantiser_of(store(tmp_path / "coded.mkv", FRAMES, "ffv1")) is None
