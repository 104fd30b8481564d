"""The training loop, from the first step, or the one after the last saved, to the end of the run."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.core as mx

from mlx_vader import checkpoints
from mlx_vader.backends.mlx import device as mlx_device
from mlx_vader.backends.torch_gradients import TorchGradients, WarmUp
from mlx_vader.data import Batch, BatchStream
from mlx_vader.data.samples import planes
from mlx_vader.errors import VaderError
from mlx_vader.losses.weighted import Perceptual
from mlx_vader.models.base import Network
from mlx_vader.training.config import TrainConfig
from mlx_vader.training.distributed import World
from mlx_vader.training.memory import keep_freed_memory
from mlx_vader.training.schedule import ema_decay, learning_rate
from mlx_vader.training.stages import Stage, plan_stages
from mlx_vader.training.state import TrainingState
from mlx_vader.training.step import Clips, Objective, Outcome, Step
from mlx_vader.training.tensorboard import TensorBoard
from mlx_vader.training.validation import Validated
from mlx_vader.training.watch import Report, Watch

#: Besides `checkpoints.BEST`: the averaged weights of the last step, and what a resume needs.
LAST, STATE = "last.safetensors", "last.state.safetensors"

#: So many steps in a row may fail to be finite.
PATIENCE = 5


@dataclass(frozen=True)
class Run:
    """What a run is made of. `steps`: updates in all. `origin`: what its checkpoints say of where they come from."""

    config: TrainConfig
    net: Network
    steps: int
    perceptual: Perceptual | None = None
    validation: Callable[[Network], Validated] | None = None
    world: World = field(default_factory=World)
    origin: Mapping[str, str] = field(default_factory=dict)


class Trainer:
    """Trains a run, in the folder `config.out`."""

    def __init__(self, run: Run, watch: Watch | None = None) -> None:
        config = run.config
        self._run, self._config, self._net, self._world = run, config, run.net, run.world
        # The first rank speaks for all; each may be told to stop.
        self._stop = (watch or Watch()).stop
        self._watch = watch if watch and run.world.rank == 0 else Watch()
        self._folder = Path(config.out)
        self._twin = TorchGradients(run.net, half=config.bf16) if in_torch(config) else None
        self._stages = plan_stages(config.stage, run.steps, run.net.interface)
        self._hinted = run.net.interface.input("hint") is not None
        self._skipped: Sequence[str] = []
        self.state = TrainingState(run.net, weight_decay=config.weight_decay, optimiser=config.optimiser)
        self.state.replace(run.world.share(self.state.trees()))

    @property
    def device(self) -> str:
        """What computes the network, and on what."""
        return f"PyTorch on {self._twin.device}" if self._twin else f"MLX on {mlx_device()}"

    def restore(self) -> None:
        """Continues behind the last saved step. Every rank reads the file."""
        self.state.load(self._folder / STATE)

    def run(self, batches: BatchStream) -> bool:
        """Trains until the end (true) or until the watch says stop (false); saves in both cases."""
        keep_freed_memory()
        self._watch.on_start(self.state.step, self._run.steps)
        with self._tensorboard() as board:
            stream = batches.iterate(self.state.step * self._config.grad_accum)
            for stage in self._stages:
                stage.freeze(self._net)
                step = self._compiled(stage)
                while self.state.step < stage.stop:
                    report = self._advance(stage, step, stream)
                    self._tell(report, board, batches.skipped)
                    last = self.state.step == self._run.steps
                    if last or self.state.step % self._config.validate_every == 0:
                        self._validate(stage, board)
                        self._save()
                    if not last and self._world.any(self._stop()):
                        self._save()
                        return False
        return True

    def _compiled(self, stage: Stage) -> Step:
        config = self._config
        weights = stage.weights(config.losses)
        objective = Objective(weights, self._run.perceptual, config.mask_loss, config.mask_weight)
        dtype = mx.bfloat16 if config.bf16 else mx.float32
        return Step(
            self.state,
            objective,
            clip_norm=config.clip_norm,
            dtype=dtype,
            twin=self._twin,
            group=self._world.group,
        )

    def _advance(self, stage: Stage, step: Step, stream: Iterator[Batch]) -> Report:
        """One update. Raises `VaderError` when too many in a row were not finite."""
        config, done = self._config, self.state.step
        started = time.perf_counter()
        fetched = list(itertools.islice(stream, config.grad_accum))
        waited = time.perf_counter() - started
        rate = learning_rate(done, peak=config.lr, warmup=config.warmup_steps, total=self._run.steps)
        outcome = step(
            (self._on_device(batch) for batch in fetched),
            learning_rate=rate,
            ema_decay=ema_decay(done, config.ema),
            mask_decay=stage.mask_decay(done),
        )
        self.state.step += 1
        self._guard(outcome)
        seconds = time.perf_counter() - started
        return Report(
            step=self.state.step,
            total=self._run.steps,
            stage=stage.name,
            losses=outcome.losses,
            learning_rate=rate,
            gradient_norm=outcome.gradient_norm,
            finite=outcome.finite,
            samples_per_second=config.batch_size * config.grad_accum / seconds,
            waiting=waited / seconds,
        )

    def _on_device(self, batch: Any) -> Any:
        return as_clips(batch, self._config.clip_length, hinted=self._hinted)

    def _guard(self, outcome: Outcome) -> None:
        self.state.failures = 0 if outcome.finite else self.state.failures + 1
        if self.state.failures < PATIENCE:
            return
        resume = f"--resume {self._folder} with" if (self._folder / STATE).exists() else "start again with"
        raise VaderError(
            f"{PATIENCE} steps in a row up to step {self.state.step} had a loss or a gradient that is not finite",
            hint=f"{resume} a lower --lr, or without --bf16",
        )

    def _tell(self, report: Report, board: TensorBoard | None, skipped: Sequence[str]) -> None:
        for note in skipped[len(self._skipped) :]:
            self._watch.on_note(f"skipped: {note}")
        self._skipped = skipped
        if not report.finite:
            self._watch.on_note(f"step {report.step} changed nothing: its loss or gradient is not finite")
        self._watch.on_step(report)
        if board and report.finite and report.step % self._config.points(self._run.steps) == 0:
            board.step(report)

    def _validate(self, stage: Stage, board: TensorBoard | None) -> None:
        """Tries the averaged weights. Stage 1 has not learned to paint: it sets no best."""
        if self._run.validation is None:
            return
        with self._averaged():
            validated = self._run.validation(self._net)
        score = validated.scores.score
        best = stage.name != "1" and (self.state.best is None or score > self.state.best)
        if best:
            self.state.best = score
            self._save_weights(checkpoints.BEST, {"validation": str(validated.scores.as_dict())})
        if board:
            board.validation(self.state.step, validated)
        self._watch.on_validation(self.state.step, validated.scores, best)

    def _save(self) -> None:
        if self._world.rank == 0:
            self._save_weights(LAST, {})
            if not (self._folder / checkpoints.BEST).exists():
                self._save_weights(checkpoints.BEST, {})
            self.state.save(self._folder / STATE, self._config.as_dict())

    def _save_weights(self, name: str, more: dict[str, str]) -> None:
        with self._averaged():
            checkpoints.save(
                self._folder / name, self._net, step=self.state.step, provenance={**self._run.origin, **more}
            )

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The network has the averaged weights, and its own again afterwards."""
        own = self._net.parameters()
        self._net.update(self.state.ema)
        self._net.eval()
        try:
            yield
        finally:
            self._net.update(own)
            self._net.train()

    @contextmanager
    def _tensorboard(self) -> Iterator[TensorBoard | None]:
        if self._world.rank != 0:
            yield None
            return
        board = TensorBoard(self._folder, self.state.step)
        try:
            yield board
        finally:
            board.close()


def in_torch(config: TrainConfig) -> bool:
    """Whether PyTorch computes the network: when asked to, and where MLX has no GPU."""
    if config.backend == "auto":
        return mx.default_device() == mx.cpu
    return config.backend == "torch"


def as_clips(batch: Batch, clip_length: int, *, hinted: bool = False) -> Clips:
    """The batch on the device: the last `clip_length` frames to restore, and those before them of the warm clips."""
    before = batch.levels.shape[1] - clip_length
    rows = batch.warm.nonzero()[0]
    seen = planes(mx.array(batch.levels))
    hint = seen.hint if hinted else None
    warm_up = None
    if before and len(rows):
        warm = mx.array(rows)
        warm_up = WarmUp(warm, seen.spoiled[warm, :before], None if hint is None else hint[warm, :before])
    return Clips(
        spoiled=seen.spoiled[:, before:],
        hint=None if hint is None else hint[:, before:],
        clean=seen.clean[:, before:],
        mask=seen.mask[:, before:],
        mask_known=mx.array(batch.mask_known),
        warm_up=warm_up,
    )
