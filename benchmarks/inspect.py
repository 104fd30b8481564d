"""How long `inspect` takes on a package of 1,000 operations: `python -m benchmarks.inspect` prints it.

The package is made by coremltools; imports are not counted, reading the package and writing the report are.
"""

import json
import tempfile
import time
from pathlib import Path

from convert import ane
from convert.ane.page import page
from tests.ane.packages import of_convolutions


def seconds(count: int) -> tuple[int, float, float]:
    """Operations in the report, seconds of an inspection with its JSON, and seconds of its page."""
    with tempfile.TemporaryDirectory() as folder:
        package = of_convolutions(Path(folder), count)
        started = time.perf_counter()
        found = ane.inspect(package, [ane.chip("m4")])
        json.dumps(found[0].as_dict())
        inspected = time.perf_counter()
        page(found)
        return len(found[0].main.operations), inspected - started, time.perf_counter() - inspected


if __name__ == "__main__":
    for size in (100, 1000):
        operations, inspection, writing = seconds(size)
        print(f"{operations} operations: inspected in {inspection:.2f} s, page in {writing:.2f} s")
