"""The run, its rows, its summary and its page."""

import base64
import copy
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.evaluation import Evaluation, Trial, evaluate, find_cases, find_clips, find_methods
from mlx_vader.evaluation.clips import middle_of
from mlx_vader.evaluation.measuring import CEILING, FIGURES
from mlx_vader.evaluation.networks import load_networks
from mlx_vader.evaluation.page import Pictures, busiest, page
from mlx_vader.evaluation.perceptual import Perceptual
from mlx_vader.evaluation.tables import decibels, gains, tables
from mlx_vader.metrics import (
    boundary_error,
    ciede2000,
    flicker,
    hole_warping_error,
    masked_psnr,
    motion_of,
    psnr,
    quality,
    ssim,
)
from mlx_vader.video import write_image
from tests.damaged_clip import DAMAGED, make_damaged

#: What the command's JSON promises of a row.
KEYS = {
    *("clip", "artifact", "severity", "method", "psnr", "psnr_mask", "psnr_outside", "ssim", "lpips"),
    *("mask_iou", "warping_error", "seconds_per_frame", "psnr_worst", "flicker", "ms_ssim", "fid", "quality"),
    *("warping_error_mask", "boundary_error", "ciede2000"),
}


@pytest.fixture(scope="module")
def clips(carphone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A video and a photograph."""
    photograph = tmp_path_factory.mktemp("clips") / "photograph.png"
    write_image(photograph, middle_of(carphone, 1, 64)[0])
    return find_clips([carphone, photograph])


@pytest.fixture(scope="module")
def evaluation(clips: dict[str, Path], checkpoint: Path) -> Evaluation:
    methods, _ = find_methods(
        load_networks([str(checkpoint)], "torch"), ["tiny", "opencv telea", "deblock", "bm3d sigma=20"]
    )
    cases = [c for c in find_cases("quick") if c.artifact in ("clean", "corner_logo", "jpeg_compression")]
    distance = Perceptual("distance", lambda a, b: float(np.abs(a - b).mean()))
    return Evaluation(clips, cases, methods, frames=3, height=48, perceptual=distance, features=_colours)


def _colours(frames: np.ndarray) -> np.ndarray:
    """Features that need no weights."""
    return frames.mean(axis=(1, 2))


@pytest.fixture(scope="module")
def trials(evaluation: Evaluation) -> list[Trial]:
    return list(evaluate(evaluation))


def test_each_clip_and_case_goes_through_each_method_that_is_for_it(
    evaluation: Evaluation, trials: list[Trial]
) -> None:
    assert len(trials) == evaluation.trials
    asked = {(t.row.artifact, t.row.method) for t in trials if t.row.clip == "photograph.png"}
    assert asked == {
        *(("clean", name) for name in ("nothing", "tiny", "deblock", "bm3d sigma=20")),
        *(("corner_logo", name) for name in ("nothing", "tiny", "tiny with mask", "opencv telea")),
        *(("jpeg_compression", name) for name in ("nothing", "tiny", "deblock", "bm3d sigma=20")),
    }


def test_figures_are_those_of_the_metrics(trials: list[Trial]) -> None:
    trial = next(t for t in trials if t.row.artifact == "corner_logo" and t.row.method == "tiny")
    row = trial.row
    assert trial.mask is not None
    assert row.psnr == psnr(trial.restored, trial.clean)
    assert row.psnr_mask == masked_psnr(trial.restored, trial.clean, trial.mask)
    assert row.psnr_outside == masked_psnr(trial.restored, trial.clean, trial.mask, inside=False)
    assert row.ssim == ssim(trial.restored, trial.clean)
    assert row.lpips == pytest.approx(np.abs(trial.restored[1] - trial.clean[1]).mean())
    assert row.psnr_worst == min(psnr(*pair) for pair in zip(trial.restored, trial.clean, strict=True))
    assert row.flicker == flicker(trial.restored, trial.clean, trial.mask)
    assert row.warping_error_mask == hole_warping_error(trial.restored, motion_of(trial.clean), trial.mask)
    assert row.ciede2000 == ciede2000(trial.restored, trial.clean, trial.mask)
    assert row.boundary_error == boundary_error(trial.restored, trial.clean, trial.mask)
    assert row.quality == quality(row.warping_error_mask, row.fid, row.boundary_error)
    assert row.seconds_per_frame > 0
    assert row.where.startswith("torch on ")


def test_figures_that_do_not_apply_are_none(trials: list[Trial]) -> None:
    for row in (trial.row for trial in trials):
        for figure in (
            "psnr_mask",
            "psnr_outside",
            "warping_error_mask",
            "boundary_error",
            "ciede2000",
            "fid",
        ):
            assert (getattr(row, figure) is not None) == (row.artifact == "corner_logo")
        assert row.ms_ssim is None  # too small
        finds = row.ours and not row.uses_mask
        assert (row.mask_iou is not None) == (finds and row.artifact != "jpeg_compression")
        assert row.warping_error is not None


def test_untouched_clips_have_the_highest_psnr(trials: list[Trial]) -> None:
    rows = [trial.row for trial in trials if trial.row.artifact == "clean"]
    assert {row.psnr for row in rows if row.method == "nothing"} == {CEILING}
    assert all(row.psnr < CEILING for row in rows if row.method == "deblock")


def test_two_runs_give_the_same_figures(evaluation: Evaluation, trials: list[Trial]) -> None:
    for first, second in zip(trials, evaluate(evaluation), strict=True):
        one, two = first.row.as_dict(), second.row.as_dict()
        one.pop("seconds_per_frame"), two.pop("seconds_per_frame")
        assert one == two


def test_a_row_has_the_promised_keys_and_the_summary_numpy_s_means(
    evaluation: Evaluation, trials: list[Trial]
) -> None:
    result = evaluation.as_dict([trial.row for trial in trials])
    assert {*FIGURES} == KEYS - {"clip", "artifact", "severity", "method"}
    assert all(row.keys() >= KEYS for row in result["rows"])
    assert [(e["artifact"], e["severity"]) for e in result["summary"]] == [
        (case.artifact, case.severity) for case in evaluation.cases
    ]
    for entry in result["summary"]:
        rows = [row for row in result["rows"] if row["artifact"] == entry["artifact"]]
        mean = {}
        for method in entry["methods"]:
            own = [row for row in rows if row["method"] == method["method"]]
            for figure in FIGURES:
                values = [row[figure] for row in own if row[figure] is not None]
                joined = min if figure == "psnr_worst" else np.mean
                assert method[figure] == (pytest.approx(joined(values)) if values else None)
            mean[method["method"]] = np.mean([row["psnr"] for row in own])
        others = {name: value for name, value in mean.items() if "tiny" not in name and name != "nothing"}
        best = max(others, key=others.__getitem__)
        assert entry["best_baseline"]["method"] == best
        for ours in entry["ours"]:
            own = mean[ours["method"]]
            assert ours["over_spoiled"] == pytest.approx(own - mean["nothing"])
            assert ours["over_baseline"] == pytest.approx(own - mean[best])


def test_tables_mark_the_best_figure_of_each_column(evaluation: Evaluation, trials: list[Trial]) -> None:
    summary = evaluation.as_dict([trial.row for trial in trials])["summary"]
    (logo,) = (table for table in tables(summary) if table.title.startswith("corner_logo"))
    entry = next(entry for entry in summary if entry["artifact"] == "corner_logo")
    place = [column.key for column in logo.columns].index("warping_error")
    best = min(method["warping_error"] for method in entry["methods"])
    marked = [float(line.cells[place].text) for line in logo.lines if line.cells[place].best]
    assert marked
    assert set(marked) == {round(best * 1e3, 2)}
    assert len(gains(summary)) == 4  # blind three times, with the mask once


def test_the_last_gains_are_means_inside_the_masks_of_all_overlays(
    evaluation: Evaluation, trials: list[Trial]
) -> None:
    summary = evaluation.as_dict([trial.row for trial in trials])["summary"]
    (logo,) = (entry for entry in summary if entry["kind"] == "overlay")
    worse = copy.deepcopy(logo)
    for method in worse["methods"]:
        method["psnr_mask"] -= 1 if method["ours"] else 3
    *_, last = gains([*summary, worse])
    inside = {method["method"]: method["psnr_mask"] for method in logo["methods"]}
    baseline = max(inside[m["method"]] for m in logo["methods"] if not m["ours"] and m["method"] != "nothing")
    own = inside[last.network]
    assert last.network == "tiny with mask"
    assert last.psnr == f"{own - 0.5:.2f}"
    assert last.over_spoiled == pytest.approx(own - inside["nothing"] + 1)
    assert last.over_baseline == pytest.approx(own - baseline + 1)


def test_the_page_is_complete_and_loads_nothing(evaluation: Evaluation, trials: list[Trial]) -> None:
    pictures = Pictures(list(evaluation.clips))
    for trial in trials:
        pictures.add(trial)
    text = page(evaluation.as_dict([trial.row for trial in trials]), pictures)
    assert text.startswith("<!doctype html>")
    assert text.endswith("</html>\n")
    assert not re.search(r"(?:src|href)=(?!\"data:image/png|\"#)|@import|url\(|<script", text)
    images = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    assert len(images) == sum(
        1 + sum(m.is_for(case) for m in evaluation.methods) for case in evaluation.cases
    )
    for image in images:
        assert Image.open(io.BytesIO(base64.b64decode(image))).size in {(59, 48), (58, 48)}
    for method in evaluation.methods:
        assert f"<td>{method.name}</td>" in text


def test_the_crop_holds_the_mark() -> None:
    weights = np.zeros((100, 200), np.float32)
    weights[60:70, 150:180] = 1
    rows, columns = busiest(weights, 40)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (40, 40)
    assert rows.start <= 60
    assert rows.stop >= 70
    assert columns.start <= 150
    assert columns.stop >= 180


def test_a_photograph_is_a_still_clip_and_a_video_is_taken_from_its_middle(
    clips: dict[str, Path], carphone: Path
) -> None:
    still = middle_of(clips["photograph.png"], 3, 0)
    np.testing.assert_array_equal(still[0], still[2])
    np.testing.assert_array_equal(middle_of(carphone, 2, 0), middle_of(carphone, 4, 0)[1:3])
    assert middle_of(carphone, 2, 48).shape == (2, 48, 59, 3)
    assert middle_of(carphone, 1000, 48).shape[0] == 120


def test_damaged_frames_are_not_measured(carphone: Path, tmp_path: Path) -> None:
    assert len(middle_of(make_damaged(tmp_path / "damaged.mp4", carphone), 30, 0)) == 30 - len(DAMAGED)


def test_clips_of_one_name_are_told_apart_and_named_once(
    clips: dict[str, Path], carphone: Path, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.mp4").write_bytes(carphone.read_bytes())
    assert list(find_clips([tmp_path, tmp_path / "a" / "x.mp4"])) == ["a/x.mp4", "b/x.mp4"]


def test_what_cannot_be_read_is_refused_before_any_work(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing of a video")
    for path, kind in ((broken, VaderError), (tmp_path / "missing.mp4", VaderError), (tmp_path, VaderError)):
        with pytest.raises(kind, match=path.stem):
            find_clips([path])
    text = tmp_path / "notes.txt"
    text.write_text("no clip")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        find_clips([text])


def test_frames_that_are_too_small_to_measure_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    write_image(path, np.zeros((64, 16, 3), np.float32))
    with pytest.raises(VaderError, match=r"small\.png are too small"):
        middle_of(path, 1, 32)


def test_one_frame_has_no_warping_error(evaluation: Evaluation) -> None:
    one = Evaluation(evaluation.clips, evaluation.cases[:1], evaluation.methods[:1], frames=1, height=48)
    assert {trial.row.warping_error for trial in evaluate(one)} == {None}


def test_a_gain_has_a_sign_unless_there_is_none() -> None:
    assert [decibels(gain) for gain in (1.234, -1.234, -0.001, None)] == ["+1.23", "-1.23", "+0.00", "–"]
