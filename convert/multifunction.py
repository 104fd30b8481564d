"""Several models of one function each → one package with a function for each, which store their weights once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from convert.shapes import Size


def function_name(size: Size) -> str:
    """`size_720x1280`: of the function for frames of this height and width."""
    return f"size_{size}"


def save_together(models: Mapping[str, Any], out: Path) -> None:
    """Writes models, name → `MLModel`, as functions of one package; the first is the default.

    Constants that are equal are stored once, those of compressed weights too. Descriptions of inputs, outputs and
    states stay; the metadata of the models is left behind.
    """
    import coremltools as ct

    descriptor = ct.utils.MultiFunctionDescriptor()
    for name, model in models.items():
        descriptor.add_function(model.package_path, "main", name)
    descriptor.default_function_name = next(iter(models))
    ct.utils.save_multifunction(descriptor, str(out))
