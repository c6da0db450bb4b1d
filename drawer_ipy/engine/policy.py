"""Retry policies: whether a failed step is retried, and after which delay."""

from __future__ import annotations

from dataclasses import dataclass

from drawer_ipy.buttons.base import BUSY
from drawer_ipy.common.backoff import Backoff
from drawer_ipy.definition.policy import Policy
from drawer_ipy.errors import RAN_AND_FAILED, Code, ErrorInfo
from drawer_ipy.record.step import StepResult

# A retry cannot help if the step never started (the original retries failures of running steps only).
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
"""The longest delay between two attempts in seconds, for backoff and Retry-After alike."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``on_failure: {action: retry}``, compiled.

    Attributes:
        attempts: the number of attempts in all, at least 1.
        backoff: the delays between attempts; ``None`` for no delay.
        retry_on: error codes or exception class names that are retried; empty means all. ``SCRIPT_ERROR``
            covers everything that the original calls so, including failed requests and functions.
    """

    attempts: int
    backoff: Backoff | None = None
    retry_on: frozenset[str] = frozenset()

    @classmethod
    def of(cls, policy: Policy | None) -> RetryPolicy | None:
        """Return the retry policy of `policy`; ``None`` if it does not retry."""
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
        """Whether `error` is to be retried."""
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
        """Return the delay in seconds after attempt `attempt` (from 1), at least `retry_after`."""
        delay = self.backoff.delay(attempt, retry_after) if self.backoff is not None else retry_after or 0.0
        return min(delay, _LONGEST_DELAY)


def asks_for_less(result: StepResult) -> bool:
    """Whether an attempt of a step failed because a server was overloaded.

    The signs are status 429 or 503, a timeout, or a connection that was refused or broken.
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
    # Exceptions of HTTP clients: aiohttp's have a status; those of requests and httpx have a response.
    response = getattr(exception, "response", None)
    return any(getattr(where, "status_code", None) in BUSY for where in (exception, response)) or (
        getattr(exception, "status", None) in BUSY
    )
