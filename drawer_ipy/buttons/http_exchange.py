"""One try: from a request through redirects to an answer, each hop checked, timed and counted at its host."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
from yarl import URL

from drawer_ipy.buttons.base import Call
from drawer_ipy.buttons.http_decode import Body, Damaged, TooLarge
from drawer_ipy.buttons.http_failure import RequestFailed, connection_failed, timed_out, too_large
from drawer_ipy.buttons.http_hosts import Host
from drawer_ipy.buttons.http_request import Request, abroad
from drawer_ipy.buttons.http_response import Response
from drawer_ipy.buttons.http_robots import Robots
from drawer_ipy.buttons.http_rules import Rules, origin
from drawer_ipy.buttons.http_save import save_body
from drawer_ipy.buttons.http_session import HttpSession
from drawer_ipy.buttons.http_wire import Answer, Timeouts
from drawer_ipy.errors import ArgumentError

_REDIRECTS = 10
_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_SMALL = 64 * 1024


@dataclass(frozen=True, slots=True)
class Manners:
    """How the requests of one button are made.

    Attributes:
        rules: where they may go.
        limit: most bytes of an answer's body.
        per_host: most of them at once at one host, 0 for any number.
        cookies: whether the run's cookies are sent and kept.
        robots: whether robots.txt is obeyed.
        timeouts: how long they may take.
    """

    rules: Rules
    limit: int
    per_host: int
    cookies: bool
    robots: bool
    timeouts: Timeouts


class Exchange:
    """One try of one press.

    Args:
        manners: of the button.
        call: of the press; its timeout holds for the whole try, without the time spent waiting for a turn.
        save: see HttpClient.fetch.
        proxy: see HttpClient.fetch.
    """

    def __init__(self, manners: Manners, call: Call, save: Path | None, proxy: str | None) -> None:
        self._manners = manners
        self._call = call
        self._sessions = call.resources.get(HttpSession)
        self._save = save
        self._proxy = proxy
        self._elapsed = 0.0

    async def run(self, request: Request) -> Response:
        """Send `request` and what redirects make of it.

        Raises:
            RequestFailed: when there is no whole answer.
            DrawerError: when a hop is refused.
        """
        manners = self._manners
        for _ in range(_REDIRECTS + 1):
            guarded = manners.rules.check(request.url)
            if manners.robots:
                await self._obey_robots(request)
            host = self._sessions.host(request.url)
            if not host.begin(manners.per_host):
                await host.enter(manners.per_host)
            try:
                answer = await self._hop(request, guarded, host)
            finally:
                host.leave()
            if isinstance(answer, Response):
                answer.elapsed = self._elapsed
                answer.address = request.address
                return answer
            request = answer
        raise RequestFailed(f"more than {_REDIRECTS} redirects, the last to {request}", final=True)

    async def _hop(self, request: Request, guarded: bool, host: Host) -> Response | Request:
        """:meth:`_send` within what is left of the time; failures in plain words."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._remaining(request)):
                answer = await self._send(request, guarded)
        except TooLarge:
            raise too_large(self._manners.limit, str(request)) from None
        except (aiohttp.ClientError, Damaged, OSError, ValueError) as error:
            if type(error) is TimeoutError:  # that of the whole; those of its parts have classes of their own
                raise timed_out(self._call.timeout, str(request)) from None
            raise connection_failed(error, str(request)) from None
        self._elapsed += asyncio.get_running_loop().time() - began
        if isinstance(answer, Response) and answer.busy:
            pause = host.complained(began, answer.retry_after)
            if self._call.log is not None:
                self._call.log(f"{host.name} answered {answer.status}: it is left alone for {pause:.1f} s")
        else:
            host.went_well()
        return answer

    def _remaining(self, request: Request) -> float | None:
        """Seconds that are left, ``None`` for any number. Raises RequestFailed when none are."""
        total = self._call.timeout
        if total is None or not self._elapsed:
            return total
        if self._elapsed >= total:
            raise timed_out(total, str(request))
        return total - self._elapsed

    async def _send(self, request: Request, guarded: bool) -> Response | Request:
        """The answer, or the request that a redirect asks for instead."""
        manners, sessions = self._manners, self._sessions
        proxy = self._proxy or sessions.proxy_for(request.url)
        if proxy is not None and guarded:
            await sessions.check_target(request.url)
        # The proxy itself may well be in a private network.
        wire = sessions.wire(guarded and proxy is None)
        jar = sessions.jar if manners.cookies else None
        answer = await wire.send(request, manners.timeouts, jar, proxy)
        try:
            if answer.status in _REDIRECTING and "Location" in answer.headers:
                return await _redirected(request, answer)
            if self._save is None and _is_plain(answer, manners.limit):
                body = await answer.content.read()
                return Response(
                    request.method, request.url, answer.status, answer.reason, answer.headers, body
                )
            return await self._receive(request, answer)
        except BaseException:
            answer.close()
            raise
        finally:
            answer.release()  # for further requests, if its body was read to the end

    async def _receive(self, request: Request, answer: Answer) -> Response:
        """The whole of `answer`. Raises TooLarge and Damaged, see Body."""
        headers, limit = answer.headers, self._manners.limit
        response = Response(request.method, request.url, answer.status, answer.reason, headers)
        coding = headers.get("Content-Encoding", "")
        if self._save is not None and response.ok:
            response.path = self._save
            body = Body(coding, limit)
            response.size = await save_body(answer.content, body, self._save, self._call.resources)
        else:
            response.body = await _read(answer.content, Body(coding, limit))
        return response

    async def _obey_robots(self, request: Request) -> None:
        """Refuse what robots.txt forbids, and keep to its Crawl-delay. Its own request has no such rules."""
        host = self._sessions.host(request.url)

        async def ask(url: URL) -> Response:
            exchange = Exchange(replace(self._manners, robots=False), self._call, None, self._proxy)
            return await exchange.run(Request("GET", url, abroad(request.headers)))

        delay = await self._call.resources.get(Robots).check(request, ask)
        if delay:
            host.space(delay)


def _is_plain(answer: Answer, limit: int) -> bool:
    """Whether a body needs no decoding, and its promised length keeps it within the limit."""
    return 0 < (answer.length or 0) <= limit and "Content-Encoding" not in answer.headers


async def _read(content: aiohttp.StreamReader, body: Body) -> bytes:
    """The whole body, decoded. Raises TooLarge and Damaged, see Body."""
    chunks = [body.feed(chunk) async for chunk in content.iter_any()]
    body.end()
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _redirected(request: Request, answer: Answer) -> Request:
    """The request that a redirect asks for instead of `request`.

    Raises:
        ArgumentError: when it leads to what is no URL.
    """
    status, location = answer.status, answer.headers["Location"]
    if answer.length is not None and answer.length <= _SMALL:
        await answer.content.read()  # a connection can be used again when its last answer was read
    try:
        there = request.url.join(URL(location))
    except ValueError:
        raise ArgumentError(f"{request} is redirected to {location[:200]!r}, which is no URL") from None
    if request.url.raw_fragment and not there.raw_fragment:
        there = URL(f"{there}#{request.url.raw_fragment}", encoded=True)
    method, headers, body = request.method, request.headers, request.body
    if status == 303 or (status in (301, 302) and method == "POST"):
        method, body = "HEAD" if method == "HEAD" else "GET", None
        headers = headers.copy()
        headers.popall("Content-Type", None)
    if headers.get("Authorization", "").startswith("Digest "):  # which holds for one address only
        headers = headers.copy()
        del headers["Authorization"]
    if origin(there) != origin(request.url):
        headers = abroad(headers)
    return Request(method, there, headers, body)
