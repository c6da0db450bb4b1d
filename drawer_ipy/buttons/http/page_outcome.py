"""Answers, and what earlier steps kept of them, as pages that values can be taken from."""

from __future__ import annotations

from typing import NamedTuple

from drawer_ipy.buttons.http.body import lost_note
from drawer_ipy.buttons.http.decode import Body, Damaged, TooLarge
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.buttons.http.text import is_binary, is_json, parse_content_type, read_text
from drawer_ipy.common.notes import Note
from drawer_ipy.scrape.page import ExtractError
from drawer_ipy.scrape.sniff import is_xml, looks_like

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP = frozenset({"application/gzip", "application/x-gzip"})


class Page(NamedTuple):
    """A page as text.

    Attributes:
        text: of the page.
        url: where it came from, after redirects.
        xml: whether it is XML rather than HTML.
        encoding: what it was read in.
        notes: what was lost in reading it.
    """

    text: str
    url: str
    xml: bool
    encoding: str = "utf-8"
    notes: tuple[Note, ...] = ()


def page_of(response: Response, limit: int) -> Page:
    """The answer as a page.

    Args:
        limit: most bytes that a compressed one may have when it is opened.

    Raises:
        ExtractError: it is not a page.
    """
    return page_from(response.headers.get("Content-Type", ""), response.body, str(response.url), limit)


def page_from(content_type: str, body: bytes, url: str, limit: int) -> Page:
    """A body with the header `content_type` as a page; also one that is compressed by gzip.

    Raises:
        ExtractError: it is not a page.
    """
    kind, charset = parse_content_type(content_type)
    where = url or "the body"
    if body.startswith(_GZIP_MAGIC):
        body = unzipped(body, where, limit)
        if kind in _GZIP or is_binary(kind, charset, body):
            kind, charset = "", ""
    looks = looks_like(body)
    if not looks and is_json(kind):
        raise ExtractError(f"{where} is JSON, whose fields need no selectors")
    if is_binary(kind, charset, body):
        if not looks:
            raise ExtractError(f"{where} is not a page but {kind or 'of an unknown type'}")
        kind = ""
    read = read_text(kind, charset, body)
    return Page(read.text, url, is_xml(kind, body), read.encoding, lost_note(read))


def unzipped(body: bytes, where: str, limit: int) -> bytes:
    """What is in a gzip file, at most `limit` bytes.

    Raises:
        ExtractError: it is damaged, or holds more.
    """
    opened = Body("gzip", max(limit, len(body)))
    try:
        out = opened.feed(body)
        opened.end()
    except TooLarge:
        hint = "raise the button's max_response_bytes"
        raise ExtractError(f"{where} has more than {limit:,} bytes when it is opened; {hint}") from None
    except Damaged as error:
        raise ExtractError(f"{where} is a damaged gzip file: {error}") from None
    return out
