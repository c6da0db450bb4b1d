"""How a button's requests behave: limits in size, time and number, and where they may go."""

from __future__ import annotations

from dataclasses import dataclass

from drawer_ipy.buttons.http.rules import Rules
from drawer_ipy.definition.trust import Trust


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits for the parts of a request; the caller limits the whole.

    Attributes:
        connect: seconds to establish a connection; ``None`` for no separate limit.
        read: seconds between two pieces of a response; ``None`` for no limit.
    """

    connect: float | None = None
    read: float | None = None


@dataclass(frozen=True, slots=True)
class Manners:
    """The settings for the requests of one button.

    Attributes:
        rules: where requests may go.
        limit: maximum size of a response body in bytes.
        per_host: maximum number of concurrent requests per host, 0 for no limit.
        cookies: whether to send and store the run's cookies.
        robots: whether to obey robots.txt.
        timeouts: the time limits.
        trust: which certificates to trust.
    """

    rules: Rules
    limit: int
    per_host: int
    cookies: bool
    robots: bool
    timeouts: Timeouts
    trust: Trust = True
