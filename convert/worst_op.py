"""Which operation of a package loses most in half precision: one frame in both precisions, operation by operation."""

from collections.abc import Callable
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from convert.emulator import EmulatedModel
from convert.facts import PackageFacts
from convert.real_frames import real_frames
from convert.running import PackageRunner, WatchedModel
from convert.shapes import Size
from convert.verification import WorstOp, psnr_db

if TYPE_CHECKING:
    import torch

    from convert.program import Operation


def worst_op(package: Path, facts: PackageFacts, clip: Path | None, size: Size) -> WorstOp | None:
    """The worst of all operations for a frame of `size`; None of a package without floating-point operations.

    Both precisions run in step, a few operations apart: all results at once would take gigabytes.
    """
    inputs = real_frames(clip, size, 1).inputs(facts.interface)
    # Both are read before the second thread starts: reading silences the whole process for a moment.
    function = facts.functions.get(size)
    half, single = (EmulatedModel(package, function, precision) for precision in ("fp16", "fp32"))
    exact: Queue[_Result | None] = Queue(maxsize=4)
    worst: list[WorstOp] = []

    def run(model: EmulatedModel, watch: Callable[..., None]) -> None:
        PackageRunner(facts, lambda _: WatchedModel(model, watch)).run(inputs)

    def compare(operation: "Operation", name: str, value: "torch.Tensor") -> None:
        reference = exact.get()
        if reference is None:
            exact.put(None)
            return
        if reference.name != name or not value.is_floating_point():
            return
        peak = float(reference.value.abs().max()) or 1.0
        mean_square = float((value.double() - reference.value.double()).square().mean())
        worst.append(WorstOp(operation.name, operation.type, psnr_db(mean_square, peak)))

    def put(operation: "Operation", name: str, value: "torch.Tensor") -> None:
        exact.put(_Result(name, value.clone()))

    def run_exact() -> None:
        try:
            run(single, put)
        finally:
            exact.put(None)

    Thread(target=run_exact, daemon=True).start()
    run(half, compare)
    while exact.get() is not None:
        pass
    return min(worst, key=lambda found: found.psnr_db, default=None)


class _Result(NamedTuple):
    """An operation's output in fp32, on its way from one thread to the other."""

    name: str
    value: "torch.Tensor"
