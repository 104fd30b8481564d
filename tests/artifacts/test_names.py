"""How users name artifacts."""

import numpy as np
import pytest

from convert.real_frames import _marked
from mlx_vader.artifacts import ARTIFACTS, GROUPS, MissingFontError, apply, parse_names
from mlx_vader.artifacts.vocabulary import font_file
from mlx_vader.errors import UsageError


def test_a_list_of_names_is_read_in_any_form() -> None:
    assert parse_names("corner_logo,gaussian_noise") == ("corner_logo", "gaussian_noise")
    assert parse_names(" Gaussian-Noise , corner_logo,") == ("corner_logo", "gaussian_noise")
    assert parse_names(["blur", "blur"]) == ("blur",)


def test_groups_stand_for_their_members() -> None:
    assert parse_names("all") == tuple(ARTIFACTS)
    assert len(parse_names("overlays")) == 6
    assert len(parse_names("degradations")) == 7
    assert set(parse_names("overlays,blur")) == {*GROUPS["overlays"], "blur"}


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("corner_lgo", "corner_logo"), ("jpeg", "jpeg_compression"), ("overlayss", "overlays")],
)
def test_a_misspelt_name_is_refused_with_the_nearest_one(wrong: str, meant: str) -> None:
    with pytest.raises(UsageError, match=wrong) as caught:
        parse_names(f"blur,{wrong}")
    assert f"did you mean {meant}?" in caught.value.hint
    assert "film_grain" in caught.value.hint


@pytest.mark.parametrize("empty", ["", " , "])
def test_naming_nothing_is_refused(empty: str) -> None:
    with pytest.raises(UsageError):
        parse_names(empty)


def test_apply_takes_one_artifact_not_a_group() -> None:
    import numpy as np

    with pytest.raises(UsageError, match="overlays"):
        apply("overlays", np.zeros((1, 8, 8, 3), np.float32), 0)


def test_without_fonts_a_hint_names_the_extra_and_a_package_is_still_checked(monkeypatch):
    font_file.cache_clear()
    monkeypatch.setattr("mlx_vader.artifacts.vocabulary.find_spec", lambda package: None)
    with pytest.raises(MissingFontError, match="font") as error:
        font_file("font_lato", "Lato-Bold.ttf")
    assert "vader-mlx[train]" in error.value.hint
    spoiled, mask = _marked(np.full((2, 64, 64, 3), 0.5, np.float32))
    assert mask.any()
    assert (spoiled != 0.5).any()
