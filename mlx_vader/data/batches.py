"""Batches for the trainer: each follows from (seed, step) alone, and is made before it is asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from mlx_vader.artifacts import parse_names
from mlx_vader.data.samples import Batch, Recipe, stacked
from mlx_vader.data.source import ClipSource
from mlx_vader.data.workers import Ahead
from mlx_vader.errors import UsageError

#: Batches that wait for the trainer, for each worker.
WAITING = 2


class Batches:
    """An endless run of batches, of which this process takes its share.

    `batch_size` counts the samples of all `world` processes together: two ranks of a run with 8 see 4 each, and side
    by side, in the order of the ranks, these are the batch that a single process would see. A step's batch depends on
    nothing but the arguments and the step: a run that is resumed at step k goes on as if it had never stopped.

    A clip holds `warmup` + `clip_length` frames. `artifacts`: names or groups to draw from, None = all thirteen.
    `logos`: a folder of PNG files with alpha. `ramp`: steps over which severities grow. `workers`: processes that
    work ahead; 0 makes each batch when it is asked for. `skipped` lists the files that could not be read, each once.
    Close it, or use it in a `with`.
    """

    def __init__(
        self,
        source: ClipSource,
        *,
        artifacts: Sequence[str] | None = None,
        batch_size: int,
        clip_length: int,
        warmup: int,
        size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        workers: int = 1,
        vocabulary: str = "train",
        logos: Path | str | None = None,
        ramp: int = 0,
    ) -> None:
        if batch_size < 1 or batch_size % world:
            raise UsageError(
                f"a batch of {batch_size} does not divide among {world} processes",
                hint="--batch-size counts the samples of all processes together",
            )
        names = parse_names("all" if artifacts is None else artifacts)
        folder = None if logos is None else Path(logos)
        recipe = Recipe(
            source, names, warmup + clip_length, size, seed, vocabulary, folder, ramp * batch_size
        )
        self._task = _Share(recipe, batch_size, batch_size // world * rank, batch_size // world)
        self._workers = workers
        self._ahead: Ahead[_Made] | None = None
        self._skipped = dict.fromkeys(source.skipped)

    @property
    def skipped(self) -> list[str]:
        """What could not be read so far, one line a file."""
        return list(self._skipped)

    def batch(self, step: int) -> Batch:
        """The batch of a step, or this process's share of it, made here and now."""
        return self._taken(self._task(step))

    def iterate(self, start: int = 0) -> Iterator[Batch]:
        """The batches of steps `start`, `start` + 1, … without end, made ahead by the workers.

        Raises VaderError when a worker fails or dies.
        """
        if self._workers == 0:
            step = start
            while True:
                yield self.batch(step)
                step += 1
        if self._ahead is None:
            self._ahead = Ahead(self._task, self._workers, WAITING * self._workers)
        for made in self._ahead.results(start):
            yield self._taken(made)

    def __iter__(self) -> Iterator[Batch]:
        return self.iterate()

    def close(self) -> None:
        """Ends the workers; iterating again starts new ones."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def __enter__(self) -> "Batches":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _taken(self, made: "_Made") -> Batch:
        self._skipped.update(dict.fromkeys(made.skipped))
        return made.batch


@dataclass(frozen=True)
class _Made:
    batch: Batch
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class _Share:
    """What one rank makes at a step: `count` samples from the `first` on, of the step's `batch_size`."""

    recipe: Recipe
    batch_size: int
    first: int
    count: int

    def __call__(self, step: int) -> _Made:
        number = step * self.batch_size + self.first
        batch = stacked([self.recipe.sample(number + place) for place in range(self.count)])
        return _Made(batch, tuple(self.recipe.source.skipped))
