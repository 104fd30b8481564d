"""Where a package runs on Apple silicon and what that is predicted to take; no Mac needed.

`inspect(package, [chip("m4")])` gives a report for each chip. Chips, rules and costs are data: the TOML files here.
"""

from convert.ane.chips import Chip, chip, chips
from convert.ane.inspection import inspect
from convert.ane.report import FunctionReport, Inspection, OperationReport

__all__ = ["Chip", "FunctionReport", "Inspection", "OperationReport", "chip", "chips", "inspect"]
