"""A source that is damaged here and there: its frames are counted and named, also over an interruption."""

import av
import numpy as np
import pytest

from mlx_vader import cli
from mlx_vader.jobs import video_job
from mlx_vader.jobs.clean import Interrupted, clean
from mlx_vader.video import probe, read_clip, write_image
from tests.jobs.conftest import times_of
from tests.jobs.test_clean import stop_at

#: Frames that are damaged: two in a row, and one far from them.
DAMAGED = (3, 4, 25)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory, carphone):
    """30 frames of H.264, all of them keyframes, so that damage does not spread."""
    path = tmp_path_factory.mktemp("damaged") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, width=88, height=72, options={"g": "1", "crf": "20"}
        )
        stream.pix_fmt = "yuv420p"
        for number, rgb in enumerate(read_clip(carphone, 0, 30)[:, ::2, ::2]):
            frame = av.VideoFrame.from_ndarray((255 * rgb + 0.5).astype(np.uint8), "rgb24")
            frame.pts = number
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    for packet in (packets[number] for number in DAMAGED):
        start, stop = packet.pos + 40, packet.pos + packet.size
        data[start:stop] = np.random.default_rng(packet.pts).bytes(stop - start)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("stop", [None, 20])
def test_damaged_frames_are_reported_with_their_times(damaged, tmp_path, network, stop, monkeypatch):
    monkeypatch.setattr(video_job, "SEGMENT_FRAMES", 8)
    target = tmp_path / "out.mp4"
    job = {"checkpoint": network, "clip_length": 4, "find": "network"}
    if stop is not None:
        with pytest.raises(Interrupted):
            clean(damaged, target, on_progress=stop_at(stop, target), **job)
    (report,) = clean(damaged, target, resume=stop is not None, **job).files
    assert (report.resumed_at > 0) == (stop is not None)
    assert report.damaged == tuple(number / 25 for number in DAMAGED)
    assert report.as_dict()["damaged"] == report.damaged
    assert probe(target).frames == 30
    assert times_of(target) == times_of(damaged)


def test_the_command_says_how_many_frames_are_damaged_and_where(damaged, tmp_path, capsys):
    write_image(tmp_path / "mask.png", np.pad(np.ones((8, 8, 3), np.float32), ((20, 44), (20, 60), (0, 0))))
    options = ["-o", str(tmp_path / "out.mp4"), "--mask", str(tmp_path / "mask.png"), "--fill", "membrane"]
    assert cli.run(["clean", str(damaged), *options]) == 0
    assert f"note: {damaged}: 3 of 30 frames are damaged, at 0.12 to 0.16, 1.00 s" in capsys.readouterr().err


def test_damage_that_was_seen_is_reported_of_a_copied_file_too(damaged, tmp_path, network):
    (report,) = clean(damaged, tmp_path / "out.mp4", checkpoint=network).files
    assert report.copied
    assert report.damaged
    assert set(report.damaged) <= {number / 25 for number in DAMAGED}
