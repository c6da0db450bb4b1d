"""Takes from a page what an extraction asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.notes import Note
from drawer_ipy.scrape.addresses import joined
from drawer_ipy.scrape.numbers import to_float, to_int
from drawer_ipy.scrape.spec import Extraction, Field

_INLINE = frozenset(
    ("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
     "i", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
     "time", "tt", "u", "var", "wbr")
)  # fmt: skip
_UNSEEN = frozenset(("script", "style", "template"))
_MISSES_TOLD = 5


class ExtractError(Exception):
    """A page lacks something that is required, or is no page; the message says what, and where.

    Attributes:
        misses: whether it lacks something.
    """

    def __init__(self, message: str, *, misses: bool = False) -> None:
        super().__init__(message)
        self.misses = misses


@dataclass(slots=True)
class _Work:
    """One page being looked at.

    Attributes:
        base: what addresses on it are relative to.
        xml: whether it is XML.
        misses: what was required and is not there.
        notes: what a user should know of what was read.
    """

    base: str
    xml: bool
    misses: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def extract(
    extraction: Extraction, text: str, url: str, *, xml: bool = False, notes: list[Note] | None = None
) -> Any:
    """What `extraction` asks for, from a page.

    Args:
        text: the page.
        url: where it came from after redirects; addresses on it are made whole with it, and with a
            ``<base>`` of the page itself.
        xml: whether it is XML rather than HTML; namespaces are then left out of account.
        notes: takes what a user should know of what was read.

    Returns:
        A dict of its fields, or a list of such dicts where it has an ``each``.

    Raises:
        ExtractError: something required is not there.
    """
    page = _page(text, xml=xml)
    base = "" if xml else page.xpath("string(//base/@href)")
    work = _Work(joined(url, base) if base else url, xml)
    out = _group(extraction, page, work, "")
    if notes is not None:
        notes += work.notes
    if work.misses:
        told = ", ".join(work.misses[:_MISSES_TOLD])
        more = len(work.misses) - _MISSES_TOLD
        message = f"{told}{f' and {more} more' if more > 0 else ''} not found in {url or 'the page'}"
        raise ExtractError(message, misses=True)
    return out


def select(wanted: Field, text: str, url: str, *, xml: bool = False, notes: list[Note] | None = None) -> Any:
    """The value of one field by itself; arguments and errors are those of :func:`extract`."""
    return extract(Extraction({"it": wanted}), text, url, xml=xml, notes=notes)["it"]


def _page(text: str, *, xml: bool) -> Any:
    """The root element of a page."""
    from parsel import Selector

    # Halves of surrogate pairs cannot be encoded for the parser.
    clean = text.encode("utf-8", "replace").decode("utf-8")
    page = Selector(text=clean, type="xml" if xml else "html")
    if xml:
        page.remove_namespaces()
    return page.root


def _group(group: Extraction, at: Any, work: _Work, where: str) -> Any:
    if group.each is None:
        return _fields(group, at, work, where)
    elements = [one for one in _list(group.each.find(at)) if _is_element(one)]
    if not elements and group.each.required:
        work.misses.append(f"{where.rstrip('.') or 'each'} ({group.each.text})")
    prefix = where.rstrip(".")
    return [_fields(group, one, work, f"{prefix}[{i}].") for i, one in enumerate(elements)]


def _fields(group: Extraction, at: Any, work: _Work, where: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, wanted in group.fields.items():
        if isinstance(wanted, Extraction):
            out[name] = _group(wanted, at, work, f"{where}{name}.")
        else:
            out[name] = _value(wanted, at, work, f"{where}{name}")
    return out


def _value(wanted: Field, at: Any, work: _Work, where: str) -> Any:
    found = _list(wanted.find(at))
    if wanted.type == "exists":
        return bool(found)
    values = _values(wanted, found, work)
    if wanted.many:
        every = list(values)
        if wanted.required and (not every or None in every):
            work.misses.append(f"{where} ({wanted.text})")
        return every
    value = next((value for value in values if value is not None), None)
    if value is None and wanted.required:
        work.misses.append(f"{where} ({wanted.text})")
    return value


def _list(found: Any) -> list[Any]:
    """What was selected: elements and texts, or the one value that an XPath function gives."""
    return found if isinstance(found, list) else [found]


def _is_element(one: Any) -> bool:
    return hasattr(one, "iterchildren")


def _values(wanted: Field, found: list[Any], work: _Work) -> Iterator[Any]:
    """What was found, turned into what is wanted; ``None`` for what cannot be.

    White space is no value: a text node that holds nothing else is passed over.
    """
    for one in found:
        text = _text(wanted, one, work.xml)
        if text is not None:
            yield _converted(wanted, text, work)


def _text(wanted: Field, one: Any, xml: bool) -> str | None:
    """The text of an element, a text node or an attribute; ``None`` for white space between elements."""
    if _is_element(one):
        if wanted.type in ("html", "raw"):
            return _markup(one, xml)
        return "".join(one.itertext()) if wanted.type == "json" else element_text(one)
    if isinstance(one, bool):
        return "true" if one else "false"
    if isinstance(one, float):  # of count() and the like
        return f"{one:.17g}"
    if wanted.type in ("html", "raw") or (wanted.attribute and _is_address(wanted)):
        return str(one)
    text = one.strip() if wanted.type == "json" else " ".join(one.split())
    # An attribute may well be empty; text that is blank is only how the page was laid out.
    return text if text or wanted.attribute else None


def _is_address(wanted: Field) -> bool:
    return wanted.type == "url" or (wanted.link and not wanted.type)


def _markup(element: Any, xml: bool) -> str:
    from lxml import etree

    method = "xml" if xml else "html"
    return str(etree.tostring(element, method=method, encoding="unicode", with_tail=False))


def element_text(element: Any) -> str:
    """An element's text as a reader sees it: white space collapsed, blocks apart, no scripts."""
    from lxml import etree

    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        if event == "start":
            if node.tag in _UNSEEN and node is not element:
                walk.skip_subtree()
            else:
                parts.append(_gap(node))
                parts.append(node.text or "")
            continue
        if event == "end":
            parts.append(_gap(node))
        if node is not element:
            parts.append(node.tail or "")
    return " ".join("".join(parts).split())


def _gap(node: Any) -> str:
    return "" if node.tag in _INLINE else " "


def _converted(wanted: Field, text: str, work: _Work) -> Any:
    kind = wanted.type
    if kind == "int":
        return to_int(text)
    if kind == "float":
        return to_float(text)
    if _is_address(wanted):
        return joined(work.base, text)
    if kind == "json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    return text
