"""Whether a mark is better subtracted than filled, and by what, here: all are tried where the truth is known.

The mark that was measured is laid over the scene beside itself, with the noise that its coding left. There it is
measured anew, as if nothing were known of it, subtracted, and filled; and these are compared with what is beneath.
All that makes a measurement wrong counts so: few frames, slow pans whose frames say the same again and again, marks so
fat that their inside cannot be guessed, fine texture, coarse coding.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from mlx_vader.arrays import Clip, Frame, LevelClip, Masks, Pixels
from mlx_vader.inpainting.unblend.fitting import fit
from mlx_vader.inpainting.unblend.mark import Mark, Part
from mlx_vader.inpainting.unblend.removal import remove
from mlx_vader.inpainting.unblend.sham import fattened, shifts_of
from mlx_vader.inpainting.unblend.yuv import rgb_of, yuv_of
from mlx_vader.levels import to_levels, to_unit

Fill = Callable[[Clip, Masks, None], Clip]

#: Places that are tried, one at least, and more while all have fewer pixels of marks, over time, than this. What a try
#: costs grows with these.
_PLACES, _MOST_TRIED = 3, 2_000_000
#: Frames in which all are compared there.
_FRAMES = 8
#: By how much the subtraction may be noisier than expected.
_DOUBTS = (0.3, 1.0, 3.0, 10.0)
#: A place whose scene varies over time by so many times more or less than behind the mark says nothing of it.
_ALIKE = 5.0
#: Keeps the logarithm of an error finite.
_NO_ERROR = 1e-6
#: Subtracting must leave at most this share of the filling's squared error.
_MOST_ERROR = 0.85
#: Subtraction and filling differ here at most by so many times as much (squared) as they do there. What differs more
#: is no mark of one opacity that stands still.
_MOST_APART = 4.0


def proved(frames: LevelClip, mask: Pixels, mark: Mark, fills: Sequence[Fill], *, whole: bool) -> Mark:
    """The mark with each part's `doubt` as the scene beside it shows it, infinite where filling is better, and `fill`.

    `frames`, `mask` and `whole` are what it was fitted from. Of the fills the first is taken where nothing is shown.
    """
    hopeful = [part.might_unblend for part in mark.parts]
    scene = np.stack([to_levels(_filled(to_unit(frame), mark.covered, fills[0])) for frame in frames])
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), _FRAMES)).astype(int)
    here = np.zeros(len(mark.alpha))
    for number in chosen:
        taken = _subtracted(to_unit(frames[number]), mark)
        here += np.square(taken - to_unit(scene[number]))[mark.region].sum(axis=-1)
    tried = list(_trials(frames, scene, chosen, mask, mark, fills, whole if any(hopeful) else None))
    # By ratios: a place with texture, where all fills err much, counts no more than another.
    ratios = [np.log(np.nansum(trial.filled, axis=1) + _NO_ERROR) for trial in tried]
    fill = int(np.sum([*ratios, np.zeros(len(fills))], axis=0).argmin())
    doubts = []
    for number, hope in enumerate(hopeful):
        known = [_doubt(pixels, tried, here, fill) for pixels in _relatives(mark, number)] if hope else []
        doubts.append(next((doubt for doubt in known if doubt is not None), np.inf))
    return replace(mark, parts=_doubted(mark.parts, doubts), fill=fill)


def _relatives(mark: Mark, number: int) -> Iterator[Int[np.ndarray, " m"]]:
    """The pixels of a part, and then those of all parts that were measured together with it, as letters are."""
    part = mark.parts[number]
    alike = [(other.alpha, other.colour) == (part.alpha, part.colour) for other in mark.parts]
    yield np.flatnonzero(mark.part_of == number)
    yield np.flatnonzero(np.array(alike)[mark.part_of])


def _doubted(parts: Sequence[Part], doubts: Sequence[float]) -> tuple[Part, ...]:
    return tuple(replace(part, doubt=doubt) for part, doubt in zip(parts, doubts, strict=True))


@dataclass(frozen=True, eq=False)
class _Trial:
    """What came of one place, by pixel of the mark, NaN where nothing did: sums over frames of squared errors.

    `errors`: of the subtraction, by `_DOUBTS`, and `filled`: of the fills. `apart`: how much the subtraction differs
    from the first of them. `varies`: the variance over time there over that behind the mark.
    """

    errors: Float[np.ndarray, "doubts n"]
    filled: Float[np.ndarray, "fills n"]
    apart: Float[np.ndarray, " n"]
    varies: Float[np.ndarray, " n"]


def _trials(
    frames: LevelClip,
    scene: LevelClip,
    chosen: Int[np.ndarray, " k"],
    mask: Pixels,
    mark: Mark,
    fills: Sequence[Fill],
    whole: bool | None,
) -> Iterator[_Trial]:
    """`whole`: None where only fills are tried."""
    random = np.random.default_rng(0)
    fat = fattened(mark.region)
    place = np.flatnonzero(mark.region)
    here = _variance(frames, place)
    most = int(np.clip(_MOST_TRIED // (len(place) * len(frames)), 1, _PLACES))
    for shift in shifts_of(mark.region, fat, most):
        of, there = _moved(mark.region, shift)
        hole = np.zeros_like(mask)
        hole.reshape(-1)[_moved(mask, shift)[1]] = True
        if not hole.any():
            continue
        spoiled = _laid_over(scene, mark, of, there, random)
        again = None if whole is None else fit(spoiled, hole, whole=whole)
        errors = np.full((len(_DOUBTS) + len(fills), len(place)), np.nan)
        apart, varies = np.full((2, len(place)), np.nan)
        good = ~fat.reshape(-1)[there]
        of, there = of[good], there[good]
        errors[:, of], apart[of] = 0, 0
        varies[of] = (_variance(spoiled, there) + 1) / (here[of] + 1)
        for number in chosen:
            frame, truth = to_unit(spoiled[number]), to_unit(scene[number])
            made = [frame] * len(_DOUBTS)
            if again is not None:
                parts = [_doubted(again.parts, [doubt] * len(again.parts)) for doubt in _DOUBTS]
                made = [_subtracted(frame, replace(again, parts=each)) for each in parts]
            made += [_filled(frame, hole, fill) for fill in fills]
            for index, picture in enumerate(made):
                errors[index, of] += _squares(picture, truth, there)
            apart[of] += _squares(made[_DOUBTS.index(1.0)], made[len(_DOUBTS)], there)
        yield _Trial(errors[: len(_DOUBTS)], errors[len(_DOUBTS) :], apart, varies)


def _doubt(
    pixels: Int[np.ndarray, " m"], tried: Sequence[_Trial], here: Float[np.ndarray, " n"], fill: int
) -> float | None:
    """That which left the least error in some pixels; infinite where that is not clearly less than the fill's.

    None where no place speaks for them.
    """
    errors, filled, apart, here_too = np.zeros(len(_DOUBTS)), 0.0, 0.0, 0.0
    for trial in tried:
        known = pixels[~np.isnan(trial.varies[pixels])]
        if not len(known) or not 1 / _ALIKE <= np.median(trial.varies[known]) <= _ALIKE:
            continue
        errors += trial.errors[:, known].sum(axis=1)
        filled += trial.filled[fill, known].sum()
        apart += trial.apart[known].sum()
        here_too += here[known].sum()
    if not filled:
        return None
    best = int(errors.argmin())
    shown = errors[best] < _MOST_ERROR * filled and here_too <= _MOST_APART * apart
    return _DOUBTS[best] if shown else np.inf


def _variance(frames: LevelClip, places: Int[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    """Of luma over time."""
    return yuv_of(frames.reshape(len(frames), -1, 3)[:, places])[..., 0].var(axis=0)


def _moved(region: Pixels, shift: tuple[int, int]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Which of the region's pixels stay in the crop when it is shifted, and where in the crop they come to lie."""
    rows, columns = np.nonzero(region)
    rows, columns = rows + shift[0], columns + shift[1]
    inside: Bool[np.ndarray, " n"] = (rows >= 0) & (rows < region.shape[0])
    inside &= (columns >= 0) & (columns < region.shape[1])
    return np.flatnonzero(inside), (rows * region.shape[1] + columns)[inside]


def _laid_over(
    scene: LevelClip,
    mark: Mark,
    of: Int[np.ndarray, " n"],
    there: Int[np.ndarray, " n"],
    random: np.random.Generator,
) -> LevelClip:
    """The scene with the mark's pixels `of` over those at `there`, as a codec would leave it."""
    spoiled = scene.copy()
    noise = np.sqrt(mark.noise[of]) / mark.gain[of]
    for picture in spoiled.reshape(len(scene), -1, 3):
        seen = (1 - mark.alpha[of]) * yuv_of(picture[there]) + mark.product[of]
        seen += noise * random.standard_normal(noise.shape, np.float32)
        picture[there] = rgb_of(seen).round().clip(0, 255)
    return spoiled


def _subtracted(frame: Frame, mark: Mark) -> Frame:
    made = frame.copy()
    made[mark.region] = remove(frame, mark)
    return made


def _filled(frame: Frame, hole: Pixels, fill: Fill) -> Frame:
    return fill(frame[None], hole[None, ..., None].astype(np.float32), None)[0]


def _squares(one: Frame, other: Frame, places: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.square(one - other).reshape(-1, 3)[places].sum(axis=-1)
