"""Does what docs/add-a-network.md says, in a folder of its own: a plugin of pytest, for tests/test_add_a_network.py.

`python -m pytest -p tests.following_the_page …` runs any tests with the page's network in the registry.
"""

import re
import tempfile
from importlib import import_module
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "add-a-network.md"
_PLACE = re.compile(
    r"^## \d\. `(?P<path>[^`]+)`\n.*?^```python\n(?P<code>.*?)^```\n", re.DOTALL | re.MULTILINE
)


def places() -> dict[str, str]:
    """What the page has one write, by path."""
    return {match["path"]: match["code"] for match in _PLACE.finditer(PAGE.read_text(encoding="utf-8"))}


def pytest_configure() -> None:
    """Puts the files beside the packages that they belong to, and the line in the registry."""
    from mlx_vader.models import registry

    *files, (_, line) = places().items()
    folder = Path(tempfile.mkdtemp())
    for path, code in files:
        file = folder / path
        file.parent.mkdir(parents=True)
        file.write_text(code, encoding="utf-8")
        import_module(".".join(Path(path).parent.parts)).__path__.append(str(file.parent))
    module = Path(files[0][0]).stem
    names = vars(registry) | {module: import_module(f"mlx_vader.models.{module}")}
    registry.NETWORKS.update(eval("{" + line + "}", names))
