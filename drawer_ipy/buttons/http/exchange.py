"""One attempt: send a request, follow redirects to a response, and check, time and count each hop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
from yarl import URL

from drawer_ipy.buttons.base import Call
from drawer_ipy.buttons.http.connection_failure import connection_failed
from drawer_ipy.buttons.http.decode import Body, Damaged, TooLarge
from drawer_ipy.buttons.http.failure import RequestFailed, timed_out, too_large
from drawer_ipy.buttons.http.hosts import LONGEST_PAUSE, Host
from drawer_ipy.buttons.http.manners import Manners
from drawer_ipy.buttons.http.open_response import ArrivingBody, OpenResponse
from drawer_ipy.buttons.http.proxy import Proxy
from drawer_ipy.buttons.http.redirect import leads_to, redirected
from drawer_ipy.buttons.http.request import Request, abroad
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.buttons.http.resume import Download
from drawer_ipy.buttons.http.retry_after import seconds_to_wait
from drawer_ipy.buttons.http.robots import ENOUGH, Robots
from drawer_ipy.buttons.http.save import save_body
from drawer_ipy.buttons.http.session import HttpSession
from drawer_ipy.record.waits import Reason, Why

_REDIRECTS = 10
_NOT_MODIFIED = 304
_PARTIAL = 206
_ASKING = ("If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range")
_SMALL = 64 * 1024


class Exchange:
    """One attempt of one press.

    Args:
        manners: the settings of the button.
        call: the press; its timeout covers the whole attempt, except for time spent waiting for a turn.
        save: see HttpClient.fetch.
        proxy: see HttpClient.fetch.
        enough: bytes of the body after which the rest is dropped; ``None`` for the whole body.
    """

    def __init__(
        self, manners: Manners, call: Call, save: Path | None, proxy: Proxy | None, enough: int | None = None
    ) -> None:
        self._manners = manners
        self._call = call
        self._sessions = call.resources.get(HttpSession)
        self._save = save
        self._proxy = proxy
        self._through: Proxy | None = None
        self._enough = enough
        self._limit = manners.limit if enough is None else enough
        self._elapsed = 0.0
        self._pause = 0.0

    async def run(self, request: Request) -> Response:
        """Send `request` and follow its redirects.

        Raises:
            RequestFailed: there is no complete response.
            DrawerError: a hop is refused.
        """
        manners = self._manners
        for _ in range(_REDIRECTS + 1):
            guarded = manners.rules.check(request.url)
            if manners.robots:
                await self._obey_robots(request)
            host = self._sessions.host(request.url)
            if not host.begin(manners.per_host):
                await host.enter(manners.per_host, self._call.waiter.pausing)
            try:
                answer = await self._hop(request, guarded, host)
            finally:
                host.leave()
            if isinstance(answer, Response):
                answer.elapsed = self._elapsed
                answer.address = request.address
                return answer
            request = answer
            if self._pause:
                await self._wait(request)
        raise RequestFailed(f"more than {_REDIRECTS} redirects, the last to {request}", final=True)

    async def _wait(self, request: Request) -> None:
        """Wait before a redirect is followed if its response says so (Retry-After).

        Raises:
            RequestFailed: the wait is longer than a run allows.
        """
        wait, self._pause = self._pause, 0.0
        if wait > LONGEST_PAUSE:
            raise RequestFailed(
                f"a redirect requires a wait of {wait:,.0f} s before {request}",
                remediation=f"run it again later; a run waits up to {LONGEST_PAUSE / 60:.0f} minutes",
                final=True,
                retry_after=wait,
            )
        host = self._sessions.host(request.url).name
        with self._call.waiter.pausing(Reason(Why.ASKED, host), wait):
            await asyncio.sleep(wait)

    async def _hop(self, request: Request, guarded: bool, host: Host) -> Response | Request:
        """Call :meth:`_send` within the remaining time; turn exceptions into RequestFailed."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        remaining = self._remaining(request)
        try:
            with self._sessions.deadlines.until(None if remaining is None else began + remaining):
                answer = await self._send(request, guarded)
        except TooLarge:
            raise too_large(self._manners.limit, str(request)) from None
        except (aiohttp.ClientError, Damaged, OSError, ValueError) as error:
            if type(error) is TimeoutError:  # the overall limit; other timeouts have their own classes
                raise timed_out(self._call.timeout, str(request)) from None
            raise connection_failed(error, str(request), self._through) from None
        self._elapsed += loop.time() - began
        if isinstance(answer, Response) and answer.busy:
            pause = host.complained(began, answer.retry_after)
            if self._call.log is not None:
                self._call.log(
                    f"{host.name} responded with {answer.status}: no requests to it for {pause:.1f} s"
                )
        else:
            host.went_well()
        return answer

    def _remaining(self, request: Request) -> float | None:
        """Return the remaining seconds, ``None`` for no limit. Raises RequestFailed if none remain."""
        total = self._call.timeout
        if total is None or not self._elapsed:
            return total
        if self._elapsed >= total:
            raise timed_out(total, str(request))
        return total - self._elapsed

    async def _send(self, request: Request, guarded: bool) -> Response | Request:
        """Return the response, or the request that a redirect leads to."""
        manners, sessions = self._manners, self._sessions
        proxy = self._through = self._proxy or sessions.environment.proxy_for(request.url)
        if proxy is not None and proxy.url is None:
            proxy = None
        looks_up = proxy is None or proxy.names_here
        if guarded and not looks_up:
            await sessions.check_target(request.url)
        # The proxy itself may be in a private network.
        wire = sessions.wire(guarded and looks_up, request.url)
        cookies = sessions.cookies if manners.cookies else None
        asked = request if request.condition is None else request.conditional()
        if self._save is None:
            answer = await wire.send(asked, manners.timeouts, cookies, proxy, manners.trust)
            return await self._take(request, asked, answer)
        with Download(self._save, request) as download:
            asked = download.asking(asked)
            answer = await wire.send(asked, manners.timeouts, cookies, proxy, manners.trust)
            return await self._take(request, asked, answer, download)

    async def _take(
        self, request: Request, asked: Request, answer: OpenResponse, download: Download | None = None
    ) -> Response | Request:
        """Process the answer to `asked`, which is `request` with its conditional headers."""
        try:
            self._check_status(asked, answer)
            partial = answer.status == _PARTIAL and "Range" not in asked.headers
            location = leads_to(request, answer)
            if location is not None:
                await _read_on(answer)
                self._pause = seconds_to_wait(answer.status, answer.headers) or 0.0
                return redirected(request, answer.status, location)
            if download is not None and download.must_begin_again(answer):
                return request
            if download is None and not partial and _is_plain(answer, self._limit):
                content = answer.content
                body = content.read_nowait() if content.is_eof() else await content.read()
                return Response(
                    request.method, request.url, answer.status, answer.reason, answer.headers, body
                )
            response = await self._receive(request, answer, download)
            if partial:
                response.note = f"{request.url.authority} sent an unrequested partial response (206)"
            return response
        except BaseException:
            answer.close()
            raise
        finally:
            answer.release()  # for reuse, if its body was read to the end

    def _check_status(self, asked: Request, answer: OpenResponse) -> None:
        """Refuse a 304 or 206 response to a request that was not conditional or for a range."""
        if answer.status == _NOT_MODIFIED and not any(name in asked.headers for name in _ASKING):
            raise RequestFailed(f"{asked} got 304 Not Modified, but the request was not conditional")
        if self._save is not None and answer.status == _PARTIAL and "Range" not in asked.headers:
            raise RequestFailed(f"{asked} got a partial response (206), but requested the whole")

    async def _receive(self, request: Request, answer: OpenResponse, download: Download | None) -> Response:
        """Return the whole body of `answer`. Raises TooLarge and Damaged, see Body."""
        headers = answer.headers
        response = Response(request.method, request.url, answer.status, answer.reason, headers)
        limit = self._limit - (download.start if download is not None else 0)
        body = Body(",".join(headers.getall("Content-Encoding", ())), limit)
        if body.unknown:
            response.note = (
                f"{request.url.authority} sends the unknown Content-Encoding "
                f"{', '.join(body.unknown)[:60]!r}; its responses were not decoded"
            )
        if download is not None and self._save is not None and response.ok:
            response.path = self._save
            response.size = await save_body(answer, body, self._save, self._call, download)
            if download.start:
                download.made_whole(response)
        elif self._enough is not None:
            response.body = await _read_beginning(answer.content, body)
        else:
            response.body = await _read(answer.content, body)
        return response

    async def _obey_robots(self, request: Request) -> None:
        """Refuse what robots.txt forbids, and keep its Crawl-delay. robots.txt itself is exempt."""
        host = self._sessions.host(request.url)

        async def ask(url: URL) -> Response:
            manners = replace(self._manners, robots=False)
            exchange = Exchange(manners, self._call, None, self._proxy, enough=ENOUGH)
            return await exchange.run(Request("GET", url, abroad(request.headers)))

        robots = self._call.resources.get(Robots)
        if robots.is_loading(request):
            with self._call.waiter.pausing(Reason(Why.SHARED, f"robots.txt of {host.name}")):
                delay = await robots.check(request, ask)
        else:
            delay = await robots.check(request, ask)
        if delay:
            host.space(delay)


def _is_plain(answer: OpenResponse, limit: int) -> bool:
    """Whether a body needs no decoding and its Content-Length is within the limit."""
    return 0 < (answer.length or 0) <= limit and "Content-Encoding" not in answer.headers


async def _read(content: ArrivingBody, body: Body) -> bytes:
    """Return the whole body, decoded. Raises TooLarge and Damaged, see Body."""
    chunks = [body.feed(chunk) async for chunk in content.iter_any()]
    body.end()
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _read_beginning(content: ArrivingBody, body: Body) -> bytes:
    """Return as much of the decoded body as the limit allows. Raises Damaged, see Body."""
    found = bytearray()
    try:
        async for chunk in content.iter_any():
            found += body.feed(chunk)
    except TooLarge as error:
        found += error.piece
    else:
        body.end()
    return bytes(found)


async def _read_on(answer: OpenResponse) -> None:
    """Read a short unneeded body, so that its connection can be reused."""
    if answer.length is not None and answer.length <= _SMALL:
        await answer.content.read()
