"""From videos in which the scene moves to a file of their mark, and with that to a still video without it."""

import numpy as np
import pytest

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.jobs.clean import clean
from mlx_vader.jobs.learning import save_mark
from mlx_vader.levels import to_unit
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.masks.mark_files import load_marks
from mlx_vader.process import Finding
from mlx_vader.video import write_video
from tests.inpainting.test_unblend import SIZE, WORD, inside, marked, scene, strokes
from tests.jobs.test_finding import frames_of

OPACITY = 0.5 * strokes()
MASK = OPACITY > 0.02


class Masks(ArrayMasks):
    """The mark's, in as many frames as there are."""

    def __init__(self, *, shows: bool = True) -> None:
        super().__init__(np.broadcast_to((shows * MASK).astype(np.float32)[..., None], (24, *SIZE, 1)).copy())
        self.finding = Finding("found" if shows else "nothing")


def written(path, clip, *, spoiled=True):
    """A video, with the mark or without."""
    with write_video(path, frame_rate=25, crf=12) as out:
        for frame in to_unit(marked(clip, OPACITY, WORD)) if spoiled else clip:
            out.write(frame)
    return path


@pytest.fixture(scope="module", params=["logo.png", "logo.lgd"])
def learned(tmp_path_factory, request):
    """A file of the mark, learned from a video in which the scene moves; another video does not show it."""
    folder = tmp_path_factory.mktemp("learned")
    sources = [
        written(folder / "moving.mp4", scene(24)),
        written(folder / "plain.mp4", scene(2), spoiled=False),
    ]
    target = folder / request.param
    report = save_mark(sources, target, masks=lambda path: Masks(shows=path == sources[0]))
    assert report.learned_from == (sources[0],)
    assert report.without == (sources[1],)
    assert abs(report.alpha - 0.5) < 0.04
    assert report.as_dict()["target"] == str(target)
    return target


def test_what_was_learned_is_taken_off_a_still_video(tmp_path, learned):
    clip = scene(6, moving=False)[:, ::-1]  # another scene
    source = written(tmp_path / "still.mp4", clip)
    (report,) = clean(source, tmp_path / "out.mkv", codec="ffv1", mark=learned).files
    assert report.finding.status == "found"
    assert learned.stem in report.finding.reason
    assert [mark.treated for mark in report.finding.marks] == ["unblend"]
    assert inside(frames_of(tmp_path / "out.mkv"), clip, MASK) > 30


def test_a_video_without_it_stays_byte_for_byte(tmp_path, learned):
    source = written(tmp_path / "plain.mp4", scene(6, moving=False), spoiled=False)
    (report,) = clean(source, tmp_path / "out.mp4", mark=learned).files
    assert report.finding.status == "nothing"
    assert report.copied
    assert (tmp_path / "out.mp4").read_bytes() == source.read_bytes()


def test_where_nothing_moves_nothing_is_saved(tmp_path):
    source = written(tmp_path / "still.mp4", scene(8, moving=False))
    with pytest.raises(VaderError, match="nothing moves behind the mark"):
        save_mark([source], tmp_path / "logo.png", masks=lambda path: Masks())
    assert not (tmp_path / "logo.png").exists()


def test_a_source_is_never_overwritten_and_a_mark_is_no_video(tmp_path):
    source = written(tmp_path / "still.mp4", scene(2))
    (tmp_path / "logo.png").hardlink_to(source)
    with pytest.raises(UsageError, match="overwritten"):
        save_mark([source], tmp_path / "logo.png", masks=lambda path: Masks())
    with pytest.raises(UsageError, match=r"\.png"):
        save_mark([source], tmp_path / "logo.mp4", masks=lambda path: Masks())


@pytest.mark.parametrize("other", [{"mask": "mask.png"}, {"find": "static"}, {"fill": "membrane"}])
def test_what_a_mark_excludes_is_refused(tmp_path, other):
    with pytest.raises(UsageError, match=f"--{next(iter(other))}"):
        clean(tmp_path / "in.mp4", mark="logo.png", **other)


def test_a_mark_that_is_read_is_not_overwritten(tmp_path, learned):
    if learned.suffix == ".png":
        source = tmp_path / "frame.png"
        source.write_bytes(learned.read_bytes())
        with pytest.raises(UsageError, match="overwritten"):
            clean(source, learned, mark=learned)
    assert load_marks(learned)
