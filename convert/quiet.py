"""Keeps what libraries print out of the user's terminal, and keeps it for whoever debugs."""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallows stdout and stderr: Python's own and, below, what compiled code writes to the file descriptors.

    coremltools prints eight lines when it is imported off macOS, and warnings and progress bars as it converts.
    When the body raises, the swallowed text travels with the exception as a note. Output of other threads is
    swallowed too: a progress display has to write to its own duplicate of the terminal. Ctrl-C is not: what a bare
    `except:` of coremltools made of it is raised again when the body ends.
    """
    with (
        _ctrl_c_kept(),
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as sink,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            with (
                _descriptors_to(sink.fileno()),
                contextlib.redirect_stdout(sink),
                contextlib.redirect_stderr(sink),
            ):
                yield
        except Exception as error:
            sink.seek(0)
            if noise := sink.read().strip():
                error.add_note("printed until then:\n" + noise[-4000:])
            raise


@contextlib.contextmanager
def _ctrl_c_kept() -> Iterator[None]:
    """Raises KeyboardInterrupt at the end where it was raised inside and got lost, or became another error."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield  # nobody is interrupted here
        return
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        before(number, frame)

    signal.signal(signal.SIGINT, press)
    try:
        yield
    except Exception:
        if not pressed:
            raise
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _descriptors_to(sink: int) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    try:
        for descriptor in saved:
            os.dup2(sink, descriptor)
        yield
    finally:
        for descriptor, original in saved.items():
            os.dup2(original, descriptor)
            os.close(original)
