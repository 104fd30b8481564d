"""Decoder, process, finishing and encoder at the same time: stages with short queues between them.

The process runs in the caller's thread, because MLX's streams belong to a thread and because Ctrl-C reaches the main
thread. The others, which spend their time in FFmpeg and NumPy without Python's lock, have a thread each.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Decoded = TypeVar("Decoded")


class Stopped(Exception):  # noqa: N818 - not an error: the queue's other end has gone
    """The reader of a channel has stopped; there is no one to write for."""


class Channel(Generic[T]):
    """A bounded queue with an end: the writer finishes it or fails it, the reader may abandon it."""

    def __init__(self, depth: int) -> None:
        self._items: deque[T] = deque()
        self._depth = depth
        self._changed = threading.Condition()
        self._finished = False
        self._abandoned = False
        self._error: BaseException | None = None

    def put(self, item: T) -> None:
        """Waits for room. Raises `Stopped` when the reader has abandoned the channel."""
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or len(self._items) < self._depth)
            if self._abandoned:
                raise Stopped
            self._items.append(item)
            self._changed.notify_all()

    def finish(self, error: BaseException | None = None) -> None:
        """No more items; the reader sees those that are left and then the end, or at once the error."""
        with self._changed:
            self._finished, self._error = True, error
            if error is not None:
                self._items.clear()
            self._changed.notify_all()

    def abandon(self) -> None:
        """Nobody reads any more: what is left is dropped, and both ends are told."""
        with self._changed:
            self._abandoned = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._finished or self._abandoned)
                if self._error is not None:
                    raise self._error
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


def run(
    source: Iterable[Decoded],
    transform: Callable[[Iterator[Decoded]], Iterable[Any]],
    *stages: Callable[[Any], Any],
    depth: int = 8,
) -> None:
    """Pulls from `source` in one thread, runs `transform` in this one, and each of `stages` in one of its own.

    Each stage is given what the one before returned; the last one's results are dropped. At most `depth` items wait
    between two of them. An exception anywhere stops all and is raised here, as it was; so is Ctrl-C. When this returns
    or raises, all threads have ended. A generator given as `source` is closed.
    """
    decoded: Channel[Decoded] = Channel(depth)
    decoder = threading.Thread(target=_decode, args=(source, decoded), name="vader-decode", daemon=True)
    first: Channel[Any] = Channel(depth)
    workers: list[_Stage] = []
    following = first
    for number, stage in enumerate(stages):
        channel, following = following, Channel(depth)
        last = number == len(stages) - 1
        workers.append(_Stage(f"vader-stage-{number}", channel, stage, None if last else following))
    for thread in (decoder, *workers):
        thread.start()
    try:
        for item in transform(iter(decoded)):
            first.put(item)
        first.finish()
        for worker in workers:
            worker.join()
    except Stopped:
        pass  # a stage failed, and says why below
    finally:
        # On the way out of an error these stop all threads after the item they are at; otherwise they change nothing.
        decoded.abandon()
        first.abandon()
        for worker in workers:
            worker.channel.abandon()
        for thread in (decoder, *workers):
            thread.join()
    for worker in workers:
        if worker.error is not None:
            raise worker.error


def _decode(source: Iterable[T], channel: Channel[T]) -> None:
    try:
        for item in source:
            channel.put(item)
        channel.finish()
    except Stopped:
        pass
    except BaseException as error:  # it is raised again in the caller's thread
        channel.finish(error)
    finally:
        if isinstance(source, Generator):
            source.close()


class _Stage(threading.Thread):
    """Empties a channel into a function, and what that returns into the next channel; keeps its exception."""

    def __init__(
        self, name: str, channel: Channel[Any], work: Callable[[Any], Any], following: Channel[Any] | None
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.channel, self.work, self.following = channel, work, following
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for item in self.channel:
                result = self.work(item)
                if self.following is not None:
                    self.following.put(result)
            if self.following is not None:
                self.following.finish()
        except Stopped:
            self.channel.abandon()
        except BaseException as error:  # it is raised again in the caller's thread
            self.error = error
            self.channel.abandon()
            if self.following is not None:
                self.following.abandon()
