"""The command line as a newcomer meets it."""

import subprocess
import sys
from pathlib import Path

import pytest

from mlx_vader.cli import COMMANDS
from mlx_vader.cli.console import emit_json
from mlx_vader.errors import VaderError

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


@pytest.mark.parametrize("during", ["mlx_vader", "typer", "mlx_vader.cli.doctor", "mlx_vader.errors"])
def test_ctrl_c_while_it_starts_is_one_line(during: str) -> None:
    code = (
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {during!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from vader_mlx import main\n"
        "main()"
    )
    result = _run("--help", code=code)
    assert result.returncode == 130
    assert result.stderr == "error: interrupted\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [["--help"], ["clean", "--help"], ["--version"], ["doctor", "--json"]])
def test_output_that_cannot_be_written_is_one_line(arguments: list[str]) -> None:
    code = f"import mlx_vader.doctor as room\nroom.examine = lambda say: []\n{ENTRY}"
    arguments = [*arguments, "-"] if "--json" in arguments else arguments
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr.startswith("error: the output cannot be written: No space left")
    assert len(result.stderr.splitlines()) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_report_that_cannot_be_written_is_one_line() -> None:
    with pytest.raises(VaderError, match="no space left to write /dev/full"):
        emit_json({}, "/dev/full")
