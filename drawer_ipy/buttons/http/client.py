"""From a request to an answer, with as many tries as the button asks for.

:meth:`HttpClient.fetch` is the seam for whatever works with answers (caching, extraction, following pages):
a :class:`Request` goes in, a :class:`Response` of any status comes out, and everything else is a
:class:`~drawer_ipy.errors.DrawerError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

from drawer_ipy.buttons.base import Call
from drawer_ipy.buttons.http.exchange import Exchange, Manners
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.hosts import LONGEST_PAUSE
from drawer_ipy.buttons.http.proxy import Proxy
from drawer_ipy.buttons.http.request import Request
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.buttons.http.retry import Retries
from drawer_ipy.buttons.http.rules import Rules
from drawer_ipy.buttons.http.wire import Timeouts
from drawer_ipy.buttons.output import DEFAULT_LIMIT, LARGEST_LIMIT
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.statuses import read_statuses
from drawer_ipy.definition.trust import Trust, read_verify
from drawer_ipy.errors import UsageError

SITEMAP_LIMIT = 50 * 1024 * 1024
"""Bytes that one file of a site map may have, as its protocol says."""


class HttpClient:
    """Sends the requests of one button.

    Args:
        spec: of the button.
        allowed_origins: see HttpButton.

    Attributes:
        limit: most bytes of an answer's body.
    Raises:
        UsageError: its ``verify`` names no file of certificates.
    """

    def __init__(self, spec: ButtonSpec, allowed_origins: Callable[[], Collection[str]]) -> None:
        self._retries = Retries(spec.retries)
        usual = SITEMAP_LIMIT if spec.sitemap else DEFAULT_LIMIT
        self.limit = min(spec.max_response_bytes or usual, LARGEST_LIMIT)
        self._accepts = read_statuses(spec.ok_status)
        self._manners = Manners(
            rules=Rules(spec, allowed_origins),
            limit=self.limit,
            per_host=spec.per_host,
            cookies=spec.cookies,
            robots=spec.robots,
            timeouts=Timeouts(spec.connect_timeout_seconds or None, spec.read_timeout_seconds or None),
            trust=_trust(spec),
        )

    async def fetch(
        self, request: Request, call: Call, *, save: Path | None = None, proxy: Proxy | None = None
    ) -> Response:
        """The answer to `request`, after redirects and, where the button says so, further tries.

        Args:
            call: of the press; its timeout holds for each try.
            save: the file to put the body into when the status is one of 200 to 399.
            proxy: what to go through; ``None`` for the environment's.

        Raises:
            RequestFailed: when there is no whole answer.
            DrawerError: when the request is refused.
        """
        attempt, pushed_back = 1, False
        while True:
            try:
                response = await Exchange(self._manners, call, save, proxy).run(request)
                response.attempts, response.pushed_back = attempt, pushed_back
                if self._accepts(response.status) or not self._retries.covers_answer(
                    request.method, response, attempt
                ):
                    return response
                pushed_back = pushed_back or response.busy
                why, asked = response.status_line, response.retry_after
                if asked is not None and asked > LONGEST_PAUSE:
                    return response
            except RequestFailed as error:
                if not self._retries.covers_failure(request.method, error, attempt):
                    raise
                why, asked = error.message, None
            delay = self._retries.delay(attempt, asked)
            if call.log is not None:
                call.log(f"{why}; try {attempt + 1} of {self._retries.most + 1} in {delay:.1f} s")
            await asyncio.sleep(delay)
            if call.turn is not None:
                await call.turn()
            attempt += 1


def _trust(spec: ButtonSpec) -> Trust:
    try:
        return read_verify(spec.verify)
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        raise UsageError(f"button {spec.name!r}: `verify`: {message}", remediation=hint) from None
