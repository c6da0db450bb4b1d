"""Parts of an exception for its report. Worker processes load this module too, so it imports nothing."""

from __future__ import annotations

_LONGEST = 64 * 1024
_LONGEST_MESSAGE = 10_000


def with_class(error: BaseException, message: str) -> str:
    """Return ``ValueError: bad thing``, or the class name alone if there is no message."""
    text = str.strip(message)  # str's own method: __str__ may return an instance of a user's subclass
    if len(text) > _LONGEST_MESSAGE:
        left_out = len(text) - _LONGEST_MESSAGE
        text = f"{text[:_LONGEST_MESSAGE]}... ({left_out:,} more characters)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def end_of(trace: str) -> str:
    """Return the end of a long traceback, and a short one as it is."""
    return trace if len(trace) <= _LONGEST else f"...{trace[-_LONGEST:]}"


def drop_frames(error: BaseException) -> None:
    """Drop the tracebacks of an exception and of all exceptions that belong to it."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = None
        pending += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            pending += one.exceptions
