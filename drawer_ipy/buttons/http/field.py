"""Values that a request gets from its caller: query parameters, form fields, files, credentials.

A text may contain placeholders (``{{arg}}``) and, if the owner allows it, references: ``${arg}`` is the
argument, and ``${batteries.NAME}`` and ``${env.NAME}`` work as in a header.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any
from urllib.parse import quote_plus

from drawer_ipy.buttons.arguments import Bytes, shorten, to_json, to_text, unsendable
from drawer_ipy.definition.own_texts import PLACE, SECRET_ROOTS
from drawer_ipy.errors import ArgumentError, Code, ResolveError
from drawer_ipy.expressions import compile_value

Values = Mapping[str, Any]
Scope = Mapping[str, Any]


class FieldTemplate:
    """One value, or one text with placeholders and references in it.

    A text that consists of a single placeholder or reference keeps the type of its value, ``None`` if there
    is none. In a longer text, values are inserted as text, and a missing one is an error.

    Args:
        given: the value as written.
        references: whether ``${...}`` is a reference; otherwise it is plain text.

    Attributes:
        names: the arguments that it refers to.
        secret: whether it refers to batteries or the environment, which are known only when it is sent.
    """

    __slots__ = ("_pieces", "_places", "_value", "_whole", "names", "secret")

    def __init__(self, given: Any, *, references: bool = True) -> None:
        self._value = given
        self._pieces: list[Any] = []
        self._places: list[str] = []
        names: dict[str, None] = {}
        self.secret: bool = False
        self._whole = isinstance(given, str) and PLACE.fullmatch(given) is not None
        if isinstance(given, str):
            split = PLACE.split(given)
            self._places = split[1::2]
            names.update(dict.fromkeys(self._places))
            self._pieces = [compile_value(piece) if references else piece for piece in split[::2]]
            for piece in self._pieces if references else ():
                roots = [ref.root for ref in piece.references]
                names.update((root, None) for root in roots if root not in SECRET_ROOTS)
                self.secret = self.secret or any(root in SECRET_ROOTS for root in roots)
        self.names: tuple[str, ...] = tuple(names)

    def value(self, values: Values, scope: Scope | None = None) -> Any:
        """Return the filled-in value.

        Args:
            values: the arguments.
            scope: the values of ``batteries`` and ``env``; by default only the environment.

        Raises:
            ResolveError: a battery or variable is missing.
            ArgumentError: an argument within a longer text is missing, or cannot be converted to text.
        """
        if not self._pieces:
            return self._value
        if self._whole:
            return values.get(self._places[0])
        known: dict[str, Any] = dict.fromkeys(self.names)
        known |= {"env": os.environ} if scope is None else dict(scope)
        known |= {name: value for name, value in values.items() if name not in SECRET_ROOTS}
        if not self._places:
            return self._resolved(self._pieces[0], known)
        out = [self._text(self._pieces[0], known)]
        for name, piece in zip(self._places, self._pieces[1:], strict=True):
            value = values.get(name)
            if value is None:
                raise ArgumentError(
                    f"missing argument {name!r}, which {shorten(self._value)} needs",
                    code=Code.MISSING_ARG,
                )
            out += [to_text(value, name), self._text(piece, known)]
        return "".join(out)

    def _resolved(self, piece: Any, known: Scope) -> Any:
        return piece if isinstance(piece, str) else piece.resolve(known)

    def _text(self, piece: Any, known: Scope) -> str:
        found = self._resolved(piece, known)
        if found is None:
            raise ResolveError(f"a reference in {shorten(self._value)} has no value")
        return to_text(found)

    def text(self, values: Values, scope: Scope | None, what: str) -> str:
        """Return the value as text; `what` names it in messages.

        Raises:
            ArgumentError: it is missing or cannot be converted to text.
        """
        value = self.value(values, scope)
        if value is None:
            raise ArgumentError(f"{what} has no value", code=Code.MISSING_ARG)
        return to_text(value, what)


class Pairs:
    """Names with values, in order, for a query or a form. A list repeats the name, null omits it.

    Args:
        given: a mapping; or a list whose entries are pairs or mappings.
        what: the word for a name in messages, ``query parameter``.
        references: see :class:`FieldTemplate`.

    Attributes:
        names: the arguments that the values refer to.
        secret: whether any value refers to batteries or the environment.
    """

    def __init__(self, given: Any, what: str, *, references: bool = True) -> None:
        self._what = what
        self._entries = [
            (name, [FieldTemplate(one, references=references) for one in _several(value)])
            for name, value in entries(given)
        ]
        templates = [template for _, several in self._entries for template in several]
        self.names: tuple[str, ...] = tuple(
            dict.fromkeys(name for template in templates for name in template.names)
        )
        self.secret: bool = any(template.secret for template in templates)

    def fill(
        self, values: Values, scope: Scope | None = None, *, only_secret: bool = False
    ) -> list[tuple[str, str | bytes]]:
        """Return the pairs for these arguments.

        Args:
            scope: see :meth:`FieldTemplate.value`.
            only_secret: omit pairs that refer to neither batteries nor the environment.

        Raises:
            ArgumentError: a value is a mapping, or cannot be sent.
            ResolveError: a battery or variable is missing.
        """
        return [
            (name, one)
            for name, several in self._entries
            for template in several
            if template.secret or not only_secret
            for one in self.flat(name, template.value(values, scope))
        ]

    def flat(self, name: str, value: Any) -> Iterable[str | bytes]:
        """Return the texts to send for `value` under `name`: none for null, several for a list."""
        return flat(name, value, self._what)


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


def entries(given: Any) -> list[tuple[str, Any]]:
    """Return the names and values of a mapping, or of a list of pairs and mappings.

    Raises:
        ArgumentError: it is neither.
    """
    if isinstance(given, Mapping):
        return [(to_text(name), value) for name, value in given.items()]
    if isinstance(given, Sequence) and not isinstance(given, str | Bytes):
        found: list[tuple[str, Any]] = []
        for one in given:
            if isinstance(one, Mapping):
                found += entries(one)
            elif isinstance(one, list | tuple) and len(one) == 2 and isinstance(one[0], str):
                found.append((one[0], one[1]))
            else:
                raise ArgumentError(f"{shorten(one)} is not a pair of a name and a value")
        return found
    raise ArgumentError(f"{shorten(given)} is neither a mapping of names to values nor a list of pairs")


def flat(name: str, value: Any, what: str) -> Iterable[str | bytes]:
    """Return the texts to send for `value` under `name`: none for null, several for a list.

    Raises:
        ArgumentError: it is a mapping, or cannot be sent; `what` is the word for `name` in the message.
    """
    if value is None:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Bytes):
        yield bytes(value)
    elif isinstance(value, Set | Sequence):
        for one in value:
            yield from flat(name, one, what)
    else:
        plain = to_json(value, name)
        if isinstance(plain, dict):
            raise ArgumentError(
                f"the {what} {name!r} is a mapping, which cannot be sent: {shorten(value)}",
                remediation=f"give its parts their own names, such as {name}[key], or write it as JSON",
            )
        if isinstance(plain, list):
            yield from flat(name, plain, what)
        else:
            yield to_text(plain, name)


def encoded(pairs: Iterable[tuple[str, str | bytes]], charset: str = "utf-8") -> str:
    """Return `pairs` encoded as in a query or a form.

    Raises:
        ArgumentError: a value contains a character that `charset` cannot encode.
    """
    out = []
    for name, value in pairs:
        try:
            text = quote_plus(value) if isinstance(value, bytes) else quote_plus(value, encoding=charset)
            out.append(f"{quote_plus(name, encoding=charset)}={text}")
        except UnicodeEncodeError as error:
            raise unsendable(
                value, name, f"contains {error.object[error.start]!r}, which {charset} cannot encode"
            ) from None
    return "&".join(out)
