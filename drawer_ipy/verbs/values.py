"""Values after an ``=``: JSON if they are valid JSON, else text (docs/original.md#8-command-line)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.bounded_numbers import finite, whole
from drawer_ipy.common.short_repr import shown
from drawer_ipy.common.unreadable import why_unreadable
from drawer_ipy.errors import UsageError
from drawer_ipy.verbs.data_files import is_data_file, read_data, read_text


def parsed(text: str) -> Any:
    """Parse `text` as JSON, or return it unchanged. ``NaN`` and ``Infinity`` are not JSON.

    Raises:
        UsageError: it is a number that is too large to be read without loss.
    """
    return json_or(text, text, parse_constant=_no_json)


def json_or(text: str, otherwise: Any, **options: Any) -> Any:
    """Parse `text` as JSON, or return `otherwise`; `options` are those of ``json.loads``.

    Raises:
        UsageError: a number in it is too large to be read without loss.
    """
    try:
        # Not strict: quoted text may contain any character unescaped.
        return json.loads(text, strict=False, parse_float=finite, parse_int=whole, **options)
    except BadValue as error:
        raise UsageError(f"{shown(text)}: {error.message}", remediation=error.hint) from None
    except (ValueError, RecursionError):
        return otherwise


def value_of(name: str, text: str) -> Any:
    """Return the value of input `name`: see :func:`parsed`; ``@PATH`` reads a file, ``@-`` standard input.

    A file whose name ends in one of :data:`~drawer_ipy.verbs.data_files.SUFFIXES` is read as data, any other
    file as if its text were typed. Text that begins with ``@`` must be written in quotes: ``'"@me"'``.

    Raises:
        UsageError: the file cannot be read, or its contents are not what its name promises.
    """
    if not text.startswith("@"):
        return parsed(text)
    return _from_file(name, text, _contents)


def file_text(name: str, text: str) -> str:
    """The contents of the file ``@PATH``, or of standard input for ``@-``, as text.

    Raises:
        UsageError: the file cannot be read, or is not text.
    """
    return sys.stdin.read() if text == "@-" else str(_from_file(name, text, read_text))


def _from_file(name: str, text: str, read: Callable[[Path], Any]) -> Any:
    if text == "@":
        raise UsageError(f"input {name}: a file's name is missing after @", remediation=f"write {name}=@FILE")
    try:
        return parsed(sys.stdin.read()) if text == "@-" else read(Path(text[1:]).expanduser())
    except (BadValue, UsageError) as error:
        hint = error.hint if isinstance(error, BadValue) else error.remediation
        raise UsageError(
            f"input {name}: {text[1:]!r} cannot be read: {error.message}", remediation=hint
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        reason, near = why_unreadable(Path(text[1:]), error)
        quoted = f"to pass the text itself, quote it: {name}='\"{text}\"'"
        hints = [reason, near, quoted] if isinstance(error, FileNotFoundError) else [near, quoted]
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise UsageError(
            f"input {name}: {text[1:]!r} cannot be read: {reason}",
            remediation="; ".join(filter(None, hints)),
        ) from None


def _contents(path: Path) -> Any:
    return read_data(path) if is_data_file(path) else parsed(path.read_text(encoding="utf-8-sig"))


def assignment(word: str, example: str) -> tuple[str, str]:
    """Split ``name=value``.

    Raises:
        UsageError: there is no ``=``, or no name.
    """
    name, equals, value = word.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{word!r} is not of the form name=value", remediation=f"write it like {example}")
    return name.strip(), value


def _no_json(constant: str) -> Any:
    raise ValueError(constant)


def whole_number(least: int) -> Callable[[str], int]:
    """Return an argparse type: a whole number from `least` up."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or len(text) > 18 or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} up, not {text[:40]!r}")
        return int(text)

    return read


def width(text: str) -> int | str:
    """Parse a loop's width, a whole number from 0 up or ``auto``; an argparse type."""
    from drawer_ipy.definition.values import AUTO  # the models are heavy, and most verbs do not need them

    return text if text == AUTO else whole_number(0)(text)
