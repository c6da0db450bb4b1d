"""Which requests are sent again by the button itself, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass

from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.request import IDEMPOTENT
from drawer_ipy.buttons.http.response import Response

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0


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
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(attempt - 1, 10))
        return max(delay * (0.5 + random.random() / 2), retry_after or 0.0)
