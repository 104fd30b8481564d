"""Work done ahead of time, in order, by processes that never outlive the one that started them."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Generic, TypeVar

from mlx_vader.errors import VaderError

Result = TypeVar("Result")

_make: Callable[[int], object]


class Ahead(Generic[Result]):
    """`make(number)` for a row of numbers, some of them ahead of whoever asks, in `workers` fresh processes.

    `make` must be picklable. At most `depth` results are being made or waiting: whoever is slow is not overrun.
    """

    def __init__(self, make: Callable[[int], Result], workers: int, depth: int) -> None:
        self.depth = depth
        # Fresh processes: a fork would copy the locks of MLX's and PyAV's threads as they happen to be.
        self._pool = ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(make,)
        )

    def results(self, start: int) -> Iterator[Result]:
        """`make(start)`, `make(start + 1)`, … without end. Raises VaderError for a worker that fails or dies."""
        row: deque[Future[Result]] = deque()
        number = start
        try:
            while True:
                while len(row) < self.depth:
                    row.append(self._submitted(number + len(row)))
                yield self._finished(row.popleft(), number)
                number += 1
        finally:
            for future in row:
                future.cancel()

    def close(self) -> None:
        """Waits for what is being made, and ends the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submitted(self, number: int) -> "Future[Result]":
        try:
            return self._pool.submit(_made, number)  # type: ignore[arg-type]
        except BrokenProcessPool as error:
            raise _died() from error

    def _finished(self, future: "Future[Result]", number: int) -> Result:
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise _died() from error
        except VaderError:
            raise
        except Exception as error:
            raise VaderError(
                f"a data worker failed at step {number}: {type(error).__name__}: {error}",
                hint="run again with --debug for its traceback",
            ) from error


def _died() -> VaderError:
    return VaderError(
        "a data worker died",
        hint="out of memory? Use fewer workers. A script of your own must train under if __name__ == '__main__':",
    )


def _begin(make: Callable[[int], object]) -> None:
    """In a new worker: keeps the task, leaves Ctrl-C to the parent, and goes when the parent is gone."""
    global _make
    _make = make
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_go_with, args=(parent.sentinel,), daemon=True).start()


def _go_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _made(number: int) -> object:
    return _make(number)
