"""Decoder, network and encoder at the same time: three stages with short queues between them.

The network runs in the caller's thread, because MLX's streams belong to a thread and because Ctrl-C reaches the main
thread. The decoder and the encoder, which spend their time in FFmpeg without Python's lock, have a thread each.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
Decoded = TypeVar("Decoded")
Encoded = TypeVar("Encoded")


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
    transform: Callable[[Iterator[Decoded]], Iterable[Encoded]],
    sink: Callable[[Encoded], None],
    *,
    depth: int = 8,
) -> None:
    """Pulls from `source` in one thread, pushes into `sink` in another, and runs `transform` in this one.

    At most `depth` items wait on either side. An exception in any stage stops the others and is raised here, as it
    was; so is Ctrl-C. When this returns or raises, both threads have ended. A generator given as `source` is closed.
    """
    decoded: Channel[Decoded] = Channel(depth)
    encoded: Channel[Encoded] = Channel(depth)
    decoder = threading.Thread(target=_decode, args=(source, decoded), name="vader-decode", daemon=True)
    encoder = _Encoder(encoded, sink)
    decoder.start()
    encoder.start()
    try:
        for item in transform(iter(decoded)):
            encoded.put(item)
        encoded.finish()
        encoder.join()
    except Stopped:
        pass  # the encoder failed, and says why below
    finally:
        # On the way out of an error these stop both threads after the item they are at; otherwise they change nothing.
        decoded.abandon()
        encoded.abandon()
        decoder.join()
        encoder.join()
    if encoder.error is not None:
        raise encoder.error


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


class _Encoder(threading.Thread):
    """Empties a channel into the sink; keeps the sink's exception for the caller."""

    def __init__(self, channel: Channel[T], sink: Callable[[T], None]) -> None:
        super().__init__(name="vader-encode", daemon=True)
        self.channel, self.sink = channel, sink
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for item in self.channel:
                self.sink(item)
        except BaseException as error:  # it is raised again in the caller's thread
            self.error = error
            self.channel.abandon()
