"""One pass of propagation along a video, in blocks of frames with a bounded look back and ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlx_vader.inpainting.propagation.fusing import Fused, fused
from mlx_vader.inpainting.propagation.layer import Layer
from mlx_vader.inpainting.propagation.sources import Motion, Sources, nowhere, sources_by

#: Frames that are finished together, before the look ahead moves on.
BLOCK = 20
#: Bytes of frames that one pass may hold behind and ahead; fewer frames are looked at where they are large.
MOST_BYTES = 384 << 20


@dataclass(eq=False)
class Step:
    """A frame on its way through a pass: `layer` of it, None where nothing is hidden in it or in its neighbours.

    `item` travels along. `size`: bytes that it holds. What the pass notes: `motion` from the frame before, and the
    sources in frames before.
    """

    item: Any
    layer: Layer | None
    size: int
    motion: Motion | None = None
    past: Sources | None = None


class Pass:
    """Finds the wanted pixels of each frame's layer in frames up to `reach` before and after it.

    `between` gives the motion from one step's frame to the next one's.
    """

    def __init__(self, between: Callable[[Step, Step], Motion | None], reach: int) -> None:
        self._between, self._reach = between, reach
        self._past: deque[Step] = deque(maxlen=reach)
        self._ahead: deque[Step] = deque()

    def remember(self, steps: Iterable[Step]) -> None:
        """Takes up where an earlier run stopped, from the steps that were `behind` then."""
        for step in steps:
            self._arrive(step)
            self._leave()

    @property
    def behind(self) -> Sequence[Step]:
        """The frames that are done and may still be looked at."""
        return tuple(self._past)

    def run(self, steps: Iterable[Step]) -> Iterator[list[tuple[Step, Fused | None]]]:
        """The steps in order, some at a time, with what was fetched for each; None where it has no hole."""
        for step in steps:
            self._arrive(step)
            if self._ahead[0].layer is None:
                yield [(self._leave(), None)]
            elif len(self._ahead) == BLOCK + self._reach or self._full:
                yield self._block()
        while self._ahead:
            yield self._block()

    @property
    def _full(self) -> bool:
        return len(self._ahead) > BLOCK and sum(step.size for step in self._ahead) > MOST_BYTES

    def _arrive(self, step: Step) -> None:
        last = self._ahead[-1] if self._ahead else self._past[-1] if self._past else None
        if step.layer is not None:
            step.past = nowhere(step.layer)
            if last is not None and last.layer is not None and last.past is not None:
                step.motion = self._between(last, step)
                step.past = sources_by(step.layer, last.layer, last.past, step.motion, self._reach)
        self._ahead.append(step)

    def _leave(self) -> Step:
        """The next step is done: of the one before only its picture is needed from now on."""
        step = self._ahead.popleft()
        if self._past:
            before = self._past[-1]
            before.past = before.motion = None
            if before.layer is not None:
                before.layer.forget()
        self._past.append(step)
        while sum(each.size for each in self._past) > MOST_BYTES:
            self._past.popleft()
        return step

    def _block(self) -> list[tuple[Step, Fused | None]]:
        futures = self._futures()
        layers = {step.layer.number: step.layer for step in (*self._past, *self._ahead) if step.layer}
        done: list[tuple[Step, Fused | None]] = []
        for future in futures[:BLOCK]:
            step = self._leave()
            if step.layer is None or not step.layer.hole.any():
                done.append((step, None))
            else:
                assert step.past is not None  # it has a layer
                assert future is not None
                done.append((step, fused(step.layer, [step.past, future], layers.get)))
        return done

    def _futures(self) -> list[Sources | None]:
        """The sources of all steps ahead in frames after them."""
        found: list[Sources | None] = []
        following: Step | None = None
        for step in reversed(self._ahead):
            known = None
            if step.layer is not None:
                known = nowhere(step.layer)
                if following is not None and following.layer is not None:
                    assert found[-1] is not None  # it has a layer
                    known = sources_by(step.layer, following.layer, found[-1], following.motion, self._reach)
            found.append(known)
            following = step
        return found[::-1]
