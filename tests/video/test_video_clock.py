"""Broadcasts whose clock jumps: joined recordings, lost signals."""

from fractions import Fraction
from itertools import pairwise

import pytest
from video_files import Recipe, make, packets_of, times_of

from mlx_vader.video import open_video, probe, write_video
from mlx_vader.video.info import examine

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


def test_a_broadcast_without_jumps_can_be_entered_anywhere_and_begins_at_zero(tmp_path):
    """At five frames a second decoding begins 0.4 s before display, which is no jump."""
    ticks = [70_000 * 90_000 + 18_000 * n for n in range(25)]
    source = make(tmp_path / "source.ts", Recipe(pts=ticks, time_base=Fraction(1, 90_000), rate=Fraction(5)))
    assert examine(source).index.exact
    with open_video(source, 20) as video:
        assert [frame.index for frame in video] == [20, 21, 22, 23, 24]
    with open_video(source) as video, write_video(tmp_path / "target.mp4", video.info) as writer:
        for frame in video:
            writer.write(frame)
    assert times_of(tmp_path / "target.mp4", "video") == [[Fraction(n, 5) for n in range(25)]]


def test_sound_that_is_silent_for_long_is_no_jump(tmp_path):
    ticks = [18_000 * n for n in range(70)]
    recipe = Recipe(
        pts=ticks, time_base=Fraction(1, 90_000), rate=Fraction(5), audio=("eng",), audio_codec="mp2"
    )
    source, target = tmp_path / "source.ts", tmp_path / "target.mkv"
    content = make(source, recipe).read_bytes()
    packets = [content[place : place + 188] for place in range(0, len(content), 188)]
    early, late = len(packets) // 10, 9 * len(packets) // 10
    silent = [p for n, p in enumerate(packets) if not (early < n < late and p[1] & 0x1F == 1 and p[2] == 1)]
    source.write_bytes(b"".join(silent))
    (heard,) = times_of(source, "audio")
    assert max(later - before for before, later in pairwise(heard)) > 10
    with open_video(source) as video, write_video(target, video.info) as writer:
        for frame in video:
            writer.write(frame)
    (pictures,), (sound,) = times_of(target, "video"), times_of(target, "audio")
    (shown,) = times_of(source, "video")
    assert [float(time - sound[0]) for time in pictures] == pytest.approx(
        [float(time - heard[0]) for time in shown], abs=0.002
    )
    assert [float(time - sound[0]) for time in sound] == pytest.approx(
        [float(time - heard[0]) for time in heard], abs=0.002
    )
