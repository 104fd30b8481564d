"""The suite `foreign` shares nothing with training, and its overlays, masks and encoders are what they say."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlx_vader.artifacts.vocabulary import font_file, vocabulary
from mlx_vader.errors import VaderError
from mlx_vader.evaluation import EvaluateOptions, Evaluation, evaluate, find_cases, find_methods, prepare
from mlx_vader.evaluation.foreign.cases import CLEAN, ENCODERS, OVERLAYS
from mlx_vader.evaluation.foreign.coding import coded
from mlx_vader.evaluation.foreign.overlays import (
    Canvas,
    bouncing_badge,
    clip_art,
    rimmed_badge,
    subtitles,
    tiled_text,
    timestamp,
)
from mlx_vader.evaluation.foreign.painting import words
from mlx_vader.evaluation.given_masks import DRAWN, given_mask
from mlx_vader.evaluation.material import Material, find_foreign
from mlx_vader.evaluation.method import NOTHING, RE_ENCODED
from mlx_vader.evaluation.tables import gains, tables
from mlx_vader.metrics import psnr
from tests.scripts import load_script
from tests.test_rooms import imports, modules

ALIKE = pytest.mark.parametrize("case", OVERLAYS, ids=lambda case: f"{case.artifact}-{case.severity}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawing and a font."""
    folder = tmp_path_factory.mktemp("foreign")
    for name in ("drawings", "fonts"):
        (folder / name).mkdir()
    disc = np.zeros((64, 64, 4), np.uint8)
    disc[np.hypot(*np.mgrid[-32:32, -32:32]) < 30] = (200, 30, 60, 255)
    Image.fromarray(disc).save(folder / "drawings" / "disc.png")
    font = Path(font_file("font_lato", "Lato-Bold.ttf"))
    (folder / "fonts" / font.name).write_bytes(font.read_bytes())
    return folder


@pytest.fixture(scope="module")
def material(folder: Path) -> Material:
    return find_foreign(folder)


def test_nothing_of_it_is_made_by_the_artifacts_of_training() -> None:
    for module in modules():
        if module.startswith("mlx_vader.evaluation.foreign"):
            assert not [found for found in imports(module) if found.name.startswith("mlx_vader.artifacts")], (
                module
            )
    known = json.dumps([vars(vocabulary(name)) for name in ("train", "val")], default=vars)
    assert "Northwind" in (strings := set(re.findall(r'"((?:[^"\\]|\\.)*)"', known)))
    assert not {json.dumps(word)[1:-1] for kind in words().values() for word in kind} & strings


def test_none_of_its_fonts_is_one_of_training() -> None:
    fetched = [p for p in load_script("fetch_data").PACKAGES if p.kind == "foreign fonts"]
    families = {package.name.split("-")[1] for package in fetched}
    assert len(families) == 5
    trained = "".join(Path(font.path).stem.lower() for v in ("train", "val") for font in vocabulary(v).fonts)
    assert not [family for family in families if family.rstrip("2") in trained]


@ALIKE
def test_an_overlay_changes_its_mask_alone_but_for_the_encoder(case, clip, material) -> None:
    frames, mask, control = case.applied(clip, "a.mp4", material)
    assert mask.shape == (*clip.shape[:3], 1)
    assert 0.002 < mask.mean() < 0.3
    inside = mask[..., 0] > 0.5
    reached = given_mask(mask, "grown 3")[..., 0] > 0.5
    # Encoders spend their bits otherwise beneath an overlay, but beyond its reach both clips are much alike.
    change = np.abs(frames - control).mean(-1)
    assert change[inside].mean() > 4 * change[~reached].mean()


@ALIKE
def test_an_overlay_is_the_same_in_every_run(case, clip, material) -> None:
    first, second = (case.applied(clip, "a.mp4", material) for _ in range(2))
    np.testing.assert_array_equal(first.frames, second.frames)
    np.testing.assert_array_equal(first.mask, second.mask)


@pytest.mark.parametrize(
    ("overlay", "shown"),
    [(clip_art, 1), (rimmed_badge, 1), (tiled_text, 1), (subtitles, 3), (bouncing_badge, 6), (timestamp, 6)],
)
@pytest.mark.parametrize("size", [(64, 78), (120, 160)])
def test_overlays_stand_still_or_move_or_change(overlay, shown, size, material) -> None:
    layers = overlay(np.random.default_rng(3), material, Canvas(6, *size))
    assert len({layer.tobytes() for layer in layers}) == shown


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_gives_back_the_clip_with_a_loss(name, clip) -> None:
    odd = clip[:, :63, :77]
    result = coded(odd, ENCODERS[name])
    assert result.shape == odd.shape
    assert 25 < psnr(result, odd) < 48


def test_masks_are_drawn_exactly_wider_and_as_boxes() -> None:
    mask = np.zeros((1, 80, 80, 1), np.float32)
    mask[0, 20:24, 10:14] = mask[0, 20:24, 17:20] = 1  # two letters of a word
    mask[0, 60:70, 60:70] = 1
    assert {name: int(given_mask(mask, name).sum()) for name in DRAWN} == {
        "exact": 16 + 12 + 100,
        "grown 1": 6 * 6 + 6 * 5 - 0 + 144,
        "grown 3": 10 * 10 + 10 * 9 - 10 * 3 + 256,
        "boxes": 6 * 12 + 144,
    }


def test_an_encoder_s_loss_is_not_counted_as_harm(carphone, material) -> None:
    run = Evaluation({"a": carphone}, CLEAN[:1], [NOTHING], frames=2, height=48)
    (trial,) = evaluate(run)
    assert trial.row.psnr == 100


def test_every_mask_is_tried_and_what_the_encoder_leaves_is_a_row(carphone, material) -> None:
    methods, _ = find_methods([], ["opencv telea", "membrane"])
    run = Evaluation({"a": carphone}, OVERLAYS[:2], methods, frames=3, height=64, material=material)
    rows = [trial.row for trial in evaluate(run)]
    assert {(row.method, row.mask) for row in rows} == {
        (RE_ENCODED.name, None),
        (NOTHING.name, None),
        *((name, mask) for name in ("membrane", "opencv telea") for mask in DRAWN),
    }
    summary = run.as_dict(rows)["summary"]
    for entry in summary:
        tried = [item for item in entry["methods"] if item["method"] == "opencv telea"]
        best = max(tried, key=lambda item: item["psnr"])
        assert entry["best_baseline"] == {key: best[key] for key in ("method", "mask", "psnr")}
    ends = [line for line in gains(summary) if line.artifact == "overlays, in mask"]
    assert [line.network for line in ends] == ["membrane", *(f"membrane, {mask}" for mask in DRAWN[1:])]
    best_inside = np.mean(
        [max(m["psnr_mask"] for m in entry["methods"] if m["method"] == "opencv telea") for entry in summary]
    )
    assert ends[0].baseline == f"{best_inside:.2f} the best of each"
    assert {line.network for line in gains(summary)} - {line.network for line in ends} == set()
    assert len(gains(summary)) == len(summary) + len(ends)
    *_, means = tables(summary)
    assert [line.method for line in means.lines] == [
        "re-encoded",
        "nothing",
        *("opencv telea", "· grown 1", "· grown 3", "· boxes"),
        *("membrane", "· grown 1", "· grown 3", "· boxes"),
    ]
    assert means.title == "overlays, mean of 2 kinds"
    assert not any(cell.best for line in means.lines if line.method == RE_ENCODED.name for cell in line.cells)


def test_a_folder_without_material_is_refused_before_any_work(tmp_path, carphone) -> None:
    with pytest.raises(VaderError, match="lacks the drawings and fonts"):
        prepare(EvaluateOptions(clips=(carphone,), suite="foreign", foreign=tmp_path))


def test_filters_for_other_artifacts_and_looks_too_short_are_left_out(carphone, folder, checkpoint) -> None:
    options = {"clips": (carphone,), "checkpoint": (str(checkpoint),), "backend": "torch", "foreign": folder}
    few, _ = prepare(EvaluateOptions(**options, suite="clean,subtitles"))
    names = [method.name for method in few.methods]
    assert "nothing" in names
    assert "opencv telea" in names
    assert not [name for name in names if "bm3d" in name]
    assert "as typed" in names
    few, _ = prepare(EvaluateOptions(**options, suite="clean,subtitles", frames=7))
    assert "as typed" not in [method.name for method in few.methods]
    assert "--frames 8" in few.missing["as typed"]
    enough, _ = prepare(EvaluateOptions(**options, suite="clean,subtitles", frames=24))
    assert "as typed" in [method.name for method in enough.methods]


def test_the_suite_is_the_sum_of_its_parts() -> None:
    parts = [case for name in ("clean", "overlays", "degradations") for case in find_cases(f"foreign_{name}")]
    assert {*parts} == {*find_cases("foreign")}
