"""A Swift package around a Core ML package, for the app developer.

`write_swift_package("net.mlpackage", "Net")` writes it; all it says is read from the package itself.
"""

from convert.swift.writer import write_swift_package

__all__ = ["write_swift_package"]
