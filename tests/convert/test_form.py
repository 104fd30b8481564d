"""Which forms of packages can be asked for."""

import pytest

from convert.form import Form
from convert.shapes import parse_shapes
from mlx_vader.errors import UsageError
from mlx_vader.models.registry import build


def interface(network: str):
    return build(network, "tiny").spec.interface


def test_choices_are_the_same_in_capitals_and_small_letters():
    assert Form("ios18", io="Image", compress="W8A8") == Form("iOS18", io="image", compress="w8a8")
    with pytest.raises(UsageError, match="unknown target 'ios15'"):
        Form("ios15")


@pytest.mark.parametrize("shapes", ["256", "range:256-512", "256,256x256"])
def test_before_ios_18_a_network_of_several_inputs_has_one_size_or_a_range(shapes):
    Form("iOS16").check(interface("realtime"), parse_shapes(shapes))


@pytest.mark.parametrize("target", ["iOS16", "iOS17"])
def test_before_ios_18_a_list_is_refused_with_what_would_do(target):
    with pytest.raises(UsageError, match="of 3 inputs, not 256x256,720x1280") as caught:
        Form(target).check(interface("realtime"), parse_shapes("256,720p"))
    assert caught.value.hint == (
        "--shapes 720x1280, a range such as range:256x256-720x1280, or --target iOS18"
    )


def test_a_network_of_one_input_has_a_list_before_ios_18():
    Form("iOS16").check(interface("nafunet-lite"), parse_shapes("256,720p"))
    Form("iOS18").check(interface("realtime"), parse_shapes("256,720p"))
