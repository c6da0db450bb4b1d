"""Pages: responses, and stored bodies of earlier steps, in the form that values are extracted from."""

from __future__ import annotations

from typing import NamedTuple

from drawer_ipy.buttons.http.body import lost_note
from drawer_ipy.buttons.http.body_types import is_binary, is_json, parse_content_type, read_text
from drawer_ipy.buttons.http.decode import Body, Damaged, TooLarge
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.common.notes import Note
from drawer_ipy.scrape.page import ExtractError
from drawer_ipy.scrape.sniff import is_xml, looks_like

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP = frozenset({"application/gzip", "application/x-gzip"})


class Page(NamedTuple):
    """A page as text.

    Attributes:
        text: the text of the page.
        url: its address, after redirects.
        xml: whether it is XML instead of HTML.
        encoding: the encoding it was decoded with.
        notes: notes on data that could not be decoded.
    """

    text: str
    url: str
    xml: bool
    encoding: str = "utf-8"
    notes: tuple[Note, ...] = ()


def page_of(response: Response, limit: int) -> Page:
    """Return a response as a page.

    Args:
        limit: maximum size in bytes of a compressed page after decompression.

    Raises:
        ExtractError: it is not a page.
    """
    return page_from(response.headers.get("Content-Type", ""), response.body, str(response.url), limit)


def page_from(content_type: str, body: bytes, url: str, limit: int) -> Page:
    """Return a body with the header `content_type` as a page; it may be compressed by gzip.

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
        raise ExtractError(f"{where} is JSON; access its fields without selectors")
    if is_binary(kind, charset, body):
        if not looks:
            raise ExtractError(f"{where} is not a page; its type is {kind or 'unknown'}")
        kind = ""
    read = read_text(kind, charset, body)
    return Page(read.text, url, is_xml(kind, body), read.encoding, lost_note(read))


def unzipped(body: bytes, where: str, limit: int) -> bytes:
    """Decompress a gzip file to at most `limit` bytes.

    Raises:
        ExtractError: it is damaged, or larger.
    """
    opened = Body("gzip", max(limit, len(body)))
    try:
        out = opened.feed(body)
        opened.end()
    except TooLarge:
        hint = "raise the button's max_response_bytes"
        raise ExtractError(f"{where} has more than {limit:,} bytes after decompression; {hint}") from None
    except Damaged as error:
        raise ExtractError(f"{where} is a damaged gzip file: {error}") from None
    return out
