"""robots.txt: fetched once per origin and run, and obeyed if a button says ``robots: true``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from yarl import URL

from drawer_ipy.buttons.http.request import Request
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.buttons.http.robots_rules import RobotsRules
from drawer_ipy.buttons.http.rules import origin
from drawer_ipy.buttons.http.url import target_of
from drawer_ipy.errors import Code, DrawerError

_AGENT = "drawer_ipy"
_LONGEST_DELAY = 60.0
ENOUGH = 500 * 1024
"""Bytes of a robots.txt that are read; RFC 9309 (2.5) requires no more, and the rest is ignored."""

AskFile = Callable[[URL], Awaitable[Response]]


class RobotsRefused(DrawerError):
    """robots.txt forbids a request."""

    default_code = Code.VALIDATION_ERROR


class Robots:
    """The robots.txt files of a run, by origin.

    As RFC 9309 requires: without the file (404 and the like) everything is allowed; if it cannot be fetched
    (5xx, no connection), nothing is allowed, because its rules are unknown.
    """

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str | None, int | None], asyncio.Task[RobotsRules | str | None]] = {}

    def is_loading(self, request: Request) -> bool:
        """Whether another request has begun to fetch the file that decides about `request`."""
        task = self._rules.get(origin(request.url))
        return task is not None and not task.done()

    async def check(self, request: Request, ask: AskFile) -> float:
        """Refuse `request` if it is forbidden; return the seconds to keep between two requests.

        Args:
            ask: fetches robots.txt.

        Raises:
            RobotsRefused: the request is forbidden, or robots.txt cannot be fetched.
        """
        key = origin(request.url)
        task = self._rules.get(key)
        if task is None:
            # All waiting requests share one task, so that cancelling one does not affect the others.
            where = request.url.origin() / "robots.txt"
            task = self._rules[key] = asyncio.create_task(_load(where, ask))
        rules = await asyncio.shield(task)
        agent = request.headers.get("User-Agent", _AGENT)
        if isinstance(rules, str):
            raise RobotsRefused(
                f"{request} was not sent, because robots.txt cannot be read: {rules}",
                remediation="try again later, or remove `robots` from the button if you may",
            )
        if rules is None:
            return 0.0
        group = rules.group(agent)
        if not group.allows(target_of(request.address or str(request.url))):
            raise RobotsRefused(
                f"robots.txt of {request.url.authority} forbids {request} to {agent}",
                remediation="skip this request, or remove `robots` from the button if you may",
            )
        return min(_LONGEST_DELAY, group.delay)

    async def aclose(self) -> None:
        """Cancel the fetches that are still running."""
        tasks = list(self._rules.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._rules.clear()


async def _load(where: URL, ask: AskFile) -> RobotsRules | str | None:
    """Return the rules, ``None`` if there are none, or the reason why they cannot be fetched."""
    try:
        answer = await ask(where)
    except DrawerError as error:
        return error.message
    if answer.status >= 500 or answer.status == 429:
        return answer.status_line
    if not answer.ok:
        return None
    text = answer.body
    if len(text) >= ENOUGH:
        text = text[: text.rfind(b"\n") + 1]  # half of a rule might forbid everything
    return RobotsRules(text)
