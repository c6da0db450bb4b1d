"""Detects by the beginning of a page whether it is HTML or XML."""

from __future__ import annotations

import re

HTML, XML = "html", "xml"

_BEGINNING = 4096
_PASSED = re.compile(
    rb"(?:\s|<\?.*?\?>|<!--.*?-->|<!(?!--|doctype\s+html\b)[^>\[]*(?:\[.*?\]\s*)?>)+",
    re.IGNORECASE | re.DOTALL,
)
"""What may precede the root element: white space, instructions, comments, declarations."""

_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)(?=[\s/>])")
_XML_ROOTS = frozenset({b"rss", b"feed", b"RDF", b"urlset", b"sitemapindex", b"opml"})
_WHOLE_HTML = re.compile(rb"<(?:!doctype\s+html|html)[\s/>]", re.IGNORECASE)
_SOME_HTML = re.compile(
    rb"<(?:head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p|meta|link|ul|ol)[\s/>]",
    re.IGNORECASE,
)


def looks_like(page: str | bytes) -> str:
    """Return :data:`HTML`, :data:`XML` or ``""``, by the beginning of `page`.

    XHTML counts as HTML, even with an XML declaration. XML without a declaration is recognized by its root
    element: that of a feed, a site map and the like.
    """
    begin = _beginning(page)
    if begin[:1] != b"<":
        return ""
    rest = _after_prolog(begin)
    if _WHOLE_HTML.match(rest):
        return HTML
    root = _ROOT.match(rest)
    if begin.startswith(b"<?xml") or (root and root[1] in _XML_ROOTS):
        return XML
    return HTML if _SOME_HTML.match(rest) else ""


def is_xml(kind: str, page: str | bytes) -> bool:
    """Whether a page with the content type `kind` (``""`` if unknown) is XML instead of HTML.

    The content of the page has precedence over the server's type: feeds are served as ``text/html`` and
    ``text/plain``, and XHTML as XML.
    """
    if kind.endswith("xml") and kind != "application/xhtml+xml":
        return _WHOLE_HTML.match(_after_prolog(_beginning(page))) is None
    return looks_like(page) == XML


def _beginning(page: str | bytes) -> bytes:
    begin = page[:_BEGINNING]
    if isinstance(begin, str):
        return begin.lstrip("\ufeff \t\r\n\f\0").encode("utf-8", "replace")
    for mark in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"):
        begin = begin.removeprefix(mark)
    # UTF-16 without its zero bytes is good enough to recognize the format.
    return begin.replace(b"\0", b"").lstrip()


def _after_prolog(begin: bytes) -> bytes:
    passed = _PASSED.match(begin)
    return begin[passed.end() :] if passed else begin
