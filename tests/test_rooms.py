"""The rules of the rooms: imports point down, and heavy frameworks stay where they belong."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: Each room and what it may import of the others, besides errors, checkpoints and layout.
ALLOWED = {
    "layers": set(),
    "models": {"layers"},
    "losses": {"layers", "models"},
    "masks": set(),
    "metrics": {"losses"},
    "artifacts": {"video"},
    "video": set(),
    "data": {"artifacts", "masks", "video"},
    "backends": {"models", "layers"},
    "streaming": {"backends", "masks", "models", "video"},
    "training": {"artifacts", "backends", "data", "losses", "metrics", "models", "layers"},
    "evaluation": {"artifacts", "backends", "data", "losses", "metrics", "streaming", "video"},
}

#: Frameworks that only these files may import, within functions. `doctor` asks what there is.
HEAVY = {
    "torch": {
        "mlx_vader/backends/torch.py",
        "mlx_vader/backends/torch_gradients.py",
        "mlx_vader/cli/doctor.py",
    },
    "coremltools": {"mlx_vader/backends/coreml.py"},
}


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module's dotted name, and whether it is imported when the file is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, ast.iter_child_nodes(tree)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, id(node) in top


def _files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_point_down(room: str) -> None:
    for path in _files(f"mlx_vader/{room}"):
        for name, _ in _imports(path):
            parts = name.split(".")
            if parts[0] == "mlx_vader" and len(parts) > 1 and parts[1] in {*ALLOWED, "cli", "demo"}:
                assert parts[1] in ALLOWED[room] | {room}, f"{path.relative_to(ROOT)} imports {name}"


def test_networks_do_not_import_each_other() -> None:
    for path in _files("mlx_vader/models"):
        if path.stem not in ("registry", "__init__"):
            theirs = {
                name.removeprefix("mlx_vader.models.")
                for name, _ in _imports(path)
                if "mlx_vader.models." in name
            }
            assert theirs <= {"base"}, path.name


def test_the_reference_knows_torch_alone() -> None:
    known = {"torch", "torch_ref", "jaxtyping", "typing", "functools", "itertools", "collections"}
    for path in _files("torch_ref"):
        for name, at_once in _imports(path):
            assert name.split(".")[0] in known or not at_once, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("framework", HEAVY)
def test_heavy_frameworks_stay_in_their_backend(framework: str) -> None:
    for path in _files("mlx_vader"):
        for name, at_once in _imports(path):
            if name.split(".")[0] == framework:
                where = path.relative_to(ROOT).as_posix()
                assert where in HEAVY[framework], f"{where} imports {name}"
                assert not at_once, f"{where} imports {name} at once"
