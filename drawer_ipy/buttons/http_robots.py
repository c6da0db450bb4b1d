"""robots.txt: asked for once per origin and run, obeyed where a button says ``robots: true``."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Awaitable, Callable
from typing import Any

from yarl import URL

from drawer_ipy.buttons.http_failure import RequestFailed
from drawer_ipy.buttons.http_request import Request
from drawer_ipy.buttons.http_response import Response
from drawer_ipy.buttons.http_rules import origin
from drawer_ipy.common.install import install_hint
from drawer_ipy.errors import Code, DrawerError, UsageError

_AGENT = "drawer_ipy"
_LONGEST_DELAY = 60.0
_MOST_TEXT = 512 * 1024
Ask = Callable[[URL], Awaitable[Response]]


class RobotsRefused(DrawerError):
    """robots.txt forbids a request."""

    default_code = Code.VALIDATION_ERROR


def require_parser(owner: str) -> None:
    """Say what to install when the parser is missing.

    Raises:
        UsageError: when it is.
    """
    if importlib.util.find_spec("protego") is None:
        raise UsageError(
            f"button {owner!r} says `robots: true`, which needs the package protego",
            remediation=install_hint("scrape"),
        )


class Robots:
    """What the origins of a run have in their robots.txt.

    As RFC 9309 says: without one (404 and the like) everything is allowed; where it cannot be had (5xx, no
    connection) nothing is, for it is not known what it forbids.
    """

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str | None, int | None], asyncio.Task[Any]] = {}

    async def check(self, request: Request, ask: Ask) -> float:
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
        if not rules.can_fetch(str(request.url.with_fragment(None)), agent):
            raise RobotsRefused(
                f"robots.txt of {request.url.authority} forbids {request} to {agent}",
                remediation="leave it out, or leave `robots` out of the button if you may",
            )
        return min(_LONGEST_DELAY, float(rules.crawl_delay(agent) or 0.0))

    async def aclose(self) -> None:
        """End what is still being asked for."""
        tasks = list(self._rules.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._rules.clear()


async def _load(where: URL, ask: Ask) -> Any:
    """The rules, ``None`` where there are none, or why they cannot be had."""
    try:
        answer = await ask(where)
    except RequestFailed as error:
        return error.message
    if answer.status >= 500 or answer.status == 429:
        return answer.status_line
    if not answer.ok:
        return None
    parser = importlib.import_module("protego").Protego
    return parser.parse(answer.text()[:_MOST_TEXT])
