"""A terminal on which no cell of a table is cut: what is too long for its column goes on in the next line."""

from typing import Any

from rich.console import Console
from rich.table import Table


class WholeConsole(Console):
    """Rich's console, which cuts cells and ends them with an ellipsis where a table does not say otherwise."""

    def print(self, *objects: Any, **more: Any) -> None:
        """As Rich's. Columns that may not wrap, such as numbers, keep to their line: they need room."""
        for table in objects:
            if isinstance(table, Table):
                for column in table.columns:
                    column.overflow = "fold"
        super().print(*objects, **more)
