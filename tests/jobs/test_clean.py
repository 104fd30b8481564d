"""From file to file: what `clean` writes, and what it leaves alone."""

import json
import os
import time

import av
import numpy as np
import pytest

from mlx_vader import checkpoints
from mlx_vader.backends import load_backend, restore
from mlx_vader.errors import VaderError
from mlx_vader.jobs import video_job
from mlx_vader.jobs.clean import Interrupted, clean
from mlx_vader.jobs.plan import plan
from mlx_vader.streaming.strategies import ClipRecurrent
from mlx_vader.video import open_video, plan_encoding, probe, read_image, write_image
from tests.jobs.conftest import frames_of, times_of

#: All that the network makes of the frames counts.
JOB = {"clip_length": 4, "find": "network"}
LOSSLESS = {"codec": "ffv1", **JOB}


def stop_at(frame, target=None):
    """An `on_progress` that presses Ctrl-C, once the first segment of the target is on the disk."""
    manifest = target and target.with_name(f".{target.name}.vader") / "manifest.json"

    def on_progress(progress):
        if progress.frames < frame:
            return
        while manifest and not json.loads(manifest.read_text())["segments"]:
            time.sleep(0.01)
        raise KeyboardInterrupt

    return on_progress


@pytest.fixture(scope="module", autouse=True)
def short_segments():
    """Segments of two clips."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video_job, "SEGMENT_FRAMES", 8)
        # Where segments end decides what a lossy codec makes of the frames: on a slow machine time would end one.
        patch.setattr(video_job, "SEGMENT_SECONDS", 1e9)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory, small_clip, network):
    """The uninterrupted result, in segments of 8 frames, with a preview."""
    target = tmp_path_factory.mktemp("whole") / "out.mkv"
    report = clean(small_clip, target, checkpoint=network, preview=True, **LOSSLESS)
    return target, report


def folder_holds(folder, *names):
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_every_frame_goes_through_the_network(whole, small_clip, network):
    target, report = whole
    frames = frames_of(small_clip)
    expected = [result.frame for result in ClipRecurrent().run(frames, load_backend("auto", network))]
    assert np.abs(frames_of(target) - np.clip(expected, 0, 1)).max() <= 0.51 / 255
    assert times_of(target) == times_of(small_clip)
    assert report.frames == 30
    assert report.fps > 0
    assert not report.failures


def test_nothing_but_the_target_and_the_preview_is_left(whole):
    folder_holds(whole[0].parent, "out.mkv", "out.preview.mkv")


def test_the_preview_shows_before_mask_and_after(whole, small_clip):
    target, report = whole
    preview = report.files[0].preview
    info = probe(preview)
    assert info.frames == 30
    assert info.width == 3 * 58
    shown = frames_of(preview)[:, -48:]
    assert np.abs(shown[:, :, :58] - frames_of(small_clip)).max() < 0.01
    assert np.abs(shown[:, :, 116:] - frames_of(target)).max() < 0.01


@pytest.mark.parametrize("stop", [1, 20, 30])
def test_a_resumed_job_gives_what_an_uninterrupted_one_gives(tmp_path, small_clip, network, whole, stop):
    target = tmp_path / "out.mkv"
    target.write_bytes(b"an older result")
    job = {"checkpoint": network, "preview": True, **LOSSLESS}
    with pytest.raises(Interrupted) as interrupted:
        clean(small_clip, target, on_progress=stop_at(stop, target if stop > 8 else None), **job)
    assert target.read_bytes() == b"an older result"
    report = clean(small_clip, target, resume=True, **job)
    assert np.array_equal(frames_of(target), frames_of(whole[0]))
    assert times_of(target) == times_of(whole[0])
    assert np.array_equal(frames_of(report.files[0].preview), frames_of(whole[1].files[0].preview))
    assert report.files[0].frames == 30
    assert (report.files[0].resumed_at > 0) == (stop > 8)
    assert report.files[0].resumed_at == (interrupted.value.resume_at or 0)
    assert (interrupted.value.resume_at is None) == (stop <= 8)
    folder_holds(tmp_path, "out.mkv", "out.preview.mkv")


@pytest.mark.parametrize("strategy", ["recurrent", "sliding-window", "bidirectional"])
def test_every_strategy_resumes(tmp_path, small_clip, network, strategy):
    job = {"checkpoint": network, "strategy": strategy, "overlap": 1, **LOSSLESS}
    clean(small_clip, tmp_path / "whole.mkv", **job)
    with pytest.raises(Interrupted):
        clean(small_clip, tmp_path / "out.mkv", on_progress=stop_at(16, tmp_path / "out.mkv"), **job)
    clean(small_clip, tmp_path / "out.mkv", resume=True, **job)
    assert np.array_equal(frames_of(tmp_path / "out.mkv"), frames_of(tmp_path / "whole.mkv"))


def test_a_lossy_codec_resumes_to_the_same_pixels(tmp_path, small_clip, network):
    job = {"checkpoint": network, **JOB}
    clean(small_clip, tmp_path / "whole.mp4", **job)
    with pytest.raises(Interrupted):
        clean(small_clip, tmp_path / "out.mp4", on_progress=stop_at(20, tmp_path / "out.mp4"), **job)
    clean(small_clip, tmp_path / "out.mp4", resume=True, **job)
    assert np.array_equal(frames_of(tmp_path / "out.mp4"), frames_of(tmp_path / "whole.mp4"))


def test_a_segment_that_was_not_recorded_is_written_again(tmp_path, small_clip, network, whole, monkeypatch):
    """The power goes between the end of a segment and its record."""
    from mlx_vader.jobs.work_folder import WorkFolder

    job = {"checkpoint": network, "preview": True, **LOSSLESS}
    finish = WorkFolder.finish_segment

    def crash(folder, *arguments, **more):
        if folder.manifest.segments == 1:
            raise KeyboardInterrupt
        finish(folder, *arguments, **more)

    monkeypatch.setattr(WorkFolder, "finish_segment", crash)
    with pytest.raises(Interrupted):
        clean(small_clip, tmp_path / "out.mkv", **job)
    monkeypatch.setattr(WorkFolder, "finish_segment", finish)
    report = clean(small_clip, tmp_path / "out.mkv", resume=True, **job)
    assert report.files[0].resumed_at == 8
    assert np.array_equal(frames_of(tmp_path / "out.mkv"), frames_of(whole[0]))


def test_resume_refuses_other_settings(tmp_path, small_clip, network):
    job = {"checkpoint": network, **JOB}
    with pytest.raises(Interrupted):
        clean(small_clip, tmp_path / "out.mp4", on_progress=stop_at(20, tmp_path / "out.mp4"), **job)
    with pytest.raises(VaderError, match=r"crf 18.*crf 30") as error:
        clean(small_clip, tmp_path / "out.mp4", resume=True, crf=30, **job)
    assert "--resume" in error.value.hint
    clean(small_clip, tmp_path / "out.mp4", resume=True, **job)


def test_what_a_killed_run_left_of_the_target_is_removed(tmp_path, small_clip, network):
    """A process that is killed while it joins segments cannot remove the file that is not finished."""
    for name in (".out[1].vader-part-0a1b2c3d.mp4", ".out[1].preview.vader-part-0a1b2c3d.mp4"):
        (tmp_path / name).write_bytes(b"half a video")
    other = tmp_path / ".out1.vader-part-0a1b2c3d.mp4"
    other.write_bytes(b"of another run")
    clean(small_clip, tmp_path / "out[1].mp4", checkpoint=network, resume=True, **JOB)
    folder_holds(tmp_path, "out[1].mp4", other.name)


def test_without_resume_a_job_begins_anew(tmp_path, small_clip, network):
    job = {"checkpoint": network, **JOB}
    with pytest.raises(Interrupted):
        clean(small_clip, tmp_path / "out.mp4", on_progress=stop_at(20, tmp_path / "out.mp4"), **job)
    report = clean(small_clip, tmp_path / "out.mp4", crf=30, **job)
    assert report.files[0].resumed_at == 0
    folder_holds(tmp_path, "out.mp4")


def test_resume_with_nothing_to_resume_just_cleans(tmp_path, small_clip, network):
    assert (
        clean(small_clip, tmp_path / "out.mp4", checkpoint=network, resume=True, find="network").frames == 30
    )


def test_an_interruption_before_the_first_segment_leaves_nothing(tmp_path, small_clip, network):
    with pytest.raises(Interrupted):
        clean(small_clip, tmp_path / "out.mp4", checkpoint=network, on_progress=stop_at(4), **JOB)
    folder_holds(tmp_path)


def test_two_jobs_cannot_write_the_same_target(tmp_path, small_clip, network):
    def nested(progress):
        if progress.frames:
            clean(small_clip, tmp_path / "out.mp4", checkpoint=network, find="network")

    with pytest.raises(VaderError, match="another process"):
        clean(small_clip, tmp_path / "out.mp4", checkpoint=network, on_progress=nested)


def test_a_failure_of_the_network_leaves_the_target_alone(tmp_path, small_clip, network, monkeypatch):
    from mlx_vader.backends.torch import TorchBackend

    target = tmp_path / "out.mp4"
    target.write_bytes(b"an older result")

    def out_of_memory(backend, inputs, state=None):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(TorchBackend, "run", out_of_memory)
    with pytest.raises(VaderError, match="out of memory"):
        clean(small_clip, target, checkpoint=network, backend="torch", find="network")
    assert target.read_bytes() == b"an older result"
    folder_holds(tmp_path, "out.mp4")


def test_an_image_is_cleaned_at_any_size(tmp_path, small_clip, network):
    image = frames_of(small_clip)[0][:45, :51]
    write_image(tmp_path / "in.png", image)
    clean(tmp_path / "in.png", tmp_path / "out.png", checkpoint=network, preview=True, find="network")
    expected = restore(load_backend("auto", network), image[None]).frames[0]
    assert np.abs(read_image(tmp_path / "out.png") - np.clip(expected, 0, 1)).max() <= 0.51 / 255
    folder_holds(tmp_path, "in.png", "out.png", "out.preview.png")


def test_a_folder_comes_out_mirrored_and_bad_files_are_reported(tmp_path, small_clip, network):
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    os.link(small_clip, source / "deep" / "clip.mkv")
    write_image(source / "still.png", frames_of(small_clip)[0])
    (source / "broken.mp4").write_text("this is no video")
    (source / "notes.txt").write_text("not media")
    report = clean(source, target, checkpoint=network, find="network")
    folder_holds(target, "deep", "still.png")
    folder_holds(target / "deep", "clip.mkv")
    assert [(file.source.name, file.status) for file in report.files] == [
        ("broken.mp4", "failed"),
        ("clip.mkv", "cleaned"),
        ("still.png", "cleaned"),
    ]
    assert "broken.mp4" in report.failures[0].error
    before = (target / "still.png").stat().st_mtime_ns
    again = clean(source, target, checkpoint=network, resume=True, find="network")
    assert [file.status for file in again.files] == ["failed", "kept", "kept"]
    assert (target / "still.png").stat().st_mtime_ns == before


def test_folders_of_files_with_folders_of_masks(tmp_path, small_clip, network):
    frames = frames_of(small_clip)
    for folder in ("in", "masks"):
        (tmp_path / folder).mkdir()
    mask = np.zeros_like(frames[0])
    for name, image in (("a", frames[0]), ("b", frames[1])):
        write_image(tmp_path / "in" / f"{name}.png", image)
        write_image(tmp_path / "masks" / f"{name}.png", mask + (name == "b"))
    clean(tmp_path / "in", tmp_path / "out", checkpoint=network, mask=tmp_path / "masks")
    assert np.array_equal(read_image(tmp_path / "out" / "a.png"), read_image(tmp_path / "in" / "a.png"))
    assert not np.array_equal(read_image(tmp_path / "out" / "b.png"), read_image(tmp_path / "in" / "b.png"))


def test_without_a_target_the_result_lies_beside_the_source(tmp_path, small_clip, network):
    write_image(tmp_path / "still.png", frames_of(small_clip)[0])
    clean(tmp_path / "still.png", checkpoint=network, find="network")
    folder_holds(tmp_path, "still.png", "still.clean.png")


@pytest.fixture
def tape(tmp_path, carphone):
    """An .avi, which is read and not written."""
    path = tmp_path / "in" / "tape.avi"
    path.parent.mkdir()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, width=176, height=144)
        with open_video(carphone, 0, 3) as video:
            for frame in video:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.levels, "rgb24")))
        container.mux(stream.encode(None))
    return path


def test_what_is_read_and_not_written_becomes_mp4(tmp_path, tape, network):
    clean(tape, checkpoint=network, find="network")
    folder_holds(tape.parent, "tape.avi", "tape.clean.mp4")
    clean(tape, f"{tmp_path}/out/", checkpoint=network, find="network")
    folder_holds(tmp_path / "out", "tape.mp4")


def test_a_folders_results_do_not_take_each_others_names(tmp_path, tape):
    os.link(tape, tape.with_suffix(".mp4"))
    tasks = plan(tape.parent, tmp_path / "out")
    assert [task.target.name for task in tasks] == ["tape.avi.mp4", "tape.mp4"]


def test_a_checkpoint_file_is_used(tmp_path, small_clip, network):
    path = checkpoints.save(tmp_path / "net.safetensors", network)
    write_image(tmp_path / "still.png", frames_of(small_clip)[0])
    clean(tmp_path / "still.png", tmp_path / "a.png", checkpoint=path, find="network")
    clean(tmp_path / "still.png", tmp_path / "b.png", checkpoint=network, find="network")
    assert np.array_equal(read_image(tmp_path / "a.png"), read_image(tmp_path / "b.png"))


@pytest.mark.parametrize("shape", [(47, 58), (48, 57), (47, 57), (5, 7)])
def test_odd_sizes_come_out_as_they_went_in(tmp_path, small_clip, network, shape):
    from mlx_vader.video import write_video

    with write_video(tmp_path / "odd.mkv", frame_rate=25) as out:
        for frame in frames_of(small_clip)[:3]:
            out.write(frame[: shape[0], : shape[1]])
    clean(tmp_path / "odd.mkv", tmp_path / "out.mp4", checkpoint=network, preview=True, find="network")
    info = probe(tmp_path / "out.mp4")
    assert (info.height, info.width, info.frames) == (*shape, 3)


def test_the_encoding_is_the_sources(small_clip, whole):
    assert plan_encoding(whole[0], probe(small_clip), codec="ffv1").pix_fmt == probe(whole[0]).pix_fmt
