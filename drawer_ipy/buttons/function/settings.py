"""Checks of the arguments of ``@button``."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.seconds import is_seconds
from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.backends import parse_backend
from drawer_ipy.definition.costs import rate_troubles
from drawer_ipy.errors import UsageError

_ARGUMENTS = "@button(name=..., timeout=..., rate=..., cache=..., backend=...)"


def check_callable(function: Any) -> None:
    """Check that `function` can be a button.

    Raises:
        UsageError: it is not callable.
    """
    if not callable(function):
        raise UsageError(
            f"a button must be callable, got {shown(function)} ({type(function).__name__})",
            remediation=f"put @button above a function; its arguments have names: {_ARGUMENTS}",
        )


def checked_name(name: Any) -> str:
    """Return `name` if a step can press a button by it.

    Raises:
        UsageError: it is not text, is empty, or has blanks around it or control characters in it.
    """
    if not isinstance(name, str):
        hint = "write name='fetch-page'"
        raise UsageError(f"the name of a button must be text, not {shown(name)}", remediation=hint)
    if not name.strip():
        hint = "leave out the name for that of the function"
        raise UsageError("the name of a button must not be empty", remediation=hint)
    if name != name.strip() or any(unicodedata.category(one) == "Cc" for one in name):
        hint = "remove the spaces around it, and tabs and line ends"
        raise UsageError(f"{shown(name)} cannot be the name of a button", remediation=hint)
    return name


def checked_timeout(timeout: Any, owner: str) -> float | None:
    """Return `timeout` in seconds.

    Raises:
        UsageError: it is not a finite number above 0; `owner` is the button's name.
    """
    if timeout is None:
        return None
    if not is_seconds(timeout):
        raise UsageError(
            f"button {owner!r}: timeout must be seconds above 0, not {shown(timeout)}",
            remediation="write a number such as timeout=30, or None for no limit",
        )
    return float(timeout)


def check_schema(schema: Any, owner: str) -> None:
    """Check that `schema` may be a JSON Schema.

    Raises:
        UsageError: it is neither ``None`` nor a mapping; `owner` is the button's name.
    """
    if schema is not None and not isinstance(schema, Mapping):
        hint = "write it as a dict, or leave it out"
        raise UsageError(f"button {owner!r}: output_schema is {shown(schema)}", remediation=hint)


def check_rate(rate: Any, args: list[str] | None, owner: str) -> None:
    """Check `rate` and its costs, which may read `args` (any name if ``None``).

    Raises:
        UsageError: it is invalid; `owner` is the button's name.
    """
    for wrong in rate_troubles(rate, args):
        raise UsageError(f"button {owner!r}: {wrong.message}", remediation=wrong.remediation)


def checked_backend(backend: Any, stays: str, owner: str) -> str:
    """Return `backend`, ``""`` for none.

    Args:
        stays: why presses of the button stay in the kernel, ``""`` if they can travel.

    Raises:
        UsageError: it is not the name of a backend, or presses cannot travel; `owner` is the button's name.
    """
    if backend is None or backend == "":
        return ""
    try:
        found = str(parse_backend(backend))
    except BadValue as error:
        raise UsageError(f"button {owner!r}: {error.message}", remediation=error.hint) from None
    if stays:
        raise UsageError(
            f"button {owner!r} cannot have a backend: {stays}",
            remediation="remove `backend`, or write the function without `async`",
        )
    return found
