"""What every run of batches shares: one process's share of them, workers, and the files that could not be read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Generic, TypeVar

from mlx_vader.data.workers import Ahead
from mlx_vader.errors import UsageError

#: Batches that wait for the trainer, for each worker.
WAITING = 2

Content = TypeVar("Content")
#: `Self`, which the checks of shapes at test time do not know in methods.
Itself = TypeVar("Itself", bound="Stream[Any]")


@dataclass(frozen=True)
class Made(Generic[Content]):
    """A step's batch, and the files that whoever made it could not read so far, one line each."""

    batch: Content
    skipped: tuple[str, ...]


def share_of(batch_size: int, world: int) -> int:
    """How many samples of a batch are one process's. Raises UsageError where they cannot be shared out."""
    if batch_size < 1 or batch_size % world:
        raise UsageError(
            f"a batch of {batch_size} does not divide among {world} processes",
            hint="--batch-size counts the samples of all processes together",
        )
    return batch_size // world


class Stream(Generic[Content]):
    """An endless run of what `make` makes of each step's number.

    `make` must be picklable. `workers`: processes that work ahead; 0 makes each batch when it is asked for. `skipped`:
    the files that could not be read before the first step. Close it, or use it in a `with`.
    """

    def __init__(self, make: Callable[[int], Made[Content]], workers: int, skipped: Sequence[str]) -> None:
        self._make = make
        self._workers = workers
        self._ahead: Ahead[Made[Content]] | None = None
        self._skipped = dict.fromkeys(skipped)

    @property
    def skipped(self) -> list[str]:
        """What could not be read so far, one line a file."""
        return list(self._skipped)

    def made(self, step: int) -> Content:
        """What is made of a step, here and now."""
        return self._taken(self._make(step))

    def made_from(self, start: int) -> Iterator[Content]:
        """What is made of steps `start`, `start` + 1, … without end, by the workers, ahead of whoever asks.

        Raises VaderError when a worker fails or dies.
        """
        if self._workers == 0:
            return map(self.made, count(start))
        if self._ahead is None:
            self._ahead = Ahead(self._make, self._workers, WAITING * self._workers)
        return map(self._taken, self._ahead.results(start))

    def close(self) -> None:
        """Ends the workers; iterating again starts new ones."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def __enter__(self: Itself) -> Itself:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _taken(self, made: Made[Content]) -> Content:
        self._skipped.update(dict.fromkeys(made.skipped))
        return made.batch
