"""One chosen artifact, or the random mix that training sees. Both depend on their arguments alone."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from zlib import crc32

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.artifacts.artifact import Spoiled, Style
from mlx_vader.artifacts.randomness import chance, pick
from mlx_vader.artifacts.registry import ARTIFACTS, known, parse_names
from mlx_vader.artifacts.vocabulary import vocabulary as read_vocabulary
from mlx_vader.errors import UsageError

# How many overlays and degradations a training clip gets, and how often (weights; they sum to 1).
MIX: dict[tuple[int, int], float] = {
    (0, 0): 0.10,  # clean: the network must also learn to leave a picture alone
    (1, 0): 0.36,
    (0, 1): 0.22,
    (1, 1): 0.20,  # the usual find on the web: a watermark, then a codec
    (0, 2): 0.05,
    (2, 0): 0.05,  # say, a channel's logo and a subtitle
    (1, 2): 0.02,
}
# So often among the degradations, where others count 1: more what most videos have and what is learned slowest.
FREQUENCY = {
    "video_compression": 3.5,
    "jpeg_compression": 1.5,
    "blur": 3.0,
    "film_grain": 2.5,
    "salt_pepper_noise": 0.5,
}
# It leaves pixels as lost as those under an overlay: where the mask shows no overlay, a network may mark them.
SCATTERED = "salt_pepper_noise"
# A video takes its artifacts in the order of Artifact.stage; this often, overlays come last.
OVERLAY_LAST = 0.2
SEVERITY_ALONE = (0.0, 1.0)
# For degradations of which there are several, or which an overlay shares a clip with.
SEVERITY_TOGETHER = (0.0, 0.7)

# Overlays are laid out in a frame so many times as large as the clip, which then is a crop of it: text and logos are
# cut off by the border, letters are as large as in 720p. Factor: weight.
ZOOM = {1.0: 0.4, 1.5: 0.25, 2.5: 0.2, 4.0: 0.15}


def apply(
    name: str,
    frames: Clip,
    key: int,
    *,
    severity: float = 0.5,
    vocabulary: str = "train",
    logos: str | PathLike[str] | None = None,
) -> Spoiled:
    """The named artifact on a clip.

    frames    RGB float32 in [0, 1], (T, H, W, 3); not changed.
    key       a number of 0 or more; the same key gives the same result, bit for bit.
    severity  0 (hardly seen) to 1 (severe): opacity for overlays, a physical strength for degradations.
    logos     a folder of PNG files with transparency, searched recursively; half of the logos then come from it.
    Raises UsageError for an unknown name or vocabulary, a severity out of range, or frames of another shape.
    """
    artifact = ARTIFACTS[known(name)]
    if not 0 <= severity <= 1:
        raise UsageError(f"severity {severity} is out of range", hint="0 is hardly seen, 1 is severe")
    frames = _checked(frames)
    # The name is part of the seed: two artifacts with one key have nothing in common.
    rng = np.random.default_rng([key, crc32(artifact.name.encode())])
    spoiled, mask = artifact.spoil(frames, rng, severity, _style(vocabulary, logos))
    return Spoiled(spoiled, mask, (artifact.name,), _mask_known((artifact.name,)))


def spoil(
    frames: Clip,
    key: int,
    names: str | Iterable[str] | None = None,
    *,
    vocabulary: str = "train",
    logos: str | PathLike[str] | None = None,
    reach: float = 1.0,
) -> Spoiled:
    """A random mix of artifacts on a clip, as MIX and FREQUENCY say, drawn from `names` (default: all thirteen).

    Parts of the mix that `names` cannot fill are left out, and the rest keep their proportions. `reach`: the share of
    the severities that occurs, from the easy end: solid overlays, mild degradations.
    The mask is that of all overlays together. Other arguments, and what is raised, as for `apply`.
    """
    frames = _checked(frames)
    rng = np.random.default_rng([key, crc32(b"spoil")])
    zoom = pick(rng, list(ZOOM), list(ZOOM.values()))
    style = _style(vocabulary, logos, zoom)
    chosen = _draw_mix(rng, parse_names("all" if names is None else names))
    spoiled, mask = frames.copy(), np.zeros((*frames.shape[:3], 1), np.float32)
    for name in chosen:
        alone = ARTIFACTS[name].kind == "overlay" or len(chosen) == 1
        severity = reach * float(rng.uniform(*(SEVERITY_ALONE if alone else SEVERITY_TOGETHER)))
        if ARTIFACTS[name].kind == "overlay":
            severity += 1 - reach
        spoiled, more = ARTIFACTS[name].spoil(spoiled, rng, severity, style)
        mask = np.maximum(mask, more)
    return Spoiled(spoiled, mask, chosen, _mask_known(chosen))


def _draw_mix(rng: np.random.Generator, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of one clip's artifacts, in the order in which they are applied."""
    overlays = [name for name in names if ARTIFACTS[name].kind == "overlay"]
    degradations = [name for name in names if ARTIFACTS[name].kind == "degradation"]
    mix = {
        counts: weight
        for counts, weight in MIX.items()
        if counts[0] <= len(overlays) and counts[1] <= len(degradations)
    }
    counts = pick(rng, list(mix), list(mix.values()))
    weights = np.array([FREQUENCY.get(name, 1.0) for name in degradations])
    chosen = [str(name) for name in rng.permutation(overlays)[: counts[0]]]
    if counts[1]:
        drawn = rng.choice(degradations, counts[1], replace=False, p=weights / weights.sum())
        chosen += [str(name) for name in drawn]
    last = chance(rng, OVERLAY_LAST)
    return tuple(sorted(chosen, key=lambda name: 9 if last and name in overlays else ARTIFACTS[name].stage))


def _mask_known(names: tuple[str, ...]) -> bool:
    return SCATTERED not in names or any(ARTIFACTS[name].kind == "overlay" for name in names)


def _checked(frames: Clip) -> Clip:
    """Float32 frames, or UsageError."""
    if frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise UsageError(f"frames have the shape {frames.shape}", hint="give (T, H, W, 3), RGB in [0, 1]")
    return np.asarray(frames, np.float32)


def _style(vocabulary: str, logos: str | PathLike[str] | None, zoom: float = 1.0) -> Style:
    return Style(read_vocabulary(vocabulary), None if logos is None else Path(logos), zoom)
