"""The table of a run: one row per item, in the order of the input, not of completion."""

from drawer_ipy.results.column import Column, UnknownColumn
from drawer_ipy.results.export.optional import MissingLibrary
from drawer_ipy.results.export.saving import check_save_path
from drawer_ipy.results.failed_item import ItemError
from drawer_ipy.results.item_errors import ItemErrors
from drawer_ipy.results.mask import Mask
from drawer_ipy.results.row import Row
from drawer_ipy.results.source import StepCell
from drawer_ipy.results.table import Results

__all__ = [
    "Column",
    "ItemError",
    "ItemErrors",
    "Mask",
    "MissingLibrary",
    "Results",
    "Row",
    "StepCell",
    "UnknownColumn",
    "check_save_path",
]
