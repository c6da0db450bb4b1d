"""Faults: the problems that a step or button finds in itself; the checks add line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.short_repr import shown
from drawer_ipy.errors import UsageError
from drawer_ipy.scrape.spec import Trouble


@dataclass(frozen=True, slots=True)
class Fault:
    """One problem.

    Attributes:
        path: the path of the value in the step or button; ``()`` for the step or button itself.
        message: what is wrong.
        remediation: how to fix it.
        soft: whether it is a warning rather than an error.
        on_key: whether it is about the key rather than its value.
        strict: whether it is an error even in a step that continues after a failure.
        offset: the position of the problem in the text, if known.
        missing: the missing keys; if they are present but could not be read, the fault is not reported.
        arg: the field that the problem names; the default is the first of `path`.
        on_disk: the warning that replaces it in a drawer that was read from a file.
        pressed: the warning that replaces it when such a drawer is pressed.
    """

    path: KeyPath
    message: str
    remediation: str = ""
    soft: bool = False
    on_key: bool = False
    strict: bool = True
    offset: int | None = None
    missing: tuple[str, ...] = ()
    arg: str = ""
    on_disk: str = ""
    pressed: str = ""


def refuse(button: str, found: Iterable[Fault | Trouble]) -> None:
    """Raise UsageError for the first error in `found`, not for warnings; `button` is the button's name."""
    for one in found:
        if not one.soft:
            where = ".".join(map(str, one.path))
            raise UsageError(f"button {button!r}: {where}: {one.message}", remediation=one.remediation)


def is_absent(value: Any) -> bool:
    """Whether a field has no value; values with an unusual comparison (arrays) count as values."""
    return value is None or (isinstance(value, str) and not value)


def unreadable(
    key: str, parse: Callable[[Any], object], value: Any, *, strict: bool = True
) -> Iterator[Fault]:
    """The fault of a `value` for which `parse` raises BadValue; ``None`` and references are valid."""
    if value is None or (isinstance(value, str) and (not strict) and _refers(value)):
        return
    try:
        parse(value)
    except BadValue as error:
        yield Fault((key,), error.message, error.hint, strict=strict)


def _refers(text: str) -> bool:
    return not text or "${" in text or "$ENV{" in text


def no_list(key: str, value: Any) -> Iterator[Fault]:
    """The fault of a `value` that is neither a list nor an expression for one."""
    if not isinstance(value, str | list | tuple):
        yield Fault((key,), f"`{key}` must be a list or an expression for one, not {shown(value)}")


def of_troubles(troubles: Iterable[Trouble], *prefix: str) -> Iterator[Fault]:
    """Convert problems with selectors to faults below `prefix`."""
    for one in troubles:
        yield Fault((*prefix, *one.path), one.message, one.remediation, soft=one.soft, offset=one.offset)


def lacking(
    kind: str, needs: Mapping[str, str], given: Mapping[str, Any], *, reserved: bool
) -> Iterator[Fault]:
    """The faults of a step in which required fields are missing.

    Args:
        needs: required key -> how to write it, for the hint.
        given: key -> value.
        reserved: whether the original only reserves the kind, so that a file may contain such a step anyway.
    """
    for key, hint in needs.items():
        value = given[key]
        # Any literal is a valid expression, but an empty list or a size of 0 leaves nothing to do.
        empty = isinstance(value, list | dict | int) and not value and key not in ("expression", "over")
        if not (is_absent(value) or empty):
            continue
        least = " of at least 1" if type(value) is int else ""
        on_disk = f"a {kind} step does nothing without `{key}`{least}" if reserved else ""
        message = f"a {kind} step needs `{key}`{least}"
        yield Fault((key,), message, hint, missing=(key,), on_disk=on_disk)
