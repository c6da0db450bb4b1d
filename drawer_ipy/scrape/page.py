"""Extraction of values from a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.common.json_text import BadJson
from drawer_ipy.common.notes import Note
from drawer_ipy.errors import did_you_mean
from drawer_ipy.scrape.addresses import joined
from drawer_ipy.scrape.embedded import read_embedded
from drawer_ipy.scrape.namespaces import PageNames, UnknownPrefix
from drawer_ipy.scrape.numbers import read_float, read_int
from drawer_ipy.scrape.parsing import parsed
from drawer_ipy.scrape.spec import Extraction, Field
from drawer_ipy.scrape.texts import element_text, markup, number_text

_MISSES_LISTED = 5
_INDEX = re.compile(r"\[\d+\]")


class ExtractError(Exception):
    """A page lacks a required value, or is not a page; the message says what and where.

    Attributes:
        misses: whether a required value is missing.
    """

    def __init__(self, message: str, *, misses: bool = False) -> None:
        super().__init__(message)
        self.misses = misses


@dataclass(slots=True)
class _PageWork:
    """The state of an extraction from one page.

    Attributes:
        base: the base address of relative addresses on it.
        names: the meaning of names on it.
        notes: notes for the user.
        misses: required values that are missing.
    """

    base: str
    names: PageNames
    notes: list[Note]
    misses: list[str] = field(default_factory=list)


def extract(
    extraction: Extraction, text: str, url: str, *, xml: bool = False, notes: list[Note] | None = None
) -> Any:
    """Extract values from a page.

    Args:
        text: the page.
        url: its address after redirects; addresses on it are resolved against it, or against a ``<base>``
            of the page.
        xml: whether it is XML instead of HTML.
        notes: a list to which notes for the user are added.

    Returns:
        A dict of its fields, or a list of such dicts if it has an ``each``.

    Raises:
        ExtractError: a required value is missing, or a selector has an undeclared prefix.
    """
    page = parsed(text, xml=xml)
    notes = [] if notes is None else notes
    notes += (Note(f"{url or 'the page'}: {note.text}", note.about) for note in page.notes)
    base = "" if xml else page.root.xpath("string(//base/@href)")
    work = _PageWork(joined(url, base) if base else url, page.names, notes)
    try:
        out = _group(extraction, page.root, work, "")
    except UnknownPrefix as error:
        raise ExtractError(_unknown(error.prefix, page.names, url)) from None
    if work.misses:
        words = ", ".join(work.misses[:_MISSES_LISTED])
        more = len(work.misses) - _MISSES_LISTED
        message = f"{words}{f' and {more} more' if more > 0 else ''} not found in {url or 'the page'}"
        raise ExtractError(message, misses=True)
    return out


def select(wanted: Field, text: str, url: str, *, xml: bool = False, notes: list[Note] | None = None) -> Any:
    """Return the value of a single field; arguments and errors are those of :func:`extract`."""
    return extract(Extraction({"it": wanted}), text, url, xml=xml, notes=notes)["it"]


def _unknown(prefix: str, names: PageNames, url: str) -> str:
    known = ", ".join(names.prefixes)
    has = f"it has {known}" if known else "it has none"
    near = did_you_mean(prefix, names.prefixes)
    hint = f"{near} or " if near else ""
    return (
        f"{url or 'the page'} declares no namespace prefix {prefix!r}; {has} "
        f'({hint}declare it beside `extract`: `namespaces: {{{prefix}: "http://..."}}`)'
    )


def _group(group: Extraction, at: Any, work: _PageWork, where: str) -> Any:
    if group.each is None:
        return _fields(group, at, work, where)
    elements = [one for one in _list(group.each.find(at, work.names)) if _is_element(one)]
    if not elements and group.each.required:
        work.misses.append(f"{where.rstrip('.') or 'each'} ({group.each.text})")
    prefix = where.rstrip(".")
    return [_fields(group, one, work, f"{prefix}[{i}].") for i, one in enumerate(elements)]


def _fields(group: Extraction, at: Any, work: _PageWork, where: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, wanted in group.fields.items():
        if isinstance(wanted, Extraction):
            out[name] = _group(wanted, at, work, f"{where}{name}.")
        else:
            out[name] = _value(wanted, at, work, f"{where}{name}")
    return out


def _value(wanted: Field, at: Any, work: _PageWork, where: str) -> Any:
    found = _list(wanted.find(at, work.names))
    if wanted.type == "exists":
        return bool(found)
    values = _values(wanted, found, work, where)
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
    """Return the selected elements and texts as a list, or the value of an XPath function in one."""
    return found if isinstance(found, list) else [found]


def _is_element(one: Any) -> bool:
    return hasattr(one, "iterchildren")


def _values(wanted: Field, found: list[Any], work: _PageWork, where: str) -> Iterator[Any]:
    """Yield the selected values, converted to the field's type; ``None`` for failed conversions.

    White space is not a value: a text node without anything else is skipped.
    """
    for one in found:
        text = _text(wanted, one, xml=work.names.xml)
        if text is not None:
            yield _converted(wanted, text, work, where)


def _text(wanted: Field, one: Any, *, xml: bool) -> str | None:
    """Return the text of an element, text node or attribute; ``None`` for white space between elements."""
    if _is_element(one):
        if wanted.type in ("html", "raw"):
            return markup(one, xml=xml)
        if wanted.type == "json":
            return "".join(one.itertext())
        return number_text(one) if wanted.type in ("int", "float") else element_text(one)
    if isinstance(one, bool):
        return "true" if one else "false"
    if isinstance(one, float):  # the result of count() or a similar function
        return f"{one:.17g}"
    if wanted.type in ("html", "raw") or (wanted.attribute and _is_address(wanted)):
        return str(one)
    text = one.strip() if wanted.type == "json" else " ".join(one.split())
    # An empty attribute is a value; blank text only comes from the layout of the page.
    return text if text or wanted.attribute else None


def _is_address(wanted: Field) -> bool:
    return wanted.type == "url" or (wanted.link and not wanted.type)


def _converted(wanted: Field, text: str, work: _PageWork, where: str) -> Any:
    if wanted.type in ("int", "float"):
        value, doubt = (read_int if wanted.type == "int" else read_float)(text, wanted.decimal)
        if doubt:
            _note(work, where, doubt, "number")
        return value
    if _is_address(wanted):
        return joined(work.base, text)
    if wanted.type == "json":
        try:
            return read_embedded(text)
        except BadJson as error:
            if text.strip():
                _note(work, where, f"invalid JSON there, so the value is null: {error}", "json")
            return None
    return text


def _note(work: _PageWork, where: str, text: str, about: str) -> None:
    """Add a note about a field; a run shows it once for all entries of a list."""
    name = _INDEX.sub("", where)
    work.notes.append(Note(f"{name}: {text}", f"{name}: {about}"))
