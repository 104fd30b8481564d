"""A Swift package around a Core ML package, for the app developer.

`write_swift_package("net.mlpackage", "Net")` writes it; all it says is read from the package itself.
"""

from convert.swift.module import module_name
from convert.swift.writer import check_folder, write_swift_package

__all__ = ["check_folder", "module_name", "write_swift_package"]
