"""A mock of a completions API: a token, two rate limits, and usage in the response."""

from __future__ import annotations

import math
from typing import Any

from aiohttp import web

from drawer_ipy.demo.keys import STATE
from drawer_ipy.demo.params import query_int

TOKEN = "demo-token"
"""The bearer token that the API accepts."""

_MOST = 1_000_000
_PLACE = "completions"


def tokens_in(text: str) -> int:
    """About as many tokens as a language model would count: one for every four characters."""
    return math.ceil(len(text) / 4)


async def completions(request: web.Request) -> web.Response:
    """Answer a prompt, unless the token is wrong, a limit is used up or the service is down.

    The limits are requests a second and tokens a minute (prompt and ``max_tokens`` together); each may be
    used up in advance for one second. With ``outage_after=N`` every request after N is answered with 500
    until the site is reset.
    """
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return _error(401, "authentication", f"send the header Authorization: Bearer {TOKEN}")
    prompt, most = await _asked(request)
    state = request.app[STATE]
    outage = query_int(request, "outage_after", 0, _MOST, default=_MOST)
    if state.flaky_attempt(_PLACE) > outage:
        return _error(500, "server_error", "the service is down")
    per_second = query_int(request, "rps", 1, _MOST, default=10)
    per_minute = query_int(request, "tpm", 1, _MOST * 60, default=20_000)
    spent = tokens_in(prompt) + most
    wait = max(
        state.spend(f"{_PLACE} requests", 1, per_second),
        state.spend(f"{_PLACE} tokens", spent, per_minute / 60),
    )
    if wait > 0:
        seconds = str(math.ceil(wait))
        return _error(429, "rate_limit", f"try again in {wait:.2f} s", {"Retry-After": seconds})
    words = prompt.split()
    answer = f"{len(words)} words, the longest is {max(words, key=len, default='')!r}"
    used = tokens_in(prompt) + min(most, tokens_in(answer))
    return web.json_response(
        {
            "model": "demo-1",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}}],
            "usage": {"prompt_tokens": tokens_in(prompt), "total_tokens": used},
        }
    )


async def _asked(request: web.Request) -> tuple[str, int]:
    try:
        body: Any = await request.json()
    except ValueError:
        body = None
    prompt = body.get("prompt") if isinstance(body, dict) else None
    most = body.get("max_tokens", 16) if isinstance(body, dict) else None
    if not isinstance(prompt, str) or not isinstance(most, int) or isinstance(most, bool) or most < 1:
        text = 'The body must be JSON such as {"prompt": "...", "max_tokens": 16}.'
        raise web.HTTPBadRequest(text=text)
    return prompt, most


def _error(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"type": kind, "message": message}}, status=status, headers=headers)
