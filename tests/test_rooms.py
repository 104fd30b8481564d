"""The rules of the rooms: imports point down, nothing goes in a circle, heavy frameworks stay where they belong.

Every import is seen: of any form, at once or later within a function, for types alone, named in a lazy package's table,
and by `import_module` where the name is written there.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("mlx_vader", "convert", "torch_ref", "benchmarks", "scripts", "tests")

#: From top to bottom: a room may import what stands in a lower row. A name is a package, or a module of `mlx_vader`;
#: the longest that fits is a module's room. "mlx_vader" itself is the short public surface, `mlx_vader/__init__.py`.
RANKS: tuple[tuple[str, ...], ...] = (
    ("cli", "ui", "demo", "doctor", "mlx_vader"),
    ("jobs", "training", "evaluation", "bench"),
    ("inpainting", "reconstruction", "streaming"),
    ("masks", "flow", "backends"),
    ("convert", "published"),
    ("checkpoints", "torch_ref"),
    # What is arithmetic in `masks` knows arrays only; training data is made with it.
    (
        "models",
        "video",
        "data",
        "losses",
        "metrics",
        "artifacts",
        "layout",
        "masks.growth",
        "masks.hint",
        "masks.static.statistics",
        "flow.dis",
    ),
    ("layers",),
    (
        "sample_clips",
        "writing",
        "overwriting",
        "resizing",
        "interface",
        "identity",
        "pieces",
        "process",
        "untrusted",
        "array_files",
        "dilation",
        "membrane",
        "warping",
    ),
    (
        "errors",
        "versions",
        "arrays",
        "boxes",
        "levels",
        "options",
        "loss_weights",
        "shipped",
        "lazy",
        "_blas",
        "_malloc",
    ),
)

#: What a room may import of its own row.
BESIDE: dict[str, set[str]] = {
    "interface": {"untrusted"},
    "cli": {"demo", "doctor", "mlx_vader", "ui"},
    "ui": {"demo"},
    "bench": {"jobs"},
    "evaluation": {"jobs"},
    "metrics": {"losses", "flow.dis"},
    "artifacts": {"video"},
    "data": {"artifacts", "video", "masks.growth", "masks.hint", "masks.static.statistics"},
}

#: Arrows that still point up, "importing module → imported room": whoever mends one takes its line away.
STILL_OPEN: frozenset[str] = frozenset()

#: Circles that are still there: an import of each, from → to.
STILL_CIRCULAR: frozenset[tuple[str, str]] = frozenset()

#: Frameworks that only these files may import, within functions. `doctor` asks what there is.
HEAVY = {
    "torch": {
        "mlx_vader/backends/segment_anything.py",
        "mlx_vader/backends/torch.py",
        "mlx_vader/backends/torch_gradients.py",
    },
    "transformers": {"mlx_vader/backends/segment_anything.py"},
    "coremltools": {"mlx_vader/backends/coreml.py"},
}


class Import(NamedTuple):
    """One imported module. `when`: with its importer, later in a function, or never, for a type checker alone."""

    importer: str
    name: str
    when: Literal["at once", "later", "types"]
    line: int


# How imports are found ------------------------------------------------------------------------------------------------


@cache
def modules() -> dict[str, Path]:
    """Every module of the repository by its dotted name; a package is its `__init__.py`."""
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {_dotted(path): path for path in sorted(paths)}


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(module: str) -> tuple[Import, ...]:
    """All that a module imports, of the house and of others."""
    return tuple(imports_in(modules()[module].read_text(encoding="utf-8"), module))


def imports_in(source: str, module: str) -> Iterator[Import]:
    """The imports of a module's text."""
    package = module if modules().get(module, Path()).stem == "__init__" else module.rpartition(".")[0]
    yield from _below(ast.parse(source), module, package, "at once")


def _below(
    node: ast.AST, module: str, package: str, when: Literal["at once", "later", "types"]
) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inner = when
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and when == "at once":
            inner = "later"
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for part in child.body:
                yield from _below(ast.Module([part], []), module, package, "types")
            for part in child.orelse:
                yield from _below(ast.Module([part], []), module, package, when)
            continue
        for name, later in _named(child, package):
            yield Import(module, name, "later" if later and inner == "at once" else inner, child.lineno)  # type: ignore[attr-defined]
        yield from _below(child, module, package, inner)


def _named(node: ast.AST, package: str) -> Iterator[tuple[str, bool]]:
    """The modules that a node imports, and whether that happens later than when it is executed."""
    match node:
        case ast.Import(names=names):
            yield from ((alias.name, False) for alias in names)
        case ast.ImportFrom(module=origin, names=names, level=level):
            start = package.split(".")[: len(package.split(".")) - level + 1] if level else []
            base = ".".join([*start, *([origin] if origin else [])])
            # `from package import name` imports a module where the name is one.
            yield from ((found if (found := f"{base}.{a.name}") in modules() else base, False) for a in names)
        case ast.Call(
            func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"), args=[first, *_]
        ):
            yield from ((name, False) for name in _written(first))
        case ast.Assign(targets=[ast.Name(id="_HOMES")], value=ast.Dict(values=homes)):
            yield from ((name, True) for home in homes for name in _written(home))


def _written(node: ast.expr) -> Iterator[str]:
    """The modules that a text names, whole or by its beginning."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield str(node.values[0].value).rstrip(".")


def room(module: str) -> str:
    """The room of a module: the longest name in `RANKS` that fits; "" for what is not ours."""
    if module == "mlx_vader":
        return module
    inside = module.removeprefix("mlx_vader.")
    if inside == module and module.split(".")[0] not in ("convert", "torch_ref"):
        return module.split(".")[0] if module.split(".")[0] in PACKAGES else ""
    known = [name for row in RANKS for name in row if inside == name or inside.startswith(f"{name}.")]
    return max(known, key=len, default=inside.split(".")[0])


def rank(name: str) -> int:
    """The row of a room, counted from the top."""
    return next(number for number, row in enumerate(RANKS) if name in row)


def house(*packages: str) -> list[str]:
    """The modules of some packages."""
    return [name for name in modules() if name.split(".")[0] in packages]


# The rules ------------------------------------------------------------------------------------------------------------


def test_every_room_has_a_rank():
    known = {name for row in RANKS for name in row}
    assert {room(module) for module in house("mlx_vader", "convert", "torch_ref")} <= known


def _upward() -> Iterator[tuple[str, str]]:
    """Arrows that point up, with where they stand."""
    for module in house("mlx_vader", "convert", "torch_ref"):
        ours = room(module)
        if ours == "mlx_vader":
            continue
        for found in imports(module):
            theirs = room(found.name)
            if not theirs or theirs == ours or theirs in BESIDE.get(ours, ()):
                continue
            if theirs in ("benchmarks", "scripts", "tests") or rank(theirs) <= rank(ours):
                yield f"{module} → {theirs}", f"line {found.line} imports {found.name}"


def test_imports_point_down():
    wrong = [f"{arrow} ({where})" for arrow, where in _upward() if arrow not in STILL_OPEN]
    assert not wrong, "\n".join(wrong)


def test_arrows_that_were_mended_are_not_listed_as_open():
    assert not STILL_OPEN - {arrow for arrow, _ in _upward()}


def _circle(without: frozenset[tuple[str, str]] = frozenset()) -> list[str]:
    """The modules of a circle, if there is one; imports for types alone never happen."""
    graph = {
        module: {
            found.name
            for found in imports(module)
            if found.when != "types" and found.name in modules() and (module, found.name) not in without
        }
        - {module}
        for module in modules()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_nothing_is_imported_in_a_circle():
    circle = _circle(without=STILL_CIRCULAR)
    assert not circle, " → ".join(reversed(circle))


@pytest.mark.parametrize("pair", sorted(STILL_CIRCULAR))
def test_circles_that_were_opened_are_not_listed(pair: tuple[str, str]):
    assert _circle(without=STILL_CIRCULAR - {pair}), pair


@pytest.mark.parametrize(
    ("line", "name", "when"),
    [
        ("import mlx_vader.video", "mlx_vader.video", "at once"),
        ("import numpy as np, mlx_vader.video.info as info", "mlx_vader.video.info", "at once"),
        ("from mlx_vader import video", "mlx_vader.video", "at once"),
        ("from mlx_vader import __version__", "mlx_vader", "at once"),
        ("from mlx_vader.video import info, probe", "mlx_vader.video.info", "at once"),
        ("from mlx_vader.video import probe", "mlx_vader.video", "at once"),
        ("from . import registry", "mlx_vader.models.registry", "at once"),
        ("from .registry import build", "mlx_vader.models.registry", "at once"),
        ("from ..video.info import probe", "mlx_vader.video.info", "at once"),
        ("if TYPE_CHECKING:\n    from convert import convert", "convert", "types"),
        ("if typing.TYPE_CHECKING:\n    pass\nelse:\n    import convert", "convert", "at once"),
        ("try:\n    import convert\nexcept ImportError:\n    pass", "convert", "at once"),
        ("class A:\n    import convert", "convert", "at once"),
        ("def f():\n    from convert import weights", "convert.weights", "later"),
        ("async def f():\n    with a:\n        import convert", "convert", "later"),
        ("import_module('convert.weights')", "convert.weights", "at once"),
        ("f = lambda: importlib.import_module(f'convert.{x}')", "convert", "later"),
        ("_HOMES = {'clean': 'mlx_vader.video'}", "mlx_vader.video", "later"),
    ],
)
def test_every_form_of_import_is_seen(line: str, name: str, when: str):
    assert (name, when) in {(found.name, found.when) for found in imports_in(line, "mlx_vader.models.base")}


def test_networks_do_not_import_each_other():
    for module in house("mlx_vader"):
        if module.startswith("mlx_vader.models.") and not module.endswith(".registry"):
            theirs = {found.name for found in imports(module) if found.name.startswith("mlx_vader.models.")}
            assert theirs <= {"mlx_vader.models.base"}, module


def test_the_reference_knows_torch_alone():
    known = {"torch", "torch_ref", "jaxtyping", *sys.stdlib_module_names}
    for module in house("torch_ref"):
        for found in imports(module):
            assert found.name.split(".")[0] in known or found.when == "types", found


@pytest.mark.parametrize("framework", HEAVY)
def test_heavy_frameworks_stay_in_their_backend(framework: str):
    for module in house("mlx_vader"):
        for found in imports(module):
            if found.name.split(".")[0] == framework and found.when != "types":
                where = modules()[module].relative_to(ROOT).as_posix()
                assert where in HEAVY[framework], found
                assert found.when == "later", found
