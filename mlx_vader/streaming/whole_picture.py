"""A network over whole pictures, as strongly as the video needs it.

How strongly is decided by the video itself. Noise like its own is added to a frame once more: what of that the network
takes away shows how much of what it changes is noise (Stein's unbiased estimate of the risk, with the divergence by
Monte Carlo: Ramani, Blu and Unser, IEEE Transactions on Image Processing 2008). The strength with the least estimated
risk is that share. Where coding is coarse, a part of what the network changes is taken all the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from mlx_vader.arrays import Clip
from mlx_vader.backends import restore
from mlx_vader.boxes import Box
from mlx_vader.masks import CLEAN
from mlx_vader.process import Chunk, Edit, Finding, Packed, Patch, RestoredBy, SourceFrame, Video
from mlx_vader.streaming.evidence import GRID, NO_NOISE, Noise, blockiness, jumps, noise_of
from mlx_vader.streaming.restoration import Restoration

#: Places in the video that are looked at, and frames that differ at each: the network's memory fills, then it counts.
LOOKS, FRAMES_PER_LOOK = 12, 5
#: So many frames are read for them: some videos show each frame twice.
MOST_READ = 10
#: The side of the part of a frame that is looked at, which is another one in each look.
SIDE = 256
#: Rows that are mixed at a time.
ROWS = 128
#: Less noise, in levels, and less blockiness are left alone.
LEAST_NOISE, LEAST_BLOCKINESS = 1.0, 0.5
#: Coding in steps of so many levels is coarse: H.264 at QP 31, MPEG-2 at a scale of 11.
COARSE = 22.0
#: The share of the network's work that counts where coding is coarse, at the least. There the
#: best share was between 0.5 and 1, and half of it never lost (`python -m benchmarks.restore`).
DEBLOCKING = 0.5
#: So much of the noise is added to see what becomes of it: little, so that the network treats both alike.
ADDED = 0.2
#: What the network takes away is less than what was taken for noise, by more than this: then it is none.
MOST_STRENGTH = 1.5
#: A mean square that stands for no change at all.
TINY = 1e-12
#: A mean change of less than so many levels is not worth another encoding.
LEAST_CHANGE = 0.25


class Look(NamedTuple):
    """What is seen at one place. `noise`: its level; `jumps`: at the places of a grid, see `evidence.jumps`.

    `quantiser`: mean step of the video's coding, 0 where it is unknown. `noise_taken`: mean product of the noise and
    what the network takes away of it; `change`: mean square of all that the network changes. Both are NaN until the
    network is asked.
    """

    noise: float
    jumps: Float64[np.ndarray, "2 8"]
    quantiser: float = 0.0
    noise_taken: float = float("nan")
    change: float = float("nan")


class WholePicture:
    """`restoration`, by the network called `network`, mixed with the pictures as they are.

    `strength` is how much of it counts, from 0 to 1; None: what noise and coding call for, measured in a first pass.
    """

    def __init__(self, restoration: Restoration, network: str, strength: float | None = None) -> None:
        self._restoration, self._network, self._told = restoration, network, strength
        self._restored = RestoredBy(network, strength) if strength is not None else None

    @property
    def finding(self) -> Finding:
        """How strongly pictures are restored, and what was measured."""
        return Finding(restored=self._restored)

    def identity(self) -> dict[str, Any]:
        """The network's, and how the strength is found."""
        how = f"measured {LOOKS}x{FRAMES_PER_LOOK}" if self._told is None else self._told
        return {**self._restoration.identity(), "strength": how}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Looks at frames all along the video, unless the strength was told, and keeps what was seen after each look.

        The network is asked about those frames where anything was seen that it may mend.
        """
        if self._told is not None:
            return
        seen = _unpacked(kept)
        last = max(video.frames - FRAMES_PER_LOOK, 0)
        starts = np.unique(np.linspace(0, last, LOOKS).astype(int)).tolist()
        quantiser = seen[0].quantiser if seen else video.quantiser or 0.0
        for number in range(len(seen), len(starts)):
            seen.append(_look(_frames(video, starts[number], number), quantiser))
            yield _packed(seen)
        for number, look in enumerate(seen):
            if any(_needs(seen)) and np.isnan(look.change):
                seen[number] = self._asked(look, _frames(video, starts[number], number))
                yield _packed(seen)
        self._restored = decided(self._network, seen)

    def chunks(self, frames: Iterable[SourceFrame], carry: Packed) -> Iterator[Chunk]:
        """See `Process`."""
        for chunk in self._restoration.chunks(frames, carry):
            yield Chunk([self._mixed(edit) for edit in chunk.edits], chunk.carry)
            del chunk  # its frames may be large

    def _mixed(self, edit: Edit) -> Edit:
        assert self._restored is not None  # the first pass is over
        return edit._replace(patches=partial(_mix, edit, self._restored.strength), mask=None)

    def _asked(self, look: Look, clip: Clip) -> Look:
        """With what the network does to the frame in the middle of the noise."""
        if not len(clip):
            return look._replace(noise_taken=0.0, change=0.0)
        noise, at = _noise(clip)
        frame, added = clip[at : at + 1], noise.spread(*clip.shape[1:3], seed=0)
        memory = self._run(clip[:at], None)[1] if at else None
        change = self._run(frame, memory)[0] - frame
        noisier = frame + np.float32(ADDED) * added
        taken = change - (self._run(noisier, memory)[0] - noisier)
        return look._replace(
            noise_taken=float((added * taken).mean()) / ADDED, change=float((change * change).mean())
        )

    def _run(self, clip: Clip, state: Any) -> tuple[Clip, Any]:
        hint = np.full((*clip.shape[:3], 1), CLEAN, np.float32)
        restored = restore(self._restoration.backend, clip, state, hint)
        return restored.frames, restored.state


def decided(network: str, seen: Sequence[Look]) -> RestoredBy:
    """How strongly a network is to restore a video of which this was seen."""
    noise, blocks, quantiser = _summary(seen)
    is_noisy, is_coarse = _needs(seen)
    strength = 0.0
    if is_noisy or is_coarse:
        change = float(np.mean([look.change for look in seen]))
        taken = float(np.mean([look.noise_taken for look in seen])) / max(change, TINY)
        if is_noisy and taken <= MOST_STRENGTH:
            strength = min(max(taken, 0.0), 1.0)
        if is_coarse:
            strength = max(strength, DEBLOCKING)
        if strength * np.sqrt(change) * 255 < LEAST_CHANGE:
            strength = 0.0
    told = round(quantiser, 1) if quantiser else None
    return RestoredBy(network, round(strength, 2), round(noise, 2), round(blocks, 2), told)


def _needs(seen: Sequence[Look]) -> tuple[bool, bool]:
    """What was seen that a network may mend: noise, and coarse coding.

    Blocks that move with the scene look like noise: where they stand out, it is not believed. Where the file tells how
    coarsely it is coded, that counts; blocks that stand out in a finely coded file were in what was coded.
    """
    noise, blocks, quantiser = _summary(seen)
    is_blocky = blocks >= LEAST_BLOCKINESS
    return noise >= LEAST_NOISE and not is_blocky, quantiser >= COARSE if quantiser else is_blocky


def _summary(seen: Sequence[Look]) -> tuple[float, float, float]:
    """Noise, blockiness and quantiser of the video."""
    noise = float(np.median([look.noise for look in seen]))
    return noise, blockiness(np.mean([look.jumps for look in seen], axis=0)), seen[0].quantiser


def _look(clip: Clip, quantiser: float) -> Look:
    """At frames that follow one another; one alone shows no noise."""
    if not len(clip):
        return Look(0.0, np.zeros((2, GRID)), quantiser)
    noise, at = _noise(clip)
    return Look(noise.level, jumps(clip[at]), quantiser)


def _noise(clip: Clip) -> tuple[Noise, int]:
    """That of the last three frames, and which frame is in their middle; of fewer, none and the last."""
    if len(clip) < 3:
        return NO_NOISE, len(clip) - 1
    return noise_of(clip[-3:]), len(clip) - 2


def _mix(edit: Edit, strength: float) -> Sequence[Patch]:
    """The patches of an edit, mixed with what is there."""
    if strength == 1:
        return edit.patches()
    return [patch._replace(rgb=_between(edit.frame, patch, strength)) for patch in edit.patches()]


def _between(frame: SourceFrame, patch: Patch, strength: float) -> np.ndarray:
    """A patch's pixels mixed with the frame's, some rows at a time: a frame of 8K takes 400 MB."""
    mixed = np.empty_like(patch.rgb)
    for top in range(0, patch.box.height, ROWS):
        rows = slice(top, top + ROWS)
        new = patch.rgb[rows]
        old = frame.region(Box(patch.top + top, patch.left, len(new), patch.box.width))
        mixed[rows] = old + np.float32(strength) * (new - old)
    return mixed


def _frames(video: Video, start: int, number: int) -> Clip:
    """Part of the frames from `start` on that differ from the one before; none where one of them is damaged.

    Of a video of fields they are those of one parity: between the two, lines of the scene differ as noise does.
    """
    box = _part(video.height, video.width, number)
    step = 2 if video.fields else 1
    parts: list[np.ndarray] = []
    for index, frame in enumerate(video.read(start, min(start + MOST_READ * step, video.frames))):
        if frame.damaged:
            return np.zeros((0, box.height, box.width, 3), np.float32)
        if index % step:
            continue
        part = frame.region(box)
        if not parts or not np.array_equal(part, parts[-1]):
            parts.append(part)
        if len(parts) == FRAMES_PER_LOOK:
            break
    return np.stack(parts)


def _part(height: int, width: int, number: int) -> Box:
    """Where a frame is looked at: spread evenly over all looks (Roberts' sequence), on the grid of the coding."""
    across, down = (0.5 + number * np.array([0.7548777, 0.5698403])) % 1
    box = Box(0, 0, min(SIDE, height), min(SIDE, width))
    top, left = int((height - box.height) * down) // 16 * 16, int((width - box.width) * across) // 16 * 16
    return box._replace(top=top, left=left)


def _packed(seen: Sequence[Look]) -> Packed:
    return {name: np.array([getattr(look, name) for look in seen]) for name in Look._fields}


def _unpacked(kept: Packed) -> list[Look]:
    if not kept:
        return []
    rows = zip(*(kept[name] for name in Look._fields), strict=True)
    return [Look(float(noise), found, *map(float, measured)) for noise, found, *measured in rows]
