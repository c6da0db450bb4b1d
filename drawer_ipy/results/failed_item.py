"""Why one row failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.results.source import RowSource

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


def failed_item(source: RowSource, index: int) -> ItemError:
    """Why the row `index` of `source` failed."""
    step, info = source.error(index) or ("", UNKNOWN)
    return ItemError(
        index,
        source.item(index),
        step,
        info.code,
        info.message,
        info.exception,
        info.remediation,
        info.status,
    )
