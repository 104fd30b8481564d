"""From file to file: what a mask shows is taken out, and every sample beyond it stays as it was."""

import json
import time

import numpy as np
import pytest

from mlx_vader import cli, inpaint
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.jobs import video_job
from mlx_vader.jobs.clean import Interrupted, Progress
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.metrics import psnr
from mlx_vader.video import read_image, write_image, write_video
from tests.inpainting.test_unblend import scene
from tests.jobs.conftest import frames_of
from tests.video.raw_frames import decoded, noise, store

COUNT = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clip with a patch that moves, the same without, and masks of the patch."""
    path = tmp_path_factory.mktemp("inpaint")
    clip = to_unit(to_levels(scene(COUNT)))
    seen, masks = clip.copy(), np.zeros_like(clip)
    for number in range(COUNT):
        masks[number, 60:84, 10 + 9 * number : 34 + 9 * number] = 1
    seen[masks[..., 0] > 0] = 0.9, 0.1, 0.2
    for name, frames in (("clip", seen), ("clean", clip), ("masks", masks)):
        with write_video(path / f"{name}.mkv", frame_rate=25, codec="ffv1") as out:
            for frame in frames:
                out.write(frame)
    return path


def inside(made, folder):
    hidden = frames_of(folder / "masks.mkv")[..., 0] > 0.5
    return psnr(made[hidden], frames_of(folder / "clean.mkv")[hidden])


def test_it_is_fetched_from_other_frames(folder, tmp_path):
    report = inpaint(folder / "clip.mkv", tmp_path / "out.mkv", mask=folder / "masks.mkv", grow=0)
    inpaint(folder / "clip.mkv", tmp_path / "fill.mkv", mask=folder / "masks.mkv", grow=0, method="fill")
    fetched, filled = (inside(frames_of(tmp_path / f"{name}.mkv"), folder) for name in ("out", "fill"))
    assert fetched > filled + 6
    (file,) = report.files
    assert file.finding.fetched > 0.8
    coverage = file.as_dict()["coverage"]
    assert coverage["propagate"] + coverage["fill"] == pytest.approx(1)


def test_a_window_of_one_frame_reaches_less_far(folder, tmp_path):
    near = inpaint(folder / "clip.mkv", tmp_path / "near.mkv", mask=folder / "masks.mkv", window=1)
    far = inpaint(folder / "clip.mkv", tmp_path / "far.mkv", mask=folder / "masks.mkv")
    assert near.files[0].finding.fetched < far.files[0].finding.fetched - 0.03


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "yuv444p", "yuv422p10le"])
def test_samples_beyond_the_mask_are_kept_bit_for_bit(pix_fmt, tmp_path):
    source = store(tmp_path / "in.mkv", [noise(pix_fmt, 64, 48, seed) for seed in range(3)], "ffv1")
    inpaint(source, tmp_path / "out.mkv", box="16,16,12,8", grow=0, fill="plain")
    for before, after in zip(decoded(source), decoded(tmp_path / "out.mkv"), strict=True):
        changed = [(one != other).nonzero() for one, other in zip(before, after, strict=True)]
        assert all(rows.size for rows, _ in changed)
        for (rows, columns), plane in zip(changed, before, strict=True):
            down, across = 48 // plane.shape[0], 64 // plane.shape[1]
            assert 16 // down <= rows.min()
            assert rows.max() < 24 // down
            assert 16 // across <= columns.min()
            assert columns.max() < 28 // across


def test_a_still_picture_is_filled(tmp_path):
    picture = scene(1)[0]
    write_image(tmp_path / "in.png", picture)
    inpaint(tmp_path / "in.png", box="40,40,30,20", grow=0)
    out = read_image(tmp_path / "in.inpaint.png")
    changed = (out != read_image(tmp_path / "in.png")).any(axis=-1)
    assert changed[40:60, 40:70].mean() > 0.9
    assert not changed[:36].any()


def test_the_command_tells_what_it_does_and_did(folder, tmp_path, capsys):
    target = tmp_path / "out.mkv"
    command = ["inpaint", str(folder / "clip.mkv"), "-o", str(target), "--mask", str(folder / "masks.mkv")]
    assert cli.run([*command, "--json", "-"]) == 0
    printed = capsys.readouterr()
    (file,) = json.loads(printed.out)["files"]
    assert file["coverage"]["propagate"] > 0.8
    assert "from 60 frames before and after" in printed.err
    assert "% of what was filled came from other frames" in printed.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "nothing is to be taken out"),
        ({"box": "1,1,5,5", "method": "propagat"}, "propagat"),
        ({"box": "1,1,5,5", "fill": "network"}, "network"),
        ({"box": "1,1,5"}, "1,1,5"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(folder, tmp_path, options, said):
    with pytest.raises((UsageError, VaderError), match=said):
        inpaint(folder / "clip.mkv", tmp_path / "out.mkv", **options)
    assert not list(tmp_path.iterdir())


def test_a_mask_of_another_shape_is_refused(folder, tmp_path):
    write_image(tmp_path / "mask.png", np.ones((50, 99, 3), np.float32))
    with pytest.raises(VaderError, match="99x50"):
        inpaint(folder / "clip.mkv", tmp_path / "out.mkv", mask=tmp_path / "mask.png")


def test_an_interrupted_run_goes_on_with_the_same_pixels(tmp_path, monkeypatch):
    """What later frames are filled from is kept with the segments that are done."""
    monkeypatch.setattr(video_job, "SEGMENT_FRAMES", 4)
    with write_video(tmp_path / "clip.mkv", frame_rate=25, codec="ffv1") as out:
        for frame in np.concatenate([scene(COUNT), scene(COUNT)[::-1]])[:, 40:, :]:
            out.write(frame)
    options = {"box": ("10,20,16,16@0", "160,20,16,16@1.2s"), "window": 4, "codec": "ffv1"}

    manifest = tmp_path / ".out.mkv.vader" / "manifest.json"

    def stop(progress: Progress) -> None:
        """Once the encoder has finished the first segment."""
        if progress.frames >= 20:
            until = time.monotonic() + 60
            while not json.loads(manifest.read_text())["segments"] and time.monotonic() < until:
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        inpaint(tmp_path / "clip.mkv", tmp_path / "out.mkv", on_progress=stop, **options)
    assert stopped.value.resume_at == 20
    report = inpaint(tmp_path / "clip.mkv", tmp_path / "out.mkv", resume=True, **options)
    assert report.files[0].resumed_at == 20
    whole = inpaint(tmp_path / "clip.mkv", tmp_path / "whole.mkv", **options)
    assert np.array_equal(frames_of(tmp_path / "out.mkv"), frames_of(tmp_path / "whole.mkv"))
    assert report.files[0].finding.fetched == pytest.approx(whole.files[0].finding.fetched, abs=1e-4)
