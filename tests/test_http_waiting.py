"""How long a server requires a client to wait, in every form of the headers, and that requests do wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from http_rig import RawServer, answer_of, button, one_run, press, raw_server

from drawer_ipy.buttons import Outcome
from drawer_ipy.buttons.http.retry_after import is_busy, retry_after, seconds_to_wait

NOW = 784_111_777.0 - 60  # 60 s before the time in the examples of the RFC
RESET = "1800000060"


@pytest.fixture
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawer_ipy.buttons.http.retry_after.time.time", lambda: NOW)


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Kolkata"])
def _zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """The time zone of the machine, which must not matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_clock", "_zone")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 60),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 60),
        ("Sun Nov  6 08:49:37 1994", 60),
        ("Sun, 06 Nov 1994 08:49:37", 60),
        ("Sun, 06 Nov 1994 08:49:37 UTC", 60),
        ("Sun, 06 Nov 1994 08:49:37 -0000", 60),
        ("Sun, 06 Nov 1994 09:49:37 +0100", 60),
        ("06 Nov 1994 08:49:37 GMT", 60),
        ("1994-11-06T08:49:37Z", 60),
        ("1994-11-06T08:49:37", 60),
        ("Sun, 06 Nov 1994 08:47:37 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("0", 0),
        (" 120 ", 120),
        ("000000000000005", 5),
        ("1.5", 1.5),
        ("2.", 2),
        ("99999999999999999999999999", 1e9),
        ("-5", None),
        ("+5", None),
        ("", None),
        ("soon", None),
        ("1e3", None),
        ("inf", None),
        ("٣", None),
        ("5 seconds", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 99999999 08:49:37 GMT", None),
    ],
)
def test_all_forms_of_retry_after_are_read(text: str, seconds: float | None) -> None:
    assert retry_after(text) == seconds


@pytest.mark.parametrize(
    ("status", "headers", "busy", "seconds"),
    [
        (429, {}, True, None),
        (503, {}, True, None),
        (503, {"Retry-After": "7"}, True, 7),
        (403, {}, False, None),
        (403, {"Retry-After": "7"}, True, 7),
        (403, {"Retry-After": "soon"}, False, None),
        (413, {"Retry-After": "7"}, True, 7),
        (500, {"Retry-After": "7"}, True, 7),
        (200, {"Retry-After": "7"}, False, 7),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": RESET}, True, 60),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{RESET}000"}, True, 60),
        (403, {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": RESET}, False, None),
        (403, {"X-RateLimit-Reset": RESET}, False, None),
        (429, {"RateLimit-Reset": "30"}, True, 30),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "30", "Retry-After": "5"}, True, 5),
        (404, {"Retry-After": "7"}, False, 7),
        (404, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": RESET}, False, None),
    ],
)
def test_some_statuses_and_headers_require_a_wait(
    status: int,
    headers: dict[str, str],
    busy: bool,
    seconds: float | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drawer_ipy.buttons.http.retry_after.time.time", lambda: float(RESET) - 60)
    assert (is_busy(status, headers), seconds_to_wait(status, headers)) == (busy, seconds)


async def timed(first: bytes, **fields: object) -> tuple[Outcome, list[float]]:
    """Press with `first` as the first response and then a success; return the outcome and request times."""
    times: list[float] = []

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        times.append(time.monotonic())
        writer.write(first if len(times) == 1 else answer_of())

    async with raw_server(answer) as server, one_run() as call:
        return await press(button(server.url, **fields), call), times


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", ["403 Forbidden", "413 Too Large", "429 Too Many Requests"])
def test_a_request_is_retried_after_the_required_wait(status: str, method: str) -> None:
    outcome, times = asyncio.run(timed(answer_of(b"", status, Retry_After="1"), retries=1, method=method))
    assert outcome.status == "ok", outcome
    assert outcome.pushed_back
    assert times[1] - times[0] > 0.95


def test_a_403_without_retry_after_is_final() -> None:
    outcome, times = asyncio.run(timed(answer_of(b"", "403 Forbidden"), retries=3))
    assert (outcome.status, len(times)) == ("error", 1)


def test_a_redirect_with_retry_after_is_followed_after_the_wait() -> None:
    first = answer_of(b"", "302 Found", Location="/x", Retry_After="1")
    outcome, times = asyncio.run(timed(first, timeout_seconds=5))
    assert outcome.status == "ok", outcome
    assert times[1] - times[0] > 0.95
    outcome, times = asyncio.run(timed(answer_of(b"", "302 Found", Location="/x", Retry_After="3600")))
    assert (outcome.status, len(times)) == ("error", 1)
    assert outcome.error is not None
    assert "3,600 s" in outcome.error.message
