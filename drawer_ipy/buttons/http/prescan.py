"""The encoding that a page declares: HTML's meta elements, XML's declaration.

This follows the HTML standard's prescan of a byte stream: comments and attributes of other elements do not
count as meta elements, and an incomplete declaration is ignored. A browser that finds a meta element after
the first 1,024 bytes decodes the page again, so later elements are searched, too, except inside scripts and
similar elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from drawer_ipy.buttons.http.charsets import find_encoding

_FIRST = 1024
_LATEST = 64 * 1024
_CHARSET = re.compile(rb"charset", re.IGNORECASE)
_LATE_META = re.compile(rb"<meta[\t\n\f\r /][^>]{0,1000}charset", re.IGNORECASE)
_USUAL = re.compile(
    rb"""(?:\s*<(?:!doctype|html|head)(?=[\s>])(?:[^>"']|"[^">]*"|'[^'>]*')*>)*"""
    rb"""\s*<meta\s+charset=(["']?)([\w-]+)\1\s*/?>""",
    re.IGNORECASE,
)
"""The usual beginning of pages that declare their encoding; a match makes the scan unnecessary."""

_TAG = re.compile(rb"</?[A-Za-z][^\t\n\f\r >]*")
_META = re.compile(rb"<meta(?=[\t\n\f\r /])", re.IGNORECASE)
_RAW = re.compile(
    rb"<(script|style|title|textarea|xmp|iframe|noembed|noframes)(?=[\t\n\f\r />])", re.IGNORECASE
)
_BEFORE_NAME = re.compile(rb"[\t\n\f\r /]*")
_NAME = re.compile(rb"[^\t\n\f\r />][^\t\n\f\r />=]*")
_EQUALS = re.compile(rb"[\t\n\f\r ]*=[\t\n\f\r ]*")
_BARE = re.compile(rb"[^\t\n\f\r >]*")
_IN_CONTENT = re.compile(
    r"charset[\t\n\f\r ]*=[\t\n\f\r ]*"
    r"(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\f\r ;\"'][^\t\n\f\r ;]*))"
)
_XML = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*(["'])([A-Za-z][\w.:-]*)\1""")
_WIDE_XML = ((b"<\0?\0x\0", "utf-16le"), (b"\0<\0?\0x", "utf-16be"))


class _CutOff(Exception):
    """The bytes end inside a tag."""


def html_encoding(body: bytes) -> str:
    """Return the standard name of the encoding that an HTML page declares; ``""`` if there is none."""
    usual = _USUAL.match(body, 0, _FIRST)
    found = _readable(usual[2].decode("ascii", "replace")) if usual else ""
    if not found and _CHARSET.search(body, 0, _FIRST):
        found = _scan(body[:_FIRST], late=False)
    if not found and len(body) > _FIRST and _LATE_META.search(body, 0, _LATEST):
        found = _scan(body[:_LATEST], late=True)
    return found or xml_encoding(body)


def xml_encoding(body: bytes) -> str:
    """Return the encoding that an XML declaration names or is itself written in; ``""`` if there is none."""
    for begin, encoding in _WIDE_XML:
        if body.startswith(begin):
            return encoding
    found = _XML.match(body.removeprefix(b"\xef\xbb\xbf")[:_FIRST])
    return _readable(found[2].decode("ascii")) if found else ""


def _readable(label: str) -> str:
    """Return the encoding for `label`, which was read from bytes taken for ASCII."""
    encoding = find_encoding(label)
    # Bytes that are readable as ASCII are not UTF-16. Both exceptions are in the standard.
    if encoding.startswith("utf-16"):
        return "utf-8"
    return "windows-1252" if encoding == "x-user-defined" else encoding


def _scan(data: bytes, *, late: bool) -> str:
    """Return the encoding of the first meta element that names one.

    Args:
        late: whether to skip the content of scripts and similar elements, as a parser does; the standard's
            prescan of the first bytes does not.
    """
    try:
        at = data.find(b"<")
        while at >= 0:
            if data.startswith(b"<!--", at):
                end = data.find(b"-->", at + 2)
                if end < 0:
                    return ""
                at = end + 3
            elif meta := _META.match(data, at):
                attributes = _Attributes(data, meta.end())
                found = _meta(dict(reversed(list(attributes))))
                if found:
                    return found
                at = attributes.at
            else:
                at = _after(data, at, late=late)
            at = data.find(b"<", at)
    except _CutOff:
        pass
    return ""


def _after(data: bytes, at: int, *, late: bool) -> int:
    """Return the end of the markup at `at`, which is neither a meta element nor a comment."""
    if tag := _TAG.match(data, at):
        attributes = _Attributes(data, tag.end())
        for _ in attributes:
            pass
        raw = _RAW.match(data, at) if late else None
        if raw is None:
            return attributes.at
        end = re.compile(rb"</" + re.escape(raw[1]) + rb"(?=[\t\n\f\r />])", re.IGNORECASE)
        closing = end.search(data, attributes.at)
        return closing.start() if closing else len(data)
    if data[at + 1 : at + 2] in (b"!", b"/", b"?"):
        end_of_it = data.find(b">", at)
        return len(data) if end_of_it < 0 else end_of_it + 1
    return at + 1


class _Attributes:
    """The attributes of a tag, with names and values in lower case.

    Attributes:
        at: the position of the next attribute; after the last one, the end of the tag.
    """

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def __iter__(self) -> Iterator[tuple[str, str]]:
        data = self._data
        while True:
            self.at = self._end(_BEFORE_NAME, self.at)
            name = _NAME.match(data, self.at)
            if name is None:  # the end of the tag
                return
            self.at = name.end()
            value = b""
            if equals := _EQUALS.match(data, self.at):
                self.at = equals.end()
                value = self._value()
            yield _lower(name[0]), _lower(value)

    def _value(self) -> bytes:
        data, quote = self._data, self._data[self.at : self.at + 1]
        if quote in (b'"', b"'"):
            end = data.find(quote, self.at + 1)
            if end < 0:
                raise _CutOff
            value = data[self.at + 1 : end]
            self.at = end + 1
            return value
        start, self.at = self.at, self._end(_BARE, self.at)
        return data[start : self.at]

    def _end(self, pattern: re.Pattern[bytes], at: int) -> int:
        found = pattern.match(self._data, at)
        end = found.end() if found else at
        if end >= len(self._data):
            raise _CutOff
        return end


def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _meta(attributes: dict[str, str]) -> str:
    """Return the encoding that a meta element with these attributes names."""
    if "charset" in attributes:
        return _readable(attributes["charset"])
    if attributes.get("http-equiv") != "content-type":
        return ""
    found = _IN_CONTENT.search(attributes.get("content", ""))
    return _readable(next(group for group in found.groups() if group is not None)) if found else ""
