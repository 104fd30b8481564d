"""A process that measures: commands go to it as lines of JSON, and answers come back (`mlx_vader.bench.worker`)."""

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


class Died(Exception):  # noqa: N818 - it is what happened to a worker, not an error of ours
    """A worker ended, hung or refused; the text says why."""


class WorkerProcess:
    """The other end of `mlx_vader.bench.worker`."""

    def __init__(self, log: Path) -> None:
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._log = log
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlx_vader.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("wb"),
            env={**os.environ, "PYTHONPATH": path},
            text=True,
        )
        self._answers: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._answers.put(line)
        self._answers.put(None)

    def ask(self, command: str, argument: Any, limit: float) -> dict[str, Any]:
        """The answer to a command. Raises `Died` after `limit` seconds, when the process ended, or for its refusal."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([command, argument]) + "\n")
            self._process.stdin.flush()
            line = self._answers.get(timeout=limit)
        except queue.Empty:
            raise Died(f"no answer to {command} within {limit:.0f} s") from None
        except OSError:
            line = None
        if line is None:
            raise Died(self._last_words(command))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Died(answer["error"])
        return answer

    def _last_words(self, command: str) -> str:
        code = self._process.wait()
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"the process ended during {command} (code {code})" + (f": {lines[-1]}" if lines else "")

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
