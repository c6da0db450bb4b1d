"""robots.txt: asked for once per origin and run, obeyed where a button says ``robots: true``."""

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
"""Bytes of a robots.txt that are read; RFC 9309 (2.5) asks for no more, and what follows is left out."""

AskFile = Callable[[URL], Awaitable[Response]]


class RobotsRefused(DrawerError):
    """robots.txt forbids a request."""

    default_code = Code.VALIDATION_ERROR


class Robots:
    """What the origins of a run have in their robots.txt.

    As RFC 9309 says: without one (404 and the like) everything is allowed; where it cannot be had (5xx, no
    connection) nothing is, for it is not known what it forbids.
    """

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str | None, int | None], asyncio.Task[RobotsRules | str | None]] = {}

    async def check(self, request: Request, ask: AskFile) -> float:
        """Refuse `request` where it is forbidden; returns the seconds to keep between two requests.

        Args:
            ask: how to get robots.txt.

        Raises:
            RobotsRefused: when it is forbidden, or robots.txt cannot be had.
        """
        key = origin(request.url)
        task = self._rules.get(key)
        if task is None:
            # One task for all who wait, so that one that is cancelled does not take it from the others.
            where = request.url.origin() / "robots.txt"
            task = self._rules[key] = asyncio.create_task(_load(where, ask))
        rules = await asyncio.shield(task)
        agent = request.headers.get("User-Agent", _AGENT)
        if isinstance(rules, str):
            raise RobotsRefused(
                f"{request} is not sent, for it is not known what robots.txt forbids: {rules}",
                remediation="try again later, or leave `robots` out of the button if you may",
            )
        if rules is None:
            return 0.0
        group = rules.group(agent)
        if not group.allows(target_of(request.address or str(request.url))):
            raise RobotsRefused(
                f"robots.txt of {request.url.authority} forbids {request} to {agent}",
                remediation="leave it out, or leave `robots` out of the button if you may",
            )
        return min(_LONGEST_DELAY, group.delay)

    async def aclose(self) -> None:
        """End what is still being asked for."""
        tasks = list(self._rules.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._rules.clear()


async def _load(where: URL, ask: AskFile) -> RobotsRules | str | None:
    """The rules, ``None`` where there are none, or why they cannot be had."""
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
        text = text[: text.rfind(b"\n") + 1]  # half a rule might forbid all
    return RobotsRules(text)
