"""Assign an item to several names: ``%%each url, price in df``.

Python unpacks a mapping into its keys, so the row of a table would give the names of its columns. Here it
gives its values: by name if every name of the target is a column, otherwise in the order of the columns.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Sequence
from typing import Any

from drawer_ipy.engine.rows import TableRow, TableRows
from drawer_ipy.errors import UsageError


def plain_names(target: ast.expr | None) -> tuple[str, ...]:
    """Return the names of a flat target such as ``url, price``; ``()`` if it is anything else."""
    if not isinstance(target, ast.Tuple | ast.List):
        return ()
    names = tuple(entry.id for entry in target.elts if isinstance(entry, ast.Name))
    return names if len(names) == len(target.elts) else ()


def wanted_columns(names: Sequence[str], columns: Sequence[Hashable]) -> Sequence[Hashable]:
    """Return the columns whose values the target gets, in its order."""
    return names if names and set(names) <= set(columns) else columns


def column_of(name: str, target: ast.expr | None, items: Any) -> str | None:
    """Return the column of a table whose value the target assigns to `name`.

    Args:
        name: one of the target's names.
        target: the target; ``None`` for a single name, which gets the whole row.
        items: the sequence that is looped over, or ``None``.

    Returns:
        The column; ``None`` if the items are no rows of a table, or `name` is not in the target.
    """
    names = plain_names(target)
    if name not in names or not isinstance(items, TableRows):
        return None
    column = wanted_columns(names, list(items.readers))[names.index(name)]
    return column if isinstance(column, str) else None


def unpacked(item: Any, names: Sequence[str]) -> Any:
    """Return what the target is assigned: the values of a table's row, or any other item as it is.

    Args:
        item: the item.
        names: the names of a flat target, ``()`` for another one.
    """
    if not isinstance(item, TableRow):
        return item
    return [item[column] for column in wanted_columns(names, list(item))]


def check_unpacking(target: ast.expr | None, items: Any) -> None:
    """Check before the run that the rows of a table fit the target.

    Args:
        target: the target; ``None`` for a single name, which gets the whole row.
        items: the sequence that is looped over, or ``None``.

    Raises:
        UsageError: the names are not all columns, and the table has more or fewer columns than names.
    """
    if not isinstance(target, ast.Tuple | ast.List) or not isinstance(items, TableRows):
        return
    columns = list(items.readers)
    given = len(wanted_columns(plain_names(target), columns))
    starred = sum(isinstance(entry, ast.Starred) for entry in target.elts)
    needed = len(target.elts) - starred
    if given == needed or (starred and given > needed):
        return
    listed = ", ".join(map(str, columns[:20])) + (", ..." if len(columns) > 20 else "")
    unknown = [name for name in plain_names(target) if name not in columns]
    message = f"each row has {given} columns ({listed}), but the target has {needed} names"
    if unknown:
        message += f"; there is no column {', '.join(map(repr, unknown))}"
    raise UsageError(message, remediation="name its columns, or take the whole row: %%each row in ...")
