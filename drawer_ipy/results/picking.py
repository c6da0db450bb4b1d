"""Rows and columns of a table selected by a mask, by positions or by names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any

from drawer_ipy.results.export.parts import exported_index
from drawer_ipy.results.mask import as_flags
from drawer_ipy.results.table_view import TableView


def picked(view: TableView, key: Any) -> TableView:
    """Return the rows that a mask or a list of positions selects, or the columns that a list names.

    Raises:
        IndexError: there is no such row, or the mask has another length.
        UnknownColumn: there is no such column.
        TypeError: `key` is none of these.
    """
    flags = as_flags(key)
    if flags is not None and len(flags):
        return _masked(view, flags, key)
    if hasattr(key, "tolist"):  # numpy, pandas, array, Column: convert to Python's values
        key = key.tolist()
    elif hasattr(key, "to_list"):  # polars
        key = key.to_list()
    if not isinstance(key, list | tuple):
        raise TypeError(
            "a table accepts a position, a slice, a column name, a list of names, a mask or a list of "
            f"positions, not {type(key).__name__}"
        )
    if len(key) and all(isinstance(name, str) for name in key):
        return view.of_columns(key)
    if any(isinstance(k, bool | str) or not hasattr(k, "__index__") for k in key):
        raise TypeError(
            "a list that selects rows or columns must contain only bools, only positions or only names"
        )
    return view.of_rows(view.index_at(k) for k in key)


def _masked(view: TableView, flags: Sequence[bool], key: Any) -> TableView:
    if len(flags) != len(view):
        raise IndexError(f"the mask has {len(flags)} entries, but the table has {len(view)} rows")
    return view.of_rows(compress(view.index, _aligned(view, flags, key)))


def _aligned(view: TableView, flags: Sequence[bool], key: Any) -> Sequence[bool]:
    """Return the flags in the order of the table, if the index of a pandas Series shows another order.

    Such a mask comes from ``results.to_pandas()`` after it was sorted.
    """
    if type(key).__module__.partition(".")[0] != "pandas" or not hasattr(key, "index"):
        return flags
    labels, own = key.index.tolist(), exported_index(view)
    if labels == own:
        return flags
    by_label = dict(zip(labels, flags, strict=True))
    if len(by_label) < len(own) or set(own) != by_label.keys():  # not unique, or of another table
        return flags
    return [by_label[label] for label in own]
