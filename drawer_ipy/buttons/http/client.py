"""From a request to an answer, with as many tries as the button asks for.

:meth:`HttpClient.fetch` is the seam for whatever works with answers (caching, extraction, following pages):
a :class:`Request` goes in, a :class:`Response` of any status comes out, and everything else is a
:class:`~drawer_ipy.errors.DrawerError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from drawer_ipy.buttons.base import Call
from drawer_ipy.buttons.http.exchange import Exchange, Manners
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.hosts import LONGEST_PAUSE
from drawer_ipy.buttons.http.proxy import Proxy
from drawer_ipy.buttons.http.request import IDEMPOTENT, Request
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.buttons.http.rules import Rules
from drawer_ipy.buttons.http.wire import Timeouts
from drawer_ipy.buttons.output import DEFAULT_LIMIT, LARGEST_LIMIT
from drawer_ipy.common.backoff import Backoff
from drawer_ipy.common.bad_value import BadValue
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
    except BadValue as error:
        raise UsageError(f"button {spec.name!r}: `verify`: {error.message}", remediation=error.hint) from None


_BACKOFF = Backoff(initial=0.5, factor=2.0, cap=30.0, jitter=0.5)


@dataclass(frozen=True, slots=True)
class Retries:
    """``retries: N`` of a button.

    Attributes:
        most: further tries after the first; 0 for none, which is the default: what a failure means is for
            the step to say, and a drawer of the original sends each request once.
    """

    most: int = 0

    def covers_answer(self, method: str, answer: Response, attempt: int) -> bool:
        """Whether `answer` to try number `attempt` is worth another.

        A 429, or a 403 that says when to come back, means that the request was not looked at; a 5xx leaves
        open how far the server got, so only methods that can be repeated without harm are.
        """
        if attempt > self.most:
            return False
        if answer.status >= 500:
            return method in IDEMPOTENT
        return answer.busy

    def covers_failure(self, method: str, error: RequestFailed, attempt: int) -> bool:
        """The same for a try that came to no answer."""
        if attempt > self.most or error.final:
            return False
        return method in IDEMPOTENT or not error.sent

    def delay(self, attempt: int, retry_after: float | None = None) -> float:
        """Seconds to wait after try number `attempt`: doubling, half of it random, no less than asked."""
        return _BACKOFF.delay(attempt, retry_after)
