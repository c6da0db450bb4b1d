"""Pages: what is taken from an answer, and the pages that follow one another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

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
from drawer_ipy.scrape.page import ExtractError, extract, select
from drawer_ipy.scrape.spec import Field

_REQUIRED = "take the `!` away to have null instead, or look at what the server sent: it is in stdout"


def outcome_of_page(
    response: Response,
    asked: Asked,
    limit: int,
    *,
    full: bool = False,
    as_text: bool = False,
    accepts: Callable[[int], bool] = is_plain_success,
) -> Outcome:
    """As :func:`outcome_of`, with what was asked for in place of the body, and the address that follows.

    With `full`, what was taken is the record's ``extracted``.

    Args:
        limit: most bytes that a compressed page may have when it is opened.
    """
    if asked.extraction is None or not accepts(response.status):
        outcome = outcome_of(response, full, as_text, accepts)
    else:
        outcome = Outcome(about=response.about())
    if outcome.error is not None or (response.status >= 400 and asked.extraction is None):
        return outcome
    notes, text = [*outcome.notes], None
    try:
        url, value = str(response.url), outcome.output
        is_api = isinstance(asked.follow, JsonPath | NextLink | Cursor)
        following = _told_next(asked, response, value, url) if is_api else None
        if asked.items is not None:
            outcome.output = _items(asked.items, value, url)
        if asked.extraction is not None or isinstance(asked.follow, str | Field):
            page = page_of(response, limit)
            text = page.text
            notes += located(page.notes, response)
            if asked.extraction is not None:
                found = extract(asked.extraction, text, page.url, xml=page.xml, notes=notes)
                outcome.output = {**response.record(), "extracted": found} if full else found
            following = following if is_api else _next(asked, page, outcome.output, notes)
        outcome.next = following
    except ExtractError as error:
        hint = _REQUIRED if error.misses else ""
        info = ErrorInfo(Code.EXTRACT_ERROR, str(error), hint, status=response.status)
        shown = (response.text() if text is None else text)[:SHOWN]
        outcome = Outcome(status="error", error=info, exit_code=1, stdout=shown, about=outcome.about)
    outcome.notes = tuple(dict.fromkeys(notes))
    return outcome


def _items(path: JsonPath, value: Any, url: str) -> list[Any]:
    """The items of an answer; none where it is empty, or has null there.

    Raises:
        ExtractError: it is not JSON, or has no list there.
    """
    found = _in_json(path, value, url)
    if value is None or found is None:
        return []
    if isinstance(found, list):
        return found
    if found is MISSING:
        has = f", but {', '.join(map(str, list(value)[:8]))}" if isinstance(value, Mapping) else ""
        raise ExtractError(f"{url} has nothing at {path.text}{has}")
    raise ExtractError(f"{url} has no list at {path.text}, but {shorten(found)}")


def _in_json(path: JsonPath, value: Any, url: str) -> Any:
    if isinstance(value, str | bytes):
        raise ExtractError(f"{url} is not JSON, so {path.text} cannot be looked for in it")
    return path.find(value)


def _told_next(asked: Asked, response: Response, value: Any, url: str) -> Any:
    """The next address, or the cursor, that an API gives; ``None`` where it gives none."""
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


def _next(asked: Asked, page: Page, output: Any, notes: list[Note]) -> str | None:
    """The address of the page that follows, whole; ``None`` when there is none."""
    if isinstance(asked.follow, Field):
        found = select(asked.follow, page.text, page.url, xml=page.xml, notes=notes)
    else:
        found = output.get(asked.follow) if isinstance(asked.follow, str) else None
    return in_encoding(joined(page.url, str(found)), page.encoding) if found else None


@dataclass(slots=True)
class JoinedPages:
    """The pages so far.

    Attributes:
        output: what they come to together; ``None`` before the first.
        count: how many they are.
        seen: their addresses, those that were asked for and those that answered, as :func:`_same` gives them.
        answered: the addresses that responded; a page answered by one of them again is not a new page.
        about, elapsed, cached: of the last one; seconds of all; whether all of them were.
        pushed_back: whether any of them was.
        note: the first of the notes that are no :class:`Note`.
        notes: of all of them.
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
        self._address = UrlTemplate("{{url}}", name)

    async def press(
        self,
        bound: BoundRequest,
        one: Callable[[BoundRequest], Awaitable[Outcome]],
        log: Callable[[str], None] | None,
    ) -> Outcome:
        """Press `one` page after the other, until there is none that follows.

        When one fails, the outcome is that failure, with what the pages before it gave as the output.

        Args:
            bound: of the first page.
            one: presses one page, when the limits let it, or has it from the cache.
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
                return self._whole(listing, f"page {listing.count + 1} is answered by {answered} again")
            self._add(listing, outcome)
            if not outcome.next:
                return self._whole(listing)
            if listing.count >= self._asked.most:
                return self._whole(listing, self._bounded(outcome.next))
            url = self._address_of(outcome.next)
            if url is None:
                note = f"page {listing.count} names no address of a next page but {outcome.next[:80]!r}"
                return self._whole(listing, note)
            if _same(url) in listing.seen:
                return self._whole(listing, f"page {listing.count} leads back to {url}, where it ended")
            listing.seen.add(_same(url))
            followed = self._following(bound, first, url, outcome)
            if followed is None:
                return self._broken(listing, self._elsewhere(url, outcome))
            bound = followed
            if log is not None:
                log(f"page {listing.count + 1}: {url}")

    def _address_of(self, text: str) -> URL | None:
        """What a page names as the next one, escaped as the argument of ``{{url}}`` is; ``None`` for what is
        no address.
        """
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
        """What to press for the page at `url`; ``None`` when it is on another host than pages so far.

        Headers go along within the origin of the first request; where a redirect has led elsewhere, only
        those that are no credentials.
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
            f"{where} leads to {url}, and `follow` stays at the host it began with",
            "fetch that one with a step of its own",
            status=status_of(outcome),
        )
        return Outcome(status="error", error=info, exit_code=1, about=outcome.about)

    def _bounded(self, value: Any) -> str:
        """What to note where pages were left out; of a site nothing where that was asked for."""
        most, follow = self._asked.most, self._asked.follow
        if not self._asked.bounded:
            return f"{most:,} pages were followed and there are more, from {value} on; set `max_pages`"
        if isinstance(follow, str | Field):
            return ""
        return f"`max_pages: {most}` ended it, and there are more pages"

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
        """`failure`, with what the pages before it gave."""
        if not listing.count or failure.error is None:
            return failure
        error = replace(failure.error, message=f"page {listing.count + 1}: {failure.error.message}")
        about = {**(failure.about or listing.about or {}), "pages": listing.count}
        notes = tuple(dict.fromkeys([*listing.notes, *failure.notes]))
        return replace(failure, output=listing.output, error=error, about=about, cached=False, notes=notes)


def status_of(outcome: Outcome) -> int | None:
    """The status of the answer that `outcome` is made of; ``None`` where none is known."""
    return outcome.about["status"] if outcome.about else None


def _answered(outcome: Outcome) -> URL | None:
    """The address that answered, after redirects; ``None`` where none is known."""
    return URL(outcome.about["url"], encoded=True) if outcome.about else None


def _same(url: URL) -> URL:
    """`url` in the one form that all its spellings have: no fragment, no default port, escapes alike."""
    return URL(str(url.with_fragment(None)))
