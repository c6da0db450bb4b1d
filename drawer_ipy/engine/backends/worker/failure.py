"""An exception of a function, as it is sent to the kernel."""

from __future__ import annotations

import os
import pickle

from drawer_ipy.engine.backends.worker.pickling import dumps, loads

_HERE = os.path.dirname(__file__) + os.sep
_LONGEST = 64 * 1024
"""Most characters of a traceback."""


def failure(error: BaseException) -> bytes:
    """Return the pickled message, traceback and exception; the exception is ``None`` if it cannot be sent."""
    import traceback

    message = described(error)
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_HERE):
        frames = frames.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, frames))
    except BaseException:  # a __str__ or a source line that raises
        text = f"{message}\n"
    text = text if len(text) <= _LONGEST else f"...{text[-_LONGEST:]}"
    _drop_frames(error)
    sent: bytes | None = None
    try:
        sent = dumps(error)
        loads(sent)  # many classes of exceptions can be pickled, but not unpickled
    except BaseException:
        sent = None
    return pickle.dumps((message, text, sent), 5)


def _drop_frames(error: BaseException) -> None:
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


def described(error: BaseException) -> str:
    try:
        text = str.strip(str(error))
    except BaseException:  # the user's __str__ may raise anything
        text = ""
    if len(text) > 10_000:
        text = f"{text[:10_000]}... ({len(text) - 10_000:,} more characters)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
