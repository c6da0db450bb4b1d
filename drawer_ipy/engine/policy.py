"""When a failed step is tried again, and after how long."""

from __future__ import annotations

from dataclasses import dataclass

from drawer_ipy.buttons.base import BUSY
from drawer_ipy.common.backoff import Backoff
from drawer_ipy.definition.policy import Policy
from drawer_ipy.errors import RAN_AND_FAILED, Code, ErrorInfo
from drawer_ipy.record.step import StepResult

# Trying again cannot help when the step never got to run (the original's rule: only run failures).
_NEVER_RAN = frozenset(
    {
        Code.BUTTON_NOT_FOUND,
        Code.DRAWER_NOT_FOUND,
        Code.RESOLVE_ERROR,
        Code.MISSING_ARG,
        Code.MISSING_INPUT,
        Code.KIND_NOT_IMPLEMENTED,
    }
)
_LONGEST_DELAY = 3600.0
"""Seconds: no back-off or Retry-After makes a run wait longer between two attempts."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``on_failure: {action: retry}``, compiled.

    Attributes:
        attempts: tries in all, at least 1.
        backoff: how long to wait between two tries; ``None`` for not at all.
        retry_on: error codes or exception class names worth another try; empty means all. ``SCRIPT_ERROR``
            covers whatever the original calls so, failed requests and functions included.
    """

    attempts: int
    backoff: Backoff | None = None
    retry_on: frozenset[str] = frozenset()

    @classmethod
    def of(cls, policy: Policy | None) -> RetryPolicy | None:
        """The retry policy that `policy` asks for; ``None`` when it asks for none."""
        if policy is None or policy.action != "retry":
            return None
        attempts = max(1, policy.max_attempts)
        backoff = policy.backoff
        if backoff is None:
            return cls(attempts, retry_on=frozenset(policy.retry_on))
        waits = Backoff(
            initial=backoff.initial_ms / 1000,
            factor=1.0 if backoff.strategy == "fixed" else backoff.factor or 2.0,
            cap=min(backoff.max_ms / 1000 or _LONGEST_DELAY, _LONGEST_DELAY),
            jitter=min(1.0, float(backoff.jitter)),
        )
        return cls(attempts, waits, frozenset(policy.retry_on))

    def covers(self, error: ErrorInfo) -> bool:
        """Whether another try is due after `error`."""
        if error.code in _NEVER_RAN:
            return False
        if not self.retry_on:
            return error.code != Code.VALIDATION_ERROR
        names = {error.code}
        if error.code in RAN_AND_FAILED:
            names.add(Code.SCRIPT_ERROR)
        if error.exception is not None:
            names.update(t.__name__ for t in type(error.exception).__mro__)
        return not names.isdisjoint(self.retry_on)

    def delay(self, attempt: int, retry_after: float | None = None) -> float:
        """Seconds to wait after try number `attempt`, 1-based; at least what the server asked for."""
        delay = self.backoff.delay(attempt, retry_after) if self.backoff is not None else retry_after or 0.0
        return min(delay, _LONGEST_DELAY)


def asks_for_less(result: StepResult) -> bool:
    """Whether a step, or an earlier attempt or try of it, met somebody who has too much to do.

    That is a 429 or 503, a time-out, or a connection that was refused or broken.
    """
    if result.pushed_back or result.retry_after is not None:
        return True
    ends = [(result.error, result.exit_code), *((t.error, t.exit_code) for t in result.tries)]
    return any(error is not None and _too_much(error, exit_code) for error, exit_code in ends)


def _too_much(error: ErrorInfo, exit_code: int) -> bool:
    if error.code == Code.TIMEOUT or exit_code in BUSY:
        return True
    exception = error.exception
    if isinstance(exception, TimeoutError | ConnectionError):
        return True
    # Clients of users: aiohttp's errors have a status, those of requests and httpx a response.
    response = getattr(exception, "response", None)
    return any(getattr(where, "status_code", None) in BUSY for where in (exception, response)) or (
        getattr(exception, "status", None) in BUSY
    )
