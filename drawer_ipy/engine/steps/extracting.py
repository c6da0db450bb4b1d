"""What a transform step with ``extract`` does: values from pages that an earlier step gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawer_ipy.buttons.http.page import Page, page_from
from drawer_ipy.common.notes import Note
from drawer_ipy.errors import Code, DrawerError
from drawer_ipy.scrape.page import ExtractError, extract
from drawer_ipy.scrape.sniff import is_xml
from drawer_ipy.scrape.spec import Extraction

_HINT = "`from` is a page's text, the whole answer of a request (`output: full`), or a list of those"
_MOST_OPENED = 100 * 1024 * 1024
"""Bytes that a compressed page may have when it is opened."""


class NoPage(DrawerError):
    """A page lacks something that is required, or there is none."""

    default_code = Code.EXTRACT_ERROR


def extract_from(page: Any, extraction: Extraction, url: str, notes: list[Note]) -> Any:
    """What `extraction` asks for, from one page, or a list of it from a list of pages.

    Args:
        page: its text or bytes, or a mapping with ``text`` or ``bytes``, ``url`` and ``headers``, which is
            what a request with ``output: full`` gives; or a list of those.
        url: where it came from; what the mapping says counts otherwise.
        notes: takes what a user should know of what was read.

    Raises:
        NoPage: it is none, or lacks something that is required.
    """
    if isinstance(page, list | tuple):
        return [extract_from(one, extraction, url, notes) for one in page]
    try:
        found = _page(page, url)
        notes += found.notes
        return extract(extraction, found.text, found.url, xml=found.xml, notes=notes)
    except ExtractError as error:
        hint = "take the `!` away to have null instead" if error.misses else ""
        raise NoPage(str(error), remediation=hint) from None


def _page(page: Any, url: str) -> Page:
    """What was given as a page. Raises NoPage and ExtractError."""
    content, kind = page, ""
    if isinstance(page, Mapping):
        content = page.get("text", page.get("bytes"))
        url = url or str(page.get("url") or "")
        headers = page.get("headers")
        kind = str(headers.get("content-type", "")) if isinstance(headers, Mapping) else ""
    if isinstance(content, bytes):
        return page_from(kind, content, url, _MOST_OPENED)
    if not isinstance(content, str):
        what = "null" if content is None else f"a {type(content).__name__}"
        raise NoPage(f"there is no page to extract from, but {what}", remediation=_HINT)
    return Page(content, url, is_xml(kind.partition(";")[0].strip().lower(), content))
