"""A mark is learned from video files and saved, for `clean --mark` to take it off others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.inpainting.learning import learn_mark
from mlx_vader.jobs.video_source import VideoSource
from mlx_vader.levels import to_levels
from mlx_vader.masks.mark_files import KnownMark, check_mark_target
from mlx_vader.masks.mark_files import save_mark as write_mark
from mlx_vader.masks.source import MaskSource
from mlx_vader.overwriting import check_overwriting
from mlx_vader.video import probe
from mlx_vader.writing import check_writable


@dataclass(frozen=True)
class MarkReport:
    """A mark that was saved. `box`: x, y, width, height in frames of `frame` (width, height).

    `alpha`: the opacity of its inside, `colour` RGB from 0 to 255. `learned_from`: the files that showed it; `without`:
    those in which no mark was found.
    """

    target: Path
    frame: tuple[int, int]
    box: tuple[int, int, int, int]
    alpha: float
    colour: tuple[int, int, int]
    learned_from: tuple[Path, ...]
    without: tuple[Path, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For machines; paths are text."""
        paths = {name: [str(path) for path in getattr(self, name)] for name in ("learned_from", "without")}
        return vars(self) | {"target": str(self.target)} | paths


def save_mark(sources: Sequence[Path], target: Path, *, masks: Callable[[Path], MaskSource]) -> MarkReport:
    """Learns the mark that `masks` finds in the sources, one video or several of one size, and writes it to `target`.

    `masks` gives a source of masks for a file, whose first pass runs here. `target`: a .png or a .lgd, which appears
    when it is complete. Raises UsageError for another target, and VaderError where no mark is found, or nothing moves
    behind it in any of the files.
    """
    if not sources:
        raise UsageError("there is nothing to learn a mark from", hint="name a video that shows it")
    check_mark_target(target)
    check_writable(target)
    check_overwriting(sources, [target])
    videos, found, showing, without = [], [], [], []
    for path in sources:
        video, source = VideoSource(path, probe(path), fields=False), masks(path)
        for _ in source.analyse(video, {}):
            pass
        if source.finding.changes_nothing:
            without.append(path)
            continue
        videos.append(video)
        found.append(source)
        showing.append(path)
    if not videos:
        raise VaderError(
            f"no mark was found in {', '.join(map(str, sources))}",
            hint="show where it is with a mask or a box",
        )
    mark = learn_mark(videos, found, name=target.stem)
    write_mark(target, mark)
    return _report(mark, target, tuple(showing), tuple(without))


def _report(
    mark: KnownMark, target: Path, learned_from: tuple[Path, ...], without: tuple[Path, ...]
) -> MarkReport:
    inside = mark.alpha >= np.median(mark.alpha[mark.alpha > mark.alpha.max() / 2])
    red, green, blue = (int(level) for level in to_levels(np.median(mark.colour[inside], axis=0)))
    assert mark.frame is not None  # it was learned in frames
    return MarkReport(
        target,
        (mark.frame[1], mark.frame[0]),
        (mark.box.left, mark.box.top, mark.box.width, mark.box.height),
        round(float(np.median(mark.alpha[inside])), 3),
        (red, green, blue),
        learned_from,
        without,
    )
