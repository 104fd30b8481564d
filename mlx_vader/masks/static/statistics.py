"""What frames of a video say of each pixel over time: the input of the network that finds marks which stand still.

A mark that is laid over a video at one place has the same edges in every frame, while the scene's edges move or, after
a cut, are others. So gradients over time tell a mark from the scene: their mean, their spread, how many frames agree
with the mean. The frames of a shot with a still camera are one sample, however many there are; so the same is asked of
the mean picture of each shot.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int8, UInt8

#: What the channels say, in their order. x and y are gradients to the right and downwards, all of brightness unless
#: `red` or `blue` says that they are of the colour difference.
NAMES = (
    "mean_x",
    "mean_y",
    "spread_x",
    "spread_y",
    "mean_to_spread",
    "agreeing",
    "spread",
    "darkest",
    "brightest",
    "shots_x",
    "shots_y",
    "shots_deviation",
    "shots_weakest",
    "shots_spread",
    "shots",
    "red",
    "green",
    "blue",
    "mean_red_x",
    "mean_red_y",
    "mean_blue_x",
    "mean_blue_y",
    "color_mean_to_spread",
)
CHANNELS = len(NAMES)
#: Those that change sign when dark becomes light, and the two that then change places.
_SIGNED = [
    place
    for place, name in enumerate(NAMES)
    if name in ("red", "green", "blue", "darkest", "brightest")
    or (name.startswith(("mean_", "shots_")) and name.endswith(("_x", "_y")))
]
_DARKEST, _BRIGHTEST = NAMES.index("darkest"), NAMES.index("brightest")
#: Those of gradients to the right, and those among them that change sign when right becomes left.
_TO_THE_RIGHT = [place for place, name in enumerate(NAMES) if name.endswith("_x")]
_TURNING = [place for place in _TO_THE_RIGHT if place in _SIGNED]

#: Brightness of RGB: Rec. 601, which is near enough to every video's.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
#: A gradient of so many levels is 1 after the square root that brings out faint ones.
_STRONG = 48.0
#: Levels that count as nothing: noise and rounding.
_FAINT = 1.5
#: Pixels around which the brightness of a shot's picture is compared with that of other shots.
_SURROUNDINGS = (15, 15)
#: Rows that are worked on at once, and those beside them that count: half of the surroundings and one for gradients.
_BAND, _BESIDE = 128, 8
#: A cut: the pictures differ by more than so many levels on average, and by so many times what their neighbours do.
_CUT, _CUT_RATIO = 8.0, 3.0
#: Parts into which a video without cuts is divided, as if they were shots.
_PARTS = 4
_THUMBNAIL = (16, 12)

Statistics = Float32[np.ndarray, "h w channels"] | Int8[np.ndarray, "h w channels"]
Levels = UInt8[np.ndarray, "n h w 3"] | Float32[np.ndarray, "n h w 3"]
Plane = Float32[np.ndarray, "h w"]
Planes = Float32[np.ndarray, "n h w"]


@dataclass(frozen=True)
class Shots:
    """The number of the shot of each frame, from 0, and whether cuts were seen (else they are parts of one shot)."""

    labels: Int[np.ndarray, " n"]
    cut: bool

    @property
    def count(self) -> int:
        """How many shots there are."""
        return int(self.labels.max()) + 1


def find_shots(frames: Levels) -> Shots:
    """Shots by jumps between small pictures that their neighbours lack; four equal parts where there is no cut."""
    small = np.stack([cv2.resize(frame, _THUMBNAIL, interpolation=cv2.INTER_AREA) for frame in frames])
    jumps = np.abs(np.diff(small.astype(np.float32), axis=0)).mean(axis=(1, 2, 3))
    cuts = np.array([_is_cut(jumps, place) for place in range(len(jumps))], bool)
    if cuts.any():
        return Shots(np.concatenate([[0], np.cumsum(cuts)]), cut=True)
    return Shots(np.arange(len(frames)) * min(_PARTS, len(frames)) // len(frames), cut=False)


def _is_cut(jumps: Float32[np.ndarray, " jumps"], place: int) -> bool:
    beside = np.concatenate([jumps[max(0, place - 2) : place], jumps[place + 1 : place + 3]])
    usual = float(np.median(beside)) if len(beside) else 0.0
    return bool(jumps[place] > max(_CUT, _CUT_RATIO * (usual + 1)))


def statistics(frames: Levels) -> Float32[np.ndarray, "h w channels"]:
    """The channels `NAMES` of frames in levels from 0 to 255, evenly spread over a video; all are in [-1, 1].

    A dozen frames show strong marks, two dozen faint ones. Rows are worked on in bands, which bounds the memory.
    """
    shots = find_shots(frames)
    height = frames.shape[1]
    bands = []
    for top in range(0, height, _BAND):
        start, stop = max(0, top - _BESIDE), min(height, top + _BAND + _BESIDE)
        band = _of_band(frames[:, start:stop].astype(np.float32), shots)
        bands.append(band[top - start : min(height, top + _BAND) - start])
    return np.concatenate(bands)


def inverted(statistics: Statistics) -> Statistics:
    """The statistics of the negative of a clip."""
    turned = statistics.copy()
    turned[..., [_DARKEST, _BRIGHTEST]] = statistics[..., [_BRIGHTEST, _DARKEST]]
    turned[..., _SIGNED] = -turned[..., _SIGNED]
    return turned


def mirrored(statistics: Statistics) -> Statistics:
    """The statistics of a clip with left for right."""
    turned = statistics[:, ::-1].copy()
    # A gradient lies at the left one of its two pixels.
    turned[:, :-1, _TO_THE_RIGHT] = turned[:, 1:, _TO_THE_RIGHT]
    turned[:, -1, _TO_THE_RIGHT] = 0
    turned[..., _TURNING] = -turned[..., _TURNING]
    return turned


def _of_band(frames: Float32[np.ndarray, "n h w 3"], shots: Shots) -> Float32[np.ndarray, "h w channels"]:
    luma = frames @ LUMA
    pictures = np.stack([frames[shots.labels == shot].mean(axis=0) for shot in range(shots.count)])
    planes = [
        *_over_frames(luma),
        *_over_shots(pictures @ LUMA),
        np.full(luma.shape[1:], (shots.count if shots.cut else 1) / 8, np.float32),
        *np.moveaxis(frames.mean(axis=0) / 128 - 1, -1, 0),
        *_of_color(frames, luma),
    ]
    return np.stack([plane.clip(-1, 1) for plane in planes], axis=-1).astype(np.float32)


def changing(
    luma: Planes, *, levels: float = 8.0, share: float = 0.2, around: int = 15
) -> Bool[np.ndarray, "n h w"]:
    """Where a frame is an independent sample: near it, more than a share of pixels are off their median over time."""
    off = np.abs(luma - np.median(luma, axis=0)) > levels
    return np.stack([cv2.blur(plane.astype(np.float32), (around, around)) > share for plane in off])


def gradients(planes: Float[np.ndarray, "n h w"]) -> tuple[Planes, Planes]:
    """Differences to the pixel on the right and to the one below; 0 at the far border."""
    x, y = np.zeros_like(planes), np.zeros_like(planes)
    x[:, :, :-1] = np.diff(planes, axis=2)
    y[:, :-1] = np.diff(planes, axis=1)
    return x, y


def _over_frames(luma: Planes) -> list[Plane]:
    x, y = gradients(luma)
    mean_x, mean_y, spread_x, spread_y = x.mean(axis=0), y.mean(axis=0), x.std(axis=0), y.std(axis=0)
    strength, spread = np.hypot(mean_x, mean_y), np.hypot(spread_x, spread_y)
    agreeing = (_along(mean_x, mean_y, x, y) > 0.4 * strength).mean(axis=0, dtype=np.float32)
    return [
        *(_rooted(plane) for plane in (mean_x, mean_y, spread_x, spread_y)),
        strength / (spread + _FAINT) / 3,
        2 * agreeing - 1,
        luma.std(axis=0) / 50,
        luma.min(axis=0) / 128 - 1,
        luma.max(axis=0) / 128 - 1,
    ]


def _over_shots(luma: Planes) -> list[Plane]:
    x, y = gradients(luma)
    median_x, median_y = np.median(x, axis=0), np.median(y, axis=0)
    strength = np.hypot(median_x, median_y)
    along = _along(median_x, median_y, x, y)
    # The weakest but for one shot in seven: in it the mark may lie on its own colour.
    weakest = np.sort(along, axis=0)[int(0.15 * len(along))]
    surroundings = np.stack([cv2.blur(plane, _SURROUNDINGS) for plane in luma])
    return [
        _rooted(median_x),
        _rooted(median_y),
        _rooted(np.median(np.abs(along - strength), axis=0)),
        weakest / (strength + _FAINT),
        surroundings.std(axis=0) / 40,
    ]


def _of_color(frames: Float32[np.ndarray, "n h w 3"], luma: Planes) -> list[Plane]:
    red_x, red_y = gradients(frames[..., 0] - luma)
    blue_x, blue_y = gradients(frames[..., 2] - luma)
    four = (red_x, red_y, blue_x, blue_y)
    means = [plane.mean(axis=0) for plane in four]
    strength = np.sqrt(np.sum(np.square(means), axis=0))
    spread = np.sqrt(np.sum([plane.var(axis=0) for plane in four], axis=0))
    return [*(_rooted(mean) for mean in means), strength / (spread + _FAINT) / 3]


def _along(x: Plane, y: Plane, each_x: Planes, each_y: Planes) -> Planes:
    """Each gradient's part in the direction (x, y)."""
    return (x * each_x + y * each_y) / np.maximum(np.hypot(x, y), 1e-3)


def _rooted(plane: Plane) -> Plane:
    return np.sign(plane) * np.sqrt(np.abs(plane) / _STRONG)
