"""The documentation: its links lead somewhere, and the commands, options, recipes and files that it names exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.exceptions import TyperException

from mlx_vader.cli import build_app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
REFERENCE = re.compile(r"(?<!\])\[([^\]]+)\](?![(:\[])")
DEFINITION = re.compile(r"^\[([^\]]+)\]: \S+$", re.MULTILINE)
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PATH = re.compile(r"(?:mlx_vader|torch_ref|convert|benchmarks|tests|scripts|docs)/[\w./-]*")
#: What ends a command in a line of shell.
SHELL = {"&&", "||", "|", ";", "&"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    text = _prose(page)
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        assert not anchor or anchor in _anchors(file), target


@every_page
def test_named_links_are_defined(page: Path) -> None:
    text = CODE.sub("", _prose(page))
    defined = set(DEFINITION.findall(text))
    assert not defined or set(REFERENCE.findall(text)) == defined


def test_every_page_is_in_both_lists() -> None:
    for index in (ROOT / "README.md", DOCS / "README.md"):
        listed = {(index.parent / target).resolve() for target in LINK.findall(_prose(index))}
        missing = {page for page in DOCS.glob("*.md") if page.name != "README.md"} - listed
        assert not missing, index


@every_page
def test_commands_exist_with_their_options(page: Path) -> None:
    for line in _commands(page):
        _check_vader_mlx(line)


@pytest.mark.parametrize(
    "line",
    [
        "vader-mlx clear a.mp4",
        "vader-mlx clean a.mp4 --finds network",
        "vader-mlx clean -o b",
        "vader-mlx doctor a",
    ],
)
def test_a_command_that_does_not_exist_is_seen(line: str) -> None:
    with pytest.raises((AssertionError, TyperException)):
        _check_vader_mlx(line)


def test_what_the_readme_states_of_quality_comes_from_the_suite_that_training_cannot_have_seen() -> None:
    suites = re.findall(r"vader-mlx evaluate[^`\n]*--suite (\S+)", (ROOT / "README.md").read_text("utf-8"))
    assert suites
    for name in ",".join(suites).replace("`", "").split(","):
        assert name.startswith("foreign"), name


@every_page
def test_recipes_exist(page: Path) -> None:
    recipes = re.findall(
        r"^([a-z][\w-]*)(?: [^:]*)?:(?!=)", (ROOT / "justfile").read_text("utf-8"), re.MULTILINE
    )
    for line in _commands(page):
        for name in re.findall(r"(?:^|&& )just ([a-z][\w-]*)", line):
            assert name in recipes, line


@every_page
def test_programs_and_files_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    for name in re.findall(r"python -m (benchmarks\.\w+)", text):
        assert (ROOT / name.replace(".", "/")).with_suffix(".py").is_file(), name
    if page.stem == "add-a-network":  # it names files to make; its own test looks at them
        return
    for code in CODE.findall(_prose(page)):
        if PATH.fullmatch(code) and not code.startswith("mlx_vader/weights"):
            assert (ROOT / code).exists(), code


def _prose(page: Path) -> str:
    return FENCE.sub("", page.read_text("utf-8"))


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = [LINK.sub("", heading).lower() for heading in HEADING.findall(_prose(page))]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def _commands(page: Path) -> Iterator[str]:
    """Lines of shell in code blocks, and commands between backquotes."""
    text = page.read_text("utf-8")
    for language, block in FENCE.findall(text):
        if language in {"", "sh", "bash"}:
            yield from (line.strip() for line in block.replace("\\\n", " ").splitlines())
    yield from (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", FENCE.sub("", text)))


def _check_vader_mlx(line: str) -> None:
    """Parses each call of `vader-mlx` in a line, and runs none. Raises what the parser raises."""
    if "vader-mlx " not in line:
        return
    words = shlex.split(line, comments=True)
    for start in (place for place, word in enumerate(words) if word == "vader-mlx"):
        end = next((place for place in range(start, len(words)) if words[place] in SHELL), len(words))
        _check_arguments(words[start + 1 : end], line)


def _check_arguments(arguments: list[str], line: str) -> None:
    app = typer.main.get_command(build_app())
    with app.make_context("vader-mlx", [], resilient_parsing=True) as context:
        assert arguments, line
        command = app.get_command(context, arguments[0])
        assert command is not None, line
        with command.make_context(arguments[0], [], parent=context, resilient_parsing=True) as inner:
            values, left, _ = command.make_parser(inner).parse_args(arguments[1:])
            assert not left, line
            missing = {
                one.name for one in command.get_params(inner) if one.required and not values.get(one.name)
            }
            # A command by itself is a mention; `--help` asks for nothing else.
            assert not missing or not arguments[1:] or "help" in values, line
