"""Opacity and colour of a mark, from frames in which the scene moves behind it.

The ideas are those of automatic logo removal for broadcasts (AviUtl's logoscan: regression of the frame on a background
that is guessed from the surroundings) and of Dekel et al., "On the Effectiveness of Visible Watermarks", CVPR 2017
(alternating between the matte and the picture), made consistent by an errors-in-variables correction; see `sham`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8
from scipy import ndimage

from mlx_vader.arrays import LevelClip, Pixels
from mlx_vader.dilation import dilated
from mlx_vader.inpainting.fill.coded import with_fringe
from mlx_vader.inpainting.unblend.mark import Mark, Part, closed, gain_of
from mlx_vader.inpainting.unblend.noise import noise_of
from mlx_vader.inpainting.unblend.sham import Sham, depths_of, measure_sham
from mlx_vader.inpainting.unblend.yuv import halved, rgb_of, yuv_of
from mlx_vader.membrane import membrane_over

#: Fewer frames than this tell a mark from its background only by luck.
FEWEST_FRAMES = 8
#: Pixels around a mask that may belong to the mark in the first fit, where the mask is not to be trusted; and around
#: what the first fit found, in the second.
_WIDE, _TIGHT = 2, 1
#: In the second fit only pixels count that have this share of their mark's opacity, and at least so much.
_LEAST_SHARE, _LEAST_OPACITY = 0.15, 0.03
#: So many standard errors more may be a pixel's opacity.
_DOUBTFUL = 2.0
#: What is changed by so many levels and so many standard errors of its guess is covered, whatever the colour.
_CHANGED, _SURELY = 6.0, 2.0
#: Pieces of fewer pixels are noise.
_SMALLEST_PIECE = 6
#: Pieces that are no further apart than this are parts of one mark.
_TOGETHER = 13
#: The pixels that the mark changes most are its core: from this percentile on.
_CORE = 70
#: A plate of several colours: this share of it lies deeper than so many pixels, and a share of it differs by so many
#: levels in colour from the rest.
_DEEP, _DEEP_SHARE = 5, 0.3
_SAME_COLOUR, _OTHER_COLOUR_SHARE = 40.0, 0.04
#: Weights of Y, U and V in finding a pixel's opacity.
_CHANNELS = np.array([1, 0.4, 0.4], np.float32)
#: The least variance of a guess, in squared levels, that is divided by.
_LEAST_VARIANCE = 1e-3


def fit(frames: LevelClip, mask: Pixels, *, whole: bool = False) -> Mark:
    """Measures the mark under the mask, in a crop, with room around it, of frames that are spread over the video.

    `whole`: the mask holds all of the mark; else the mark may reach a little beyond it. A membrane over a wider region
    knows less: on thin lettering two pixels cost it 5 dB. Raises ValueError for an empty mask and for one that leaves
    nothing around it.
    """
    if not mask.any() or mask.all():
        raise ValueError("the mask is empty, or leaves nothing around the mark")
    region = mask if whole else _leaving_room(dilated(mask, _WIDE), mask)
    first = _once(frames, region)
    tight = _where_it_is(first) & region
    if not tight.any():
        return first
    # A rim that is hardly covered is not seen to be so, but spoils what is filled from there.
    again = dilated(tight, _WIDE) & mask if whole else _leaving_room(dilated(tight, _TIGHT), tight)
    return first if np.array_equal(again, region) else _once(frames, again)


def _leaving_room(grown: Pixels, mask: Pixels) -> Pixels:
    return mask if grown.all() else grown


def _where_it_is(mark: Mark) -> Pixels:
    """Without pixels that are hardly covered; parts that were not measured stay as they are, with their fringe."""
    opacity = np.array([part.alpha for part in mark.parts], np.float32)[mark.part_of]
    # Where one opacity is shared, its error says nothing of a single pixel.
    doubt = np.where(mark.even, 0, _DOUBTFUL * mark.alpha_error)
    most = mark.alpha[:, 0] + doubt
    assert mark.changed is not None  # `_once` looked
    covered = mark.changed | (most > np.maximum(_LEAST_OPACITY, _LEAST_SHARE * opacity))
    unknown = np.array([not part.measured for part in mark.parts], bool)[mark.part_of]
    found = np.zeros(mark.region.shape, bool)
    found[mark.region] = covered | unknown
    labels, _ = ndimage.label(found, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())
    return closed(found & (sizes[labels] >= _SMALLEST_PIECE))


@dataclass(frozen=True, eq=False)
class _Observed:
    """A region's pixels over time, (t, n, 3) in YUV levels: what is seen, and the expected picture beneath.

    Over time: `background` (n, 3) is the mean of the guess, `offset` (n, 3) by how much what is seen differs from it,
    `motion` (n,) the variance of the guess's luma, `slope` (n,) that of what is seen on the guess: 1 - alpha.
    """

    region: Pixels
    seen: Float32[np.ndarray, "t n 3"]
    guess: Float32[np.ndarray, "t n 3"]
    fringe: "_Fringe"
    depth: Int[np.ndarray, " n"]
    mean_variance: Float32[np.ndarray, " n"]
    variance: Float32[np.ndarray, " n"]
    background: Float32[np.ndarray, "n 3"]
    offset: Float32[np.ndarray, "n 3"]
    motion: Float32[np.ndarray, " n"]
    slope: Float32[np.ndarray, " n"]

    @property
    def strength(self) -> Float32[np.ndarray, " n"]:
        """How much the mark changes each pixel, in levels."""
        return np.sqrt(np.square(self.offset).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class _Fringe:
    """The region with what the mark's colours bleed into, and means over time of chroma there, seen and guessed."""

    region: Pixels
    seen: Float32[np.ndarray, "m 2"]
    guess: Float32[np.ndarray, "m 2"]


def _observed(frames: LevelClip, region: Pixels) -> _Observed:
    pixels = frames.reshape(len(frames), -1, 3)
    seen = yuv_of(pixels[:, np.flatnonzero(region)])
    wide = _leaving_room(with_fringe(region), region)
    chroma = _guessed(pixels, wide, slice(1, 3))
    guess = np.concatenate([_guessed(pixels, region, slice(0, 1)), chroma[:, region[wide]]], axis=-1)
    seen_chroma = yuv_of(pixels[:, np.flatnonzero(wide)]).mean(axis=0)[:, 1:]
    fringe = _Fringe(wide, seen_chroma, chroma.mean(axis=0))
    depth = depths_of(region)
    sham: Sham = measure_sham(frames, region)
    background = guess.mean(axis=0)
    varying = (guess - background) * sham.slope[depth][:, None]
    seen_mean = seen.mean(axis=0)
    motion = np.square(varying[..., 0]).mean(axis=0)
    together = (varying[..., 0] * (seen[..., 0] - seen_mean[:, 0])).mean(axis=0)
    return _Observed(
        region,
        seen,
        background + varying,
        fringe,
        depth,
        sham.mean_variance[depth],
        sham.variance[depth],
        background,
        seen_mean - background,
        motion,
        together / np.maximum(motion, _LEAST_VARIANCE),
    )


def _guessed(
    pixels: UInt8[np.ndarray, "t hw 3"], hole: Pixels, channels: slice
) -> Float32[np.ndarray, "t n c"]:
    """Some channels of the picture beneath, by a membrane."""
    membrane = membrane_over(hole)
    known = yuv_of(pixels[:, membrane.around])[..., channels].transpose(1, 0, 2)
    solved = membrane.solved(np.ascontiguousarray(known.reshape(len(known), -1)))
    return solved.reshape(len(solved), len(pixels), -1).transpose(1, 0, 2)


@dataclass
class _Piece:
    """A connected part of the region. `pixels` and `core`: indices of its pixels, and of those it changes most."""

    pixels: Int[np.ndarray, " n"]
    core: Int[np.ndarray, " m"]
    alpha: float
    error: float
    even: bool
    motion: float


def _once(frames: LevelClip, region: Pixels) -> Mark:
    observed = _observed(frames, region)
    pieces = _pieces(observed)
    shared = _shared_opacities(pieces)
    count = len(observed.depth)
    alpha, alpha_error = np.zeros(count, np.float32), np.zeros(count, np.float32)
    colour, part_of = np.zeros((count, 3), np.float32), np.zeros(count, np.intp)
    parts: list[Part] = []
    for family in _families(observed, pieces, shared):
        members = [pieces[number] for number in family]
        whole = _joined(members, float(shared[family[0]]))
        measure = _even if whole.even else _of_one_colour
        there = whole.pixels
        alpha[there], colour[there], alpha_error[there], inside = measure(observed, whole)
        pixel_error = float(np.median(alpha_error[whole.core]))
        for piece in members:
            part_of[piece.pixels] = len(parts)
            shown = _rgb(np.median(colour[piece.core], axis=0).astype(np.float32))
            box = _box(region, piece.pixels)
            parts.append(Part(box, inside, whole.error, pixel_error, shown, whole.motion, whole.even))
    even = np.array([part.even for part in parts], bool)[part_of]
    opacity, product = _in_yuv(observed, alpha, colour, even)
    wide = observed.fringe.region
    noise = noise_of(frames, wide, product, gain_of(opacity))
    near = _nearest(region)[wide]
    changed = observed.strength > _CHANGED + _SURELY * np.sqrt(observed.mean_variance)
    inside = region[wide]
    return Mark(
        wide,
        opacity,
        product,
        colour[near],
        np.where(inside, alpha_error[near], 0),
        observed.variance[near],
        noise,
        part_of[near],
        tuple(parts),
        inside & changed[near],
    )


def _nearest(region: Pixels) -> Int[np.ndarray, "h w"]:
    """For each pixel of the crop which of the region's, counted row by row, is nearest."""
    number = np.zeros(region.shape, np.intp)
    number[region] = np.arange(region.sum())
    rows, columns = ndimage.distance_transform_edt(~region, return_distances=False, return_indices=True)
    return number[rows, columns]


def _box(region: Pixels, pixels: Int[np.ndarray, " n"]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(region)
    top, left = int(rows[pixels].min()), int(columns[pixels].min())
    return top, left, int(rows[pixels].max()) + 1 - top, int(columns[pixels].max()) + 1 - left


def _rgb(yuv: Float32[np.ndarray, "3"]) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in rgb_of(yuv).round().clip(0, 255))
    return red, green, blue


def _pieces(observed: _Observed) -> list[_Piece]:
    """The region's parts, each with the opacity of its core."""
    near = cv2.dilate(observed.region.astype(np.uint8), np.ones((_TOGETHER, _TOGETHER), np.uint8))
    labels = ndimage.label(near)[0][observed.region]
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=0))
    return [_piece(observed, pixels) for pixels in np.split(order, starts[1:])]


def _piece(observed: _Observed, pixels: Int[np.ndarray, " n"]) -> _Piece:
    strength = observed.strength[pixels]
    strong = strength >= np.percentile(strength, _CORE)
    core = pixels[strong]
    alpha = _pooled(observed, core)
    groups = [_pooled(observed, group) for group in np.array_split(core, min(8, len(core)))]
    motion = float(observed.motion[core].mean())
    # The last term is what noise of half a level alone makes of a scene that hardly moves.
    error = float(np.std(groups) / np.sqrt(len(groups)) + 0.01 + 0.3 / np.sqrt(max(motion, 0.1) * len(core)))
    even = _is_even(observed, pixels, float(np.median(strength[strong])), alpha)
    return _Piece(pixels, core, float(np.clip(alpha, 0.05, 1)), error, even, motion)


def _pooled(observed: _Observed, pixels: Int[np.ndarray, " n"]) -> float:
    """The opacity that some pixels have in common."""
    weight = observed.motion[pixels]
    return float(1 - (observed.slope[pixels] * weight).sum() / max(weight.sum(), 1e-6))


def _is_even(observed: _Observed, pixels: Int[np.ndarray, " n"], strength: float, alpha: float) -> bool:
    """Whether a part is a plate of several colours. `strength`: how much its core is changed."""
    deep = pixels[observed.depth[pixels] > _DEEP]
    if len(deep) <= _DEEP_SHARE * len(pixels):
        return False
    faint = observed.strength[deep] < strength / 2
    if faint.mean() > _OTHER_COLOUR_SHARE:
        # Covered in the scene's own colours, or the gaps between letters?
        return _pooled(observed, deep[faint]) > alpha / 2
    covered, alpha = deep[~faint], max(alpha, 0.05)
    colours = observed.background[covered] + observed.offset[covered] / np.float32(alpha)
    apart = np.sqrt(np.square(colours - np.median(colours, axis=0)).sum(axis=-1))
    doubt = 3 * np.sqrt(observed.mean_variance[covered]) / alpha
    return bool((apart > _SAME_COLOUR + doubt).mean() > _OTHER_COLOUR_SHARE)


def _shared_opacities(pieces: list[_Piece]) -> Float32[np.ndarray, " pieces"]:
    """Pieces whose opacities are compatible share them, the surer ones counting more."""
    alphas = np.array([piece.alpha for piece in pieces])
    errors = np.array([piece.error for piece in pieces])
    apart = np.abs(alphas[:, None] - alphas)
    weights = (apart < 3 * np.hypot(errors[:, None], errors) + 0.03) / np.square(errors)
    return ((weights @ alphas) / weights.sum(axis=1)).astype(np.float32)


def _families(
    observed: _Observed, pieces: list[_Piece], shared: Float32[np.ndarray, " pieces"]
) -> list[list[int]]:
    """Pieces of one colour and opacity belong together, as letters do; even ones are each by themselves."""
    colours = [
        rgb_of(_colour(observed, piece.core, float(alpha))).clip(0, 255)
        for piece, alpha in zip(pieces, shared, strict=True)
    ]
    families: list[list[int]] = []
    for number in sorted(range(len(pieces)), key=lambda index: -len(pieces[index].pixels)):
        piece = pieces[number]
        # A small piece shows its colour less surely.
        reach = 60 if len(piece.pixels) > 150 else 110
        for family in families:
            first = family[0]
            if (
                not piece.even
                and not pieces[first].even
                and np.abs(colours[number] - colours[first]).max() < reach
                and abs(shared[number] - shared[first]) < 0.2 + 3 * piece.error
            ):
                family.append(number)
                break
        else:
            families.append([number])
    return families


def _joined(members: list[_Piece], alpha: float) -> _Piece:
    core = np.concatenate([piece.core for piece in members])
    motion = float(np.average([piece.motion for piece in members], weights=[len(p.core) for p in members]))
    pixels = np.concatenate([piece.pixels for piece in members])
    return _Piece(pixels, core, alpha, members[0].error, members[0].even, motion)


def _colour(observed: _Observed, core: Int[np.ndarray, " m"], alpha: float) -> Float32[np.ndarray, "3"]:
    """The colour of a mark of this opacity, YUV."""
    seen = observed.background[core] + observed.offset[core]
    return np.median(seen - (1 - alpha) * observed.background[core], axis=0).astype(np.float32) / np.float32(
        alpha
    )


#: Opacity, colour and the opacity's standard error of each pixel, and the opacity of the mark's inside.
_Measured = tuple[Float32[np.ndarray, " n"], Float32[np.ndarray, "n 3"], Float32[np.ndarray, " n"], float]


def _even(observed: _Observed, piece: _Piece) -> _Measured:
    """One opacity inside, fading out over the last two pixels; each pixel its own colour."""
    pixels, depth = piece.pixels, observed.depth[piece.pixels]
    strength = observed.strength[pixels]
    inner = strength[depth > 3]
    profile = np.clip(strength / max(float(np.median(inner)) if len(inner) else 1.0, 1.0), 0, 1)
    alpha = np.where(depth > 2, piece.alpha, piece.alpha * profile).astype(np.float32)
    colour = observed.background[pixels] + observed.offset[pixels] / np.maximum(alpha, 0.05)[:, None]
    error = np.full(len(pixels), min(piece.error, 0.1), np.float32)
    return alpha, colour, error, piece.alpha


def _of_one_colour(observed: _Observed, piece: _Piece) -> _Measured:
    """One colour; each pixel its own opacity, by how far it is moved from the background towards that colour."""
    pixels, core = piece.pixels, piece.core
    within = rgb_of(_colour(observed, core, piece.alpha)).clip(0, 255)
    colour = yuv_of(within)
    towards = colour - observed.guess[:, pixels]
    moved = observed.seen[:, pixels] - observed.guess[:, pixels]
    reach = np.maximum((towards * towards @ _CHANNELS).mean(axis=0), 20)
    alpha = (towards * moved @ _CHANNELS).mean(axis=0) / reach
    variance = observed.mean_variance[pixels]
    error = np.sqrt(variance * np.square(towards[..., 0]).mean(axis=0)) / reach
    inside = float(np.clip(np.median(alpha[np.isin(pixels, core)]), 0.02, 1))
    # A pixel deep inside that could have the opacity of the inside is taken to have it, the more the less is known.
    doubt = np.clip(np.square(error / 0.06), 0, 1)
    same = (np.abs(alpha - inside) < 2 * error) & (observed.depth[pixels] >= 3)
    alpha = np.where(same, doubt * inside + (1 - doubt) * alpha, alpha).clip(0, 1).astype(np.float32)
    return alpha, np.broadcast_to(colour, (len(pixels), 3)), error.astype(np.float32), inside


def _in_yuv(
    observed: _Observed,
    alpha: Float32[np.ndarray, " n"],
    colour: Float32[np.ndarray, "n 3"],
    even: Bool[np.ndarray, " n"],
) -> tuple[Float32[np.ndarray, "m 3"], Float32[np.ndarray, "m 3"]]:
    """Opacity, and opacity times colour, of luma and of chroma, which codecs halve, in the region and its fringe."""
    region, fringe = observed.region, observed.fringe
    spread = np.zeros(region.shape, np.float32)
    spread[region] = alpha
    chroma = halved(spread)[fringe.region][:, None]
    seen, background = observed.background[:, 0] + observed.offset[:, 0], observed.background[:, 0]
    luma = np.zeros(region.shape, np.float32)
    luma[region] = np.where(even, seen - (1 - alpha) * background, alpha * colour[:, 0])
    # Chroma varies little: the mean of the guess is surer than a product of two halved planes.
    product = fringe.seen - (1 - chroma) * fringe.guess
    opacity = np.concatenate([spread[fringe.region][:, None], chroma, chroma], axis=1)
    return opacity, np.concatenate([luma[fringe.region][:, None], product], axis=1)
