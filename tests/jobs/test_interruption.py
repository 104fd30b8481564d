"""A real process that is stopped in the middle, by Ctrl-C and by a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mlx_vader import checkpoints
from mlx_vader.jobs import video_job
from mlx_vader.jobs.clean import clean
from tests.jobs.conftest import frames_of

CODE = """
import sys, time
from mlx_vader.jobs import clean as library, video_job
from mlx_vader import cli
whole = library.clean
def slowly(*arguments, on_progress, **options):
    def wait(progress):
        on_progress(progress)
        time.sleep(0.3)
    return whole(*arguments, on_progress=wait, **options)
video_job.SEGMENT_FRAMES = 4
library.clean = slowly
cli.main()
"""


def segments(target):
    try:
        return json.loads((target.parent / f".{target.name}.vader" / "manifest.json").read_text())["segments"]
    except (OSError, ValueError):
        return 0


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_process_can_be_resumed(tmp_path, small_clip, network, how, monkeypatch):
    monkeypatch.setattr(video_job, "SEGMENT_FRAMES", 4)
    checkpoint = checkpoints.save(tmp_path / "net.safetensors", network)
    target = tmp_path / "out.mkv"
    options = ["-o", target, "-c", checkpoint, "--codec", "ffv1", "--clip-length", "4", "--find", "network"]
    command = [sys.executable, "-c", CODE, "clean", small_clip, *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=Path.cwd())
    while segments(target) < 2 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == (130 if how == signal.SIGINT else -how)
    assert ("--resume" in said) == (how == signal.SIGINT)
    assert not target.exists()
    job = {"checkpoint": checkpoint, "codec": "ffv1", "clip_length": 4, "find": "network"}
    report = clean(small_clip, target, resume=True, **job)
    assert report.files[0].resumed_at >= 8
    clean(small_clip, tmp_path / "whole.mkv", **job)
    assert np.array_equal(frames_of(target), frames_of(tmp_path / "whole.mkv"))
