"""Values of a request that its caller decides: query parameters, fields of forms, files, credentials.

A text may hold places (``{{arg}}``) and, where the owner allows it, references: ``${arg}`` is the argument,
``${batteries.NAME}`` and ``${env.NAME}`` are what a header may refer to as well.
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
    """One value, or one text with places and references in it.

    What is one place or one reference from start to end keeps the value it stands for, ``None`` where there
    is none; in a longer text a value is spliced as text, and one that is missing is an error.

    Args:
        given: the value as it was written.
        references: whether ``${...}`` is read; otherwise it stands for itself.

    Attributes:
        names: the arguments it refers to.
        secret: whether it refers to batteries or the environment, which are known only when it is sent.
    """

    __slots__ = ("_pieces", "_places", "_value", "_whole", "names", "secret")

    def __init__(self, given: Any, *, references: bool = True) -> None:
        self._value = given
        self._pieces: list[Any] = []
        self._places: list[str] = []
        names: dict[str, None] = {}
        self.secret = False
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
        self.names = tuple(names)

    def value(self, values: Values, scope: Scope | None = None) -> Any:
        """What it stands for.

        Args:
            values: the arguments.
            scope: what ``batteries`` and ``env`` are; the environment alone when not given.

        Raises:
            ResolveError: a battery or variable is missing.
            ArgumentError: an argument within a longer text is missing, or is nothing that a text could hold.
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
                    f"the argument {name!r} was not given, and {shorten(self._value)} needs it",
                    code=Code.MISSING_ARG,
                )
            out += [to_text(value, name), self._text(piece, known)]
        return "".join(out)

    def _resolved(self, piece: Any, known: Scope) -> Any:
        return piece if isinstance(piece, str) else piece.resolve(known)

    def _text(self, piece: Any, known: Scope) -> str:
        found = self._resolved(piece, known)
        if found is None:
            raise ResolveError(f"{shorten(self._value)} refers to what has no value")
        return to_text(found)

    def text(self, values: Values, scope: Scope | None, what: str) -> str:
        """Its value as text; `what` names it in messages.

        Raises:
            ArgumentError: it is nothing, or no text.
        """
        value = self.value(values, scope)
        if value is None:
            raise ArgumentError(f"{what} has no value", code=Code.MISSING_ARG)
        return to_text(value, what)


class Pairs:
    """Names with values, in order: of a query or a form. Lists repeat the name, null leaves it out.

    Args:
        given: a mapping; or a list whose entries are pairs or mappings.
        what: what a name is called in messages, ``query parameter``.
        references: as of :class:`FieldTemplate`.

    Attributes:
        names: the arguments referred to.
        secret: whether any value refers to batteries or the environment.
    """

    def __init__(self, given: Any, what: str, *, references: bool = True) -> None:
        self._what = what
        self._entries = [
            (name, [FieldTemplate(one, references=references) for one in _several(value)])
            for name, value in entries(given)
        ]
        templates = [template for _, several in self._entries for template in several]
        self.names = tuple(dict.fromkeys(name for template in templates for name in template.names))
        self.secret = any(template.secret for template in templates)

    def fill(
        self, values: Values, scope: Scope | None = None, *, only_secret: bool = False
    ) -> list[tuple[str, str | bytes]]:
        """The pairs for these arguments.

        Args:
            scope: see :meth:`FieldTemplate.value`.
            only_secret: leave out those that refer to neither batteries nor the environment.

        Raises:
            ArgumentError: a value is a mapping, or nothing that can be sent.
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
        """The texts that `value` comes to under `name`: none for null, several for a list."""
        return flat(name, value, self._what)


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


def entries(given: Any) -> list[tuple[str, Any]]:
    """The names and values of a mapping, or of a list of pairs and mappings.

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
    raise ArgumentError(f"{shorten(given)} is not a mapping of names to values, and no list of pairs")


def flat(name: str, value: Any, what: str) -> Iterable[str | bytes]:
    """The texts that `value` comes to under `name`: none for null, several for a list.

    Raises:
        ArgumentError: it is a mapping, or nothing that can be sent; `what` is what `name` is called.
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
                f"the {what} {name!r} is a mapping, {shorten(value)}: there is no form for that",
                remediation=f"give its parts names of their own, such as {name}[key], or write it as JSON",
            )
        if isinstance(plain, list):
            yield from flat(name, plain, what)
        else:
            yield to_text(plain, name)


def encoded(pairs: Iterable[tuple[str, str | bytes]], charset: str = "utf-8") -> str:
    """`pairs` as they stand in a query or a form.

    Raises:
        ArgumentError: a value has a character that `charset` has not.
    """
    out = []
    for name, value in pairs:
        try:
            text = quote_plus(value) if isinstance(value, bytes) else quote_plus(value, encoding=charset)
            out.append(f"{quote_plus(name, encoding=charset)}={text}")
        except UnicodeEncodeError as error:
            raise unsendable(
                value, name, f"holds {error.object[error.start]!r}, which {charset} has no bytes for"
            ) from None
    return "&".join(out)
