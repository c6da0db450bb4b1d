"""Follow paths from a root to a member through objects of any class.

Nothing is copied or converted, so ``${inputs.frame}`` is the same object that was passed in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from drawer_ipy.common.counted import number_of
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import ResolveError, did_you_mean
from drawer_ipy.expressions.habits import of_name
from drawer_ipy.expressions.unset import UNSET_ROOTS, unset

Scope = Mapping[str, Any]
PathReader = Callable[[Scope], Any]

_SHOWN_KEYS = 12
_ABSENT = object()


class LocalScope(dict[str, Any]):
    """The scope of a macro: its loop variable, and all names of `outer`."""

    __slots__ = ("outer",)

    def __init__(self, outer: Scope) -> None:
        super().__init__()
        self.outer: Mapping[str, Any] = outer

    def __missing__(self, name: str) -> Any:
        return self.outer[name]


def names_of(scope: Scope) -> list[str]:
    """Return every name in `scope`, loop variables first."""
    names: list[str] = []
    while isinstance(scope, LocalScope):
        names.extend(scope.keys())
        scope = scope.outer
    names.extend(scope)
    return names


@dataclass(frozen=True, slots=True)
class PathStep:
    """One member of a path: its key, its offset and end in the text, and its notation."""

    key: Any
    at: int
    end: int
    dotted: bool


class Missing(Exception):
    """A root or member does not exist. It is cheap to raise: the message is composed on demand.

    Attributes:
        container: the object that was searched; the scope itself for a root.
        key: the missing key.
        path: text of the path up to `container`; ``""`` for a root.
        at: offset of the key if it is a bare name, else ``None``.
        root: whether the key is a root.
    """

    def __init__(self, container: Any, key: Any, path: str, at: int | None, root: bool) -> None:
        super().__init__(key)
        self.container = container
        self.key = key
        self.path = path
        self.at = at
        self.root = root

    def kept_parts(self) -> int:
        """Return how many hyphen-joined parts of the name form an existing name; 0 if none do.

        If ``n`` exists, ``n-1`` was meant as a subtraction.
        """
        if self.at is None or not isinstance(self.key, str):
            return 0
        parts = self.key.split("-")
        for count in range(len(parts) - 1, 0, -1):
            name = "-".join(parts[:count])
            if self.root:
                found = name in names_of(self.container)
            else:
                found = lookup(self.container, name, True) is not _ABSENT
            if found:
                return count
        return 0

    def error(self, text: str) -> ResolveError:
        """Return the error with its message; `text` is the expression."""
        if self.root:
            known = names_of(self.container)
            hint = of_name(self.key) or did_you_mean(self.key, known)
            listed = ", ".join(map(str, known[:_SHOWN_KEYS]))
            message = f"${{{text}}}: there is no {self.key!r} here; available: {listed}"
            return ResolveError(message if known else message.split(";")[0], remediation=hint)
        problem, hint = _describe(self.container, self.key, self.path)
        return ResolveError(f"${{{text}}}: {problem}", remediation=hint)


class Resplit(Exception):
    """A hyphenated name does not exist, but its first part does: the hyphen is a minus sign."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing.key)
        self.missing = missing


def root(name: str, at: int) -> PathReader:
    """Build a program that returns the root `name`."""

    def run(scope: Scope) -> Any:
        try:
            return scope[name]
        except KeyError:
            return find_alias(scope, name, at)

    return run


def find_alias(scope: Scope, name: str, at: int) -> Any:
    """Return the root that `name` means if no root has exactly this name.

    The original engine accepts ``emit_data`` for a step ``emit-data``. This is supported if exactly one root
    differs from `name` only in that way.

    Raises:
        Missing: there is no such root, or more than one.
    """
    alias = alias_of(name, names_of(scope))
    if alias is None:
        raise Missing(scope, name, "", at, True)
    return scope[alias]


def alias_of(name: str, known: Iterable[str]) -> str | None:
    """Return the only name in `known` that equals `name` with underscores for hyphens, if there is one."""
    if "_" not in name:
        return None
    same = {k for k in known if "-" in k and k.replace("-", "_") == name.replace("-", "_")}
    return same.pop() if len(same) == 1 else None


def static_path(name: str, at: int, steps: Sequence[PathStep], text: str, start: int) -> PathReader:
    """Build a program that follows `steps` from the root `name`.

    Args:
        text: the whole compiled text, which errors quote.
        start: offset of the path in it.
    """
    keys = tuple(step.key for step in steps)

    def run(scope: Scope) -> Any:
        try:
            value = scope[name]
        except KeyError:
            value = find_alias(scope, name, at)
        for position, key in enumerate(keys):
            if type(value) is dict:
                try:
                    value = value[key]
                    continue
                except KeyError:
                    pass
            value = step_into(value, steps[position], text, start)
        return value

    return run


def step_into(value: Any, step: PathStep, text: str, start: int) -> Any:
    """Return the member of `value` that `step` names.

    Raises:
        Missing: the member does not exist.
        ResolveError: a property raised, or the key is invalid.
    """
    found = lookup(value, step.key, step.dotted)
    if found is _ABSENT:
        path = text[start : step.at].rstrip(" .[")
        raise Missing(value, step.key, path, step.at if step.dotted else None, False)
    return found


def has_member(value: Any, key: Any, dotted: bool) -> bool:
    """Whether `value` has the member `key`."""
    return lookup(value, key, dotted) is not _ABSENT


def lookup(value: Any, key: Any, dotted: bool) -> Any:
    """Return the member, or the marker for absence.

    In maps, an integer key also matches its text form and the reverse. Lists accept integers. In any other
    object, both the attribute (unless its name starts with an underscore) and the item are tried; the
    attribute is tried first if the key was written after a dot.
    """
    if isinstance(value, Mapping):
        return _entry(value, key)
    if value is None or isinstance(value, str | bytes | bytearray | bool | int | float):
        return _ABSENT
    if isinstance(value, Sequence):
        return _element(value, key)
    ways = (_attribute, _item) if dotted else (_item, _attribute)
    for way in ways:
        found = way(value, key)
        if found is not _ABSENT:
            return found
    return _ABSENT


def lookup_entry(value: Mapping[Any, Any], key: Any) -> tuple[Any, ...]:
    """Return the entry of a map as a 1-tuple, or ``()`` if it does not exist."""
    found = _entry(value, key)
    return () if found is _ABSENT else (found,)


def _entry(value: Mapping[Any, Any], key: Any) -> Any:
    if isinstance(value, defaultdict) and key not in value:
        return _ABSENT  # the look-up would add the entry
    try:
        if isinstance(key, bool):
            # True and 1 are the same key in Python but not in CEL.
            return value["true" if key else "false"]
        return value[key]
    except (KeyError, TypeError):
        pass
    if isinstance(key, int):
        other: Any = str(key)
    elif isinstance(key, float) and key.is_integer():
        other = str(int(key))
    elif isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 20:
        other = int(key)
    else:
        return _ABSENT
    try:
        return value[other]
    except KeyError:
        return _ABSENT


def _element(value: Sequence[Any], key: Any) -> Any:
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    if isinstance(key, bool) or not hasattr(key, "__index__"):
        # A named tuple, or a sequence class with its own properties.
        return _attribute(value, key) if type(value) not in (list, tuple) else _ABSENT
    if key < 0:
        return _ABSENT
    try:
        return value[key]
    except IndexError:
        return _ABSENT


def _attribute(value: Any, key: Any) -> Any:
    if not isinstance(key, str) or key.startswith("_"):
        return _ABSENT
    try:
        return getattr(value, key)
    except AttributeError:
        return _ABSENT
    except BaseException as error:
        pass_on_interrupt(error)
        raise ResolveError(
            f"reading .{key} of a {type(value).__name__} raised {type(error).__name__}"
        ) from error


def _item(value: Any, key: Any) -> Any:
    if not hasattr(type(value), "__getitem__"):
        return _ABSENT
    try:
        return value[key]
    except BaseException as error:
        pass_on_interrupt(error)
        # The exception for a missing key differs between classes.
        return _ABSENT


def _describe(container: Any, key: Any, path: str) -> tuple[str, str]:
    """Return why `container` has no `key`, and how to fix it."""
    where = path or "this value"
    if isinstance(container, Mapping):
        known = [str(k) for k in islice(container, 1000)]
        if path in UNSET_ROOTS:
            return unset(path, str(key), known)
        hint = did_you_mean(str(key), known)
        if not known:
            return f"{where} has no {key!r}; it is empty", hint
        more = ", ..." if len(container) > _SHOWN_KEYS else ""
        return f"{where} has no {key!r}; it has {', '.join(known[:_SHOWN_KEYS])}{more}", hint
    if container is None:
        return f"{where} is null, so it has no {key!r}", f"to allow null, write {where} ?? 'default'"
    if isinstance(container, str | bytes | bytearray | bool | int | float):
        return f"{where} is {type_word(container)}, so it has no {key!r}", ""
    if isinstance(container, Sequence):
        return _describe_list(container, key, where)
    known = [name for name in dir(type(container)) if not name.startswith("_")]
    known += [name for name in getattr(container, "__dict__", ()) if not name.startswith("_")]
    hint = did_you_mean(str(key), known)
    return f"{where} is a {type(container).__name__}, which has no {key!r}", hint


def _describe_list(container: Sequence[Any], key: Any, where: str) -> tuple[str, str]:
    size = len(container)
    counted = number_of(size, "entry")
    if isinstance(key, int | float) and not isinstance(key, bool):
        if key < 0:
            return f"{where} is a list, so its index must not be negative: {key}", (
                f"for the last entry, write {where}[size({where}) - 1]"
            )
        return f"{where} has {counted}, so it has no [{key}]; the first is [0]", ""
    hint = f"write {where}[0].{key} for one entry, or {where}.map(x, x.{key}) for all"
    return f"{where} is a list of {counted}, so it has no {key!r}", hint


def collect_hint(value: Any) -> str:
    """Return how to make a list of an iterator; ``""`` for any other value."""
    if hasattr(value, "__anext__"):
        return "collect it first: [x async for x in items]"
    return "collect it first: list(items)" if hasattr(value, "__next__") else ""


def type_word(value: Any) -> str:
    """Return the type of `value` in plain words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, bytes | bytearray):
        return "bytes"
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, Sequence):
        return "a list"
    return f"a {type(value).__name__}"
