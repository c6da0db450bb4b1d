"""The errors for runs that did not end ok; they contain the results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from drawer_ipy.errors import Code, DrawerError, ErrorInfo
from drawer_ipy.record.failures import own_loop
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results import Results
from drawer_ipy.style.preview import clean


def raise_for(results: Results, notes: Iterable[str] = (), shown: str = "") -> None:
    """Raise the run's error if it did not end ok.

    Args:
        results: the results of the run.
        notes: notes about the run, which the error includes.
        shown: the text of the table that was just displayed beside the error. If it contains the reason,
            IPython shows only which item failed.

    Raises:
        DrawerFailed, DrawerCancelled: the run did not end ok; the exception has `results`.
    """
    run = results.run
    if run.status == "ok":
        return
    _refuse(results, "".join(f"\n  note: {note}" for note in notes), shown)


def _refuse(results: Results, notes: str, shown: str) -> NoReturn:
    run = results.run
    error = run.error
    which = _name(run)
    if run.status == "cancelled":
        words = ", ".join(f"{n} {state}" for state, n in results.counts.items() if n)
        message = f"{which} was cancelled ({words or 'nothing had run'})"
        raise DrawerCancelled(message + notes, results, code=Code.CANCELLED) from None
    brief = brief_error(results, shown)
    message = f"{which} failed{_place(run)}" + (f": {error}" if error is not None else "")
    raise DrawerFailed(
        message + notes,
        results,
        code=error.code if error else Code.VALIDATION_ERROR,
        remediation=error.remediation if error else "",
        brief=brief and brief + notes,
    ) from (error.exception if error is not None else None)


def _name(run: RunRecord) -> str:
    return f"drawer {run.drawer!r}" if run.drawer else "the drawer"


def _place(run: RunRecord) -> str:
    return f" at step {run.failed_step!r}" if run.failed_step else ""


def brief_error(results: Results, shown: str) -> str:
    """The error of a failed run in one line, without its message, for a reader who also sees `shown`.

    Args:
        results: the results of the run.
        shown: the text of its table on one line; ``""`` if it is not displayed.

    Returns:
        ``""`` if the run did not fail because of an item, or if `shown` does not have the whole message.
    """
    run = results.run
    error, found = run.error, _decisive(run)
    if error is None or found is None or not shown:
        return ""
    step, info = found
    if any(" ".join(clean(text).split()) not in shown for text in (info.message, info.remediation)):
        return ""
    kind = f" ({type(info.exception).__name__})" if info.exception is not None else ""
    item = f"item {error.index} failed at step {step!r}: {info.code}{kind}"
    return f"{_name(run)} failed{_place(run)}: {error.code}: {item}; the output above says why"


def _decisive(run: RunRecord) -> tuple[str, ErrorInfo] | None:
    """The nested step and the error of the item that failed `run`; ``None`` if no item did."""
    step = next((step for step in run.steps if step.id == run.failed_step), None)
    loop = None if step is None else own_loop(step)
    if run.error is None or run.error.index is None or loop is None:
        return None
    return loop.error_of(run.error.index)


class DrawerFailed(DrawerError):
    """A run failed. ``.results`` contains everything that succeeded.

    Attributes:
        results: the ordered table; ``.results.run`` is the full record.
    """

    def __init__(
        self, message: str, results: Results, *, code: str, remediation: str = "", brief: str = ""
    ) -> None:
        super().__init__(message, code=code, remediation=remediation)
        self.results = results
        self._brief = brief

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: one line if the table beside it has the reason."""
        return [f"{type(self).__name__}: {self._brief}"] if self._brief else super()._render_traceback_()


class DrawerCancelled(DrawerFailed):
    """A run was cancelled or interrupted. ``.results`` contains what had ended by then."""
