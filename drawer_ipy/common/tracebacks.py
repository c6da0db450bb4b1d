"""Format exceptions of users' functions without the frames of this package."""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path
from types import TracebackType

from drawer_ipy.common.error_parts import drop_frames, end_of, with_class
from drawer_ipy.common.user_code import pass_on_interrupt

_PACKAGE = str(Path(__file__).resolve().parent.parent) + "/"


def describe(error: BaseException) -> str:
    """Return ``ValueError: bad thing``, or the class name alone if there is no message."""
    try:
        message = str(error)
    except BaseException as fault:  # the user's __str__ may raise anything
        pass_on_interrupt(fault)
        message = ""
    return with_class(error, message)


def first_line(error: BaseException) -> str:
    """Return the first line of the error's message, or its class name if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def user_traceback(error: BaseException) -> str:
    """Return the traceback from the user's first frame on, and drop the frames from the exception.

    A frame keeps all local variables of its function alive: a table of failed items could otherwise hold
    thousands of pages of HTML in memory.
    """
    frames = error.__traceback__
    while frames is not None and _is_internal(frames):
        frames = frames.tb_next
    return _formatted(error, frames)


def full_traceback(error: BaseException) -> str:
    """Return the traceback with this package's frames, for an internal error."""
    return _formatted(error, error.__traceback__)


def _formatted(error: BaseException, frames: TracebackType | None) -> str:
    try:
        text = name_cells("".join(traceback.format_exception(type(error), error, frames)))
    except BaseException as fault:  # a __str__ or a source line that raises
        pass_on_interrupt(fault)
        text = f"{describe(error)}\n"
    drop_frames(error)
    return end_of(text)


def _is_internal(frames: TracebackType) -> bool:
    return frames.tb_frame.f_code.co_filename.startswith(_PACKAGE)


_PLACE = re.compile(r'File "([^"\n]+)", (?=line \d)')


def name_cells(trace: str) -> str:
    """Replace the file names of cells in a traceback with cell names; unchanged without IPython."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    if shell is None:
        return trace

    def named(found: re.Match[str]) -> str:
        cell = shell.compile.format_code_name(found[1])
        return found[0] if cell is None else f"{' '.join(cell)}, "

    return _PLACE.sub(named, trace)
