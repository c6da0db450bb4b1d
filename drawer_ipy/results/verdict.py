"""The errors for runs that did not end ok; they contain the results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from drawer_ipy.errors import Code, DrawerError
from drawer_ipy.results import Results


def raise_for(results: Results, notes: Iterable[str] = ()) -> None:
    """Raise the run's error if it did not end ok.

    Raises:
        DrawerFailed, DrawerCancelled: the run did not end ok; the exception has `results`.
    """
    run = results.run
    if run.status == "ok":
        return
    _refuse(results, notes)


def _refuse(results: Results, notes: Iterable[str]) -> NoReturn:
    run = results.run
    error = run.error
    which = f"drawer {run.drawer!r}" if run.drawer else "the drawer"
    counts = results.counts
    words = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    if run.status == "cancelled":
        message = f"{which} was cancelled ({words or 'nothing had run'})"
        message += "".join(f"\n  note: {note}" for note in notes)
        raise DrawerCancelled(message, results, code=Code.CANCELLED) from None
    where = f" at step {run.failed_step!r}" if run.failed_step else ""
    message = f"{which} failed{where}"
    if error is not None:
        message += f": {error}"
    message += "".join(f"\n  note: {note}" for note in notes)
    cause = error.exception if error is not None else None
    raise DrawerFailed(
        message,
        results,
        code=error.code if error else Code.VALIDATION_ERROR,
        remediation=error.remediation if error else "",
    ) from cause


class DrawerFailed(DrawerError):
    """A run failed. ``.results`` contains everything that succeeded.

    Attributes:
        results: the ordered table; ``.results.run`` is the full record.
    """

    def __init__(self, message: str, results: Results, *, code: str, remediation: str = "") -> None:
        super().__init__(message, code=code, remediation=remediation)
        self.results = results


class DrawerCancelled(DrawerFailed):
    """A run was cancelled or interrupted. ``.results`` contains what had ended by then."""
