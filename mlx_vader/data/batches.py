"""Batches for the trainer: each follows from (seed, step) alone, and is made before it is asked for."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from mlx_vader.artifacts import parse_names
from mlx_vader.data.samples import Batch, Recipe, echoed, stacked
from mlx_vader.data.source import ClipSource
from mlx_vader.data.stream import Made, Stream, share_of
from mlx_vader.errors import UsageError

#: Steps between two views of a sample.
ECHO_STEPS = 32
#: The axes of `(b, t, h, w)` along which a batch is turned round, the first time that it is seen, the second, ...
MIRRORS: tuple[tuple[int, ...], ...] = ((), (3,), (2,), (2, 3))


@runtime_checkable
class BatchStream(Protocol):
    """What the trainer takes: batches without end, and the files that could not be read."""

    @property
    def skipped(self) -> Sequence[str]:
        """One line a file."""
        ...

    def iterate(self, start: int = 0) -> Iterator[Any]:
        """The batches of steps `start`, `start` + 1, …: what the trainer's network learns from."""
        ...


class Batches(Stream[Batch]):
    """An endless run of batches, of which this process takes its share.

    `batch_size` counts the samples of all `world` processes together: two ranks of a run with 8 see 4 each, and side
    by side, in the order of the ranks, these are the batch that a single process would see. A step's batch depends on
    nothing but the arguments and the step: a run that is resumed at step k goes on as if it had never stopped.

    A clip holds `warmup` + `clip_length` frames. `artifacts`: names or groups to draw from, None = all thirteen.
    `logos`: a folder of PNG files with alpha. `ramp`: steps over which severities grow. `workers`: processes that
    work ahead; 0 makes each batch when it is asked for. `echo`: each sample is seen so many times, 1 to 4, mirrored
    another way each time (Choi et al., "Faster Neural Network Training with Data Echoing", 2019). `skipped` lists the
    files that could not be read, each once. Close it, or use it in a `with`.
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
        echo: int = 1,
    ) -> None:
        taken = share_of(batch_size, world)
        if not 1 <= echo <= len(MIRRORS) or taken % echo:
            raise UsageError(
                f"samples cannot be seen {echo} times in batches of {taken}",
                hint=f"--echo is 1 to {len(MIRRORS)}, and divides what a process takes of --batch-size",
            )
        names = parse_names("all" if artifacts is None else artifacts)
        folder = None if logos is None else Path(logos)
        recipe = Recipe(
            source, names, warmup + clip_length, size, seed, vocabulary, folder, ramp * batch_size // echo
        )
        share = taken // echo
        super().__init__(
            _Share(recipe, batch_size // echo, share * rank, share), workers, tuple(source.skipped)
        )
        self._echo = echo

    def batch(self, step: int) -> Batch:
        """The batch of a step, or this process's share of it, made here and now."""
        return self._echoed([self.made(step + ECHO_STEPS * time) for time in range(self._echo)])

    def iterate(self, start: int = 0) -> Iterator[Batch]:
        """The batches of steps `start`, `start` + 1, … without end, made ahead by the workers.

        Raises VaderError when a worker fails or dies.
        """
        made: deque[Batch] = deque(maxlen=ECHO_STEPS * (self._echo - 1) + 1)
        for new in self.made_from(start):
            made.append(new)
            if len(made) == made.maxlen:
                yield self._echoed([made[ECHO_STEPS * time] for time in range(self._echo)])

    def __iter__(self) -> Iterator[Batch]:
        return self.iterate()

    def _echoed(self, parts: Sequence[Batch]) -> Batch:
        return echoed(parts, MIRRORS[: self._echo])


@dataclass(frozen=True)
class _Share:
    """What one rank makes anew at a step: `count` samples from the `first` on, of `batch_size` of all ranks."""

    recipe: Recipe
    batch_size: int
    first: int
    count: int

    def __call__(self, step: int) -> Made[Batch]:
        number = step * self.batch_size + self.first
        samples = [self.recipe.sample(number + place) for place in range(self.count)]
        return Made(stacked(samples), tuple(self.recipe.source.skipped))
