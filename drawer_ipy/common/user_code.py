"""Exceptions from users' code: it may raise anything, including what is not an Exception.

Wherever this package calls such code (a button, ``__str__``, a property in a reference), KeyboardInterrupt,
SystemExit and the like are failures of that code. Only a real interrupt (Ctrl-C) is not.
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
    """Whether `error` comes from Ctrl-C and not from a ``raise KeyboardInterrupt`` in user code.

    Python handles signals in the main thread only. Either the signal handler is the innermost frame of the
    traceback, or it is Python's default handler, which has no frame and raises between instructions, never
    at a ``raise`` statement.
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
    """Raise `error` again if it is a real interrupt.

    Raises:
        KeyboardInterrupt: `error` is an interrupt.
    """
    if is_interrupt(error):
        raise error


def _code_of(handler: Any) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    code = getattr(handler, "__code__", None)  # for a bound method this is the code of its function
    return code if isinstance(code, CodeType) else None
