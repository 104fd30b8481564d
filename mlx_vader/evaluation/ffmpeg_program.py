"""The filters that PyAV's libraries leave out, by an `ffmpeg` on the PATH: `delogo` and `hqdn3d`."""

import shutil
import subprocess
from functools import partial

import numpy as np
from jaxtyping import Bool

from mlx_vader.arrays import Clip, Masks
from mlx_vader.errors import VaderError
from mlx_vader.evaluation.ffmpeg_filters import EXACT, YUV
from mlx_vader.evaluation.method import Method, Restoration
from mlx_vader.levels import to_levels, to_unit


def through_program(program: str, clip: Clip, filters: str, pixels: str = YUV) -> Clip:
    """The clip through `ffmpeg -vf filters`, working on `pixels`. Raises VaderError with what the program says."""
    height, width = clip.shape[1:3]
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24")
    taken = (*raw, "-s", f"{width}x{height}", "-r", "25", "-i", "-")
    chain = f"{EXACT},format={pixels},{filters},{EXACT},format=rgb24"
    done = subprocess.run(
        [program, "-v", "error", *taken, "-vf", chain, *raw, "-"],
        input=to_levels(clip).tobytes(),
        capture_output=True,
        check=False,
    )
    if done.returncode or len(done.stdout) != clip.size:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise VaderError(f"{program} failed with {filters}: {said[-1] if said else 'it says nothing'}")
    return to_unit(np.frombuffer(done.stdout, np.uint8).reshape(clip.shape))


def remove_boxes(program: str, clip: Clip, mask: Masks | None) -> Restoration:
    """`delogo` in a box around each connected piece of the mask; what lies outside the mask stays as it was.

    The boxes stay for the whole clip. One for a whole word or logo gives a lower PSNR.
    """
    assert mask is not None
    holes = mask > 0.5
    boxes = _boxes(mask[..., 0].max(axis=0) > 0.5)
    if not boxes:
        return Restoration(clip)
    chain = ",".join(f"delogo=x={x}:y={y}:w={w}:h={h}" for x, y, w, h in boxes)
    return Restoration(np.where(holes, through_program(program, clip, chain), clip))


def _boxes(hole: Bool[np.ndarray, "h w"]) -> list[tuple[int, int, int, int]]:
    """x, y, width and height around each mark, within a frame of one pixel, from which delogo takes its colours."""
    import cv2

    count, labels = cv2.connectedComponents(hole.astype(np.uint8))
    boxes = []
    for label in range(1, count):
        rows, columns = np.nonzero(labels == label)
        top, left = max(1, rows.min() - 1), max(1, columns.min() - 1)
        bottom, right = min(hole.shape[0] - 1, rows.max() + 2), min(hole.shape[1] - 1, columns.max() + 2)
        boxes.append((int(left), int(top), int(right - left), int(bottom - top)))
    return boxes


def _denoise(program: str, filters: str, clip: Clip, mask: Masks | None) -> Restoration:
    return Restoration(through_program(program, clip, filters))


def methods() -> tuple[tuple[Method, ...], dict[str, str]]:
    """The methods of the program that is found, and of those that there are not: why, by name."""
    program = shutil.which("ffmpeg")
    if program is None:
        return (), dict.fromkeys(("delogo", "hqdn3d"), "there is no ffmpeg on the PATH")
    listed = subprocess.run(
        [program, "-hide_banner", "-filters"], capture_output=True, check=False
    ).stdout.decode(errors="replace")
    known = {words[1] for words in map(str.split, listed.splitlines()) if len(words) > 2}
    found = [method for method in _all(program) if method.name.split()[0] in known]
    missing = {"delogo", "hqdn3d"} - known
    return tuple(found), dict.fromkeys(sorted(missing), f"{program} was built without it")


def _all(program: str) -> tuple[Method, ...]:
    boxes = Method(
        "delogo",
        frozenset({"overlay"}),
        partial(remove_boxes, program),
        needs_mask=True,
        settings=f"delogo around each mark, {YUV}, outside the mask as it was",
    )
    noise = {"hqdn3d": "hqdn3d=4:3:6:4.5", "hqdn3d 40": "hqdn3d=40:40:30:30"}
    return (
        boxes,
        *(
            Method(name, frozenset({"noise"}), partial(_denoise, program, chain), settings=f"{chain}, {YUV}")
            for name, chain in noise.items()
        ),
    )
