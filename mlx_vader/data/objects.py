"""Things that belong to a scene: cut-out pictures that pass before the camera, and stay when overlays go.

Photographs of places hold few animals, people and things, and a network that never saw a bright thing that is no
overlay takes it for one.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mlx_vader.data.camera import CameraPath, camera_path, pan
from mlx_vader.data.stills import opened
from mlx_vader.video import list_media

#: Of the clips that get any, and how many they get at most.
SHARE, MOST = 0.45, 3
#: An object's longer side, in picture sides.
SMALLEST, LARGEST = 0.2, 1.4
TURN = np.radians(20)
SUFFIXES = (".png", ".webp")
#: Objects are kept at most this long: drawn, they are smaller.
LONGEST_SIDE = 512

Cutout = UInt8[np.ndarray, "h w 4"]


def find_objects(folder: Path) -> tuple[Path, ...]:
    """The pictures in `folder`, sorted by path; none where it is missing."""
    files = list_media(folder) if folder.is_dir() else []
    return tuple(path for path in files if path.suffix.lower() in SUFFIXES)


def load_object(path: Path) -> Cutout:
    """A picture with its alpha, at most 512 pixels long. Raises VaderError when it cannot be decoded."""
    with opened(path) as file:
        picture = file.convert("RGBA")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def choose_objects(files: Sequence[Path], rng: np.random.Generator) -> list[Path]:
    """What passes before one clip: nothing, or up to three of `files`."""
    if not files or rng.random() >= SHARE:
        return []
    return [files[index] for index in rng.choice(len(files), rng.integers(1, MOST + 1))]


def pasted(
    clip: UInt8[np.ndarray, "t size size 3"], objects: Sequence[Cutout], rng: np.random.Generator
) -> UInt8[np.ndarray, "t size size 3"]:
    """The clip with the objects on it, each at its own place and in its own motion."""
    frames = [Image.fromarray(frame) for frame in clip]
    for cutout in objects:
        _paste(frames, Image.fromarray(cutout), rng)
    return np.stack([np.asarray(frame) for frame in frames])


def _paste(frames: list[Image.Image], picture: Image.Image, rng: np.random.Generator) -> None:
    """Draws one object on all frames, in place."""
    size = frames[0].width
    path = camera_path(rng, len(frames), size).pushed(pan(rng, len(frames), size))
    side = size * float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    place, turn, flip = rng.uniform(0, size, 2), rng.uniform(-TURN, TURN), rng.random() < 0.5
    scale = side / max(picture.size)
    picture = picture.resize(
        (max(2, round(picture.width * scale)), max(2, round(picture.height * scale))),
        Image.Resampling.LANCZOS,
    )
    if flip:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for frame, matrix in zip(frames, _placed(path, place, turn, picture), strict=True):
        seen = picture.transform(frame.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
        frame.paste(seen, mask=seen)


def _placed(
    path: CameraPath, place: np.ndarray, turn: float, picture: Image.Image
) -> list[tuple[float, float, float, float, float, float]]:
    """For each frame, the map from its pixels to the picture's, whose middle lies at `place`."""
    cos, sin = np.cos(turn), np.sin(turn)
    turned = np.array([[cos, -sin], [sin, cos]])
    maps = []
    for matrix in path.matrices():
        linear = turned @ matrix[:, :2]
        shift = turned @ matrix[:, 2] - linear @ place + np.array(picture.size) / 2
        maps.append((*linear[0], shift[0], *linear[1], shift[1]))
    return maps
