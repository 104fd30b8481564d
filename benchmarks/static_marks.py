"""How well marks that stand still are found: IoU, recall and false area on clips that marks are laid over.

python -m benchmarks.static_marks DATA [--weights mark-finder] [--marks 2] [--only cup,shots] [--alpha 0.3]

Scenes are the videos of DATA/train, photographs of DATA/val before a camera, and both joined to edited clips; still
scenes and scenes that something passes. Marks are laid over at the size of the clip: words, fonts and shapes are those
that training never shows. All goes through H.264, HEVC or VP9, is looked at as `clean --find static` does, and compared
with the mark. Of each scene an untouched clip is looked at too: in it, all that is taken is wrong.
"""

import argparse
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from mlx_vader.artifacts.artifact import Style
from mlx_vader.artifacts.vocabulary import vocabulary
from mlx_vader.data import open_source
from mlx_vader.data.marked_clips import Overlay, Scenes, random_overlay
from mlx_vader.data.whole_videos import spread_frames
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks.sampling import places, reduced
from mlx_vader.masks.static.network import FINDER, See, finder_of
from mlx_vader.masks.static.source import MOST_PIXELS, SAMPLES, find
from mlx_vader.video import list_media

#: Height and width of clips, and how they are encoded.
SIZES = ((360, 640), (480, 854), (720, 1280), (1080, 1920))
CODECS = (
    ("libx264", {"crf": "18", "preset": "veryfast"}),
    ("libx264", {"crf": "26", "preset": "veryfast"}),
    ("libx265", {"crf": "24", "preset": "ultrafast", "x265-params": "log-level=none"}),
    ("libvpx-vp9", {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "8"}),
)
SHOTS = (2, 3, 4, 6)
#: Frames of a clip that is made of photographs.
FRAMES = 60

Frames = UInt8[np.ndarray, "n h w 3"]


class Measured(NamedTuple):
    """What was found in a clip, in pixels, what the finding says, and seconds of processor time."""

    scene: str
    marked: bool
    hit: int
    missed: int
    false: int
    pixels: int
    status: str
    seconds: float

    @property
    def recall(self) -> float:
        """Of the mark's pixels."""
        return self.hit / max(1, self.hit + self.missed)

    @property
    def iou(self) -> float:
        """Of what was taken and the mark."""
        return self.hit / max(1, self.hit + self.missed + self.false)


def scenes(data: Path, number: int) -> Iterator[tuple[str, Frames]]:
    """Clips without marks, with the kind of scene; always the same."""
    rng = np.random.default_rng(number)
    size = SIZES[number % len(SIZES)]
    made = Scenes(open_source(data, "val"), rng, max(size), Style(vocabulary("val"), data / "logos"))
    photographed = to_levels(np.clip(made.of_kind("camera"), 0, 1))
    yield "camera", fitted(photographed, size)
    videos = list_media(data / "train" / "clips")
    for path in videos:
        yield f"video {path.stem[-12:]}", fitted(spread_frames(path), size)
    for shots in SHOTS:
        parts = [spread_frames(path)[:FRAMES] for path in videos] + [photographed]
        joined = [fitted(parts[(number + shot) % len(parts)][:24], size) for shot in range(shots)]
        yield f"{shots} shots", np.concatenate(joined)
    for kind in ("passing", "still"):
        yield kind, fitted(to_levels(np.clip(made.of_kind(kind), 0, 1)), size)


def fitted(frames: Frames, size: tuple[int, int]) -> Frames:
    """The middle of the frames in (height, width)."""
    scale = max(size[0] / frames.shape[1], size[1] / frames.shape[2])
    height, width = (round(side / scale) for side in size)
    top, left = (frames.shape[1] - height) // 2, (frames.shape[2] - width) // 2
    pieces = frames[:, top : top + height, left : left + width]
    return np.stack([cv2.resize(piece, size[::-1], interpolation=cv2.INTER_AREA) for piece in pieces])


def encoded(frames: Frames, codec: str, options: dict[str, str]) -> Frames:
    """The frames after an encoder, decoded."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as target:
        stream = target.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        target.mux(stream.encode())
    file.seek(0)
    with av.open(file) as source:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)])


def measure(scene: str, frames: Frames, mark: Overlay | None, codec: int, see: See) -> Measured:
    """Finds the mark, or what is taken for one."""
    shown = frames if mark is None else np.stack([to_levels(mark.over(to_unit(frame))) for frame in frames])
    decoded = encoded(shown, *CODECS[codec % len(CODECS)])
    began = time.process_time()
    looks = np.stack([reduced(decoded[place], MOST_PIXELS) for place in places(len(decoded), SAMPLES)])
    decision = find(looks, see)
    seconds = time.process_time() - began
    true = np.zeros(decision.mask.shape, bool) if mark is None else _reduced(mark.mask(), decision.mask.shape)
    found = decision.mask
    hit, missed, false = (int(part.sum()) for part in (found & true, ~found & true, found & ~true))
    return Measured(scene, mark is not None, hit, missed, false, true.size, decision.finding.status, seconds)


def _reduced(mask: Bool[np.ndarray, "h w"], size: tuple[int, int]) -> Bool[np.ndarray, "h2 w2"]:
    return cv2.resize(mask.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA) > 0.5


def with_alpha(mark: Overlay, largest: float | None) -> Overlay:
    """The mark with this opacity where it is most opaque; None leaves it as it is."""
    share = np.float32(1 if largest is None else largest / max(float(mark.alpha.max()), 1e-3))
    return Overlay(mark.alpha * share, mark.color * share)


def main() -> None:
    """Prints the table."""
    from mlx_vader.backends import load_backend

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", default=FINDER)
    parser.add_argument("--marks", type=int, default=2, help="of each scene; each in another size and codec")
    parser.add_argument("--only", default="", help="scenes whose names hold one of these words")
    parser.add_argument("--alpha", type=float, help="opacity of each mark; else it is random")
    given = parser.parse_args()
    see = finder_of(load_backend("auto", given.weights))
    style = Style(vocabulary("val"), given.data / "logos")
    words = given.only.split(",")
    rows = []
    for number in range(given.marks):
        for place, (scene, frames) in enumerate(scenes(given.data, number)):
            if not any(word in scene for word in words):
                continue
            rng = np.random.default_rng(10_000 + 100 * number + place)
            mark = with_alpha(random_overlay(rng, frames.shape[1:3], style), given.alpha)
            rows += [measure(scene, frames, each, number + place, see) for each in (mark, None)]
    for line in table(rows):
        print(line)


def table(rows: list[Measured]) -> Iterator[str]:
    """A line for each kind of scene, with marks and without, and one for all."""
    yield f"{'scene':28}{'clips':>6}{'IoU':>7}{'recall':>8}{'>= .9':>7}{'false %':>9}{'taken':>7}{'CPU s':>7}   status"
    for scene in (*dict.fromkeys(row.scene for row in rows), ""):
        for marked in (True, False):
            some = [row for row in rows if row.scene.startswith(scene) and row.marked == marked]
            figures = (
                f"{np.mean([row.iou for row in some]):7.2f}{np.mean([row.recall for row in some]):8.2f}"
                f"{np.mean([row.recall >= 0.9 for row in some]):7.0%}"
            )
            false = 100 * np.mean([row.false / row.pixels for row in some])
            taken = np.mean([row.hit + row.false > 0 for row in some])
            seconds = max(row.seconds for row in some)
            status = ", ".join(
                f"{sum(row.status == name for row in some)} {name}"
                for name in sorted({row.status for row in some})
            )
            name = (scene or "all") + ("" if marked else ", untouched")
            yield (
                f"{name:28}{len(some):6}{figures if marked else '':22}{false:9.2f}{taken:7.0%}{seconds:7.1f}   {status}"
            )


if __name__ == "__main__":
    main()
