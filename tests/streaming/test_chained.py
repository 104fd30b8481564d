"""Two processes one after the other: the second sees what the first made, and frames are composited once."""

import numpy as np
import pytest

from mlx_vader.boxes import Box
from mlx_vader.inpainting.fill import FILLS
from mlx_vader.inpainting.filling import Filling
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.process import Edit, Finding, FoundMark, RestoredBy, edits_of
from mlx_vader.streaming import ClipRecurrent, Recurrent, Restoration, SlidingWindow
from mlx_vader.streaming.chained import Chained
from mlx_vader.streaming.whole_picture import WholePicture
from mlx_vader.video.in_memory import ClipInMemory
from tests.streaming.backends import Leaky, Windowed, ramp
from tests.video.raw_frames import frame_of

SIZE = 40, 48
COUNT = 13
#: Where the first process works, and where the second does.
FIRST, SECOND = np.zeros((2, COUNT, *SIZE, 1), np.float32)
FIRST[:, 4:8, 6:20] = 1
SECOND[:, 28:32, 30:40] = 1
CLIP = np.stack(ramp(COUNT, *SIZE))


def network(masks=None, strategy=None, backend=None):
    source = None if masks is None else ArrayMasks(masks)
    return Restoration(
        backend or Leaky(), strategy or Recurrent(), weights="w", fill=FILLS["network"].fill, masks=source
    )


def filling():
    return Filling(ArrayMasks(FIRST), "membrane")


def made(edits):
    return np.stack([edit.frame.edited(edit.patches()).rgb for edit in edits])


def through(process, clip=CLIP):
    return made(edits_of(process, ClipInMemory(clip)))


@pytest.mark.parametrize("masks", [None, SECOND, FIRST], ids=["whole", "elsewhere", "same place"])
def test_the_second_sees_what_the_first_made(masks):
    one_by_one = through(network(masks), through(filling()))
    np.testing.assert_array_equal(through(Chained(filling(), network(masks))), one_by_one)


STRATEGIES = [
    (Recurrent(), Leaky()),
    (ClipRecurrent(8, 0), Windowed(window=4)),
    (SlidingWindow(4, 2), Leaky()),
]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda one: type(one[0]).__name__)
@pytest.mark.parametrize(
    "first", [filling, lambda: network(FIRST, ClipRecurrent(3, 0))], ids=["fill", "network"]
)
def test_it_goes_on_after_any_chunk(strategy, first):
    def process():
        return Chained(first(), network(None, *strategy))

    whole, video, done = through(process()), ClipInMemory(CLIP), 0
    for chunk in process().chunks(video.read(0, COUNT), {}):
        done += len(chunk.edits)
        rest = process().chunks(video.read(done, COUNT), chunk.carry())
        edits = [edit for part in rest for edit in part.edits]
        assert [edit.frame.index for edit in edits] == list(range(done, COUNT))
        if edits:
            np.testing.assert_array_equal(made(edits), whole[done:])
    assert done == COUNT


def test_samples_that_neither_touches_stay_bit_for_bit():
    class Stored(ClipInMemory):
        def read(self, start, stop):
            return (frame_of("yuv420p", 48, 40) for _ in range(start, min(stop, self.frames)))

    class Levels(Leaky):
        def run(self, inputs, state=None):
            return super().run({"seen": inputs["seen"] / np.float32(255)}, state)

    (edit,) = edits_of(Chained(filling(), network(SECOND, backend=Levels())), Stored(CLIP[:1]))
    out = edit.frame.edited(edit.patches())
    for number, (before, after) in enumerate(zip(edit.frame.samples, out.samples, strict=True)):
        changed = np.argwhere(before != after)
        assert len(changed), number
        reached = [Box(0, 0, 24, 40), Box(8, 10, 32, 38)]
        halvings = (1, 1) if number else (0, 0)
        inside = [
            [
                area.rows.start <= row < area.rows.stop and area.columns.start <= column < area.columns.stop
                for area in (box.reduced(*halvings) for box in reached)
            ]
            for row, column in changed
        ]
        assert all(map(any, inside))
    assert edit.frame.samples[0][20, 20] == out.samples[0][20, 20]


class Told:
    """A process that changes nothing, with a finding and a first pass of two steps."""

    def __init__(self, finding, name="a"):
        self.finding, self._name, self.began_with = finding, name, None

    def identity(self):
        return {"name": self._name}

    def analyse(self, video, kept):
        self.began_with = dict(kept)
        for step in range(len(kept) + 1, 3):
            yield {f"{self._name}{n}": np.array([n]) for n in range(1, step + 1)}

    def chunks(self, frames, carry):
        raise AssertionError("it is to change nothing")


MARK = FoundMark((0, 0, 4, 4), 0.5, "fill")
DONE, NOT_DONE = RestoredBy("n", 0.5, 9.0, 0.1), RestoredBy("n", 0.0, 0.1, 0.1)


@pytest.mark.parametrize(
    ("first", "restored", "told", "nothing"),
    [
        (Finding("found", (MARK,)), DONE, DONE, False),
        (Finding("found", (MARK,)), NOT_DONE, NOT_DONE, False),
        (Finding("nothing"), DONE, DONE, False),
        (Finding("nothing"), NOT_DONE, NOT_DONE, True),
        (Finding("undecidable", (MARK,), "still"), NOT_DONE, NOT_DONE, True),
        (Finding(), DONE, DONE, False),
        (Finding(), NOT_DONE, None, False),
    ],
)
def test_the_finding_is_that_of_both(first, restored, told, nothing):
    finding = Chained(Told(first), Told(Finding(restored=restored))).finding
    assert (finding.status, finding.marks, finding.reason) == (first.status, first.marks, first.reason)
    assert finding.restored == told
    assert finding.changes_nothing == nothing


def test_a_second_that_changes_nothing_is_not_asked():
    process = Chained(filling(), Told(Finding(restored=NOT_DONE)))
    np.testing.assert_array_equal(through(process), through(filling()))


def test_a_first_that_changes_nothing_is_not_asked():
    process = Chained(Told(Finding("nothing")), WholePicture(network(), "n", 1.0))
    np.testing.assert_array_equal(through(process), through(network()))


def test_both_first_passes_go_on_where_they_stopped():
    first, second = Told(Finding("nothing"), "a"), Told(Finding("nothing"), "b")
    kept = {}
    for kept in Chained(first, second).analyse(None, {}):  # noqa: B007 - the last one is wanted
        pass
    assert sorted(kept) == ["0.a1", "0.a2", "1.b1", "1.b2"]
    assert list(Chained(first, second).analyse(None, {n: kept[n] for n in ("0.a1", "0.a2", "1.b1")}))
    assert first.began_with.keys() == {"a1", "a2"}
    assert second.began_with.keys() == {"b1"}


def test_what_was_not_finite_is_said_of_either():
    class Failing(Told):
        def chunks(self, frames, carry):
            from mlx_vader.process import Chunk

            for frame in frames:
                yield Chunk([Edit(frame, tuple, finite=False)], dict)

    edits = edits_of(Chained(Failing(Finding("told")), network(SECOND)), ClipInMemory(CLIP))
    assert not any(edit.finite for edit in edits)
