"""The error of a failed row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.results.source import RowSource

UNKNOWN = ErrorInfo("FAILED", "failed for an unknown reason; no error was recorded")


@dataclass(frozen=True, slots=True, eq=False)
class ItemError:
    """One failed item.

    Attributes:
        index: the item's position in the input.
        item: the item itself.
        step: id of the nested step that failed, or ``""`` if unknown.
        code: an error code, e.g. ``HTTP_ERROR``.
        message: what went wrong.
        exception: the Python exception that a function button raised, or ``None``.
        remediation: how to fix it; ``""`` if there is no hint.
        status: the HTTP status code of the response; ``None`` if there was no response or no request.
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
    """Return the error of the failed row `index` of `source`."""
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
