"""What each strategy promises, for any length of video, clip and overlap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_vader.backends import restore
from mlx_vader.errors import UsageError
from mlx_vader.streaming import (
    STRATEGIES,
    Bidirectional,
    ClipRecurrent,
    Input,
    Recurrent,
    SlidingWindow,
    calls,
    make_strategy,
)
from mlx_vader.streaming.results import pack, unpack
from tests.streaming.backends import Broken, Centred, Identity, Leaky, Maskless, Windowed, ramp

quick = settings(max_examples=60, deadline=None)


@st.composite
def strategies(draw):
    """Any strategy with any valid lengths."""
    clip = draw(st.integers(1, 9))
    overlap = draw(st.integers(0, clip - 1))
    return draw(
        st.sampled_from(
            [
                Recurrent(),
                SlidingWindow(clip, overlap),
                ClipRecurrent(clip, overlap),
                Bidirectional(segment=clip, warm_up=overlap),
            ]
        )
    )


def frames_of(results):
    return np.stack([result.frame for result in results])


@quick
@given(strategies(), st.integers(0, 40), st.integers(1, 5))
def test_every_strategy_gives_one_result_per_frame_in_order(strategy, count, window):
    frames = ramp(count)
    results = list(strategy.run(iter(frames), Identity(window)))
    assert len(results) == count
    for frame, result in zip(frames, results, strict=True):
        assert np.array_equal(result.frame, frame)
        assert np.array_equal(result.mask, frame[..., :1])


@quick
@given(strategies(), st.integers(1, 40), st.integers(1, 5), st.data())
def test_a_strategy_goes_on_from_any_chunk_as_if_it_had_never_stopped(strategy, count, window, data):
    frames, backend = ramp(count), Windowed(window)
    chunks = list(strategy.chunks(map(Input, frames), backend))
    whole = frames_of([result for chunk in chunks for result in chunk.results])
    cut = data.draw(st.integers(0, len(chunks) - 1))
    carry = unpack(pack(chunks[cut].carry, backend), backend)
    assert carry.position == sum(len(chunk.results) for chunk in chunks[: cut + 1])
    rest = [
        r
        for chunk in strategy.chunks(map(Input, frames[carry.position :]), backend, carry)
        for r in chunk.results
    ]
    assert np.array_equal(whole[carry.position :], frames_of(rest) if rest else whole[:0])


@quick
@given(st.integers(1, 40), st.integers(1, 8), st.integers(1, 4))
def test_clip_recurrent_equals_recurrent_where_the_window_divides_the_clip(count, clips, window):
    frames, backend = ramp(count), Windowed(window)
    one = frames_of(Recurrent().run(frames, backend))
    other = frames_of(ClipRecurrent(clips * window, min(2, clips * window - 1)).run(frames, backend))
    assert np.array_equal(one, other)


def test_clip_recurrent_equals_frame_by_frame_for_a_window_of_one():
    frames, backend = ramp(37), Leaky()
    state, one_by_one = None, []
    for frame in frames:
        restored = restore(backend, frame[None], state)
        state = restored.state
        one_by_one.append(restored.frames[0])
    assert np.array_equal(one_by_one, frames_of(ClipRecurrent(16, 4).run(frames, backend)))


def test_clip_recurrent_overlaps_where_the_window_does_not_divide_the_clip():
    frames = ramp(20)
    plain = frames_of(ClipRecurrent(4, 0).run(frames, Windowed(3)))
    faded = frames_of(ClipRecurrent(4, 2).run(frames, Windowed(3)))
    assert not np.allclose(plain[2:], faded[2:])


def test_the_sliding_window_fades_linearly_from_clip_to_clip():
    frames = [np.full((1, 1, 3), i, np.float32) for i in range(9)]
    values = frames_of(SlidingWindow(5, 2).run(frames, Centred()))[:, 0, 0, 0]
    first, second = 2.0, 5.0  # means of frames 0..4, 3..7; the last clip holds 6..8, mean 7
    expected = [first] * 3 + [first + 1, first + 2] + [second] + [second + 2 / 3, second + 4 / 3] + [7.0]
    assert np.allclose(values, expected)


def test_the_sliding_window_forgets():
    frames = ramp(12)
    later = frames_of(SlidingWindow(4, 0).run(frames[4:], Leaky()))
    assert np.array_equal(frames_of(SlidingWindow(4, 0).run(frames, Leaky()))[4:], later)


def test_bidirectional_is_symmetric_in_time():
    frames = ramp(12)
    strategy = Bidirectional(segment=12, warm_up=4)
    forward = frames_of(strategy.run(frames, Leaky()))
    backward = frames_of(strategy.run(frames[::-1], Leaky()))
    assert np.allclose(forward, backward[::-1], atol=1e-6)


def test_bidirectional_segments_show_no_seam():
    frames = ramp(40)
    whole = frames_of(Bidirectional(segment=40, warm_up=24).run(frames, Leaky()))
    cut = frames_of(Bidirectional(segment=8, warm_up=24).run(frames, Leaky()))
    assert np.abs(whole - cut).max() < 1e-6


@pytest.mark.parametrize(
    "strategy", [Recurrent(), SlidingWindow(8, 2), ClipRecurrent(8, 2), Bidirectional(8, 4)]
)
def test_no_strategy_reads_further_ahead_than_it_must(strategy):
    """Memory is bounded: by the time a result comes out, few frames have gone in."""
    read = 0

    def counted():
        nonlocal read
        for frame in ramp(200):
            read += 1
            yield frame

    ahead = [read - done for done, _ in enumerate(strategy.run(counted(), Leaky()))]
    assert max(ahead) <= 12


@pytest.mark.parametrize(
    "strategy", [Recurrent(), SlidingWindow(4, 1), ClipRecurrent(4, 1), Bidirectional(4, 2)]
)
def test_nan_falls_back_to_the_frame_and_does_not_spread(strategy):
    frames = [0.4 * frame for frame in ramp(30)]
    frames[10] = frames[10] + 0.6
    results = list(strategy.run(frames, Broken()))
    assert np.isfinite(frames_of(results)).all()
    assert not results[10].finite
    assert np.array_equal(results[10].frame[0, 0], frames[10][0, 0])
    assert all(result.finite for result in results[20:])


def test_a_network_without_a_mask_gives_none():
    for strategy in (Recurrent(), SlidingWindow(4, 2), ClipRecurrent(4, 2), Bidirectional(4, 2)):
        assert all(result.mask is None for result in strategy.run(ramp(9), Maskless(3)))


@quick
@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 20))
def test_a_call_is_bounded_and_cuts_at_windows(height, width, window):
    count = calls.frames_per_call(np.broadcast_to(np.float32(0), (height, width, 3)), window)
    assert count % window == 0
    assert count == window or count * height * width <= calls.MAX_PIXELS_PER_CALL


def test_calls_of_any_size_change_nothing(monkeypatch):
    frames, backend = ramp(23), Windowed(3)
    whole = frames_of(ClipRecurrent(12, 0).run(frames, backend))
    monkeypatch.setattr(calls, "MAX_PIXELS_PER_CALL", 1)
    assert np.array_equal(whole, frames_of(ClipRecurrent(12, 0).run(frames, backend)))


@pytest.mark.parametrize(("clip", "overlap"), [(0, 0), (4, 4), (4, -1), (4, 9)])
def test_impossible_lengths_are_usage_errors(clip, overlap):
    with pytest.raises(UsageError):
        make_strategy("sliding-window", clip_length=clip, overlap=overlap)


def test_an_unknown_strategy_names_the_known_ones():
    with pytest.raises(UsageError) as error:
        make_strategy("magic")
    assert all(name in error.value.hint for name in STRATEGIES)
