"""How well marks that stand still are found: IoU, recall and false area on clips that marks are laid over.

python -m benchmarks.static_marks DATA [--weights mark-finder] [--clips 6]

Scenes are photographs of DATA/val before a camera, joined shots, still scenes, and the videos of DATA/train, whose
frames training has seen, but not with these marks: words, fonts and shapes are those that training never shows. All
goes through H.264 at quantiser 23.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mlx_vader.artifacts.artifact import Style
from mlx_vader.artifacts.degradations.video_compression import at_quantiser
from mlx_vader.artifacts.vocabulary import vocabulary
from mlx_vader.data import open_source
from mlx_vader.data.marked_clips import Overlay, Scenes, random_overlay
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks.static.source import SAMPLES, See, Seen, find
from mlx_vader.video import list_media, open_video, probe

SIZE = 352
QUANTISER = 23
SHOTS = (2, 3, 4, 6)


class Case(NamedTuple):
    """A clip without marks, and what kind of scene it is."""

    scene: str
    frames: np.ndarray


class Measured(NamedTuple):
    """What was found in a clip, in pixels, and what the finding says."""

    scene: str
    marked: bool
    hit: int
    missed: int
    false: int
    pixels: int
    status: str


def cases(data: Path, clips: int) -> Iterator[Case]:
    """`clips` of each kind of scene, always the same, and the videos."""
    source = open_source(data, "val")
    style = Style(vocabulary("val"), data / "logos")
    for number in range(clips):
        scenes = Scenes(source, np.random.default_rng(number), SIZE, style)
        yield Case("moving", scenes.of_kind("camera"))
        for shots in SHOTS:
            yield Case(f"{shots} shots", scenes.edited(shots))
        yield Case("passed by", scenes.of_kind("passing"))
        yield Case("still", scenes.of_kind("still"))
    for path in list_media(data / "train" / "clips"):
        yield Case(f"video {path.stem[-12:]}", _video(path))


def _video(path: Path) -> np.ndarray:
    """Frames all along a video."""
    places = set(np.linspace(0, (probe(path).frames or SAMPLES) - 1, SAMPLES).round().astype(int).tolist())
    with open_video(path) as video:
        frames = [
            cv2.resize(frame.levels, (640, 352), interpolation=cv2.INTER_AREA)
            for number, frame in enumerate(video)
            if number in places
        ]
    return to_unit(np.stack(frames))


def measure(case: Case, mark: Overlay | None, see: See) -> Measured:
    """Finds the mark, or what is taken for one."""
    frames = case.frames if mark is None else mark.over(case.frames)
    decision = find(to_levels(at_quantiser(frames.clip(0, 1), "libx264", QUANTISER)), see)
    true = np.zeros(frames.shape[1:3], bool) if mark is None else mark.mask()
    found = decision.mask
    return Measured(
        case.scene,
        mark is not None,
        int((found & true).sum()),
        int((~found & true).sum()),
        int((found & ~true).sum()),
        true.size,
        decision.finding.status,
    )


def main() -> None:
    """Prints the table."""
    from mlx_vader.backends import load_backend

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", default="mark-finder")
    parser.add_argument("--clips", type=int, default=6)
    given = parser.parse_args()
    backend = load_backend("auto", given.weights)

    def see(statistics: np.ndarray) -> Seen:
        values = backend.run({"statistics": statistics[None]}).values
        return Seen(values["mask"][0, ..., 0], float(values["undecidable"].item()))

    rows = []
    for number, case in enumerate(cases(given.data, given.clips)):
        rng = np.random.default_rng(10_000 + number)
        style = Style(vocabulary("val"), given.data / "logos")
        height, width = case.frames.shape[1:3]
        marks = [random_overlay(rng, (height, width), style) for _ in range(2)]
        rows += [measure(case, mark, see) for mark in (*marks, None)]
    for line in table(rows):
        print(line)


def table(rows: list[Measured]) -> Iterator[str]:
    """A line for each kind of scene, with marks and without."""
    yield f"{'scene':22}{'clips':>6}{'IoU':>7}{'recall':>8}{'false %':>9}   status"
    for scene in dict.fromkeys(row.scene for row in rows):
        for marked in (True, False):
            some = [row for row in rows if row.scene == scene and row.marked == marked]
            iou = np.mean([row.hit / max(1, row.hit + row.missed + row.false) for row in some])
            recall = np.mean([row.hit / max(1, row.hit + row.missed) for row in some])
            false = 100 * np.mean([row.false / row.pixels for row in some])
            figures = f"{iou:7.2f}{recall:8.2f}" if marked else f"{'':15}"
            counts = {
                status: sum(row.status == status for row in some)
                for status in sorted({r.status for r in some})
            }
            status = ", ".join(f"{count} {name}" for name, count in counts.items())
            yield f"{scene + ('' if marked else ', untouched'):22}{len(some):6}{figures}{false:9.2f}   {status}"


if __name__ == "__main__":
    main()
