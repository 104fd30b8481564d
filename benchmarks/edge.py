"""What `clean` costs at its edges: decoding, conversion, finishing and encoding, beside a plain transcode, in one run.

    python -m benchmarks.edge [--json FILE] [--res 720p] [--frames 120]

The networks are arithmetic of no weight, so that only the edges count: one changes nothing, one paints where a mask is
(a corner, a tiled pattern), one changes every pixel. `ratio` is of the frames a second of a plain decode and encode
with the same encoder. `stages_ms` is CPU time a frame on one core, each stage run by itself.
"""

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np

from mlx_vader.backends import Outputs
from mlx_vader.inpainting.fill import find_fill
from mlx_vader.interface import Interface, Port
from mlx_vader.jobs.options import CleanOptions
from mlx_vader.jobs.plan import Task
from mlx_vader.jobs.video_job import VideoJob
from mlx_vader.jobs.video_source import VideoSource
from mlx_vader.levels import to_unit
from mlx_vader.masks.files import FileMasks
from mlx_vader.process import Edit
from mlx_vader.sample_clips import sample_clip
from mlx_vader.streaming import Restoration, make_strategy
from mlx_vader.video import SegmentWriter, VideoFrame, open_video, plan_encoding, probe, write_image

SIZES = {"256": (256, 256), "512": (512, 512), "720p": (720, 1280), "1080p": (1080, 1920)}
CASES = ("transcode", "nothing", "corner", "tiled", "all")
#: Each case is run so often, in turn with the others; the median counts.
ROUNDS = 3


class Arithmetic:
    """A backend of no weight: `change(frames)` for every pixel."""

    name, device, emulated, takes_levels = "arithmetic", "CPU", False, False
    interface = Interface((Port("frames", "frames", 3),), (Port("restored", "frames", 3),))

    def __init__(self, change: Callable[[np.ndarray], np.ndarray]) -> None:
        self._change = change

    def run(self, inputs: Mapping[str, np.ndarray], state: Any = None) -> Outputs:
        """See `Backend`."""
        frames = inputs["frames"]
        unit = to_unit(frames) if frames.dtype == np.uint8 else frames
        return Outputs({"restored": self._change(unit)}, None)

    def pack(self, state: Any) -> dict[str, np.ndarray]:
        """There is no state."""
        return {}

    def unpack(self, arrays: dict[str, np.ndarray]) -> None:
        """There is no state."""


def made_clip(path: Path, height: int, width: int, frames: int) -> None:
    """The sample clip at a size, as H.264."""
    source = sample_clip()
    with av.open(str(source)) as given, av.open(str(path), "w") as made:
        stream = made.add_stream("libx264", rate=25, width=width, height=height, options={"crf": "18"})
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(given.decode(video=0)):
            if number == frames:
                break
            made.mux(stream.encode(frame.reformat(width, height, "yuv420p")))
        made.mux(stream.encode(None))


def mask_of(case: str, height: int, width: int) -> np.ndarray:
    """White where the case's network paints: nowhere, in a corner, or in a pattern all over the frame."""
    mask = np.zeros((height, width, 3), np.float32)
    if case == "corner":
        mask[height // 18 : height // 6, 5 * width // 6 : 35 * width // 36] = 1
    if case == "tiled":
        step = max(height // 6, 24)
        y, x = np.mgrid[:height, :width]
        mask[((y + x // 3) % step < step // 8) & (x % (2 * step) < step)] = 1
    return mask


def process_for(case: str, folder: Path) -> Restoration:
    """The process of a case."""
    masks = None if case == "all" else FileMasks(folder / f"{case}.png")
    change = (lambda frames: 0.98 * frames + np.float32(0.01)) if case == "all" else (lambda frames: frames)
    return Restoration(
        Arithmetic(change),
        make_strategy("clip-recurrent"),
        weights=case,
        fill=find_fill("auto").fill,
        masks=masks,
    )


def transcoded(source: Path, target: Path) -> None:
    """Decodes and encodes, and nothing else, with the encoding that `clean` would choose."""
    encoding = plan_encoding(target, probe(source))
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        given.streams.video[0].thread_type = "AUTO"
        stream = encoding.add_stream(made)
        for frame in given.decode(video=0):
            frame.pict_type = av.video.frame.PictureType.NONE
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))


def cleaned(case: str, source: Path, target: Path) -> None:
    """The whole job."""
    job = VideoJob(Task(source, target), process_for(case, source.parent), CleanOptions())
    job.run(lambda frames, step: None)


def stages(case: str, source: Path) -> dict[str, float]:
    """CPU milliseconds a frame of each stage while no other works; of decoder and encoder in all of their threads."""
    spent: defaultdict[str, float] = defaultdict(float)

    def timed(name: str, work: Callable[[], Any], clock: Callable[[], float] = time.thread_time) -> Any:
        started = clock()
        result = work()
        spent[name] += clock() - started
        return result

    def coloured(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        for frame in frames:
            if case != "transcode":
                timed("to_rgb", partial(getattr, frame, "rgb" if case == "all" else "levels"))
            yield frame

    with open_video(source) as video:
        decoded = timed("decode", lambda: list(video), time.process_time)
    frames, edits = [], edited_by(case, source, coloured(iter(decoded)))
    while (edit := timed("network", partial(next, edits, None))) is not None:
        patches = timed("finish", edit.patches)
        frames.append(timed("composite", partial(edit.frame.edited, patches)))
        edit.frame.forget()
    spent["network"] -= spent["to_rgb"]
    timed("encode", partial(_encoded, frames, source), time.process_time)
    return {name: round(1000 * seconds / len(frames), 2) for name, seconds in spent.items() if seconds > 1e-4}


def _encoded(frames: list[VideoFrame], source: Path) -> None:
    with TemporaryDirectory() as folder:
        writer = SegmentWriter(folder, plan_encoding(source.with_suffix(".staged.mp4"), probe(source)))
        for frame in frames:
            writer.write(frame)
        writer.close()


def edited_by(case: str, source: Path, frames: Iterator[VideoFrame]) -> Iterator[Edit]:
    """The frames with the edits of the case's process; none for a plain transcode."""
    if case == "transcode":
        yield from (Edit(frame, tuple) for frame in frames)
        return
    process = process_for(case, source.parent)
    for _ in process.analyse(VideoSource(source, probe(source), fields=False), {}):
        pass
    for chunk in process.chunks(frames, {}):
        yield from chunk.edits


def measure(res: str, frames: int, folder: Path) -> list[dict[str, Any]]:
    """A row for each case at one size."""
    height, width = SIZES[res]
    source = folder / f"{res}.mp4"
    made_clip(source, height, width, frames)
    for case in CASES[1:-1]:
        write_image(folder / f"{case}.png", mask_of(case, height, width))
    count = probe(source).frames or frames
    seconds: dict[str, list[float]] = {case: [] for case in CASES}
    for _ in range(ROUNDS):
        for case in CASES:
            target = folder / f"{res}-{case}.mp4"
            started = time.perf_counter()
            transcoded(source, target) if case == "transcode" else cleaned(case, source, target)
            seconds[case].append(time.perf_counter() - started)
    plain = statistics.median(seconds["transcode"])
    return [
        {
            "res": res,
            "case": case,
            "fps": round(count / statistics.median(seconds[case]), 1),
            "ratio": round(plain / statistics.median(seconds[case]), 3),
            "stages_ms": stages(case, source),
        }
        for case in CASES
    ]


def main() -> None:
    """Prints a table, and writes JSON where it is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the rows here")
    parser.add_argument("--res", action="append", choices=list(SIZES), help="sizes; all if not given")
    parser.add_argument("--frames", type=int, default=120)
    given = parser.parse_args()
    rows = []
    print(f"{'res':6} {'case':10} {'fps':>7} {'ratio':>6}  CPU ms a frame")
    for res in given.res or SIZES:
        with TemporaryDirectory() as folder:
            for row in measure(res, given.frames, Path(folder)):
                rows.append(row)
                shown = "  ".join(f"{name} {ms:.1f}" for name, ms in row["stages_ms"].items())
                print(f"{res:6} {row['case']:10} {row['fps']:7.1f} {row['ratio']:6.2f}  {shown}", flush=True)
    if given.json:
        given.json.write_text(json.dumps({"rows": rows}, indent=1))


if __name__ == "__main__":
    main()
