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
    """Operations in the report; seconds of an inspection with its JSON and its page, by the clock and of the CPU."""
    with tempfile.TemporaryDirectory() as folder:
        package = of_convolutions(Path(folder), count)
        started, busy = time.perf_counter(), time.process_time()
        found = ane.inspect(package, [ane.chip("m4")])
        json.dumps(found[0].as_dict())
        page(found)
        return len(found[0].main.operations), time.perf_counter() - started, time.process_time() - busy


if __name__ == "__main__":
    for size in (100, 1000):
        operations, wall, processor = seconds(size)
        print(f"{operations} operations: {wall:.2f} s, of which {processor:.2f} s on the processor")
