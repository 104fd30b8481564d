"""Which artifacts clips are spoiled with, as data: each type at each severity, and codecs at each quantiser.

A clip's artifacts depend on its name and the case alone: the same logo at three opacities, the same in every run.
Words, fonts and icons are those of the vocabulary `val`, which no training sees. The suite `foreign` shares nothing
at all with what networks are trained on.
"""

from functools import partial

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.artifacts import ARTIFACTS, GROUPS, apply
from mlx_vader.artifacts.degradations.gaussian_noise import with_noise
from mlx_vader.artifacts.degradations.jpeg_compression import through_jpeg
from mlx_vader.artifacts.degradations.video_compression import at_quantiser
from mlx_vader.errors import UsageError, choices
from mlx_vader.evaluation import dropouts, objects
from mlx_vader.evaluation.case import Case, Spoiled
from mlx_vader.evaluation.foreign import cases as foreign
from mlx_vader.evaluation.material import Material

#: Of 0, hardly seen, to 1, severe.
SEVERITIES = (0.2, 0.5, 0.9)
#: Of 255: little, the one that papers on denoising report, and much.
SIGMAS = (10, 25, 50)
QUALITIES = (10, 20, 30)
QUANTISERS = (22, 27, 32, 37, 42)
CODECS = {"h264": "libx264", "hevc": "libx265"}
#: MPEG-4's quantiser scale, of 31.
SCALES = (4, 10, 24)


def _untouched(clip: Clip, key: int, material: Material) -> Spoiled:
    return Spoiled(clip, np.zeros((*clip.shape[:3], 1), np.float32))


def _with_artifact(name: str, severity: float, clip: Clip, key: int, material: Material) -> Spoiled:
    spoiled = apply(name, clip, key, severity=severity, vocabulary="val", logos=material.logos)
    return Spoiled(spoiled.frames, spoiled.mask if ARTIFACTS[name].kind == "overlay" else None)


def _with_sigma(sigma: int, clip: Clip, key: int, material: Material) -> Spoiled:
    return Spoiled(with_noise(clip, np.random.default_rng(key), sigma / 255))


def _at_quality(quality: int, clip: Clip, key: int, material: Material) -> Spoiled:
    return Spoiled(through_jpeg(clip, quality))


def _coded(codec: str, quantiser: int, clip: Clip, key: int, material: Material) -> Spoiled:
    return Spoiled(at_quantiser(clip, codec, quantiser))


def _severities(name: str, kind: str) -> tuple[Case, ...]:
    return tuple(
        Case(name, f"{severity:g}", kind, partial(_with_artifact, name, severity)) for severity in SEVERITIES
    )


CLEAN = (Case("clean", "untouched", "clean", _untouched),)
OVERLAYS = tuple(case for name in GROUPS["overlays"] for case in _severities(name, "overlay"))
NOISE = (
    *(Case("gaussian_noise", f"sigma {sigma}", "noise", partial(_with_sigma, sigma)) for sigma in SIGMAS),
    *_severities("film_grain", "noise"),
    *_severities("salt_pepper_noise", "impulse"),
)
CODED = tuple(
    Case(name, f"QP {quantiser}", "compression", partial(_coded, codec, quantiser))
    for name, codec in CODECS.items()
    for quantiser in QUANTISERS
) + tuple(Case("mpeg4", f"scale {scale}", "compression", partial(_coded, "mpeg4", scale)) for scale in SCALES)
JPEG = tuple(
    Case("jpeg_compression", f"quality {quality}", "compression", partial(_at_quality, quality))
    for quality in QUALITIES
)
TONES = (*_severities("color_banding", "banding"), *_severities("blur", "blur"))

#: By name. `full` has every artifact of training; `quick` takes a few minutes on two cores.
SUITES: dict[str, tuple[Case, ...]] = {
    "quick": tuple(
        case
        for case in (*CLEAN, *OVERLAYS, *NOISE, *JPEG, *CODED)
        if (case.artifact, case.severity)
        in {
            ("clean", "untouched"),
            ("corner_logo", "0.5"),
            ("text_overlay", "0.5"),
            ("gaussian_noise", "sigma 25"),
            ("jpeg_compression", "quality 20"),
            ("h264", "QP 37"),
        }
    ),
    "clean": CLEAN,
    "overlays": OVERLAYS,
    "noise": NOISE,
    "compression": (*JPEG, *CODED),
    "codecs": CODED,
    "tones": TONES,
    "full": (*CLEAN, *OVERLAYS, *NOISE, *JPEG, *CODED, *TONES),
    "foreign": (*CLEAN, *foreign.CLEAN, *foreign.OVERLAYS, *foreign.DEGRADED),
    "foreign_overlays": foreign.OVERLAYS,
    "foreign_clean": (*CLEAN, *foreign.CLEAN),
    "foreign_degradations": foreign.DEGRADED,
    "objects": objects.CASES,
    "dropouts": dropouts.CASES,
}
_ALL = tuple(dict.fromkeys(SUITES["full"] + SUITES["foreign"] + objects.CASES + dropouts.CASES))


def find_cases(names: str) -> tuple[Case, ...]:
    """The cases of suites and artifacts, named with commas between, each once. Raises UsageError for another name."""
    wanted: list[Case] = []
    for name in (part.strip().lower().replace("-", "_") for part in names.split(",")):
        found = SUITES.get(name) or tuple(case for case in _ALL if case.artifact == name)
        if not found:
            artifacts = dict.fromkeys(case.artifact for case in _ALL)
            raise UsageError(
                f"there is no suite {name!r}",
                hint=choices(name, (*SUITES, *artifacts)),
            )
        wanted += found
    return tuple(dict.fromkeys(wanted))
