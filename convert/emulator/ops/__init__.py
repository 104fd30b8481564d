"""The operations, by kind. Importing this package fills the table."""

from importlib import import_module

for _name in (
    "activations",
    "constexpr",
    "convolution",
    "detection",
    "elementwise",
    "gather_scatter",
    "generating",
    "linear",
    "lists",
    "normalization",
    "pooling",
    "quantization",
    "recurrent",
    "reduction",
    "resizing",
    "sampling",
    "shapes",
    "slicing",
    "states",
):
    import_module(f"convert.emulator.ops.{_name}")
