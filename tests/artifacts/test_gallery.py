"""The contact sheet and its command."""

from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from mlx_vader.artifacts.gallery import CELL, contact_sheet, drawn_scene
from mlx_vader.cli import artifacts as command
from mlx_vader.errors import UsageError, VaderError


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    application = typer.Typer()
    application.callback()(lambda: None)
    command.register(application)
    return application


def run(app: typer.Typer, *arguments: object) -> None:
    result = CliRunner().invoke(app, ["artifacts", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output


def test_a_sheet_has_room_for_the_clean_frame_all_thirteen_and_two_pairs(scene: np.ndarray) -> None:
    sheet = contact_sheet(scene, 3, severity=0.7, vocabulary="val")
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] > 4 * CELL[0]
    assert sheet.shape[0] > 4 * CELL[1]
    assert np.array_equal(sheet, contact_sheet(scene, 3, severity=0.7, vocabulary="val"))


@pytest.mark.parametrize("shape", [(40, 300), (300, 40), (30, 30)])
def test_pictures_of_any_shape_are_cropped(shape: tuple[int, int]) -> None:
    frames = np.full((1, *shape, 3), 0.4, np.float32)
    assert contact_sheet(frames).shape == contact_sheet(frames[:, :20, :20]).shape


def test_the_drawn_scene_moves_and_is_in_range() -> None:
    scene = drawn_scene(3, 90, 160)
    assert scene.shape == (3, 90, 160, 3)
    assert 0 <= scene.min() < scene.max() <= 1
    assert not np.array_equal(scene[0], scene[2])


def test_the_command_writes_a_sheet_of_a_clip(app: typer.Typer, carphone: Path, tmp_path: Path) -> None:
    run(app, "-o", tmp_path / "sheet.png", "--input", carphone, "--severity", 0.8, "--seed", 4)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 4 * CELL[0]
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_the_command_takes_a_picture(app: typer.Typer, scene: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray((scene[0] * 255).astype(np.uint8)).save(tmp_path / "picture.png")
    run(app, "-o", tmp_path / "sheet.png", "--input", tmp_path / "picture.png")
    assert (tmp_path / "sheet.png").stat().st_size > 100_000


def test_a_failed_command_leaves_nothing_behind(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(VaderError):
        run(app, "-o", tmp_path / "sheet.png", "--input", tmp_path / "text.mp4")
    with pytest.raises(UsageError, match="not the name of an image"):
        run(app, "-o", tmp_path / "sheet.txt")
    with pytest.raises(UsageError, match="severity"):
        run(app, "-o", tmp_path / "sheet.png", "--severity", 3)
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]
