"""The command line as a newcomer meets it."""

import subprocess
import sys

import pytest

from mlx_vader.cli import COMMANDS

ENTRY = "from mlx_vader.cli import main; main()"


def _run(*arguments: str, code: str = ENTRY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_help_loads_no_framework() -> None:
    heavy = ("mlx.core", "numpy", "torch", "av", "coremltools", "PIL", "scipy")
    code = (
        "import sys\ntry:\n    from mlx_vader.cli import main\n    main()\n"
        f"finally:\n    print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    for arguments in (["--help"], ["clean", "--help"], ["--version"]):
        result = _run(*arguments, code=code)
        assert result.returncode == 0
        assert result.stderr.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    result = _run(command.rstrip("_"), "--help")
    assert result.returncode == 0
    assert "vader-mlx" in result.stdout.split("Options")[0].split("Usage:")[1].split("\n", 1)[1]


def test_without_a_command_there_is_help() -> None:
    result = _run()
    assert result.returncode == 0
    assert "clean" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [["polish"], ["clean"], ["clean", "--polish", "a.mp4"], ["train"], ["bench", "--res", "huge"]],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_a_hint(arguments: list[str]) -> None:
    result = _run(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    assert len(lines) == 2


def test_an_interrupted_command_says_so() -> None:
    code = (
        "from mlx_vader.cli import main\n"
        "import mlx_vader.evaluation.clips as room\n"
        "def interrupted(clips): raise KeyboardInterrupt\n"
        "room.find_clips = interrupted\n"
        "main()"
    )
    result = _run("evaluate", code=code)
    assert result.returncode == 130
    assert result.stderr.strip() == "error: interrupted"


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" not in _run("clean", "missing.mp4").stderr
    assert "Traceback" in _run("clean", "missing.mp4", "--debug").stderr
