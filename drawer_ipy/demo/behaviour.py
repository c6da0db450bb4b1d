"""Handlers with valid responses that are slow, redirected or successful only after some requests."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from http import HTTPStatus
from http.cookies import CookieError

from aiohttp import web

from drawer_ipy.demo import pages
from drawer_ipy.demo.keys import STATE
from drawer_ipy.demo.params import bad_request, path_int, query_float, query_int, query_text
from drawer_ipy.demo.shop import html
from drawer_ipy.demo.streaming import send_pieces

MAX_MS = 30_000
MAX_FAILURES = 1_000
MAX_REDIRECTS = 50
MAX_DRIP = 1_048_576
LONGEST_URL = 2_000
_DRIP_STEPS = 20


async def slow(request: web.Request) -> web.Response:
    """Wait before anything is sent."""
    wait = path_int(request, "ms", 0, MAX_MS)
    await asyncio.sleep(wait / 1000)
    return web.json_response({"waited_ms": wait})


async def status(request: web.Request) -> web.Response:
    """Respond with the requested status code."""
    code = path_int(request, "code", 200, 599)
    try:
        reason = HTTPStatus(code).phrase
    except ValueError:
        reason = "Unassigned"
    # These two have no body by definition.
    text = None if code in (204, 304) else f"{code} {reason}\n"
    return web.Response(status=code, reason=reason, text=text)


async def flaky(request: web.Request) -> web.Response:
    """Fail the first requests of a key, then succeed."""
    failures = query_int(request, "fail", 0, MAX_FAILURES, default=2)
    key = request.match_info["key"]
    attempt = request.app[STATE].flaky_attempt(key)
    if attempt <= failures:
        raise web.HTTPInternalServerError(text=f"Attempt {attempt} of {key!r} fails on purpose.")
    return web.json_response({"key": key, "attempt": attempt})


async def limited(request: web.Request) -> web.Response:
    """Respond with 429 and Retry-After after the allowed requests of a key."""
    after = query_int(request, "after", 0, MAX_FAILURES, default=3)
    retry_after = query_float(request, "retry_after", 0.05, 600, default=1)
    key = request.match_info["key"]
    wait = request.app[STATE].limited_wait(key, after, retry_after)
    if wait > 0:
        raise web.HTTPTooManyRequests(
            headers={"Retry-After": str(math.ceil(wait))},  # the header takes whole seconds only
            text=f"Key {key!r} opens again in {wait:.2f} s.",
        )
    return web.json_response({"key": key, "allowed": True})


async def drip(request: web.Request) -> web.StreamResponse:
    """Send the headers at once and the body in up to 20 pieces over the requested time."""
    total = path_int(request, "bytes", 1, MAX_DRIP)
    pause = query_int(request, "ms", 0, MAX_MS, default=1000) / 1000
    steps = min(total, _DRIP_STEPS)

    async def drops() -> AsyncIterator[bytes]:
        for step in range(steps):
            await asyncio.sleep(pause / steps)
            yield b"*" * (total * (step + 1) // steps - total * step // steps)

    return await send_pieces(request, drops(), total)


async def redirect(request: web.Request) -> web.Response:
    """Redirect the requested number of times, then respond with a page."""
    left = path_int(request, "n", 0, MAX_REDIRECTS)
    if left:
        raise web.HTTPFound(f"/redirect/{left - 1}")
    return html(pages.message_page("Arrived", "No redirects are left."))


async def redirect_to(request: web.Request) -> web.Response:
    """Redirect to any http or https address, or to a path of this site."""
    target = query_text(request, "url", LONGEST_URL)
    if not target.startswith(("http://", "https://", "/")) or not target.isprintable():
        raise bad_request("url must begin with http://, https:// or /, without control characters.")
    try:
        found = web.HTTPFound(target)
    except ValueError as error:
        raise bad_request(f"url is not an address: {error}") from error
    raise found


async def cookies(request: web.Request) -> web.Response:
    """The cookies that the client has sent."""
    return web.json_response({"cookies": dict(request.cookies)})


async def set_cookies(request: web.Request) -> web.Response:
    """Set every pair of the query as a cookie and redirect to ``/cookies``."""
    if not request.query:
        raise bad_request("Give at least one cookie in the query: /cookies/set?name=value.")
    response = web.Response(status=302, headers={"Location": "/cookies"})
    for name, value in request.query.items():
        if not value.isprintable():
            raise bad_request("A cookie's value must not contain control characters.")
        try:
            response.set_cookie(name, value)
        except CookieError as error:
            raise bad_request(f"{name!r} cannot be the name of a cookie.") from error
    return response
