"""Templates: strings with references, and structures of such strings.

``${EXPR}`` is an expression, ``$ENV{NAME}`` an environment variable and ``$${`` a literal ``${``; all other
text is literal.
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
    """A value that may contain references.

    Attributes:
        is_constant: whether it has no references, so that :meth:`resolve` needs no scope.
        is_whole: whether it is a single string with exactly one reference, so that the value keeps its type.
        references: the paths it reads, in the order of the text; hyphenated names are not split.
    """

    __slots__ = ()

    is_constant: bool = False
    is_whole: bool = False

    @abstractmethod
    def resolve(self, scope: Scope) -> Any:
        """Return the value with every reference replaced by its value in `scope`.

        Raises:
            ResolveError: a reference has no value.
        """

    @abstractmethod
    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:
        """Return the references; ``exists(path)`` distinguishes names with a hyphen from subtractions."""

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.references_given(None)


class Constant(Template):
    """A value without references; it resolves to itself."""

    __slots__ = ("value",)
    is_constant = True

    def __init__(self, value: Any) -> None:
        self.value: Any = value

    def resolve(self, scope: Scope) -> Any:  # noqa: ARG002 - as Template
        return self.value

    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:  # noqa: ARG002 - as Template
        return ()


class Whole(Template):
    """A single expression, whose value keeps its type and identity."""

    __slots__ = ("_run", "_source", "program")
    is_whole = True

    def __init__(self, program: Program, source: str) -> None:
        self.program: Program = program
        self._source = source
        self._run = program.execute

    def resolve(self, scope: Scope) -> Any:
        # Not program.run(): one call less matters if a reference is resolved a million times.
        try:
            return self._run(scope)
        except BaseException as error:
            pass_on_interrupt(error)
            caught = error
        return self.program.recover(scope, caught)

    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:
        return find(self.program, self._source, exists)


class EnvReference(Template):
    """``$ENV{NAME}``: an environment variable; empty if it is not set."""

    __slots__ = ("_reference", "name")
    is_whole = True

    def __init__(self, name: str, offset: int) -> None:
        self.name: str = name
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
    """Text with references, each of which is converted to text."""

    __slots__ = ("parts",)

    def __init__(self, parts: list[str | Template]) -> None:
        self.parts: tuple[str | Template, ...] = tuple(parts)

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
        message = f"a {kind} cannot be converted to text: {type(error).__name__} was raised"
        raise ResolveError(message) from error


class MapTemplate(Template):
    """A map whose values may contain references; its keys cannot."""

    __slots__ = ("entries",)

    def __init__(self, entries: dict[Any, Template]) -> None:
        self.entries: dict[Any, Template] = entries

    def resolve(self, scope: Scope) -> dict[Any, Any]:
        resolved = {}
        for key, value in self.entries.items():  # in Python 3.11 a comprehension takes twice as long
            resolved[key] = value.resolve(scope)
        return resolved

    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:
        return tuple(r for value in self.entries.values() for r in value.references_given(exists))


class ListTemplate(Template):
    """A list or tuple whose entries may contain references."""

    __slots__ = ("items", "kind")

    def __init__(self, items: list[Template], kind: type[list[Any]] | type[tuple[Any, ...]]) -> None:
        self.items: list[Template] = items
        self.kind: type[list[Any]] | type[tuple[Any, ...]] = kind

    def resolve(self, scope: Scope) -> Any:
        values = [item.resolve(scope) for item in self.items]
        return values if self.kind is list else tuple(values)

    def references_given(self, exists: Exists | None) -> tuple[Reference, ...]:
        return tuple(r for item in self.items for r in item.references_given(exists))


def compile_value(value: Any) -> Template:
    """Compile `value` into a template: a string, or maps and lists of strings at any depth.

    Keys, and values that are not a str, dict, list or tuple, are left unchanged. A part without references
    resolves to the same object, without a copy.

    Raises:
        ResolveError: a string has invalid syntax; the offset counts from the start of that string.
    """
    if isinstance(value, str):
        template = compile_template(value)
        # Compiled templates are shared between equal strings, but this string may be of a subclass.
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
    """Whether a constant differs from its source because of a ``$${``."""
    return isinstance(template, Constant) and template.value is not value


@lru_cache(maxsize=_CACHED)
def compile_template(text: str) -> Template:
    """Compile one string into a template. The result is shared between callers and must not be changed.

    Raises:
        ResolveError: an expression has invalid syntax or is not closed; the error has the offset.
    """
    return _compile(text, 0, len(text))


@lru_cache(maxsize=_CACHED)
def compile_expression(text: str) -> Template:
    """Compile a field that is an expression: ``over``, ``when``, ``from``, ``pluck``.

    The ``${}`` around it is optional, and blanks at either end are ignored.

    Raises:
        ResolveError: the expression is empty or has invalid syntax; the error has the offset.
    """
    start = len(text) - len(text.lstrip())
    if text.startswith("${", start):
        return _compile(text, start, len(text.rstrip()))
    return Whole(Program(text, start, embedded=False), text)


def _compile(text: str, start: int, stop: int) -> Template:
    """Compile ``text[start:stop]``; offsets count from the beginning of `text`."""
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
            f"{source[start:]!r} is not the name of an environment variable",
            remediation="use letters, digits and _ in the name, and no digit at the start",
            offset=start,
        )
    joined = "".join(part for part in kept if isinstance(part, str))
    unchanged = joined == source and start == 0
    return Constant(source if unchanged else joined)
