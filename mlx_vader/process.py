"""What a job runs over a video: the contract between `jobs` and all that changes frames.

A process takes the frames of one video in order and gives each of them back with what is to change in it. It opens no
file. Restoration by a network, inpainting and the reconstruction of a background are processes.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from mlx_vader.arrays import Frame, LevelFrame, Mask, Pixels
from mlx_vader.boxes import Box

#: Arrays by name, as they are stored in a work folder.
Packed = dict[str, np.ndarray]


class Patch(NamedTuple):
    """New pixels for a rectangle of the upright frame, whose first pixel is at (`top`, `left`).

    `rgb` is in [0, 1], float32, or float16 for large ones. `touched` says which of the pixels are new; None: all.
    """

    top: int
    left: int
    rgb: Float[np.ndarray, "h w 3"]
    touched: Pixels | None = None

    @property
    def box(self) -> Box:
        """Where it lies."""
        return Box(self.top, self.left, *self.rgb.shape[:2])


@runtime_checkable
class SourceFrame(Protocol):
    """A decoded frame, upright; see `mlx_vader.video.VideoFrame`."""

    @property
    def height(self) -> int:
        """Pixels."""
        ...

    @property
    def width(self) -> int:
        """Pixels."""
        ...

    @property
    def bits(self) -> int:
        """The depth of the stored samples; that of a float's fraction for a frame that was computed."""
        ...

    @property
    def rgb(self) -> Frame:
        """Colours in [0, 1]."""
        ...

    @property
    def levels(self) -> LevelFrame:
        """Colours from 0 to 255."""
        ...

    def forget(self) -> None:
        """Lets go of `rgb` and `levels`; they are computed again when they are asked for."""
        ...

    def region(self, box: Box) -> Frame:
        """The colours of a part of it, a copy; nothing else is computed."""
        ...

    def edited(self, patches: Sequence[Patch]) -> "SourceFrame":
        """The frame with patches in it; the same object where nothing is touched."""
        ...

    @property
    def damaged(self) -> bool:
        """Whether the file is broken here, so that no statistic is to count the picture."""
        ...


@runtime_checkable
class Video(Protocol):
    """A video that a process may look at before it works on it.

    `fields`: the frames are the fields of an interlaced video, half as high, in the order in which they are shown;
    `top_first` says whether the first of them holds the upper lines. `quantiser`: the mean step of its coding in
    levels of 255, where its decoder tells.
    """

    height: int
    width: int
    frames: int
    fields: bool
    top_first: bool

    @property
    def quantiser(self) -> float | None:
        """See above."""
        ...

    def read(self, start: int, stop: int) -> Iterator[Any]:
        """Frames `start` to `stop`."""
        ...


class Edit(NamedTuple):
    """A frame and what is to change in it.

    `patches` computes the new pixels, and is called in another thread than the process; a frame for which it gives
    nothing is kept bit for bit. `mask`: where artifacts were seen or told (1 = artifact), for previews. `finite` is
    False where a network gave NaN or infinity and the frame's own pixels stand in.
    """

    frame: Any
    patches: Callable[[], Sequence[Patch]]
    mask: Mask | None = None
    finite: bool = True


class Chunk(NamedTuple):
    """Edits in the order of their frames. `carry` packs all that is needed to go on after the last of them."""

    edits: Sequence[Edit]
    carry: Callable[[], Packed]


@dataclass(frozen=True)
class FoundMark:
    """A mark that was found. `box`: x, y, width, height in pixels. `treated`: how it is removed, or "left".

    What finds it says "taken" or "left"; what removes it says how: "unblend", "propagate", "fill" or "network".
    It is there from frame `first` to `last`; None: to the end. `alpha` (0 to 1) and `colour` (RGB, 0 to 255) where they
    were measured.
    """

    box: tuple[int, int, int, int]
    confidence: float
    treated: str
    kind: str = "static"
    alpha: float | None = None
    colour: tuple[int, int, int] | None = None
    first: int = 0
    last: int | None = None

    def scaled(self, down: float, across: float) -> "FoundMark":
        """The same in a picture that is so many times as high and as wide."""
        x, y, width, height = self.box
        return replace(
            self, box=(round(x * across), round(y * down), round(width * across), round(height * down))
        )


@dataclass(frozen=True)
class RestoredBy:
    """The network that restores whole pictures, and how strongly: 0 keeps the pictures, 1 takes the network's.

    What was measured of the video, where it was: `noise`, the standard deviation of luma in levels of 255, and
    `blockiness`, how far jumps at the borders of coded blocks stand out, in shares of the picture's mean step;
    `quantiser`, the mean step of the coding in levels of 255, where the file tells.
    """

    network: str
    strength: float
    noise: float | None = None
    blockiness: float | None = None
    quantiser: float | None = None


@dataclass(frozen=True)
class Finding:
    """What a first pass found.

    `status`: "told" (a mask was given), "found", "nothing", "undecidable", or "unasked" where nobody looked.
    `reason`: one line for people where the status does not speak for itself. `restored`: what is done to whole
    pictures. `fetched`: how much of what had to be filled came from other frames, 0 to 1; None before it is known.
    """

    status: str = "unasked"
    marks: tuple[FoundMark, ...] = ()
    reason: str = ""
    restored: RestoredBy | None = None
    fetched: float | None = None

    @property
    def changes_nothing(self) -> bool:
        """Whether it shows that no frame is to be changed."""
        if self.restored is None:
            return self.status in {"nothing", "undecidable"}
        return self.restored.strength == 0 and self.status in {"nothing", "undecidable", "unasked"}

    def scaled(self, down: float, across: float) -> "Finding":
        """The same in a picture that is so many times as high and as wide."""
        return replace(self, marks=tuple(mark.scaled(down, across) for mark in self.marks))

    def treated(self, how: str) -> "Finding":
        """The same where all marks that are not left are removed in one way."""
        marks = [mark if mark.treated == "left" else replace(mark, treated=how) for mark in self.marks]
        return replace(self, marks=tuple(marks))

    def of_frames(self) -> "Finding":
        """That of whole frames, where this one is of the fields of an interlaced video."""
        marks = [
            replace(mark, first=mark.first // 2, last=None if mark.last is None else mark.last // 2)
            for mark in self.scaled(2, 1).marks
        ]
        return replace(self, marks=tuple(marks))

    @property
    def candidates(self) -> tuple[FoundMark, ...]:
        """What may be marks, and is left alone."""
        return tuple(mark for mark in self.marks if mark.treated == "left")

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        marks = [dict(vars(mark), box=list(mark.box)) for mark in self.marks]
        restored = vars(self.restored) if self.restored else None
        undecidable = self.status == "undecidable"
        covered = (
            None if self.fetched is None else {"propagate": self.fetched, "fill": round(1 - self.fetched, 4)}
        )
        return {
            "found": self.status,
            "marks": marks,
            "undecidable": undecidable,
            "restored": restored,
            "coverage": covered,
        }


@runtime_checkable
class Process(Protocol):
    """One video's treatment."""

    @property
    def finding(self) -> Finding:
        """What the first pass found; known once `analyse` has run to its end."""
        ...

    def identity(self) -> dict[str, Any]:
        """All that the result depends on besides the source, JSON-ready: a resumed job must have the same."""
        ...

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The first pass. Yields what is to be kept after each step; `kept` is the last of that, `{}` at first.

        With the `kept` of a pass that was complete nothing is computed again and nothing is yielded.
        """
        ...

    def chunks(self, frames: Iterable[Any], carry: Packed) -> Iterator[Chunk]:
        """The frames with their edits. `carry`: that of an earlier chunk, to go on after it; `{}` starts a video."""
        ...


class Analysing(Protocol):
    """What has a first pass; see `Process.analyse`."""

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The first pass."""
        ...


def analyse_in_turn(parts: Sequence[Analysing], video: Video, kept: Packed) -> Iterator[Packed]:
    """The first passes of several, one after the other; what each keeps is kept under its number."""
    everything = dict(kept)
    for number, part in enumerate(parts):
        everything = yield from kept_under(number, everything, partial(part.analyse, video))


def kept_under(
    key: int | str, everything: Packed, steps: Callable[[Packed], Iterator[Packed]]
) -> Generator[Packed, None, Packed]:
    """A pass that is a part of another: what it keeps, beside all that is kept already. Returns what is kept at last.

    `steps` goes on from what it kept itself, and yields that after each step; it stands under `key`.
    """
    for step in steps(packed_of(key, everything)):
        others = {name: array for name, array in everything.items() if not name.startswith(f"{key}.")}
        everything = others | packed_as(key, step)
        yield everything
    return everything


def packed_as(key: int | str, arrays: Packed) -> Packed:
    """The arrays of one of several, under names that no other of them has."""
    return {f"{key}.{name}": array for name, array in arrays.items()}


def packed_of(key: int | str, arrays: Packed) -> Packed:
    """What `packed_as` was given for this key, among those of others."""
    begins = f"{key}."
    return {name.removeprefix(begins): array for name, array in arrays.items() if name.startswith(begins)}


def edited_chunks(process: Process, frames: Iterable[Any], carry: Packed) -> Iterator[Chunk]:
    """The chunks of a process whose first pass is over. One that is to change nothing is not asked."""
    if not process.finding.changes_nothing:
        yield from process.chunks(frames, carry)
        return
    for frame in frames:
        yield Chunk([Edit(frame, tuple)], dict)


def edits_of(process: Process, video: Video) -> Iterator[Edit]:
    """A whole video through a process, in memory: the first pass, then each frame with its edits."""
    for _ in process.analyse(video, {}):
        pass
    for chunk in edited_chunks(process, video.read(0, video.frames), {}):
        yield from chunk.edits
