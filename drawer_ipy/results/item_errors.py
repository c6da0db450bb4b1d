"""The errors of a table's failed rows, in order, created on access."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

from drawer_ipy.results.failed_item import ItemError, failed_item
from drawer_ipy.results.table_view import TableView

TableT = TypeVar("TableT")


class ItemErrors(Sequence[ItemError], Generic[TableT]):
    """The failed items of a table in order, without cancelled and skipped ones.

    Args:
        view: the failed rows.
        table: creates a table from a view.
    """

    __slots__ = ("_table", "view")

    def __init__(self, view: TableView, table: Callable[[TableView], TableT]) -> None:
        self.view: TableView = view
        self._table = table

    @property
    def rows(self) -> TableT:
        """The table of the same items."""
        return self._table(self.view)

    def __len__(self) -> int:
        return len(self.view)

    @overload
    def __getitem__(self, index: int) -> ItemError: ...
    @overload
    def __getitem__(self, index: slice) -> ItemErrors[TableT]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Return the error at a position, or for a slice, a list of errors.

        Raises:
            IndexError: there is no such error.
        """
        if isinstance(index, slice):
            return ItemErrors(self.view.of_rows(self.view.index[index]), self._table)
        try:
            row = self.view.index[index]
        except IndexError:
            raise IndexError(f"{index} is out of range: there are {len(self)} errors") from None
        return failed_item(self.view.source, row)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return ``{index, item, step, code, message}`` for each error, and ``status`` if there is one."""
        return [
            {
                "index": e.index,
                "item": e.item,
                "step": e.step,
                "code": e.code,
                "message": e.message,
                **({} if e.status is None else {"status": e.status}),
            }
            for e in self
        ]

    def __repr__(self) -> str:
        from drawer_ipy.results.shown.table import errors_to_text

        return errors_to_text(self.view)

    def _repr_html_(self) -> str:
        from drawer_ipy.results.shown.table import errors_to_html

        return errors_to_html(self.view)
