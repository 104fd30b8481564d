"""Nothing that a library prints reaches the terminal, and nothing is lost when it fails."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from convert.quiet import quiet


def test_prints_of_python_and_of_compiled_code_are_swallowed(capfd):
    print("before")
    with quiet():
        print("python")
        print("error", file=sys.stderr)
        os.write(1, b"compiled")
        os.write(2, b"compiled error")
    print("after")
    captured = capfd.readouterr()
    assert captured.out == "before\nafter\n"
    assert captured.err == ""


def test_the_noise_travels_with_an_exception():
    def fail():
        with quiet():
            os.write(2, b"the reason")
            raise ValueError("bad")

    with pytest.raises(ValueError, match="bad") as caught:
        fail()
    assert "the reason" in caught.value.__notes__[0]


def _descriptors():
    return len(list(Path("/dev/fd").iterdir()))


def test_descriptors_are_returned(capfd):
    open_before = _descriptors()
    for _ in range(5):
        with quiet():
            pass
    assert _descriptors() == open_before


def test_importing_coremltools_quietly_prints_nothing():
    code = "from convert.quiet import quiet\nwith quiet():\n    import coremltools\nprint('done')"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert (result.stdout, result.stderr) == ("done\n", "")


@pytest.mark.parametrize("then", [None, ImportError])
def test_ctrl_c_that_a_library_swallows_is_raised_in_the_end(then):
    def swallowing():
        try:
            signal.raise_signal(signal.SIGINT)
        except:  # noqa: E722 - as coremltools writes it
            if then:
                raise then from None

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), quiet():
        swallowing()
    assert signal.getsignal(signal.SIGINT) is handler


def test_other_threads_and_other_errors_are_as_they_were():
    errors = []

    def work():
        try:
            with quiet():
                _ = 1 / 0
        except ZeroDivisionError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    work()
    assert len(errors) == 2
