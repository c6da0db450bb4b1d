"""Pages that follow one another, and the extraction of values from a response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from yarl import URL

from drawer_ipy.buttons.arguments import shorten
from drawer_ipy.buttons.base import Outcome
from drawer_ipy.buttons.http.bound import BoundRequest
from drawer_ipy.buttons.http.link import next_link
from drawer_ipy.buttons.http.page_outcome import Page, page_of
from drawer_ipy.buttons.http.request import Request, abroad
from drawer_ipy.buttons.http.response import SHOWN, Response, located, outcome_of
from drawer_ipy.buttons.http.rules import origin
from drawer_ipy.buttons.http.template import UrlTemplate
from drawer_ipy.common.notes import Note
from drawer_ipy.definition.extract import Asked
from drawer_ipy.definition.follow import Cursor, NextLink
from drawer_ipy.definition.statuses import is_plain_success
from drawer_ipy.errors import ArgumentError, Code, ErrorInfo
from drawer_ipy.scrape.addresses import in_encoding, joined
from drawer_ipy.scrape.json_path import MISSING, JsonPath
from drawer_ipy.scrape.page import ExtractError
from drawer_ipy.scrape.reader import PageReader, PageValues
from drawer_ipy.scrape.spec import Field

_FAILED = 400
"""The least status of a failure."""

_REQUIRED = "remove the `!` to get null instead, or check what the server sent: it is in stdout"


class ReadPage(NamedTuple):
    """A page, and what a reader found on it."""

    page: Page
    values: PageValues


def page_to_read(
    response: Response, reader: PageReader | None, limit: int, accepts: Callable[[int], bool]
) -> Page | None:
    """Return the page that `reader` reads; ``None`` if there is none, or if it cannot be read."""
    if reader is None or not _is_read(response, reader, accepts):
        return None
    try:
        return page_of(response, limit)
    except ExtractError:  # the outcome reports it
        return None


def _is_read(response: Response, reader: PageReader, accepts: Callable[[int], bool]) -> bool:
    return accepts(response.status) and (response.status < _FAILED or reader.extraction is not None)


def outcome_of_page(
    response: Response,
    asked: Asked,
    reader: PageReader | None,
    limit: int,
    *,
    full: bool = False,
    as_text: bool = False,
    accepts: Callable[[int], bool] = is_plain_success,
    read: ReadPage | None = None,
) -> Outcome:
    """Return the outcome as :func:`outcome_of` does, with extracted values as output, and the next address.

    With `full`, the extracted values are in the record's ``extracted``.

    Args:
        reader: that of `asked`.
        limit: maximum size in bytes of a compressed page after decompression.
        read: the page if it was read already.
    """
    if asked.extraction is None or not accepts(response.status):
        outcome = outcome_of(response, full, as_text, accepts)
    else:
        outcome = Outcome(about=response.about())
    if outcome.error is not None or (response.status >= _FAILED and asked.extraction is None):
        return outcome
    notes, text = [*outcome.notes], None
    try:
        url, value = str(response.url), outcome.output
        is_api = isinstance(asked.follow, JsonPath | NextLink | Cursor)
        following = _next_address(asked, response, value, url) if is_api else None
        if asked.items is not None:
            outcome.output = _items(asked.items, value, url)
        if reader is not None:
            page, values = read or _read(reader, page_of(response, limit))
            text = page.text
            notes += (*located(page.notes, response), *values.notes)
            if values.error:
                raise ExtractError(values.error, misses=values.misses)
            if asked.extraction is not None:
                found = values.extracted
                outcome.output = {**response.record(), "extracted": found} if full else found
            following = following if is_api else _next(asked, page, values)
        outcome.next = following
    except ExtractError as error:
        shown = response.text() if text is None else text
        outcome = _unread(error, response.status, shown[:SHOWN], outcome.about)
    outcome.notes = tuple(dict.fromkeys(notes))
    return outcome


def _read(reader: PageReader, page: Page) -> ReadPage:
    return ReadPage(page, reader(page.text, page.url, page.xml))


def _unread(error: ExtractError, status: int, shown: str, about: Mapping[str, Any] | None) -> Outcome:
    hint = _REQUIRED if error.misses else ""
    info = ErrorInfo(Code.EXTRACT_ERROR, str(error), hint, status=status)
    return Outcome(status="error", error=info, exit_code=1, stdout=shown, about=about)


def _items(path: JsonPath, value: Any, url: str) -> list[Any]:
    """Return the items in a response; none if it is empty or has null in their place.

    Raises:
        ExtractError: it is not JSON, or has no list there.
    """
    found = _in_json(path, value, url)
    if value is None or found is None:
        return []
    if isinstance(found, list):
        return found
    if found is MISSING:
        has = f", only {', '.join(map(str, list(value)[:8]))}" if isinstance(value, Mapping) else ""
        raise ExtractError(f"{url} has nothing at {path.text}{has}")
    raise ExtractError(f"{path.text} of {url} is not a list but {shorten(found)}")


def _in_json(path: JsonPath, value: Any, url: str) -> Any:
    if isinstance(value, str | bytes):
        raise ExtractError(f"{url} is not JSON, so {path.text} cannot be found in it")
    return path.find(value)


def _next_address(asked: Asked, response: Response, value: Any, url: str) -> Any:
    """Return the next address, or the cursor, from an API's response; ``None`` if there is none."""
    rule = asked.follow
    if isinstance(rule, NextLink):
        found = next_link(v for n, v in response.headers.items() if n.lower() == "link")
        return None if found is None else _absolute(found, url)
    if isinstance(rule, Cursor) and rule.path is None:
        return next((v for n, v in response.headers.items() if n.lower() == rule.header.lower()), None)
    path = rule.path if isinstance(rule, Cursor) else rule
    if not isinstance(path, JsonPath):
        return None
    found = None if value is None else _in_json(path, value, url)
    if found is MISSING or found is None or isinstance(rule, Cursor):
        return None if found is MISSING else found
    if found is False or found == "":
        return None
    if not isinstance(found, str):
        raise ExtractError(f"{path.text} of {url} is not an address but {shorten(found)}")
    return _absolute(found, url)


def _absolute(address: str, url: str) -> str:
    return joined(url, address.strip())


def _next(asked: Asked, page: Page, values: PageValues) -> str | None:
    """Return the absolute address of the next page; ``None`` if there is none."""
    found = values.following
    if isinstance(asked.follow, str):
        found = values.extracted.get(asked.follow)
    return in_encoding(joined(page.url, str(found)), page.encoding) if found else None


@dataclass(slots=True)
class JoinedPages:
    """The pages so far.

    Attributes:
        output: their combined output; ``None`` before the first.
        count: the number of pages.
        seen: their addresses, both requested and after redirects, as returned by :func:`_same`.
        answered: the addresses that responded; a page answered by one of them again is not a new page.
        about, elapsed, cached: of the last page; seconds of all pages; whether all of them were cached.
        pushed_back: whether any of them was delayed by 429 or 503.
        note: the first note that is not a :class:`Note`.
        notes: the notes of all pages.
    """

    output: Any = None
    count: int = 0
    seen: set[URL] = field(default_factory=set)
    answered: set[URL] = field(default_factory=set)
    about: Mapping[str, Any] | None = None
    elapsed: float = 0.0
    cached: bool = True
    pushed_back: bool = False
    notes: list[Note] = field(default_factory=list)
    note: str = ""


class PagesInTurn:
    """Fetch pages that follow one another, and combine their outputs.

    The combined output has the shape of a single page's. In a mapping of fields, lists are concatenated in
    the order of the pages, the followed field has the value of the last page, and other fields have the
    value of the first page. With ``each``, it is the list of all entries; without ``extract``, the list of
    the pages.

    Args:
        name: the name of the button.
        asked: what to extract; with ``follow``.
    """

    def __init__(self, name: str, asked: Asked) -> None:
        self._name = name
        self._asked = asked
        self._address = UrlTemplate("{{url}}", name)

    async def press(
        self,
        bound: BoundRequest,
        one: Callable[[BoundRequest], Awaitable[Outcome]],
        log: Callable[[str], None] | None,
    ) -> Outcome:
        """Press `one` page after another until there is no next page.

        If one fails, the outcome is that failure, with the output of the earlier pages.

        Args:
            bound: the request for the first page.
            one: presses one page when the limits allow it, or returns it from the cache.
            log: called with each line of progress.
        """
        listing, first = JoinedPages(), bound.request
        listing.seen.add(_same(first.url))
        while True:
            outcome = await one(bound)
            if outcome.error is not None:
                return self._broken(listing, outcome)
            answered = _answered(outcome)
            if answered is not None and _same(answered) in listing.answered:
                return self._whole(listing, f"page {listing.count + 1} was already fetched: {answered}")
            self._add(listing, outcome)
            if not outcome.next:
                return self._whole(listing)
            if listing.count >= self._asked.most:
                return self._whole(listing, self._bounded(outcome.next))
            url = self._address_of(outcome.next)
            if url is None:
                note = f"the next page after page {listing.count} has no valid address: {outcome.next[:80]!r}"
                return self._whole(listing, note)
            if _same(url) in listing.seen:
                return self._whole(listing, f"page {listing.count} leads back to {url}, where paging stopped")
            listing.seen.add(_same(url))
            followed = self._following(bound, first, url, outcome)
            if followed is None:
                return self._broken(listing, self._elsewhere(url, outcome))
            bound = followed
            if log is not None:
                log(f"page {listing.count + 1}: {url}")

    def _address_of(self, text: str) -> URL | None:
        """Return the next page's URL, escaped like the argument of ``{{url}}``; ``None`` if it is invalid."""
        try:
            return URL(self._address.fill({"url": text}), encoded=True).with_fragment(None)
        except (ArgumentError, ValueError):
            return None

    def _add(self, listing: JoinedPages, outcome: Outcome) -> None:
        listing.count += 1
        listing.output = self._joined(listing.output, outcome.output, first=listing.count == 1)
        listing.about = outcome.about
        listing.cached = listing.cached and outcome.cached
        listing.pushed_back = listing.pushed_back or outcome.pushed_back
        listing.notes += outcome.notes
        listing.note = listing.note or outcome.note
        if outcome.about is not None:
            listing.elapsed += outcome.about.get("elapsed", 0.0)
        answered = _answered(outcome)
        if answered is not None:
            listing.seen.add(_same(answered))
            listing.answered.add(_same(answered))

    def _joined(self, before: Any, page: Any, *, first: bool) -> Any:
        if self._asked.extraction is None and self._asked.items is None:
            return [page] if first else [*before, page]
        if first:
            return page
        if isinstance(page, list):
            return before + page
        out = dict(before)
        for name, value in page.items():
            if isinstance(value, list):
                out[name] = before[name] + value
        if isinstance(self._asked.follow, str):
            out[self._asked.follow] = page[self._asked.follow]
        return out

    def _following(
        self, bound: BoundRequest, first: Request, url: URL, outcome: Outcome
    ) -> BoundRequest | None:
        """Return what to press for the page at `url`; ``None`` if it is on another host than earlier pages.

        Headers are sent to the origin of the first request; after a redirect to another origin, only headers
        that are not credentials are sent.
        """
        if origin(url) == origin(first.url):
            request = Request("GET", url, first.headers)
            return bound.following(request, is_abroad=False)
        answered = URL(outcome.about["url"], encoded=True) if outcome.about else first.url
        if origin(url) == origin(answered) or origin(url) == origin(first.url.with_scheme("https")):
            return bound.following(Request("GET", url, abroad(first.headers)), is_abroad=True)
        return None

    def _elsewhere(self, url: URL, outcome: Outcome) -> Outcome:
        where = outcome.about["url"] if outcome.about else ""
        info = ErrorInfo(
            Code.EXTRACT_ERROR,
            f"{where} leads to {url}, but `follow` does not leave the host of the first page",
            "fetch that address in another step",
            status=status_of(outcome),
        )
        return Outcome(status="error", error=info, exit_code=1, about=outcome.about)

    def _bounded(self, value: Any) -> str:
        """Return a note on pages that were not fetched; for a site, ``""`` if the user set the limit."""
        most, follow = self._asked.most, self._asked.follow
        if not self._asked.bounded:
            return f"stopped after {most:,} pages; more pages follow from {value} on; set `max_pages`"
        if isinstance(follow, str | Field):
            return ""
        return f"stopped after `max_pages: {most}`; there are more pages"

    def _whole(self, listing: JoinedPages, note: str = "") -> Outcome:
        about = None
        if listing.about is not None:
            about = {**listing.about, "elapsed": round(listing.elapsed, 6), "pages": listing.count}
        return Outcome(
            listing.output,
            about=about,
            pushed_back=listing.pushed_back,
            cached=listing.cached,
            note=f"button {self._name!r}: {note}" if note else listing.note,
            notes=tuple(dict.fromkeys(listing.notes)),
        )

    def _broken(self, listing: JoinedPages, failure: Outcome) -> Outcome:
        """Return `failure` with the output of the earlier pages."""
        if not listing.count or failure.error is None:
            return failure
        error = replace(failure.error, message=f"page {listing.count + 1}: {failure.error.message}")
        about = {**(failure.about or listing.about or {}), "pages": listing.count}
        notes = tuple(dict.fromkeys([*listing.notes, *failure.notes]))
        return replace(failure, output=listing.output, error=error, about=about, cached=False, notes=notes)


def status_of(outcome: Outcome) -> int | None:
    """Return the status code of the response behind `outcome`; ``None`` if unknown."""
    return outcome.about["status"] if outcome.about else None


def _answered(outcome: Outcome) -> URL | None:
    """Return the URL of the response, after redirects; ``None`` if unknown."""
    return URL(outcome.about["url"], encoded=True) if outcome.about else None


def _same(url: URL) -> URL:
    """Return the same URL for all spellings of `url`: no fragment, no default port, uniform escapes."""
    return URL(str(url.with_fragment(None)))
