"""An exception of a function, as it is sent to the kernel."""

from __future__ import annotations

import os
import pickle

from drawer_ipy.common.error_parts import drop_frames, end_of, with_class
from drawer_ipy.engine.backends.worker.pickling import dumps, loads

_HERE = os.path.dirname(__file__) + os.sep


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
    drop_frames(error)
    sent: bytes | None = None
    try:
        sent = dumps(error)
        loads(sent)  # many classes of exceptions can be pickled, but not unpickled
    except BaseException:
        sent = None
    return pickle.dumps((message, end_of(text), sent), 5)


def described(error: BaseException) -> str:
    try:
        message = str(error)
    except BaseException:  # the user's __str__ may raise anything
        message = ""
    return with_class(error, message)
