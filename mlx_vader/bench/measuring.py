"""From what is asked for to configurations that can be measured, packages for Core ML included."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from convert.shapes import nearest, parse_size
from mlx_vader import checkpoints
from mlx_vader.backends import BACKENDS, fastest, unavailable
from mlx_vader.bench import session
from mlx_vader.bench.options import BenchOptions
from mlx_vader.bench.session import Configuration
from mlx_vader.errors import UsageError, VaderError, choices


def measure(
    options: BenchOptions,
    on_step: Callable[[str], None] = lambda step: None,
    on_begin: Callable[[Sequence[Configuration]], None] = lambda configurations: None,
) -> dict[str, Any]:
    """Measures, and returns the result, JSON-ready.

    `on_step` is told what begins, `on_begin` all that will be measured, once it has been checked.

    What cannot work here is refused before anything is measured, with `UsageError` or `VaderError`.
    """
    with tempfile.TemporaryDirectory(prefix="vader-packages-") as folder:
        configurations = _configurations(options, Path(folder))
        on_begin(configurations)
        return session.run(
            configurations,
            frames=options.frames,
            clip=options.input,
            limit=options.time_limit,
            facts={"checkpoint": options.checkpoint},
            on_step=on_step,
        )


def _configurations(options: BenchOptions, folder: Path) -> list[Configuration]:
    configurations = []
    for name in options.backend:
        backend = _working(name, options.checkpoint)
        on_core_ml = backend == "coreml" and sys.platform == "darwin"
        for text in options.res:
            size = parse_size(text)
            source = _source(backend, options.checkpoint, str(size), folder)
            configurations += [
                Configuration(text, size, backend, unit, source)
                for unit in (options.compute_units if on_core_ml else ("",))
            ]
    return configurations


def _working(name: str, checkpoint: str) -> str:
    """The backend that a name means. Raises an error for one that is unknown or does not work here."""
    backend = fastest(checkpoint) if name == "auto" else name
    if backend not in BACKENDS:
        raise UsageError(f"there is no backend {name!r}", hint=choices(name, ("auto", *BACKENDS)))
    if reason := unavailable(backend):
        raise VaderError(f"the backend {backend} does not work here: {reason}", hint=BACKENDS[backend].hint)
    return backend


def _source(backend: str, checkpoint: str, size: str, folder: Path) -> str:
    """What the backend loads: for Core ML the package given, or one made of the checkpoint for this size alone."""
    if backend != "coreml":
        return str(checkpoints.resolve(checkpoint))
    if checkpoint.endswith(".mlpackage"):
        return str(Path(checkpoint).resolve())
    from convert.coreml import open_source, write_package

    opened = open_source(checkpoint)
    fitting = nearest(parse_size(size), opened.twin.stride)
    return str(write_package(opened, folder / f"{size}.mlpackage", shapes=str(fitting)).path)
