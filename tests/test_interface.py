"""What a network takes and gives, as a value: its JSON goes there and back, and a bad one is refused."""

import json

import pytest

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.interface import FLAT, KINDS, Interface, Port, StatePort
from tests.models.variants import INTERFACES

EVERYTHING = Interface(
    inputs=tuple(Port(f"given_{kind}", kind, 3, 1 if kind in FLAT else 2) for kind in KINDS),
    outputs=(Port("flow", "flow", 2, stride=4),),
    state=(StatePort("hidden", channels=16, stride=4), StatePort("tokens", fixed=(64, 8))),
    stride=8,
    window=2,
    any_size=False,
)


@pytest.mark.parametrize("interface", [EVERYTHING, *INTERFACES.values()])
def test_it_survives_json(interface: Interface) -> None:
    assert Interface.from_json(json.dumps(interface.as_json())) == interface


def _changed(**changes: object) -> dict[str, object]:
    return json.loads(json.dumps(EVERYTHING.as_json())) | changes


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({}, "inputs: field required"),
        ([], "should be an object"),
        (
            _changed(inputs=[{"name": "x", "kind": "smell", "channels": 1}]),
            "inputs.0.kind: input should be 'frames'",
        ),
        (_changed(inputs=[{"name": "a b", "kind": "frames", "channels": 3}]), "no name"),
        (
            _changed(inputs=[{"name": "x", "kind": "frames", "channels": 3, "colour": 1}]),
            "colour: unexpected",
        ),
        (
            _changed(inputs=[{"name": "x", "kind": "frames", "channels": "3"}]),
            "channels: input should be a valid integer",
        ),
        (_changed(outputs=[]), "inputs and outputs"),
        (_changed(stride=6), "strides"),
        (_changed(window=0), "window: input should be greater"),
        (_changed(stride=2**40), "stride: input should be less"),
        (_changed(state=[{"name": "x"}]), "channels or a fixed shape"),
        (_changed(any_size="yes"), "any_size: input should be a valid boolean"),
        (_changed(outputs=[{"name": "hidden", "kind": "flow", "channels": 2}]), "the same name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_no_network_has_is_refused(value: object, reason: str) -> None:
    with pytest.raises(VaderError, match=reason) as caught:
        Interface.from_json(json.dumps(value))
    assert caught.value.hint


def test_shapes_follow_the_frames() -> None:
    hidden, tokens = EVERYTHING.state
    assert hidden.shape(33, 40) == (9, 10, 16)
    assert hidden.planes(33, 40) == (16, 9, 10)
    assert tokens.shape(33, 40) == tokens.planes(33, 40) == (64, 8)
    assert EVERYTHING.padded(33, 40) == (40, 40)
    assert EVERYTHING.frame_size({"given_frames": (16, 20), "given_features": (16, 20)}) == (32, 40)
    assert Port("word", "embedding", 512).shape(33, 40) == (512,)


def test_restoration_needs_frames_and_nothing_else() -> None:
    with pytest.raises(UsageError, match="does not restore"):
        EVERYTHING.restoration()
    pair = (Port("first", "frames", 3), Port("second", "frames", 3))
    between = Interface(pair, (Port("between", "frames", 3),))
    assert not between.restores
