"""Parses the text of a page into a tree of elements, with notes on lost content."""

from __future__ import annotations

import html
import re
from typing import Any, NamedTuple

from drawer_ipy.common.notes import Note
from drawer_ipy.scrape.namespaces import PageNames

_BAD_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)")
_REFERENCE = re.compile(
    r"(<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|&(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)"
    r"|&([A-Za-z][A-Za-z0-9]*;)?",
    re.DOTALL,
)
_DECLARES = "<!ENTITY"
_TOO_DEEP = ("Excessive depth", "xmlSAX2Characters", "XML_PARSE_HUGE", "Excessive node")


class Parsed(NamedTuple):
    """A page as a tree.

    Attributes:
        root: its root element.
        names: the meaning of names on it.
        notes: notes on lost content.
    """

    root: Any
    names: PageNames
    notes: tuple[Note, ...] = ()


def parsed(text: str, *, xml: bool) -> Parsed:
    """Return the tree of a page; an empty page has an empty tree."""
    import parsel  # noqa: F401  # registers parsel's functions for XPath
    from lxml import etree

    if xml:
        text = _mended(text)
    # Halves of surrogate pairs cannot be encoded for the parser.
    body = text.strip("\ufeff \t\r\n\f").replace("\0", "").encode("utf-8", "replace")
    parser = _parser(text, xml=xml)
    root = None
    if body:
        try:
            root = etree.fromstring(body, parser)
        except etree.XMLSyntaxError:
            root = None
    notes = tuple(_notes(parser, xml=xml))
    if root is None:
        root = etree.fromstring(b"<html/>")
    return Parsed(root, _names(root) if xml else PageNames(), notes)


def _parser(text: str, *, xml: bool) -> Any:
    """Return a parser that recovers from errors, never uses the network and limits entity expansion."""
    from lxml import etree

    if not xml:
        return etree.HTMLParser(recover=True, encoding="utf-8", huge_tree=True, no_network=True)
    declares = _DECLARES in text
    # Without a limit, a page that declares entities could expand to gigabytes.
    resolve: Any = "internal" if declares and etree.LXML_VERSION >= (5,) else False
    return etree.XMLParser(
        recover=True, encoding="utf-8", huge_tree=not declares, resolve_entities=resolve, no_network=True
    )


def _mended(text: str) -> str:
    """Replace HTML's named characters, which XML does not define, in `text`, and escape single ``&``.

    The parser would drop them.
    """
    if _DECLARES in text or _BAD_REFERENCE.search(text) is None:
        return text
    return _REFERENCE.sub(lambda found: found[1] or _character(found[2] or ""), text)


def _character(name: str) -> str:
    letter = html.unescape(f"&{name}") if name else "&"
    return f"&amp;{name}" if letter.startswith("&") else letter


def _notes(parser: Any, *, xml: bool) -> list[Note]:
    """Return notes on content that a parser dropped."""
    for error in parser.error_log:
        if any(word in error.message for word in _TOO_DEEP):
            text = f"elements are nested too deeply from line {error.line} on, and their content is missing"
            return [Note(text, "too deep")]
        if xml and error.level_name == "FATAL":
            text = f"the XML is broken in line {error.line} ({error.message}); something may be missing"
            return [Note(text, "broken XML")]
    return []


def _names(root: Any) -> PageNames:
    """Return the names declared anywhere in the tree of `root`."""
    from lxml import etree

    default, prefixes = False, dict[str, tuple[str, ...]]()
    for _, (prefix, uri) in etree.iterwalk(root, events=("start-ns",)):
        if not prefix:
            default = default or bool(uri)
        elif uri not in prefixes.get(prefix, ()):
            prefixes[prefix] = (*prefixes.get(prefix, ()), uri)
    return PageNames(True, default, prefixes)
