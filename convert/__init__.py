"""Where MLX, PyTorch and Core ML meet: twins, published files, packages for Apple devices.

`convert(network, "net.mlpackage")` writes a package; `twin(network)` is the PyTorch reference with the same
weights.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convert.coreml import convert
    from convert.report import ConversionReport
    from convert.weights import twin

__all__ = ["ConversionReport", "convert", "twin"]

_HOMES = {"ConversionReport": "convert.report", "convert": "convert.coreml", "twin": "convert.weights"}


def __getattr__(name: str) -> Any:
    """Imports what is asked for when it is asked for: PyTorch and coremltools take seconds."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'convert' has no attribute {name!r}")
