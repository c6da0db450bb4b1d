"""Names in XPath expressions, and their meaning on a page: elements with and without a prefix.

In XPath 1.0, a name without a prefix means a name without a namespace, so ``entry`` would find nothing in a
feed with Atom as its default namespace, and prefixes are those of the caller. Here, a name without a prefix
matches elements that have no prefix on the page, and a prefix is that of the page unless the definition
declares it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

ANY = "_any_namespace_"
"""The prefix that represents ``*|name`` of CSS in XPath."""

_NAME = r"[^\W\d][\w.\-\u00b7]*"
_TOKEN = re.compile(
    rf"""(?P<space>\s+)|(?P<text>"[^"]*"|'[^']*')|(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<variable>\${_NAME}(?::{_NAME})?)
    |(?P<test>(?:{_NAME}|\*):(?:{_NAME}|\*)(?!:)|{_NAME}|\*)|(?P<sign>::|//|\.\.|!=|<=|>=|.)""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = frozenset({"and", "or", "div", "mod", "*"})
_BEFORE_OPERAND = frozenset(
    {"@", "::", "(", "[", ",", "/", "//", "|", "+", "-", "=", "!=", "<", "<=", ">", ">="}
)


class UnknownPrefix(Exception):
    """A prefix is not declared.

    Attributes:
        prefix: the prefix.
    """

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.prefix = prefix


@dataclass(frozen=True, slots=True)
class PageNames:
    """The meaning of the names on a page.

    Attributes:
        xml: whether it is XML; HTML has no namespaces, and a prefix is part of the name there.
        default: whether any element declares a namespace for names without a prefix.
        prefixes: for each prefix, the namespaces that it has anywhere on the page.
    """

    xml: bool = False
    default: bool = False
    prefixes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resolved:
    """An expression that can be evaluated on a page.

    Attributes:
        text: the expression.
        namespaces: the namespaces of its prefixes.
    """

    text: str
    namespaces: Mapping[str, str]


def prefixes_in(expression: str) -> tuple[str, ...]:
    """Return the prefixes of element and attribute names in `expression`, without duplicates."""
    found = (
        text.partition(":")[0] for kind, text, _ in _tokens(expression) if kind == "test" and ":" in text
    )
    return tuple(dict.fromkeys(prefix for prefix in found if prefix not in ("*", ANY)))


def resolve(expression: str, names: PageNames, declared: Mapping[str, str]) -> Resolved:
    """Translate `expression` for a page with the names `names`.

    Args:
        declared: the namespaces of prefixes that the definition declares; they override the page's.

    Raises:
        UnknownPrefix: one of its prefixes is not declared.
    """
    out, spaces = [], dict[str, str]()
    for kind, text, attribute in _tokens(expression):
        if kind != "test":
            out.append(text)
        elif ":" in text:
            out.append(_prefixed(text, names, declared, spaces))
        elif names.default and not attribute and text != "*":
            out.append(f"*[name()={_quoted(text)}]")
        else:
            out.append(text)
    return Resolved("".join(out), spaces)


def _prefixed(text: str, names: PageNames, declared: Mapping[str, str], spaces: dict[str, str]) -> str:
    prefix, _, local = text.partition(":")
    if prefix in ("*", ANY):
        return f"*[local-name()={_quoted(local)}]" if local != "*" else "*"
    if not names.xml:
        return (
            f"*[name()={_quoted(text)}]"
            if local != "*"
            else f"*[starts-with(name(), {_quoted(prefix + ':')})]"
        )
    if prefix == "xml":
        return text
    uris = (declared[prefix],) if prefix in declared else names.prefixes.get(prefix, ())
    if not uris:
        raise UnknownPrefix(prefix)
    if len(uris) == 1:
        # Use a separate prefix, so that it cannot hide a prefix of functions.
        ours = next((name for name, uri in spaces.items() if uri == uris[0]), f"ns{len(spaces)}")
        spaces[ours] = uris[0]
        return f"{ours}:{local}"
    either = " or ".join(f"namespace-uri()={_quoted(uri)}" for uri in uris)
    return f"*[{either}]" if local == "*" else f"*[local-name()={_quoted(local)} and ({either})]"


def _quoted(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    return f'"{text}"' if '"' not in text else "''"


def _tokens(expression: str) -> list[tuple[str, str, bool]]:
    """Split `expression` into pieces: the kind of each, ``test`` for names of elements or attributes, its
    text, and whether it is in the position of an attribute.
    """
    pieces = [(str(found.lastgroup), found[0]) for found in _TOKEN.finditer(expression)]
    out: list[tuple[str, str, bool]] = []
    before, axis = "", ""
    for number, (kind, text) in enumerate(pieces):
        if kind == "space":
            out.append((kind, text, False))
            continue
        words = kind
        if kind == "test":
            after = next((follows for word, follows in pieces[number + 1 :] if word != "space"), "")
            operand = not before or before in _BEFORE_OPERAND or before == "operator"
            if not operand and text in _OPERATORS:
                words = "operator"
            elif after == "(" or (after == "::" and ":" not in text):
                words, axis = "word", text
        attribute = before == "@" or (before == "::" and axis in ("attribute", "namespace"))
        out.append((words, text, attribute))
        before = "operator" if words == "operator" else text
    return out
