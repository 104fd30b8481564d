"""One number from 0 to 1 for a filled hole: consistency over time, likeness to real pictures, and seams.

Q = 0.5 (1 − Ê_warp) + 0.3 (1 − F̂ID) + 0.2 (1 − Ê_boundary),   x̂ = min(x / worst, 1)
"""

#: What each part counts.
WEIGHTS = {"warping": 0.5, "fid": 0.3, "boundary": 0.2}

#: From here on a part counts nothing. Warping error: each channel is off by a tenth of the range, 3 · 0.1². FID: as of
#: pictures of other things. Boundary error: a tenth of the range a pixel.
WORST = {"warping": 0.03, "fid": 200.0, "boundary": 0.1}


def quality(warping: float, fid: float, boundary: float) -> float:
    """Q of a warping error in the hole (`hole_warping_error`), a FID and a boundary error; 1 is best."""
    parts = {"warping": warping, "fid": fid, "boundary": boundary}
    return sum(WEIGHTS[name] * (1 - min(value / WORST[name], 1)) for name, value in parts.items())
