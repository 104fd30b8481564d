"""CIEDE2000: the difference of two colours as people see it (CIE 142-2001; Sharma, Wu and Dalal 2005).

    ΔE₀₀² = (ΔL'/S_L)² + (ΔC'/S_C)² + (ΔH'/S_H)² + R_T (ΔC'/S_C) (ΔH'/S_H),   k_L = k_C = k_H = 1

1 is about what can just be seen.
"""

import numpy as np
from jaxtyping import Float

#: sRGB's primaries and white (IEC 61966-2-1, D65, 2°) as CIE XYZ.
_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def ciede2000(
    restored: Float[np.ndarray, "*lead 3"],
    clean: Float[np.ndarray, "*lead 3"],
    mask: Float[np.ndarray, "*lead 1"],
) -> float:
    """Mean ΔE₀₀ of sRGB in [0, 1] over the pixels where the mask is above ½; NaN where there are none."""
    held = mask[..., 0] > 0.5
    return float(delta_e(to_lab(restored[held]), to_lab(clean[held])).mean()) if held.any() else float("nan")


def to_lab(rgb: Float[np.ndarray, "*lead 3"]) -> Float[np.ndarray, "*lead 3"]:
    """Colours of sRGB in [0, 1] as CIE L*a*b*, in float64."""
    rgb = np.asarray(rgb, np.float64)
    linear = np.where(rgb > 0.04045, ((np.maximum(rgb, 0) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    relative = linear @ _XYZ.T / _WHITE
    x, y, z = np.moveaxis(
        np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116), -1, 0
    )
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def delta_e(
    one: Float[np.ndarray, "*lead 3"], other: Float[np.ndarray, "*lead 3"]
) -> Float[np.ndarray, "*lead"]:
    """ΔE₀₀ of colours in L*a*b*. The names are those of Sharma et al., equations 2 to 22."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(one, -1, 0), np.moveaxis(other, -1, 0)
    stretch = 1 + 0.5 * (1 - _saturating((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = np.arctan2(b1, stretch * a1), np.arctan2(b2, stretch * a2)
    # A grey has no hue: then there is no difference of hues, and the mean is the other's.
    turn = np.where(c1 * c2 == 0, 0, (h2 - h1 + np.pi) % (2 * np.pi) - np.pi)
    mean_h = np.where(c1 * c2 == 0, h1 + h2, h1 + turn / 2)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(mean_h - np.radians(30))
        + 0.24 * np.cos(2 * mean_h)
        + 0.32 * np.cos(3 * mean_h + np.radians(6))
        - 0.20 * np.cos(4 * mean_h - np.radians(63))
    )
    theta = np.radians(30) * np.exp(-(((np.degrees(mean_h) % 360 - 275) / 25) ** 2))
    lightness = (l2 - l1) / (1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2))
    chroma = (c2 - c1) / (1 + 0.045 * mean_c)
    hue = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2) / (1 + 0.015 * mean_c * t)
    rotation = -2 * _saturating(mean_c) * np.sin(2 * theta)
    return np.sqrt(np.maximum(lightness**2 + chroma**2 + hue**2 + rotation * chroma * hue, 0))


def _saturating(chroma: np.ndarray) -> np.ndarray:
    return np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
