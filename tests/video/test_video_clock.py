"""Broadcasts whose clock jumps: joined recordings, lost signals."""

from fractions import Fraction
from itertools import pairwise

import pytest
from video_files import Recipe, make, packets_of, times_of

from mlx_vader.video import open_video, probe, write_video

FRAME = Fraction(1, 25)


def recording(path, begins):
    """A second of pictures and sound, from `begins` seconds on."""
    ticks = [round((begins + n * FRAME) * 90_000) for n in range(25)]
    recipe = Recipe(
        pts=ticks, time_base=Fraction(1, 90_000), audio=("eng",), audio_codec="mp2", audio_start=begins
    )
    return make(path, recipe).read_bytes()


@pytest.mark.parametrize("begins", [(2, 90_002), (90_002, 2), (2, 2), (2, 2, 2), (10, 40, 10), (5, 26)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_pictures_and_sound_go_on_together_where_the_clock_jumps(begins, suffix, tmp_path):
    source, target = tmp_path / "source.ts", tmp_path / f"target{suffix}"
    source.write_bytes(b"".join(recording(tmp_path / "part.ts", Fraction(begin)) for begin in begins))
    assert probe(source).frames == 25 * len(begins)
    assert probe(source).duration == pytest.approx(len(begins), abs=0.01)
    assert not probe(source).variable_frame_rate
    with open_video(source) as video, write_video(target, video.info) as writer:
        for frame in video:
            writer.write(frame)
    assert packets_of(source, "audio") == packets_of(target, "audio")
    (pictures,), (sound,) = times_of(target, "video"), times_of(target, "audio")
    assert max(later - before for before, later in pairwise(pictures)) < Fraction(41, 1000)
    # The sound of each part is shorter than its pictures by up to two packets of 24 ms.
    assert max(later - before for before, later in pairwise(sound)) < Fraction(24 * 3, 1000)
    for part in range(len(begins)):
        assert abs(pictures[25 * part] - sound[len(sound) // len(begins) * part]) < Fraction(1, 10)


def test_a_broadcast_without_jumps_can_be_entered_anywhere(tmp_path):
    source = tmp_path / "source.ts"
    recording(source, Fraction(70_000))
    with open_video(source, 20) as video:
        assert [frame.index for frame in video] == [20, 21, 22, 23, 24]
