"""The HTTP client of a button: send a request and return the response, with retries if configured.

Code that works with responses (caching, extraction, following pages) calls :meth:`HttpClient.fetch`: it takes
a :class:`Request`, returns a :class:`Response` of any status, and raises a
:class:`~drawer_ipy.errors.DrawerError` for everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from drawer_ipy.buttons.base import Call
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.hosts import LONGEST_PAUSE
from drawer_ipy.buttons.http.manners import Manners, Timeouts
from drawer_ipy.buttons.http.proxy import Proxy
from drawer_ipy.buttons.http.request import IDEMPOTENT, Request
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.buttons.http.rules import Rules
from drawer_ipy.buttons.output import DEFAULT_LIMIT, LARGEST_LIMIT
from drawer_ipy.common.backoff import Backoff
from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.statuses import read_statuses
from drawer_ipy.definition.trust import Trust, read_verify
from drawer_ipy.errors import UsageError
from drawer_ipy.record.waits import Reason, Why

SITEMAP_LIMIT = 50 * 1024 * 1024
"""Maximum size in bytes of one site map file, from the sitemap protocol."""


class HttpClient:
    """Send the requests of one button.

    Args:
        spec: the button's specification.
        allowed_origins: see HttpButton.

    Attributes:
        limit: maximum size in bytes of a response body.
    Raises:
        UsageError: `verify` names a missing or invalid certificate file.
    """

    def __init__(self, spec: ButtonSpec, allowed_origins: Callable[[], Collection[str]]) -> None:
        self._retries = Retries(spec.retries)
        usual = SITEMAP_LIMIT if spec.sitemap else DEFAULT_LIMIT
        self.limit: int = min(spec.max_response_bytes or usual, LARGEST_LIMIT)
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
        """Return the response to `request`, after redirects and, if configured, retries.

        Args:
            call: the press; its timeout applies to each attempt.
            save: the file to save the body to if the status is in 200 to 399.
            proxy: the proxy to use; ``None`` for the one from the environment.

        Raises:
            RequestFailed: there is no complete response.
            DrawerError: the request is refused.
        """
        from drawer_ipy.buttons.http.exchange import Exchange  # with aiohttp, which takes a while to import

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
                call.log(f"{why}; attempt {attempt + 1} of {self._retries.most + 1} in {delay:.1f} s")
            call.waiter.retried()
            by_server = asked is not None and delay <= asked
            with call.waiter.pausing(_asked_by(request) if by_server else Reason(Why.BACKOFF), delay):
                await asyncio.sleep(delay)
            if call.turn is not None:
                await call.turn()
            attempt += 1


def _asked_by(request: Request) -> Reason:
    return Reason(Why.ASKED, request.url.host_port_subcomponent or request.url.authority)


def _trust(spec: ButtonSpec) -> Trust:
    try:
        return read_verify(spec.verify)
    except BadValue as error:
        raise UsageError(f"button {spec.name!r}: `verify`: {error.message}", remediation=error.hint) from None


_BACKOFF = Backoff(initial=0.5, factor=2.0, cap=30.0, jitter=0.5)


@dataclass(frozen=True, slots=True)
class Retries:
    """A button's ``retries: N``.

    Attributes:
        most: retries after the first attempt. The default is 0: the step decides what a failure means, and
            a drawer of the original engine sends each request once.
    """

    most: int = 0

    def covers_answer(self, method: str, answer: Response, attempt: int) -> bool:
        """Whether to retry after `answer`, the response to attempt number `attempt`.

        A 429, or a 403 with a Retry-After, means that the server did not process the request. After a 5xx it
        may have, so only requests with an idempotent method are retried.
        """
        if attempt > self.most:
            return False
        if answer.status >= 500:
            return method in IDEMPOTENT
        return answer.busy

    def covers_failure(self, method: str, error: RequestFailed, attempt: int) -> bool:
        """Whether to retry after attempt number `attempt` failed without a response."""
        if attempt > self.most or error.final:
            return False
        return method in IDEMPOTENT or not error.sent

    def delay(self, attempt: int, retry_after: float | None = None) -> float:
        """Return seconds to wait after attempt `attempt`: doubling, half random, at least Retry-After."""
        return _BACKOFF.delay(attempt, retry_after)
