"""Pages: what is taken from an answer, and the pages that follow one another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from yarl import URL

from drawer_ipy.buttons.base import Outcome
from drawer_ipy.buttons.http_request import Request, abroad
from drawer_ipy.buttons.http_response import SHOWN, Response, outcome_of
from drawer_ipy.buttons.http_rules import origin
from drawer_ipy.definition.pages import Asked
from drawer_ipy.errors import Code, ErrorInfo
from drawer_ipy.scrape.page import ExtractError, extract, select
from drawer_ipy.scrape.spec import Field

Bound = Mapping[str, Any]

_REQUIRED = "take the `!` away to have null instead, or look at what the server sent: it is in stdout"


def outcome_of_page(response: Response, asked: Asked, full: bool) -> Outcome:
    """As :func:`outcome_of`, with what was asked for in place of the body, and the address that follows.

    With `full`, what was taken is the record's ``extracted``.
    """
    outcome = outcome_of(response, full)
    if outcome.error is not None:
        return outcome
    url = str(response.url)
    try:
        if asked.extraction is not None:
            text, xml = _page(response)
            found = extract(asked.extraction, text, url, xml=xml)
            outcome.output = {**outcome.output, "extracted": found} if full else found
        outcome.next = _next(asked, response, outcome.output, url)
    except ExtractError as error:
        hint = _REQUIRED if error.misses else ""
        info = ErrorInfo(Code.EXTRACT_ERROR, str(error), hint)
        shown = response.text()[:SHOWN]
        return Outcome(status="error", error=info, exit_code=1, stdout=shown, about=outcome.about)
    return outcome


def _page(response: Response) -> tuple[str, bool]:
    """The answer as a page, and whether it is XML.

    Raises:
        ExtractError: it is none.
    """
    kind = response.content_type
    if isinstance(response.value(), bytes):
        raise ExtractError(f"{response.url} is no page but {kind or 'of an unknown type'}")
    if kind.endswith("json"):
        raise ExtractError(f"{response.url} is JSON, whose fields need no selectors")
    return response.text(), kind.endswith("xml") and kind != "application/xhtml+xml"


def _next(asked: Asked, response: Response, output: Any, url: str) -> str | None:
    if asked.follow is None:
        return None
    if isinstance(asked.follow, Field):
        text, xml = _page(response)
        found = select(asked.follow, text, url, xml=xml)
    else:
        found = output.get(asked.follow)
    return str(found) if found else None


@dataclass(slots=True)
class _Listing:
    """The pages so far.

    Attributes:
        output: what they come to together; ``None`` before the first.
        count: how many they are.
        seen: their addresses, those that were asked for and those that answered.
        about, elapsed, cached: of the last one; seconds of all; whether all of them were.
        pushed_back: whether any of them was.
        note: the first of their notes.
    """

    output: Any = None
    count: int = 0
    seen: set[URL] = field(default_factory=set)
    about: Mapping[str, Any] | None = None
    elapsed: float = 0.0
    cached: bool = True
    pushed_back: bool = False
    note: str = ""


class PagesInTurn:
    """Fetches the pages that follow one another, and puts what they come to together.

    The output has the shape of a single page's: of a mapping of fields, lists are put together in the order
    of the pages, the field that is followed is what the last page says, and of any other the first page's
    counts. Of an ``each``, it is the list of all entries; without ``extract``, the list of the pages.

    Args:
        name: of the button.
        asked: what is asked for; with ``follow``.
    """

    def __init__(self, name: str, asked: Asked) -> None:
        self._name = name
        self._asked = asked

    async def press(
        self, bound: Bound, one: Callable[[Bound], Awaitable[Outcome]], log: Callable[[str], None] | None
    ) -> Outcome:
        """Press `one` page after the other, until there is none that follows.

        When one fails, the outcome is that failure, with what the pages before it gave as the output.

        Args:
            bound: of the first page.
            one: presses one page, when the limits let it, or has it from the cache.
            log: called with each line of progress.
        """
        listing, first = _Listing(), bound["request"]
        listing.seen.add(first.url.with_fragment(None))
        while True:
            outcome = await one(bound)
            if outcome.error is not None:
                return self._broken(listing, outcome)
            self._add(listing, outcome)
            if not outcome.next:
                return self._whole(listing)
            if listing.count >= self._asked.most:
                return self._whole(listing, "" if self._asked.bounded else self._too_many(outcome.next))
            try:
                url = URL(outcome.next, encoded=True).with_fragment(None)
            except ValueError:
                url = URL()
            if url.scheme not in ("http", "https") or not url.host:
                note = f"page {listing.count} names no address of a next page but {outcome.next[:80]!r}"
                return self._whole(listing, note)
            if url in listing.seen:
                return self._whole(listing, f"page {listing.count} leads back to {url}, where it ended")
            listing.seen.add(url)
            followed = self._following(bound, first, url, outcome)
            if followed is None:
                return self._broken(listing, self._elsewhere(url, outcome))
            bound = followed
            if log is not None:
                log(f"page {listing.count + 1}: {url}")

    def _add(self, listing: _Listing, outcome: Outcome) -> None:
        listing.count += 1
        listing.output = self._joined(listing.output, outcome.output, first=listing.count == 1)
        listing.about = outcome.about
        listing.cached = listing.cached and outcome.cached
        listing.pushed_back = listing.pushed_back or outcome.pushed_back
        listing.note = listing.note or outcome.note
        if outcome.about is not None:
            listing.elapsed += outcome.about.get("elapsed", 0.0)
            listing.seen.add(URL(outcome.about["url"], encoded=True).with_fragment(None))

    def _joined(self, before: Any, page: Any, *, first: bool) -> Any:
        if self._asked.extraction is None:
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

    def _following(self, bound: Bound, first: Request, url: URL, outcome: Outcome) -> Bound | None:
        """What to press for the page at `url`; ``None`` when it is on another host than pages so far.

        Headers go along within the origin of the first request; where a redirect has led elsewhere, only
        those that are no credentials.
        """
        if origin(url) == origin(first.url):
            return {**bound, "request": Request("GET", url, first.headers), "abroad": False}
        answered = URL(outcome.about["url"], encoded=True) if outcome.about else first.url
        if origin(url) == origin(answered) or origin(url) == origin(first.url.with_scheme("https")):
            return {**bound, "request": Request("GET", url, abroad(first.headers)), "abroad": True}
        return None

    def _elsewhere(self, url: URL, outcome: Outcome) -> Outcome:
        where = outcome.about["url"] if outcome.about else ""
        info = ErrorInfo(
            Code.EXTRACT_ERROR,
            f"{where} leads to {url}, and `follow` stays at the host it began with",
            "fetch that one with a step of its own",
        )
        return Outcome(status="error", error=info, exit_code=1, about=outcome.about)

    def _too_many(self, url: str) -> str:
        return f"{self._asked.most:,} pages were followed and there are more, from {url} on; set `max_pages`"

    def _whole(self, listing: _Listing, note: str = "") -> Outcome:
        about = None
        if listing.about is not None:
            about = {**listing.about, "elapsed": round(listing.elapsed, 6), "pages": listing.count}
        return Outcome(
            listing.output,
            about=about,
            pushed_back=listing.pushed_back,
            cached=listing.cached,
            note=f"button {self._name!r}: {note}" if note else listing.note,
        )

    def _broken(self, listing: _Listing, failure: Outcome) -> Outcome:
        """`failure`, with what the pages before it gave."""
        if not listing.count or failure.error is None:
            return failure
        error = replace(failure.error, message=f"page {listing.count + 1}: {failure.error.message}")
        about = {**(failure.about or listing.about or {}), "pages": listing.count}
        return replace(failure, output=listing.output, error=error, about=about, cached=False)
