"""What a transform step with ``extract`` does: values from pages that an earlier step gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawer_ipy.buttons.http_text import decode
from drawer_ipy.errors import Code, DrawerError
from drawer_ipy.scrape.page import ExtractError, extract
from drawer_ipy.scrape.spec import Extraction

_HINT = "`from` is a page's text, the whole answer of a request (`output: full`), or a list of those"


class NoPage(DrawerError):
    """A page lacks something that is required, or there is none."""

    default_code = Code.EXTRACT_ERROR


def extract_from(page: Any, extraction: Extraction, url: str = "") -> Any:
    """What `extraction` asks for, from one page, or a list of it from a list of pages.

    Args:
        page: its text; its bytes, whose encoding is found as that of an answer; or a mapping with ``text``,
            ``url`` and ``headers``, which is what a request with ``output: full`` gives; or a list of those.
        url: where it came from; what the mapping says counts otherwise.

    Raises:
        NoPage: it is none, or lacks something that is required.
    """
    if isinstance(page, list | tuple):
        return [extract_from(one, extraction, url) for one in page]
    text, where, xml = page, url, False
    if isinstance(page, Mapping):
        text, where = page.get("text"), url or str(page.get("url") or "")
        headers = page.get("headers")
        kind = str(headers.get("content-type", "")) if isinstance(headers, Mapping) else ""
        xml = kind.partition(";")[0].strip().endswith("xml") and "xhtml" not in kind
    if isinstance(text, bytes):
        text = decode("text/html", "", text)
    if not isinstance(text, str):
        what = "null" if text is None else f"a {type(text).__name__}"
        raise NoPage(f"there is no page to extract from, but {what}", remediation=_HINT)
    try:
        return extract(extraction, text, where, xml=xml or _is_xml(text))
    except ExtractError as error:
        raise NoPage(str(error), remediation="take the `!` away to have null instead") from None


def _is_xml(text: str) -> bool:
    begin = text[:500].lstrip("\ufeff \t\r\n").lower()
    return begin.startswith("<?xml") and "<html" not in begin and "<!doctype html" not in begin
