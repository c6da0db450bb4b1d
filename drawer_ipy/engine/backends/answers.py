"""What a worker sends back about a press, as an answer."""

from __future__ import annotations

import pickle

from drawer_ipy.common.tracebacks import describe, name_cells
from drawer_ipy.engine.backends.base import Answer
from drawer_ipy.engine.backends.worker import connection as messages
from drawer_ipy.engine.backends.worker.pickling import loads
from drawer_ipy.errors import Code, ErrorInfo


def answer_of(kind: int, body: bytes, button: str) -> Answer:
    """Return the answer that a worker sent about a press of `button`.

    Args:
        kind: DONE, FAILED, UNSENT or UNREAD of :mod:`~drawer_ipy.engine.backends.worker.connection`.
    """
    try:
        if kind == messages.DONE:
            return Answer(loads(body))
        if kind == messages.FAILED:
            message, trace, sent = pickle.loads(body)
            exception = None if sent is None else loads(sent)
            info = ErrorInfo(Code.FUNCTION_ERROR, message, exception=exception)
            return Answer(error=info, stderr=name_cells(trace))
    except Exception as error:  # of a class of the user's
        message = f"the result of `{button}` cannot be read in the kernel: {describe(error)}"
        return Answer(error=ErrorInfo(Code.BACKEND_ERROR, message))
    text = body.decode("utf-8", "replace")
    if kind == messages.UNSENT:
        what, _, why = text.partition("\0")
        message = f"the result of `{button}` ({what}) cannot be sent back from its process"
        hint = f"{why}; return plain values, or run the function in threads"
        return Answer(error=ErrorInfo(Code.BACKEND_ERROR, message, hint))
    message = f"`{button}` or an argument cannot be loaded in another process: {text}"
    return Answer(error=ErrorInfo(Code.BACKEND_ERROR, message))
