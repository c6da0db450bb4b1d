"""Press a button on a backend: send the press, apply its timeout, and make the outcome of the answer."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any

from drawer_ipy.buttons.base import Bound, Call, Outcome
from drawer_ipy.buttons.travelling import Travelling, failed_outcome
from drawer_ipy.common.cancellation import Stop, TimeIsUp, within
from drawer_ipy.engine.backends.base import Answer, Ticket
from drawer_ipy.errors import Code, ErrorInfo

WHERE = "where"
"""The fact of an attempt that says where it ran."""

IN_KERNEL = "the kernel"
"""Where a press ran that could not travel."""


async def travel(
    button: Travelling, bound: Bound, call: Call, ticket: Ticket, *, ends_presses: bool
) -> Outcome:
    """Press `button` in the place that `ticket` is for.

    Args:
        ends_presses: see :class:`~drawer_ipy.engine.backends.base.Backend`.

    Raises:
        asyncio.CancelledError: the press was cancelled, and has ended if the backend ends presses.
    """
    call.stop.check()
    if call.timeout is None:
        answer = await ticket.press(button.work(bound, call), None, call.log)
    else:
        try:
            answer = await _within(call.timeout, button, bound, call, ticket)
        except TimeIsUp:
            return _too_late(call.timeout, ticket.where, ends_presses)
    about = {WHERE: ticket.where, **answer.about} if answer.about else _at(ticket.where)
    if answer.error is not None:
        return failed_outcome(answer, about)
    outcome = button.answered(answer)
    outcome.about = about
    return outcome


@functools.lru_cache(maxsize=1000)
def _at(where: str) -> Mapping[str, Any]:
    """Return the facts of a press that ran there. A million presses share them; nobody changes facts."""
    return {WHERE: where}


async def _within(seconds: float, button: Travelling, bound: Bound, call: Call, ticket: Ticket) -> Answer:
    """Press within a timeout, which begins with the press.

    Raises:
        TimeIsUp: it took longer; its end was requested.
    """
    began: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begun() -> None:
        if not began.done():
            began.set_result(None)

    def press(stop: Stop) -> Coroutine[Any, Any, Answer]:
        return ticket.press(button.work(bound, replace(call, timeout=None, stop=stop)), begun, call.log)

    return await within(seconds, call.stop, press, began)


def _too_late(seconds: float, where: str, ends_presses: bool) -> Outcome:
    message = f"timed out after {seconds:g} s"
    hint = "raise `timeout_seconds` of the step or the button if it needs longer"
    if not ends_presses:
        hint += "; Python cannot stop a thread, so the function may still be running"
    error = ErrorInfo(Code.TIMEOUT, message, hint)
    return Outcome(status="timeout", error=error, exit_code=-1, about={WHERE: where})
