"""What the suite `foreign` does to clips, as a table."""

from functools import partial
from zlib import crc32

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.evaluation.case import Case, Spoiled
from mlx_vader.evaluation.ffmpeg_filters import RGB, filtered
from mlx_vader.evaluation.foreign import overlays
from mlx_vader.evaluation.foreign.coding import Encoder, coded, h264, hevc, mjpeg, mpeg2, vp9
from mlx_vader.evaluation.foreign.overlays import Overlay, laid_over
from mlx_vader.evaluation.given_masks import DRAWN
from mlx_vader.evaluation.material import Material

#: Each at what its users get who choose nothing.
ENCODERS = {"H.264": h264(23), "HEVC": hevc(28), "VP9": vp9(32)}

#: Overlay, opacity, encoder.
_TABLE: tuple[tuple[Overlay, float, str], ...] = (
    (overlays.clip_art, 0.3, "H.264"),
    (overlays.clip_art, 0.6, "HEVC"),
    (overlays.clip_art, 1, "VP9"),
    (overlays.emblem_and_lettering, 0.5, "VP9"),
    (overlays.emblem_and_lettering, 1, "H.264"),
    (overlays.rimmed_badge, 0.7, "HEVC"),
    (overlays.rimmed_badge, 1, "H.264"),
    (overlays.subtitles, 1, "H.264"),
    (overlays.bouncing_badge, 0.5, "HEVC"),
    (overlays.bouncing_badge, 1, "VP9"),
    (overlays.tiled_text, 0.4, "H.264"),
    (overlays.timestamp, 0.8, "VP9"),
    (overlays.timestamp, 1, "HEVC"),
)


def _overlaid(
    overlay: Overlay, opacity: float, encoder: Encoder, clip: Clip, key: int, material: Material
) -> Spoiled:
    name = crc32(overlay.__name__.encode())
    frames, mask = laid_over(clip, overlay, key ^ name, material, opacity)
    return Spoiled(coded(frames, encoder), mask, coded(clip, encoder))


def _untouched(encoder: Encoder, clip: Clip, key: int, material: Material) -> Spoiled:
    frames = coded(clip, encoder)
    return Spoiled(frames, np.zeros((*clip.shape[:3], 1), np.float32), frames)


def _encoded(encoder: Encoder, clip: Clip, key: int, material: Material) -> Spoiled:
    return Spoiled(coded(clip, encoder))


def _noisy(strength: int, clip: Clip, key: int, material: Material) -> Spoiled:
    """FFmpeg's filter, new in each frame."""
    return Spoiled(filtered(clip, f"noise=all_seed={key % 2**31}:alls={strength}:allf=t", RGB))


OVERLAYS = tuple(
    Case(
        overlay.__name__,
        f"α {opacity:g}, {name}",
        "overlay",
        partial(_overlaid, overlay, opacity, ENCODERS[name]),
        DRAWN,
    )
    for overlay, opacity, name in _TABLE
)
#: Clean clips as they come out of an encoder. What they are compared with is what went in: its loss is not counted.
CLEAN = tuple(
    Case("clean", name, "clean", partial(_untouched, encoder)) for name, encoder in ENCODERS.items()
)
DEGRADED = (
    *(Case("ffmpeg_noise", f"strength {n}", "noise", partial(_noisy, n)) for n in (20, 60)),
    Case("mjpeg", "scale 12", "compression", partial(_encoded, mjpeg(12))),
    Case("mpeg2", "scale 12", "compression", partial(_encoded, mpeg2(12))),
    Case("h264_crf", "CRF 35", "compression", partial(_encoded, h264(35))),
    Case("hevc_crf", "CRF 38", "compression", partial(_encoded, hevc(38))),
    Case("vp9", "CRF 45", "compression", partial(_encoded, vp9(45))),
)
