"""What code of users may raise when it is called: anything, also what is not a Exception.

Wherever this package calls such code (a button, ``__str__``, a property in a reference), KeyboardInterrupt,
SystemExit and the like are a failure of that code. Only an interrupt that somebody sent is none.
"""

from __future__ import annotations

import dis
import functools
import signal
import threading
from types import CodeType
from typing import Any

_RAISE = dis.opmap["RAISE_VARARGS"]


def is_interrupt(error: BaseException) -> bool:
    """Whether `error` comes from a Ctrl-C, and not from a ``raise KeyboardInterrupt`` in somebody's code.

    Signals reach the main thread only. Either the handler is the innermost frame of the traceback, or it is
    Python's own, which has no frame; that one strikes between instructions and never at a ``raise``.
    """
    if not isinstance(error, KeyboardInterrupt) or threading.current_thread() is not threading.main_thread():
        return False
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    if frames is None:
        return False
    code = frames.tb_frame.f_code
    return code is _code_of(signal.getsignal(signal.SIGINT)) or code.co_code[frames.tb_lasti] != _RAISE


def pass_on_interrupt(error: BaseException) -> None:
    """Raise `error` again if it is an interrupt that somebody sent.

    Raises:
        KeyboardInterrupt: it is.
    """
    if is_interrupt(error):
        raise error


def _code_of(handler: Any) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    code = getattr(handler, "__code__", None)  # a method hands over its function's
    return code if isinstance(code, CodeType) else None
