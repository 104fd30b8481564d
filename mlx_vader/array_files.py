""".safetensors files that others wrote: names, shapes and types are checked before an array is read.

No more memory is taken than what was expected needs. What is wrong is one line, `VaderError`.
"""

import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from mlx_vader.errors import VaderError

#: The types of numbers that weights may have in a file, by their names in safetensors.
WEIGHT_TYPES = ("F32", "F16", "BF16")

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class ArrayFile:
    """A .safetensors whose header fits its length; its arrays are read when asked for.

    `shapes`, and the `types` of numbers as safetensors names them, are by the arrays' names.
    """

    path: Path
    metadata: dict[str, str]
    shapes: dict[str, tuple[int, ...]]
    types: dict[str, str]
    _file: Any

    @classmethod
    def open(cls, path: Path, what: str, hint: str = "") -> "ArrayFile":
        """Reads the header. Raises `VaderError`, beginning with `what`, for a damaged file and for any other."""
        from safetensors import SafetensorError, safe_open

        try:
            file = safe_open(path, framework="numpy")
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        except (SafetensorError, OSError, struct.error) as error:
            raise VaderError(f"{what} ({error})", hint) from error
        shapes = {name: tuple(part.get_shape()) for name, part in parts.items()}
        types = {name: str(part.get_dtype()) for name, part in parts.items()}
        return cls(path, dict(file.metadata() or {}), shapes, types, file)

    def check(self, expected: Shapes, what: str, hint: str = "") -> None:
        """Raises `VaderError`, beginning with `what`, where arrays are missing, unknown or of another shape."""
        check_shapes(self.shapes, expected, what, hint)

    def arrays(self, types: Collection[str] = WEIGHT_TYPES) -> dict[str, np.ndarray]:
        """The arrays by name; bfloat16 becomes fp32.

        Raises `VaderError` for another type than `types`, and for numbers that are not finite: nothing computes with
        those.
        """
        if odd := [name for name, of in self.types.items() if of not in types]:
            raise VaderError(
                f"{self.path} holds {odd[0]!r} in the type {self.types[odd[0]]}",
                hint=f"what can be read: {', '.join(types)}",
            )
        found = {name: self._array(name) for name in self.shapes}
        check_finite(found, str(self.path))
        return found

    def _array(self, name: str) -> np.ndarray:
        if self.types[name] != "BF16":
            array: np.ndarray = self._file.get_tensor(name)
            return array
        import mlx.core as mx  # numpy has no bfloat16

        whole = cast("dict[str, mx.array]", mx.load(str(self.path)))
        return np.array(whole[name].astype(mx.float32))


def check_shapes(found: Shapes, expected: Shapes, what: str, hint: str = "") -> None:
    """Raises `VaderError`, beginning with `what`, where arrays are missing, unknown or of another shape."""
    if missing := sorted(expected.keys() - found.keys()):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise VaderError(f"{what}: {missing[0]!r}{more} is missing", hint)
    if unknown := sorted(found.keys() - expected.keys()):
        raise VaderError(f"{what}: {unknown[0]!r} does not belong to it", hint)
    if odd := sorted(name for name in expected if found[name] != expected[name]):
        name = odd[0]
        raise VaderError(f"{what}: {name!r} is {_sizes(found[name])}, not {_sizes(expected[name])}", hint)


def check_finite(arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Raises `VaderError` for the first array with a NaN or an infinity."""
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
            count = array.size - int(finite.sum())
            raise VaderError(
                f"{source} holds weights that are not finite: {count} of {array.size} in {name!r}",
                hint="their training diverged or the file is damaged: take an earlier checkpoint",
            )


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "one number"
