"""The failures of a table, in order, each made when it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from drawer_ipy.errors import ErrorInfo

if TYPE_CHECKING:
    from drawer_ipy.results.table import Results

UNKNOWN = ErrorInfo("FAILED", "failed; nothing was recorded about why")


@dataclass(frozen=True, slots=True, eq=False)
class ItemError:
    """One failed item.

    Attributes:
        index: the item's place in the input.
        item: the item itself.
        step: id of the nested step that failed, ``""`` when it is not known.
        code: one of the engine's words, e.g. ``HTTP_ERROR``.
        message: what went wrong.
        exception: the Python exception a function button raised, when there was one.
        remediation: how to mend it, ``""`` when nothing is to be said.
        status: the HTTP status a request was answered with; ``None`` where there was no answer or no request.
    """

    index: int
    item: Any
    step: str
    code: str
    message: str
    exception: BaseException | None = None
    remediation: str = ""
    status: int | None = None


class ItemErrors(Sequence[ItemError]):
    """The failed items of a table in order; cancelled and skipped ones are not among them.

    ``errors.rows`` is the table of the same items.
    """

    __slots__ = ("rows",)

    def __init__(self, rows: Results) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> ItemError: ...
    @overload
    def __getitem__(self, index: slice) -> ItemErrors: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return ItemErrors(self.rows[index])
        try:
            row = self.rows._index[index]
        except IndexError:
            raise IndexError(f"{index} is out of range: there are {len(self)} errors") from None
        source = self.rows._source
        step, info = source.error(row) or ("", UNKNOWN)
        return ItemError(
            row,
            source.item(row),
            step,
            info.code,
            info.message,
            info.exception,
            info.remediation,
            info.status,
        )

    def to_dicts(self) -> list[dict[str, Any]]:
        """``{index, item, step, code, message}`` for each, and the ``status`` of those that have one."""
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

        return errors_to_text(self)

    def _repr_html_(self) -> str:
        from drawer_ipy.results.shown.table import errors_to_html

        return errors_to_html(self)
