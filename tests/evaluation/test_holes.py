"""The suites `objects` and `dropouts`: what hides the picture is where its mask says, and methods fill it."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import label

from mlx_vader.errors import VaderError
from mlx_vader.evaluation import (
    EvaluateOptions,
    Evaluation,
    evaluate,
    find_cases,
    find_clips,
    find_methods,
    prepare,
)
from mlx_vader.evaluation.dropouts import BLOCK, LONGEST, THICKEST, blocks, line, lost
from mlx_vader.evaluation.given_masks import given_mask
from mlx_vader.evaluation.material import Material
from mlx_vader.evaluation.method import filling
from mlx_vader.evaluation.networks import load_networks
from mlx_vader.evaluation.objects import camera_moves
from mlx_vader.evaluation.suites import SUITES
from mlx_vader.evaluation.tables import HOLE_COLUMNS, gains, tables
from mlx_vader.metrics import motion_of

CASES = pytest.mark.parametrize(
    "case", SUITES["objects"] + SUITES["dropouts"], ids=lambda case: f"{case.artifact}-{case.severity}"
)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """A disc in a square."""
    disc = np.zeros((64, 64, 4), np.uint8)
    disc[np.hypot(*np.mgrid[-32:32, -32:32]) < 30] = (200, 30, 60, 255)
    path = tmp_path_factory.mktemp("objects") / "disc.png"
    Image.fromarray(disc).save(path)
    return Material(drawings=(path,))


@CASES
def test_the_picture_is_as_it_was_outside_the_mask(case, clip, material) -> None:
    frames, mask, coded = case.applied(clip, "a.mp4", material)
    again = case.applied(clip, "a.mp4", material)
    assert coded is None
    np.testing.assert_array_equal(frames, again.frames)
    changed = np.abs(frames - clip).max(axis=-1) > 0
    assert 0 < mask.mean() < 0.5
    # The soft edge of a drawing ends with a 16th of its opacity.
    assert (np.abs(frames - clip)[mask[..., 0] == 0]).max() <= 1 / 16
    assert changed[mask[..., 0] > 0].mean() > 0.8


def test_objects_have_their_size_and_move_or_stand(material) -> None:
    clip = np.full((6, 360, 640, 3), 0.5, np.float32)
    for case in SUITES["objects"]:
        mask = case.applied(clip, "a.mp4", material).mask[..., 0] > 0
        rows, columns = np.nonzero(mask[0])
        width = 80 if case.artifact == "patch" else 72
        assert np.ptp(columns) + 1 == pytest.approx(width, abs=6)
        assert np.ptp(rows) + 1 == pytest.approx(72, abs=6)
        assert (mask[0] != mask[-1]).any() == (case.severity == "moving")


def test_a_still_object_is_for_clips_whose_camera_moves_or_for_the_others() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(0).random((96, 200, 3), np.float32), (0, 0), 2)
    still = np.repeat(picture[None, :, :128], 4, axis=0)
    pan = np.stack([picture[:, 3 * at : 3 * at + 128] for at in range(4)])
    walker = still.copy()
    for at in range(4):
        walker[at, 30:60, 10 + 3 * at : 40 + 3 * at] = picture[30:60, 150:180]
    motions = [motion_of(clip) for clip in (still, pan, walker, still[:1])]
    assert [camera_moves(motion) for motion in motions] == [False, True, False, False]
    for case in SUITES["objects"]:
        suits = [case.suits is None or case.suits(motion) for motion in motions[:2]]
        assert suits == {"moving": [True, True], "still": [True, False]}.get(case.severity, [False, True])


@pytest.mark.parametrize("fault", [line, blocks])
def test_faults_last_one_to_three_frames(fault) -> None:
    """One fault in a thousand frames or so: each is a box of its own in space and time."""
    mask = lost(fault, 0.01, np.random.default_rng(0), (1500, 64, 96))[..., 0]
    labels, count = label(mask)
    assert count > 5
    for place in range(1, count + 1):
        frames, rows, columns = (np.ptp(at) + 1 for at in np.nonzero(labels == place))
        assert 1 <= frames <= LONGEST
        assert rows <= THICKEST if fault is line else rows == BLOCK
        assert columns >= 24 if fault is line else columns % BLOCK == 0


def test_masks_are_given_as_they_are_drawn(clip, material) -> None:
    assert {case.masks for case in SUITES["objects"]} == {("grown 2",)}
    assert {case.masks for case in SUITES["dropouts"]} == {("exact",)}
    mask = np.zeros((1, 20, 20, 1), np.float32)
    mask[0, 8:12, 8:12] = 1
    assert given_mask(mask, "grown 2").sum() == 8 * 8


@pytest.fixture(scope="module")
def result(carphone: Path) -> dict:
    black = filling("black", lambda frames, masks: frames * (1 - masks), settings="0", where="CPU")
    found, _ = find_methods([black], ["black", "membrane", "opencv telea", "opencv ns"])
    cases = find_cases("patch,dropouts")
    evaluation = Evaluation(find_clips([carphone]), cases, found, frames=6, height=64)
    return evaluation.as_dict([trial.row for trial in evaluate(evaluation)])


def test_a_function_of_frames_and_masks_is_a_method_beside_the_others(result) -> None:
    for artifact, given in (("patch", "grown 2"), ("lost_lines", "exact"), ("lost_blocks", "exact")):
        rows = [row for row in result["rows"] if row["artifact"] == artifact]
        assert {(row["method"], row["mask"]) for row in rows} == {
            ("nothing", None),
            *((name, given) for name in ("black", "membrane", "opencv telea", "opencv ns")),
        }
        of = {row["method"]: row for row in rows}
        assert of["membrane"]["psnr_mask"] > of["black"]["psnr_mask"] + 3
        assert of["membrane"]["boundary_error"] < of["black"]["boundary_error"]


def test_tables_tell_of_the_holes_alone_and_means_are_of_one_suite(result) -> None:
    found = tables(result["summary"])
    assert [table.title.split(",")[0] for table in found] == [
        *("patch", "lost_lines", "lost_blocks", "objects", "dropouts")
    ]
    for table in found:
        assert set(table.columns) < set(HOLE_COLUMNS)
        assert {"psnr_mask", "warping_error_mask", "flicker", "boundary_error"} < {
            c.key for c in table.columns
        }
    ends = [gain for gain in gains(result["summary"]) if gain.severity == "mean"]
    assert {(gain.artifact, gain.network) for gain in ends} == {
        (f"{kind}, in mask", f"{name}{end}")
        for kind, end in (("objects", ", grown 2"), ("dropouts", ""))
        for name in ("black", "membrane")
    }


def test_only_methods_that_fill_are_for_holes(checkpoint) -> None:
    methods, _ = find_methods(load_networks([str(checkpoint)], "torch"))

    def names(kind: str) -> list[str]:
        case = next(case for case in SUITES["objects"] + SUITES["dropouts"] if case.kind == kind)
        return [method.name for method in methods if method.is_for(case)]

    assert (
        names("object") == names("dropout") == ["nothing", "inpaint", "membrane", "opencv telea", "opencv ns"]
    )


def test_drawings_are_asked_for_where_they_are_needed(carphone: Path, tmp_path: Path) -> None:
    options = EvaluateOptions(
        clips=(carphone,), method=("membrane",), foreign=tmp_path, suite="patch,dropouts"
    )
    assert len(prepare(options)[0].cases) == 3 + 4
    with pytest.raises(VaderError, match="lacks the drawings"):
        prepare(replace(options, suite="objects"))
