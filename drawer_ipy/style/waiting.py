"""What a step or an item waits for, in words."""

from __future__ import annotations

from drawer_ipy.record.waits import Reason, Why
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.preview import clean, cut

_SUBJECT = 40
_CONCURRENCY = "limit on concurrency"


def waits_for(reason: Reason) -> str:
    """Describe a wait that lasts: ``host shop.example asks to wait``, ``rate limit 5/s``."""
    subject = subject_of(reason)
    match reason.why:
        case Why.ASKED:
            return f"host {subject} asks to wait" if subject else "a server asks to wait"
        case Why.BUSY:
            return f"host {subject} is busy"
        case Why.SHARED:
            return f"another item gets {subject}"
        case Why.BACKOFF:
            return "backoff before the next attempt"
        case Why.QUEUE if not subject:
            return _CONCURRENCY
    return f"{reason.why} {subject}".strip()


def waited_for(reason: Reason) -> str:
    """Describe a wait that has ended: ``host asked to wait (shop.example)``, ``rate limit (5/s)``."""
    words = {
        Why.ASKED: "host asked to wait",
        Why.BUSY: "host was busy",
        Why.SHARED: "another item got the same",
        Why.BACKOFF: "backoff before a retry",
    }.get(reason.why, str(reason.why))
    subject = subject_of(reason)
    if reason.why == Why.QUEUE and not subject:
        words = _CONCURRENCY
    return f"{words} ({subject})" if subject else words


def waited_text(reason: Reason, times: int, seconds: float) -> str:
    """Describe waits for the same reason: ``3.0 s: host asked to wait (shop.example), 2 times``."""
    often = f", {times:,} times" if times > 1 else ""
    return f"{seconds_text(seconds)}: {waited_for(reason)}{often}"


def subject_of(reason: Reason) -> str:
    """Return the host, rate or queue of `reason`, cleaned and shortened."""
    return cut(clean(reason.subject), _SUBJECT)
