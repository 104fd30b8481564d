"""Does a written package compute what its network does? Run over a stream of real frames, against the fp32 twin.

Every size or function, every output, every state. In the emulator, which rounds to half precision as a device does, and
on a Mac besides in Core ML itself, on every compute unit. The package is run as `clean` runs it, by the same backend.
"""

import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convert.package import read_spec
from convert.real_frames import real_frames
from convert.shapes import Shapes, Size
from convert.source import Source, open_source
from convert.verification import MOST_DB, Flag, OutputCheck, Verification, WorstOp
from mlx_vader.backends.coreml import COMPUTE_UNITS, CoreMLBackend, Facts
from mlx_vader.errors import VaderError
from mlx_vader.models.registry import name_of

if TYPE_CHECKING:
    import torch

    from convert.program import Operation
    from mlx_vader.backends.base import Backend
    from mlx_vader.models.base import Network

FRAMES = 16
#: dB that a package has to reach. Fewer bits cost quality, which is reported; less than this is a broken package.
THRESHOLD_DB = 50.0
COMPRESSED_THRESHOLD_DB = 30.0
#: A load by Core ML can hang or take minutes (facts: 273 to 560 s were reported).
DEVICE_SECONDS = 900

Stream = dict[str, np.ndarray]


def verify(
    package: Path,
    net_or_checkpoint: "Network | str | Path" = "default",
    *,
    clip: Path | None = None,
    threshold_db: float | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Verification:
    """Checks a package against the network, checkpoint file or shipped checkpoint that it was made from.

    `clip`: whose frames are restored (default: the demo's). `threshold_db`: what every output has to reach; by
    default 50, and 30 for compressed weights. Raises VaderError for what is no package of this toolkit, and for a
    checkpoint of another network.
    """
    on_step("reading the network")
    return verify_source(
        package, open_source(net_or_checkpoint), clip=clip, threshold_db=threshold_db, on_step=on_step
    )


def verify_source(
    package: Path,
    source: Source,
    *,
    clip: Path | None = None,
    threshold_db: float | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Verification:
    """`verify` for a twin that is already there."""
    metadata = dict(read_spec(package).description.metadata.userDefined)
    facts = Facts.of(metadata)
    _check_same_network(source, facts)
    if threshold_db is None:
        compressed = metadata["vader.compress"] != "none"
        threshold_db = COMPRESSED_THRESHOLD_DB if compressed else THRESHOLD_DB
    outputs: list[OutputCheck] = []
    flags: list[Flag] = []
    failures: list[str] = []
    lost: list[float] = []
    shown = ""
    for size in sizes_to_check(facts.shapes, facts.stride):
        on_step(f"checking {size}")
        real = real_frames(clip, size, FRAMES)
        shown, wanted = real.label, reference_stream(source.twin, real.spoiled)
        for engine, run in _engines(package, facts):
            try:
                got, seen = run(real.spoiled)
            except VaderError as error:
                failures.append(f"{engine} at {size}: {error.message}")
                continue
            flags += seen
            lost.append(_quality(wanted, real.clean) - _quality(got, real.clean))
            function = facts.functions.get(size, "main")
            outputs += [
                OutputCheck(engine, function, str(size), name, *_distance(wanted.get(name), got.get(name)))
                for name in sorted(wanted.keys() | got.keys())
            ]
    on_step("looking for the worst operation")
    worst = None if failures else _worst_op(package, facts, clip)
    return Verification(
        threshold_db,
        tuple(outputs),
        max(lost, default=0.0),
        tuple(dict.fromkeys(flags)),
        worst,
        tuple(failures),
        FRAMES,
        shown,
    )


def sizes_to_check(shapes: Shapes, stride: int) -> list[Size]:
    """Every size; of a range both the least and the default one, and one between them that is not their shape."""
    if shapes.kind != "range":
        return list(shapes.sizes)
    low, default = shapes.sizes[0], shapes.default
    middle = Size(_between(low.height, default.height, stride), low.width)
    return list(dict.fromkeys([low, middle, default]))


def _between(low: int, high: int, stride: int) -> int:
    return low + (high - low) // (2 * stride) * stride


def _check_same_network(source: Source, facts: Facts) -> None:
    if source.network != name_of(facts.network) or source.spec != asdict(facts.network.spec):
        raise VaderError(
            f"the package holds another network than the checkpoint's {source.network}",
            hint="give the checkpoint that it was converted from with -c",
        )


def reference_stream(twin: "torch.nn.Module", frames: np.ndarray) -> Stream:
    """What `run_stream` gives, from the twin in fp32."""
    import torch

    collected: dict[str, list[np.ndarray]] = {}
    state: Any = None
    with torch.inference_mode():
        for frame in frames:
            restored, mask, state = twin(torch.from_numpy(frame).permute(2, 0, 1)[None, None], state)
            images = {"restored": restored, **({} if mask is None else {"mask": mask})}
            values = {name: image[0].permute(0, 2, 3, 1) for name, image in images.items()} | state
            for name, value in values.items():
                collected.setdefault(name, []).append(value.numpy())
    return {name: np.stack(values) for name, values in collected.items()}


def run_stream(backend: "Backend", frames: np.ndarray) -> Stream:
    """Outputs and states after each frame, `(t, …)`."""
    collected: dict[str, list[np.ndarray]] = {}
    state: Any = None
    for frame in frames[:, None]:
        restored = backend.restore(frame, state)
        state = restored.state
        values = {"restored": restored.frames, **backend.pack(state)}
        if restored.mask is not None:
            values["mask"] = restored.mask
        for name, value in values.items():
            collected.setdefault(name, []).append(np.array(value))
    return {name: np.stack(values) for name, values in collected.items()}


def _distance(wanted: np.ndarray | None, got: np.ndarray | None) -> tuple[float, float | None]:
    """PSNR of the worst frame, and the largest difference. Nothing to compare, or NaN, is the worst there is."""
    if wanted is None or got is None or wanted.shape != got.shape or not np.isfinite(got).all():
        return 0.0, None
    difference = got.astype(np.float64) - wanted
    # Frames, masks and flags range to 1; features as far as they go.
    peak = max(1.0, float(np.abs(wanted).max()))
    worst = float(np.square(difference).reshape(len(wanted), -1).mean(axis=1).max())
    return _psnr(worst, peak), float(np.abs(difference).max())


def _quality(stream: Stream, clean: np.ndarray) -> float:
    """PSNR of the restored frames against the clean ones."""
    if not np.isfinite(stream["restored"]).all():
        return 0.0
    return _psnr(float(np.square(stream["restored"].astype(np.float64) - clean[:, None]).mean()), 1.0)


def _psnr(mean_square: float, peak: float) -> float:
    if not math.isfinite(mean_square):
        return 0.0
    return min(MOST_DB, 10 * math.log10(peak**2 / max(mean_square, 1e-30)))


Run = Callable[[np.ndarray], tuple[Stream, list[Flag]]]


def _engines(package: Path, facts: Facts) -> Iterator[tuple[str, Run]]:
    """What can run the package here: the emulator, and on a Mac each of Core ML's compute units."""
    yield "emulated", lambda frames: _emulated(package, facts, frames)
    if sys.platform == "darwin":
        for units in COMPUTE_UNITS:
            yield units, lambda frames, units=units: (on_device(package, units, frames), [])  # type: ignore[misc]


def _emulated(package: Path, facts: Facts, frames: np.ndarray) -> tuple[Stream, list[Flag]]:
    from convert.emulator import EmulatedModel

    models: dict[str | None, EmulatedModel] = {}

    def opened(name: str | None) -> EmulatedModel:
        models[name] = EmulatedModel(package, function_name=name)
        return models[name]

    stream = run_stream(CoreMLBackend(facts, opened, "emulated", emulated=True), frames)
    flags = [
        Flag(name or "main", flag.name, flag.type, flag.kind, flag.largest)
        for name, model in models.items()
        for flag in model.flags
    ]
    return stream, flags


def on_device(package: Path, units: str, frames: np.ndarray) -> Stream:
    """The stream from the backend `coreml` in a process of its own, which a crash or a hang takes down alone."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "frames.npy", Path(folder) / "stream.npz"
        np.save(given, frames)
        command = [sys.executable, "-m", "convert.device_stream", str(package), units, str(given), str(made)]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=DEVICE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise VaderError(f"no answer within {DEVICE_SECONDS} s") from error
        if result.returncode:
            lines = result.stderr.strip().splitlines()
            raise VaderError(lines[-1] if lines else f"the process ended with code {result.returncode}")
        with np.load(made) as stream:
            return dict(stream)


class _Result(NamedTuple):
    """An operation's output in fp32, on its way from one thread to the other."""

    name: str
    value: "torch.Tensor"


def _worst_op(package: Path, facts: Facts, clip: Path | None) -> WorstOp | None:
    """Runs one frame in both precisions side by side, at the smallest size, and compares operation by operation.

    The two run in step, a few operations apart: all results at once would take gigabytes.
    """
    from convert.emulator import EmulatedModel

    size = min(sizes_to_check(facts.shapes, facts.stride), key=lambda size: size.height * size.width)
    frames = real_frames(clip, size, 1).spoiled
    # Both are read before the second thread starts: reading silences the whole process for a moment.
    function = facts.functions.get(size)
    half, single = (EmulatedModel(package, function, precision) for precision in ("fp16", "fp32"))
    exact: Queue[_Result | None] = Queue(maxsize=4)
    worst: list[WorstOp] = []

    def backend(model: EmulatedModel, watch: Callable[..., None]) -> CoreMLBackend:
        return CoreMLBackend(facts, lambda _: _Watched(model, watch), "emulated", emulated=True)

    def compare(operation: "Operation", name: str, value: "torch.Tensor") -> None:
        reference = exact.get()
        if reference is None:
            exact.put(None)
            return
        if reference.name != name or not value.is_floating_point():
            return
        peak = float(reference.value.abs().max()) or 1.0
        mean_square = float((value.double() - reference.value.double()).square().mean())
        worst.append(WorstOp(operation.name, operation.type, _psnr(mean_square, peak)))

    def put(operation: "Operation", name: str, value: "torch.Tensor") -> None:
        exact.put(_Result(name, value.clone()))

    def run_exact() -> None:
        try:
            backend(single, put).restore(frames)
        finally:
            exact.put(None)

    Thread(target=run_exact, daemon=True).start()
    backend(half, compare).restore(frames)
    while exact.get() is not None:
        pass
    return min(worst, key=lambda found: found.psnr_db, default=None)


class _Watched:
    """A model that shows each operation's results to `watch`."""

    def __init__(self, model: Any, watch: Callable[..., None]) -> None:
        self.model, self.watch = model, watch
        self.make_state = model.make_state

    def predict(self, data: dict[str, Any], state: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = self.model.predict(data, state, watch=self.watch)
        return result
