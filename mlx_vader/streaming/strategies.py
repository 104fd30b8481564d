"""How a video of any length goes through a network that sees a few frames at a time.

Each strategy takes frames in order and gives as many results in order; it holds a bounded number of frames and knows
neither where they come from nor what computes them. `chunks` can begin again after any chunk from its carry, with the
same results as if it had never stopped.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import islice
from typing import Any

from mlx_vader.backends.base import Backend
from mlx_vader.errors import UsageError, choices
from mlx_vader.streaming.blending import cross_fade, mix
from mlx_vader.streaming.calls import frames_per_call, restore_calls, restore_clip
from mlx_vader.streaming.results import Carry, Input, Pixels, Result, ResultChunk


class Strategy:
    """The common half of all strategies. A subclass implements `chunks`."""

    def run(self, frames: Iterable[Pixels], backend: Backend) -> Iterator[Result]:
        """One result for each frame, in order. Raises what the frames and the backend raise."""
        for chunk in self.chunks(map(Input, frames), backend):
            yield from chunk.results

    def chunks(
        self, frames: Iterable[Input], backend: Backend, start: Carry | None = None
    ) -> Iterator[ResultChunk]:
        """The same in chunks. With `start`, the carry of an earlier chunk, `frames` begin at `start.position`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Recurrent(Strategy):
    """`window` frames at a time, with state: the least memory and delay, for live video."""

    def chunks(
        self, frames: Iterable[Input], backend: Backend, start: Carry | None = None
    ) -> Iterator[ResultChunk]:
        return _one_after_another(frames, backend, backend.interface.window, start or Carry())


@dataclass(frozen=True)
class SlidingWindow(Strategy):
    """Independent clips, cross-faded over `overlap` frames: for networks without memory, and for short videos."""

    clip_length: int = 16
    overlap: int = 4

    def __post_init__(self) -> None:
        _check(self.clip_length, self.overlap)

    def chunks(
        self, frames: Iterable[Input], backend: Backend, start: Carry | None = None
    ) -> Iterator[ResultChunk]:
        return _overlapping(
            frames, backend, self.clip_length, self.overlap, start or Carry(), carry_state=False
        )


@dataclass(frozen=True)
class ClipRecurrent(Strategy):
    """Clips with state from one to the next: the default.

    Where the network's window divides the clip length, clip by clip equals frame by frame, there is no seam to hide,
    and clips do not overlap: the results are those of `Recurrent`, no frame is computed twice, and the clip length is
    only the most frames that wait for one another. Otherwise clips are cross-faded over `overlap` frames, and the
    state after a clip begins the next, which sees these frames again.
    """

    clip_length: int = 16
    overlap: int = 4

    def __post_init__(self) -> None:
        _check(self.clip_length, self.overlap)

    def chunks(
        self, frames: Iterable[Input], backend: Backend, start: Carry | None = None
    ) -> Iterator[ResultChunk]:
        if self.clip_length % backend.interface.window == 0:
            return _one_after_another(frames, backend, self.clip_length, start or Carry())
        return _overlapping(
            frames, backend, self.clip_length, self.overlap, start or Carry(), carry_state=True
        )


@dataclass(frozen=True)
class Bidirectional(Strategy):
    """A pass forward and a pass backward, mixed: each frame sees its past and its future. Offline by nature.

    Memory stays bounded: the video is cut into segments of `segment` frames. The forward state runs through the whole
    video; the backward pass of a segment starts `warm_up` frames behind its end, so that its state is warm where it
    counts. Each pass weighs as many frames as it has seen, up to `warm_up`: half and half inside the video, mostly
    backward at its start, mostly forward at its end. Costs `2 + warm_up / segment` times a single pass.
    """

    segment: int = 32
    warm_up: int = 16

    def __post_init__(self) -> None:
        if self.segment < 1 or self.warm_up < 0:
            raise UsageError("a bidirectional segment has at least one frame, and a warm-up of none or more")

    def chunks(
        self, frames: Iterable[Input], backend: Backend, start: Carry | None = None
    ) -> Iterator[ResultChunk]:
        start = start or Carry()
        position, state = start.position, start.state
        # Segments end where windows end: then the forward pass is that of the uncut video.
        segment = -(-self.segment // backend.interface.window) * backend.interface.window
        source = iter(frames)
        ahead: list[Input] = []
        while ahead := ahead + list(islice(source, segment + self.warm_up - len(ahead))):
            results, state = restore_clip(backend, ahead[:segment], state)
            self._mix_backward(results, ahead, position, backend)
            position += len(results)
            ahead = ahead[segment:]
            yield ResultChunk(results, Carry(position, state))

    def _mix_backward(
        self, results: list[Result], ahead: list[Input], position: int, backend: Backend
    ) -> None:
        """Runs from the last frame ahead to the first, and mixes in place what falls on the segment."""
        index = len(ahead)
        for part, _ in restore_calls(backend, ahead[::-1], None):
            for backward in part:
                index -= 1
                if index < len(results):
                    past = min(position + index + 1, max(self.warm_up, 1))
                    future = min(len(ahead) - index, max(self.warm_up, 1))
                    results[index] = mix(results[index], backward, future / (past + future))


def _one_after_another(
    frames: Iterable[Input], backend: Backend, length: int, start: Carry
) -> Iterator[ResultChunk]:
    """Clips side by side, with state: of `length` frames, or of as many as one call takes, so that none waits."""
    source, position, state = iter(frames), start.position, start.state
    clip = list(islice(source, 1))
    if clip:
        length = min(length, frames_per_call(clip[0].pixels, backend.interface.window))
    while clip := [*clip, *islice(source, length - len(clip))]:
        results, state = restore_clip(backend, clip, state)
        position += len(clip)
        clip = []
        yield ResultChunk(results, Carry(position, state))
        del results  # a frame of 8K takes 200 MB: let go of it before the next one


def _overlapping(
    frames: Iterable[Input], backend: Backend, length: int, overlap: int, start: Carry, *, carry_state: bool
) -> Iterator[ResultChunk]:
    """Clips of `length` frames that share `overlap` frames with the clip before."""
    source, position, state = iter(frames), start.position, start.state
    held = list(start.held)
    clip = list(islice(source, len(held)))
    held = [result._replace(source=given.source) for result, given in zip(held, clip, strict=True)]
    while fresh := list(islice(source, length - len(clip))):
        clip += fresh
        restored, after = restore_clip(backend, clip, state if carry_state else None)
        results = cross_fade(held, restored)
        done = length - overlap if len(clip) == length else len(clip)
        state = after if carry_state else None
        clip, held = clip[done:], results[done:]
        position += done
        yield ResultChunk(results[:done], Carry(position, state, tuple(held)))
    if held:
        yield ResultChunk(held, Carry(position + len(held), state))


def _check(clip_length: int, overlap: int) -> None:
    if clip_length < 1:
        raise UsageError(f"a clip has at least one frame, not {clip_length}", hint="--clip-length 16")
    if not 0 <= overlap < clip_length:
        raise UsageError(f"clips of {clip_length} frames cannot overlap by {overlap}", hint="--overlap 4")


STRATEGIES: dict[str, type[Strategy]] = {
    "clip-recurrent": ClipRecurrent,
    "recurrent": Recurrent,
    "sliding-window": SlidingWindow,
    "bidirectional": Bidirectional,
}


def make_strategy(name: str, *, clip_length: int = 16, overlap: int | None = None) -> Strategy:
    """The strategy `name`; those without clips take no notice of the lengths. Raises UsageError.

    `overlap` is 4 where it is not given, and at most half of a clip.
    """
    if name not in STRATEGIES:
        raise UsageError(f"there is no strategy {name!r}", hint=choices(name, STRATEGIES))
    overlap = min(4, clip_length // 2) if overlap is None else overlap
    _check(clip_length, overlap)
    strategy: Any = STRATEGIES[name]
    wanted = {field.name for field in fields(strategy)} & {"clip_length", "overlap"}
    made: Strategy = strategy(
        **{key: {"clip_length": clip_length, "overlap": overlap}[key] for key in wanted}
    )
    return made


def as_settings(strategy: Strategy) -> dict[str, Any]:
    """The strategy with its lengths, for a report."""
    name = next(name for name, kind in STRATEGIES.items() if type(strategy) is kind)
    return {"strategy": name, **asdict(strategy)}  # type: ignore[call-overload]
