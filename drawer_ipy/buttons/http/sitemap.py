"""``sitemap: true``: read the addresses of a site map, including its index and all its parts."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from drawer_ipy.buttons.base import Outcome
from drawer_ipy.buttons.http.bound import BoundRequest
from drawer_ipy.buttons.http.page_outcome import page_of
from drawer_ipy.buttons.http.request import Request, abroad
from drawer_ipy.buttons.http.response import Response, located, outcome_of, shortened
from drawer_ipy.buttons.http.rules import origin
from drawer_ipy.buttons.http.template import UrlTemplate
from drawer_ipy.common.notes import Note
from drawer_ipy.definition.extract import Asked
from drawer_ipy.definition.statuses import is_plain_success
from drawer_ipy.errors import ArgumentError, Code, ErrorInfo
from drawer_ipy.scrape.page import ExtractError
from drawer_ipy.scrape.sitemap import SiteMap, read_sitemap

_LISTED = 3
_HINT = "`on_failure: continue` continues with the addresses from the others; they are the step's output"


def outcome_of_sitemap(
    response: Response, limit: int, accepts: Callable[[int], bool] = is_plain_success
) -> Outcome:
    """Return the outcome of one file of a site map; its output is a :class:`SiteMap`, even if it has errors.

    Args:
        limit: maximum size in bytes of a compressed file after decompression.
        accepts: returns whether a status is a success. An accepted error response counts as an empty file.
    """
    if not accepts(response.status):
        return outcome_of(response)
    about = response.about()
    if not response.ok:
        return Outcome(SiteMap([], []), about=about)
    try:
        page = page_of(response, limit)
    except ExtractError as error:
        info = ErrorInfo(Code.EXTRACT_ERROR, str(error), status=response.status)
        return Outcome(status="error", error=info, exit_code=1, about=about)
    found = read_sitemap(page.text, page.url, xml=page.xml)
    outcome = Outcome(found, about=about, notes=located(page.notes, response))
    if found.trouble:
        outcome.status, outcome.exit_code = "error", 1
        message = f"{response.url}: {found.trouble}"
        outcome.error = ErrorInfo(Code.EXTRACT_ERROR, message, status=response.status)
        outcome.stdout = shortened(page.text)
    return outcome


@dataclass(slots=True)
class _SitemapReading:
    """The files so far.

    Attributes:
        entries: the entries of the files.
        count: the number of requested files.
        failures: the error of each failed file; ``stdout`` is that of the first one.
        last: the latest outcome.
        cached: whether all files came from the cache.
        notes: the notes on all files.
        elapsed: seconds of all requests.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    failures: list[ErrorInfo] = field(default_factory=list)
    stdout: str = ""
    last: Outcome = field(default_factory=Outcome)
    cached: bool = True
    pushed_back: bool = False
    notes: list[Note] = field(default_factory=list)
    elapsed: float = 0.0

    def add(self, outcome: Outcome) -> list[str]:
        """Add the result of `outcome`; return the addresses of further files."""
        self.count += 1
        self.last = outcome
        self.cached = self.cached and outcome.cached
        self.pushed_back = self.pushed_back or outcome.pushed_back
        self.notes += outcome.notes
        self.elapsed += outcome.about.get("elapsed", 0.0) if outcome.about else 0.0
        if outcome.error is not None:
            self.stdout = self.stdout if self.failures else outcome.stdout
            self.failures.append(outcome.error)
        if not isinstance(outcome.output, SiteMap):
            return []
        where = outcome.about["url"] if outcome.about else ""
        self.entries += ({**entry, "sitemap": where} for entry in outcome.output.entries)
        return outcome.output.parts


class SitemapInTurn:
    """Read a site map, the parts that it lists, and the parts that those list.

    The output is the list of all addresses without duplicates; with ``sitemap: full``, a list of mappings
    with ``loc``, ``lastmod``, ``changefreq``, ``priority`` and the ``sitemap`` that contains it.

    Args:
        name: the name of the button.
        asked: what to extract; with ``sitemap``.
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
        """Press `one` for each file; see base.Pages.

        If a part fails, the others are still read. The step then fails at the end, with the addresses from
        the others as output.
        """
        reading, first = _SitemapReading(), bound.request
        seen = {_plain(first.url)}
        waiting = deque([bound])
        while waiting and reading.count < self._asked.most:
            outcome = await one(waiting.popleft())
            parts = reading.add(outcome)
            if reading.count == 1 and outcome.error is not None and not isinstance(outcome.output, SiteMap):
                return outcome
            for part in parts:
                url = self._url(part)
                if url is None:
                    reading.failures.append(
                        ErrorInfo(Code.EXTRACT_ERROR, f"{part[:200]!r} is not a valid address")
                    )
                elif _plain(url) not in seen:
                    seen.add(_plain(url))
                    waiting.append(_bound_for(bound, first, url))
            if log is not None and waiting:
                log(f"site map {reading.count + 1}: {waiting[0].request.url}")
        return self._whole(reading, len(waiting))

    def _url(self, text: str) -> URL | None:
        try:
            return URL(self._address.fill({"url": text}), encoded=True).with_fragment(None)
        except (ArgumentError, ValueError):
            return None

    def _whole(self, reading: _SitemapReading, left: int) -> Outcome:
        output: Any = reading.entries
        if self._asked.sitemap != "full":
            output = list(dict.fromkeys(entry["loc"] for entry in reading.entries))
        about = None
        if reading.last.about is not None:
            elapsed = round(reading.elapsed, 6)
            about = {**reading.last.about, "elapsed": elapsed, "pages": reading.count}
        outcome = Outcome(
            output,
            about=about,
            pushed_back=reading.pushed_back,
            cached=reading.cached,
            notes=tuple(dict.fromkeys(reading.notes)),
        )
        if left and not self._asked.bounded:
            outcome.note = (
                f"button {self._name!r}: stopped after {reading.count:,} site maps with "
                f"{left:,} left to read; set `max_pages`"
            )
        if reading.failures:
            outcome.status, outcome.exit_code = "error", reading.last.exit_code or 1
            outcome.error = _summed_up(reading.failures, reading.count)
            outcome.stdout = reading.stdout
            outcome.cached = False
        return outcome


def _bound_for(bound: BoundRequest, first: Request, url: URL) -> BoundRequest:
    """Return what to press for the part at `url`; possible credentials stay at the origin of the first."""
    if origin(url) == origin(first.url):
        request = Request("GET", url, first.headers)
        return bound.following(request, is_abroad=False)
    return bound.following(Request("GET", url, abroad(first.headers)), is_abroad=True)


def _summed_up(failures: list[ErrorInfo], count: int) -> ErrorInfo:
    words = "; ".join(failure.message for failure in failures[:_LISTED])
    more = f"; and {len(failures) - _LISTED} more" if len(failures) > _LISTED else ""
    of = "the site map" if count == 1 else f"{len(failures)} of {count} site maps"
    message = f"{of} could not be read completely: {words}{more}"
    first = failures[0]
    return ErrorInfo(first.code, message, _HINT if count > 1 else first.remediation, status=first.status)


def _plain(url: URL) -> URL:
    """Return the same URL for all spellings of `url`."""
    return URL(str(url.with_fragment(None)))
