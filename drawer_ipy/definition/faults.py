"""What a step or button says is wrong with itself; the checks turn it into problems with line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.short_repr import shown
from drawer_ipy.scrape.spec import Trouble


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        path: of the value, below the step or button; ``()`` for the whole of it.
        message, remediation: what is wrong, and how to fix it.
        soft: a warning rather than an error.
        on_key: the key is meant, not its value.
        strict: an error even in a step that continues after a failure.
        offset: of the trouble within the text value, where that is known.
        missing: the keys that are missing; the fault is not reported where they could not be read.
        arg: the field that is named in the problem; the first of `path` when left out.
        on_disk: the warning that takes its place in a drawer that was read from a file.
        pressed: the warning that takes its place where such a drawer is pressed.
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


def is_absent(value: Any) -> bool:
    """Whether a field says nothing; values that only compare oddly (arrays) do say something."""
    return value is None or (isinstance(value, str) and not value)


def unreadable(
    key: str, parse: Callable[[Any], object], value: Any, *, strict: bool = True
) -> Iterator[Fault]:
    """The fault of a `value` that `parse` refuses with BadValue; ``None`` and text with references pass."""
    if value is None or (isinstance(value, str) and (not strict) and _refers(value)):
        return
    try:
        parse(value)
    except BadValue as error:
        yield Fault((key,), error.message, error.hint, strict=strict)


def _refers(text: str) -> bool:
    return not text or "${" in text or "$ENV{" in text


def no_list(key: str, value: Any) -> Iterator[Fault]:
    """The fault of a `value` that is neither a list nor an expression."""
    if not isinstance(value, str | list | tuple):
        yield Fault((key,), f"`{key}` must be a list or an expression that gives one, not {shown(value)}")


def of_troubles(troubles: Iterable[Trouble], *prefix: str) -> Iterator[Fault]:
    """What is wrong with selectors, as faults below `prefix`."""
    for one in troubles:
        yield Fault((*prefix, *one.path), one.message, one.remediation, soft=one.soft, offset=one.offset)


def lacking(
    kind: str, needs: Mapping[str, str], given: Mapping[str, Any], *, reserved: bool
) -> Iterator[Fault]:
    """The faults of a step without one of the fields that it `needs`.

    Args:
        needs: key -> how it is written, for the hint.
        given: key -> value.
        reserved: the original only reserves the kind, so that a file may hold such a step all the same.
    """
    for key, hint in needs.items():
        value = given[key]
        # Any literal is an expression's value; an empty list or a size of 0 leaves nothing to do.
        empty = isinstance(value, list | dict | int) and not value and key not in ("expression", "over")
        if not (is_absent(value) or empty):
            continue
        least = " of at least 1" if type(value) is int else ""
        on_disk = f"a {kind} step does nothing without `{key}`{least}" if reserved else ""
        message = f"a {kind} step needs `{key}`{least}"
        yield Fault((key,), message, hint, missing=(key,), on_disk=on_disk)
