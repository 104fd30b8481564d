"""Stages run at the same time, hold few items, and stop together."""

import threading

import pytest

from mlx_vader.jobs import pipeline


class BoomError(Exception):
    pass


def counting(count, log=None):
    try:
        yield from range(count)
    finally:
        if log is not None:
            log.append("closed")


def fails_at(index, error=BoomError):
    def stage(item):
        if item == index:
            raise error
        return item

    return stage


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("count", [0, 1, 2, 100])
@pytest.mark.parametrize("depth", [1, 7])
@pytest.mark.parametrize("between", [0, 1, 2])
def test_everything_arrives_in_order(count, depth, between):
    out = []
    stages = [lambda item: item + 1] * between
    pipeline.run(
        counting(count), lambda items: (2 * item for item in items), *stages, out.append, depth=depth
    )
    assert out == [2 * item + between for item in range(count)]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("index", [0, 50, 99])
def test_an_error_of_any_stage_stops_the_others(place, index):
    log = []
    stages = [lambda item: item] * 3
    stages[place] = fails_at(index)
    with pytest.raises(BoomError):
        pipeline.run(counting(100, log), iter, *stages, depth=2)
    assert log == ["closed"]


def test_an_error_of_the_source_is_raised_as_it_was():
    def source():
        yield 1
        raise BoomError("bad file")

    with pytest.raises(BoomError, match="bad file"):
        pipeline.run(source(), iter, lambda _: None)


@pytest.mark.parametrize("index", [0, 50, 99])
def test_an_error_of_the_network_stops_the_others(index):
    out, log = [], []
    with pytest.raises(BoomError):
        pipeline.run(counting(100, log), lambda items: map(fails_at(index), items), out.append, depth=2)
    assert out == list(range(len(out)))
    assert len(out) <= index
    assert log == ["closed"]


def test_an_endless_source_stops_when_the_sink_fails():
    def endless():
        while True:
            yield 0

    with pytest.raises(BoomError):
        pipeline.run(endless(), iter, fails_at(0))


def test_ctrl_c_in_the_network_stops_all():
    log = []
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(
            counting(10**9, log), lambda items: map(fails_at(5, KeyboardInterrupt), items), lambda _: None
        )
    assert log == ["closed"]


def test_few_items_are_under_way():
    """A slow sink holds back the source: memory does not grow."""
    started, ended, most = 0, 0, 0

    def source():
        nonlocal started
        for item in range(300):
            started += 1
            yield item

    def sink(_):
        nonlocal ended, most
        ended += 1
        most = max(most, started - ended)

    pipeline.run(source(), iter, sink, depth=3)
    assert ended == 300
    assert most <= 3 + 3 + 3  # both queues, and one item in each hand


def test_the_source_and_the_sink_have_their_own_threads_and_the_network_the_callers():
    names = {}

    def source():
        names["source"] = threading.current_thread().name
        yield 1

    def transform(items):
        for item in items:
            names["network"] = threading.current_thread()
            yield item

    pipeline.run(source(), transform, lambda _: names.update(sink=threading.current_thread().name))
    assert names == {"source": "vader-decode", "network": threading.current_thread(), "sink": "vader-stage-0"}
