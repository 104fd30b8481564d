"""Things that belong to a scene: cut-out pictures that pass before the camera, and stay when overlays go.

Photographs of places hold few animals, people and things, and a network that never saw a bright thing that is no
overlay takes it for one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mlx_vader.data.camera import CameraPath, camera_path, pan
from mlx_vader.data.stills import UNREADABLE
from mlx_vader.video import list_media

#: Of the clips that get any, and how many they get at most.
SHARE, MOST = 0.45, 3
#: An object's longer side, in picture sides.
SMALLEST, LARGEST = 0.2, 1.4
TURN = np.radians(20)
SUFFIXES = (".png", ".webp")


@dataclass(frozen=True)
class Objects:
    """Pictures with alpha out of `files`, each at its own place and in its own motion."""

    files: tuple[Path, ...]

    def pasted(
        self, clip: UInt8[np.ndarray, "t size size 3"], rng: np.random.Generator
    ) -> UInt8[np.ndarray, "t size size 3"]:
        """The clip with up to three objects on it, or as it is. Files that cannot be read are passed over."""
        if not self.files or rng.random() >= SHARE:
            return clip
        frames = [Image.fromarray(frame) for frame in clip]
        for file in rng.choice(len(self.files), rng.integers(1, MOST + 1)):
            _paste(frames, self.files[file], rng)
        return np.stack([np.asarray(frame) for frame in frames])


def find_objects(folder: Path) -> Objects:
    """The pictures in `folder`, sorted by path; none where it is missing."""
    files = list_media(folder) if folder.is_dir() else []
    return Objects(tuple(path for path in files if path.suffix.lower() in SUFFIXES))


def _paste(frames: list[Image.Image], file: Path, rng: np.random.Generator) -> None:
    """Draws one object on all frames, in place."""
    size = frames[0].width
    path = camera_path(rng, len(frames), size).pushed(pan(rng, len(frames), size))
    side = size * float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    place, turn, flip = rng.uniform(0, size, 2), rng.uniform(-TURN, TURN), rng.random() < 0.5
    try:
        with Image.open(file) as opened:
            picture = opened.convert("RGBA")
    except UNREADABLE:
        return
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
