"""Strings with references in them, and whole structures of such strings.

``${EXPR}`` is an expression, ``$ENV{NAME}`` a variable of the environment, ``$${`` a literal ``${``;
all other text stands for itself.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions.paths import Scope
from drawer_ipy.expressions.program import Program
from drawer_ipy.expressions.references import Exists, Reference, find
from drawer_ipy.expressions.text import to_text

_MARK = re.compile(r"\$\$\{|\$\{|\$ENV\{([A-Za-z_]\w*)\}", re.ASCII)
_BAD_ENV = re.compile(r"\$ENV\{[^{}]*\}")
_CACHED = 4096


class Template(ABC):
    """A value that may hold references.

    Attributes:
        is_constant: it holds none, so :meth:`resolve` needs no scope.
        is_whole: it is one string and that is exactly one reference, so the value's type is kept.
        references: the paths it reads, in the order of the text; hyphenated names taken whole.
    """

    __slots__ = ()

    is_constant: bool = False
    is_whole: bool = False

    @abstractmethod
    def resolve(self, scope: Scope) -> Any:
        """The value, with every reference replaced by what it names in `scope`.

        Raises:
            ResolveError: a reference has no value.
        """

    @abstractmethod
    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:
        """The references, where ``exists(path)`` tells names with a hyphen from subtractions."""

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.references_given(None)


class Constant(Template):
    """A value without references; it resolves to itself."""

    __slots__ = ("value",)
    is_constant = True

    def __init__(self, value: Any) -> None:
        self.value = value

    def resolve(self, scope: Scope) -> Any:  # noqa: ARG002 - as Template
        return self.value

    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:  # noqa: ARG002 - as Template
        return ()


class Whole(Template):
    """One expression, whose value keeps its type and identity."""

    __slots__ = ("_run", "_source", "program")
    is_whole = True

    def __init__(self, program: Program, source: str) -> None:
        self.program = program
        self._source = source
        self._run = program.execute

    def resolve(self, scope: Scope) -> Any:
        # Not program.run(): a call less counts where a reference is resolved a million times.
        try:
            return self._run(scope)
        except BaseException as error:
            pass_on_interrupt(error)
            caught = error
        return self.program.recover(scope, caught)

    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:
        return find(self.program, self._source, exists)


class EnvReference(Template):
    """``$ENV{NAME}``: a variable of the environment, empty when it is not set."""

    __slots__ = ("_reference", "name")
    is_whole = True

    def __init__(self, name: str, offset: int) -> None:
        self.name = name
        text = f"$ENV{{{name}}}"
        self._reference = Reference("env", (name,), offset, text, True, True)

    def resolve(self, scope: Scope) -> Any:
        try:
            value = scope["env"][self.name]
        except (KeyError, TypeError):
            return ""
        return "" if value is None else value

    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:  # noqa: ARG002 - as Template
        return (self._reference,)


class Spliced(Template):
    """Text with references in it; each is turned to text."""

    __slots__ = ("parts",)

    def __init__(self, parts: list[str | Template]) -> None:
        self.parts = tuple(parts)

    def resolve(self, scope: Scope) -> str:
        return "".join(
            [
                part if type(part) is str else _text_of(part.resolve(scope))  # type: ignore[union-attr]
                for part in self.parts
            ]
        )

    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:
        templates = [part for part in self.parts if isinstance(part, Template)]
        return tuple(ref for part in templates for ref in part.references_given(exists))


def _text_of(value: Any) -> str:
    try:
        return to_text(value)
    except ResolveError:
        raise
    except BaseException as error:
        pass_on_interrupt(error)
        kind = type(value).__name__
        message = f"a {kind} cannot be written as text: {type(error).__name__} was raised"
        raise ResolveError(message) from error


class MapTemplate(Template):
    """A map whose values may hold references; its keys never do."""

    __slots__ = ("entries",)

    def __init__(self, entries: dict[Any, Template]) -> None:
        self.entries = entries

    def resolve(self, scope: Scope) -> dict[Any, Any]:
        return {key: value.resolve(scope) for key, value in self.entries.items()}

    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:
        return tuple(r for value in self.entries.values() for r in value.references_given(exists))


class ListTemplate(Template):
    """A list or tuple whose entries may hold references."""

    __slots__ = ("items", "kind")

    def __init__(self, items: list[Template], kind: type[list[Any]] | type[tuple[Any, ...]]) -> None:
        self.items = items
        self.kind = kind

    def resolve(self, scope: Scope) -> Any:
        values = [item.resolve(scope) for item in self.items]
        return values if self.kind is list else tuple(values)

    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:
        return tuple(r for item in self.items for r in item.references_given(exists))


def compile_value(value: Any) -> Template:
    """A template of `value`: a string, or maps and lists of strings however deep.

    Keys are left alone, and so is everything that is not a str, dict, list or tuple. A part without
    references resolves to the very object given, uncopied.

    Raises:
        ResolveError: a string in it has bad syntax; the offset counts within that string.
    """
    if isinstance(value, str):
        template = compile_template(value)
        # The compiled ones are shared between equal strings; this very string may be of a class of its own.
        unchanged = isinstance(template, Constant) and template.value == value
        return Constant(value) if unchanged else template
    if isinstance(value, dict):
        entries = {key: compile_value(entry) for key, entry in value.items()}
        if all(entry.is_constant and not _unescaped(entry, value[k]) for k, entry in entries.items()):
            return Constant(value)
        return MapTemplate(entries)
    if isinstance(value, list) or type(value) is tuple:
        items = [compile_value(entry) for entry in value]
        if all(
            item.is_constant and not _unescaped(item, entry) for item, entry in zip(items, value, strict=True)
        ):
            return Constant(value)
        return ListTemplate(items, list if isinstance(value, list) else tuple)
    return Constant(value)


def _unescaped(template: Template, value: Any) -> bool:
    """Whether a constant differs from what it was made of, by a ``$${``."""
    return isinstance(template, Constant) and template.value is not value


@lru_cache(maxsize=_CACHED)
def compile_template(text: str) -> Template:
    """A template of one string. The result is shared between callers and must not be changed.

    Raises:
        ResolveError: an expression has bad syntax or is not closed; the offset says where.
    """
    return _compile(text, 0, len(text))


@lru_cache(maxsize=_CACHED)
def compile_expression(text: str) -> Template:
    """A template of a field that holds an expression: ``over``, ``when``, ``from``, ``pluck``.

    The ``${}`` around it may be left out, and blanks at either end do not matter.

    Raises:
        ResolveError: the expression is empty or has bad syntax; the offset says where.
    """
    start = len(text) - len(text.lstrip())
    if text.startswith("${", start):
        return _compile(text, start, len(text.rstrip()))
    return Whole(Program(text, start, embedded=False), text)


def _compile(text: str, start: int, stop: int) -> Template:
    """The template of ``text[start:stop]``; offsets count from the beginning of `text`."""
    parts: list[str | Template] = []
    pos = start
    source = text if stop == len(text) else text[:stop]
    while mark := _MARK.search(source, pos):
        parts.append(source[pos : mark.start()])
        pos = mark.end()
        if mark.group() == "$${":
            parts.append("${")
        elif mark.group(1) is not None:
            parts.append(EnvReference(mark.group(1), mark.start()))
        else:
            program = Program(source, pos, embedded=True)
            parts.append(Whole(program, source))
            pos = program.end
    parts.append(source[pos:])
    return _joined(parts, source, start)


def _joined(parts: list[str | Template], source: str, start: int) -> Template:
    kept = [part for part in parts if part != ""]
    if len(kept) == 1 and isinstance(kept[0], Template):
        return kept[0]
    if any(isinstance(part, Template) for part in kept):
        return Spliced(kept)
    if _BAD_ENV.fullmatch(source, start):
        raise ResolveError(
            f"{source[start:]!r} names no variable of the environment",
            remediation="a name is letters, digits and _, and does not begin with a digit",
            offset=start,
        )
    joined = "".join(part for part in kept if isinstance(part, str))
    unchanged = joined == source and start == 0
    return Constant(source if unchanged else joined)
