"""Policies, timeouts and limits work in the same way for every kind of step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from drawer_ipy import press
from drawer_ipy.common.backoff import Backoff
from drawer_ipy.definition.policy import Policy
from drawer_ipy.engine.policy import RetryPolicy
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.pressing.prepare import prepare


def run(steps: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    buttons = options.pop("buttons", {})
    inputs = options.pop("inputs", None)
    return press({"steps": steps}, inputs, check=False, buttons=buttons, quiet=True, **options).run.to_dict()


class Flaky:
    """A button that fails the first `failures` times."""

    def __init__(self, failures: int, error: Callable[[str], Exception] = ValueError) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(f"try {self.calls}")
        return self.calls


def retry(n: int, **more: Any) -> dict[str, Any]:
    return {"action": "retry", "max_attempts": n, **more}


@pytest.mark.parametrize(
    ("policy", "failures", "calls", "status"),
    [
        (retry(3), 2, 3, "ok"),
        (retry(3), 5, 3, "failed"),
        (retry(0), 5, 1, "failed"),
        (retry(3, retry_on=["FUNCTION_ERROR"]), 1, 2, "ok"),
        (retry(3, retry_on=["ValueError"]), 1, 2, "ok"),
        (retry(3, retry_on=["Exception"]), 1, 2, "ok"),
        (retry(3, retry_on=["TIMEOUT", "KeyError"]), 1, 1, "failed"),
        ("continue", 1, 1, "ok"),
        ("stop", 1, 1, "failed"),
    ],
)
def test_a_retry_makes_the_allowed_number_of_attempts(
    policy: Any, failures: int, calls: int, status: str
) -> None:
    flaky = Flaky(failures)
    result = run([{"id": "s", "button": "flaky", "on_failure": policy}], buttons={"flaky": flaky})
    assert flaky.calls == calls
    assert result["status"] == status
    assert result["steps"][0].get("attempts", 1) == calls


WRAPPED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "for_each": lambda step: {"kind": "for_each", "over": [1], "steps": [step]},
    "switch": lambda step: {"kind": "switch", "steps": [step]},
    "split": lambda step: {"kind": "split", "branches": {"a": [step]}},
    "batch": lambda step: {"kind": "batch", "over": [1], "size": 1, "steps": [step]},
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_retry_applies_to_every_kind_of_step(kind: str) -> None:
    flaky = Flaky(2)
    step = {"id": "s", **WRAPPED[kind]({"id": "in", "button": "flaky"}), "on_failure": retry(3)}
    result = run([step], buttons={"flaky": flaky})
    assert result["status"] == "ok", result
    assert flaky.calls == 3


@pytest.mark.parametrize("kind", [*WRAPPED, "button", "wait"])
def test_timeout_applies_to_each_attempt_of_every_kind_of_step(kind: str) -> None:
    starts: list[int] = []

    async def hang() -> None:
        starts.append(1)
        await asyncio.sleep(30)

    inner = {"id": "in", "button": "hang"}
    body = {"button": {"button": "hang"}, "wait": {"kind": "wait", "duration": "30s"}}.get(kind)
    step = {"id": "s", **(body or WRAPPED[kind](inner)), "timeout_seconds": 0.1, "on_failure": retry(2)}
    before = time.perf_counter()
    result = run([step], buttons={"hang": hang})
    assert time.perf_counter() - before < 5
    assert result["error"]["code"] == "TIMEOUT"
    assert "timed out after 0.1 s" in result["error"]["message"]
    assert result["steps"][0]["status"] == "timeout"
    assert result["steps"][0]["attempts"] == 2
    if kind != "wait":
        assert len(starts) == 2


def test_continue_applies_to_a_reference_without_a_value() -> None:
    steps = [
        {"id": "a", "button": "f", "args": {"x": "${inputs.d.nope}"}, "on_failure": "continue"},
        {"id": "b", "button": "f", "args": {"x": "${a.error.code}"}},
    ]
    result = run(steps, inputs={"d": {}}, buttons={"f": lambda x: x})
    assert result["status"] == "ok"
    assert result["steps"][0]["error"]["code"] == "RESOLVE_ERROR"
    assert result["steps"][1]["output"] == "RESOLVE_ERROR"


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        ({"strategy": "fixed", "initial_ms": 100}, [0.1, 0.1, 0.1]),
        ({"initial_ms": 100}, [0.1, 0.2, 0.4]),
        ({"initial_ms": 100, "factor": 3, "max_ms": 500}, [0.1, 0.3, 0.5]),
        (None, [0, 0, 0]),
    ],
)
def test_the_delay_follows_the_backoff_strategy(backoff: dict[str, Any] | None, delays: list[float]) -> None:
    policy = RetryPolicy.of(Policy(action="retry", max_attempts=9, backoff=backoff))  # type: ignore[arg-type]
    assert policy is not None
    assert [policy.delay(n) for n in (1, 2, 3)] == pytest.approx(delays)


def test_jitter_spreads_the_delays_and_retry_after_is_the_minimum() -> None:
    policy = RetryPolicy(9, Backoff(initial=1.0, factor=1.0, cap=3600.0, jitter=1.0))
    delays = {policy.delay(1) for _ in range(200)}
    assert len(delays) > 100
    assert min(delays) < 0.3 < 0.7 < max(delays) <= 1.0
    assert policy.delay(1, retry_after=7) == 7
    assert not policy.covers(ErrorInfo("RESOLVE_ERROR", ""))


def test_a_retry_waits_at_least_for_retry_after() -> None:
    from drawer_ipy.demo import DemoSite
    from drawer_ipy.engine.events import StepRetried

    reported: list[StepRetried] = []
    with DemoSite.start() as site:
        fetch = {"url": f"{site.url}/limited/p?after=1&retry_after=1"}
        policy = retry(4, backoff={"strategy": "fixed", "initial_ms": 1})
        steps = [{"id": "a", "button": "fetch"}, {"id": "b", "button": "fetch", "on_failure": policy}]
        job = prepare({"buttons": {"fetch": fetch}, "steps": steps})
        job.run.listeners.on(StepRetried, reported.append)
        record = asyncio.run(job.run.execute())
    assert record.status == "ok", record.error
    assert record.step("b").attempts == 2
    [one] = reported
    assert (one.step_id, one.attempt, one.error.code) == ("b", 1, "HTTP_ERROR")
    assert one.delay >= 1  # the header requires a whole second; the backoff alone would be a millisecond


@pytest.mark.parametrize(
    ("factor", "attempt", "longest"), [(10.0, 400, 3600.0), (1e300, 3, 3600.0), (2.0, 5000, 3600.0)]
)
def test_no_backoff_is_too_large_to_compute(factor: float, attempt: int, longest: float) -> None:
    def delay(initial: float, cap: float) -> float:
        return RetryPolicy(9999, Backoff(initial, factor, cap, jitter=0.0)).delay(attempt)

    assert delay(1.0, 1e9) == longest
    assert delay(1.0, 2.0) == 2.0
    assert delay(0.0, 1e9) == 0.0


def test_a_reported_retry_contains_no_secrets() -> None:
    from drawer_ipy.engine.events import StepRetried
    from drawer_ipy.pressing.surroundings import Surroundings, named_buttons

    def leak(x: str) -> None:
        raise ValueError(f"no {x}")

    reported: list[StepRetried] = []
    step = {"id": "a", "button": "leak", "args": {"x": "${inputs.tok}"}, "on_failure": retry(2)}
    drawer = {"inputs": [{"name": "tok", "secret": True}], "steps": [step]}
    job = prepare(drawer, {"tok": "open-sesame"}, None, Surroundings(named_buttons({"leak": leak})))
    job.run.listeners.on(StepRetried, reported.append)
    asyncio.run(job.run.execute())
    assert len(reported) == 1
    assert "open-sesame" not in str(reported[0].error)
    assert "[redacted]" in reported[0].error.message
