"""How users name artifacts."""

import pytest

from mlx_vader.artifacts import ARTIFACTS, GROUPS, apply, parse_names
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
