"""Middleware around every handler: counters, readable errors, and clients that disconnect early."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from drawer_ipy.demo import pages
from drawer_ipy.demo.keys import STATE


@web.middleware
async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Update the counters, also for requests that fail or are cancelled."""
    state = request.app[STATE]
    state.enter(request.path)
    try:
        return await handler(request)
    finally:
        state.leave()


@web.middleware
async def explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Convert raised errors to a short HTML page, or to JSON under ``/api``."""
    try:
        return await handler(request)
    except web.HTTPError as error:
        message = error.text or error.reason
        if error.text == f"{error.status}: {error.reason}":  # aiohttp's own error: an unknown route
            message = f"{request.method} {request.path} is not offered by this site."
        headers = {name: error.headers[name] for name in _KEPT if name in error.headers}
        if request.path.startswith("/api/"):
            return web.json_response({"error": message}, status=error.status, headers=headers)
        return web.Response(
            text=pages.message_page(f"{error.status} {error.reason}", message),
            status=error.status,
            content_type="text/html",
            charset="utf-8",
            headers=headers,
        )


@web.middleware
async def allow_leaving(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ignore clients that disconnect during a response: that is not an error and causes no traceback."""
    try:
        return await handler(request)
    except ConnectionError:
        return web.Response()  # never sent: aiohttp drops it with the closed connection


_KEPT = ("Allow", "Retry-After")
