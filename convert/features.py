"""What a function takes and gives, as its package declares it: names, kinds, types, the shapes that are allowed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from convert.quiet import quiet
from mlx_vader.errors import UsageError

Shape = tuple[int, ...]

#: Name of an array's type in the protobuf → in numpy.
_ARRAY = {"FLOAT16": "float16", "FLOAT32": "float32", "DOUBLE": "float64", "INT32": "int32", "INT8": "int8"}
#: Colour space in the protobuf → channels.
CHANNELS = {"RGB": 3, "BGR": 3, "GRAYSCALE": 1, "GRAYSCALE_FLOAT16": 1}


@dataclass(frozen=True)
class Feature:
    """An input or output. `shape` is the default: of an array as it is, of an image (height, width).

    `shapes` are the others that an input may have; `ranges` the least and the most of each axis (None: no end).
    """

    name: str
    kind: Literal["array", "image", "other"]
    dtype: str = ""
    color: str = ""
    shape: Shape = ()
    shapes: tuple[Shape, ...] = ()
    ranges: tuple[tuple[int, int | None], ...] = ()
    optional: bool = False
    default: float = 0.0
    description: str = ""

    @property
    def allowed(self) -> str:
        """The shapes it may have, for people; those of a list in its order, by which Core ML pairs inputs."""
        if self.ranges:
            return "×".join(_span(low, high) for low, high in self.ranges)
        shapes = dict.fromkeys(self.shapes) or [self.shape]
        return " or ".join("×".join(map(str, shape)) or "any" for shape in shapes)

    def __str__(self) -> str:
        """`frames: float16 array 1×3×256×256`."""
        kind = f"{self.color} image" if self.kind == "image" else f"{self.dtype} array".strip()
        return f"{self.name}: {kind} {self.allowed}"

    def within(self, shape: Shape) -> bool:
        """Whether a shape is in the ranges."""
        return len(shape) == len(self.ranges) and all(
            low <= size and (high is None or size <= high)
            for size, (low, high) in zip(shape, self.ranges, strict=True)
        )

    def takes(self, shape: Shape) -> bool:
        """Whether a shape is allowed."""
        if self.ranges:
            return self.within(shape)
        return shape == self.shape or shape in self.shapes or not (self.shape or self.shapes)

    def check_shape(self, shape: Shape) -> None:
        """Raises `UsageError` for a shape that is not allowed."""
        if not self.takes(shape):
            given = "×".join(map(str, shape)) or "a single number"
            what = "image of height×width" if self.kind == "image" else "array of"
            raise UsageError(f"the input {self.name!r} is an {what} {given}", hint=f"it takes {self.allowed}")


def _span(low: int, high: int | None) -> str:
    return str(low) if low == high else f"({low}–{'∞' if high is None else high})"


def features(descriptions: Sequence[Any]) -> tuple[Feature, ...]:
    """From the protobuf's feature descriptions."""
    return tuple(_feature(description) for description in descriptions)


def _feature(description: Any) -> Feature:
    kind = description.type.WhichOneof("Type")
    common = {
        "name": description.name,
        "optional": description.type.isOptional,
        "description": description.shortDescription,
    }
    if kind == "multiArrayType":
        return Feature(kind="array", **_array(description.type.multiArrayType), **common)
    if kind == "imageType":
        return Feature(kind="image", **_image(description.type.imageType), **common)
    return Feature(kind="other", dtype=kind or "", **common)


def _array(of: Any) -> dict[str, Any]:
    with quiet():
        from coremltools.proto.FeatureTypes_pb2 import ArrayFeatureType

    flexible = of.WhichOneof("ShapeFlexibility")
    filler = of.WhichOneof("defaultOptionalValue")
    return {
        "dtype": _ARRAY.get(ArrayFeatureType.ArrayDataType.Name(of.dataType), "float32"),
        "shape": tuple(map(int, of.shape)),
        "shapes": tuple(tuple(map(int, shape.shape)) for shape in of.enumeratedShapes.shapes),
        "ranges": tuple(map(_bounds, of.shapeRange.sizeRanges)) if flexible == "shapeRange" else (),
        "default": float(getattr(of, filler)) if filler else 0.0,
    }


def _image(of: Any) -> dict[str, Any]:
    with quiet():
        from coremltools.proto.FeatureTypes_pb2 import ImageFeatureType

    flexible = of.WhichOneof("SizeFlexibility")
    ranges = (of.imageSizeRange.heightRange, of.imageSizeRange.widthRange)
    return {
        "color": ImageFeatureType.ColorSpace.Name(of.colorSpace),
        "shape": (int(of.height), int(of.width)),
        "shapes": tuple((int(size.height), int(size.width)) for size in of.enumeratedSizes.sizes),
        "ranges": tuple(map(_bounds, ranges)) if flexible == "imageSizeRange" else (),
    }


def _bounds(size: Any) -> tuple[int, int | None]:
    return int(size.lowerBound), None if size.upperBound < 0 else int(size.upperBound)
