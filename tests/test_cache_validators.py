"""Revalidation of expired responses: its requests and their targets, and which responses are kept at all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from http_rig import RawServer, answer_of, fetch_each, loop, raw_server

from drawer_ipy import Results

Given = Callable[[str, str], bytes]
"""A function that returns the response to a path and the head of its request."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    return tmp_path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A list with the seconds that have passed for the cache; a test may change it."""
    passed = [0.0]
    monkeypatch.setattr("drawer_ipy.engine.caching.time.time", lambda: 1_700_000_000.0 + passed[0])
    return passed


async def twice(
    clock: list[float], first: Given, second: Given, path: str = "/a", hours: float = 2, **fields: Any
) -> tuple[Results, list[tuple[str, dict[str, str]]]]:
    """Run twice; return the results of the second run and its requests as (path, conditions)."""
    answers = [first]

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[0](path, server.heads[-1]).replace(b"{here}", server.url.encode()))

    async with raw_server(answer) as server:
        drawer = loop(f"{server.url}{{{{id}}}}", 1, allow_private_networks=True, cache="1h", **fields)
        drawer["buttons"]["get"]["url"] = "{{id}}"
        results = await fetch_each(drawer, [f"{server.url}{path}"])
        before = len(server.heads)
        answers[0] = second
        clock[0] += hours * 3600
        results = await fetch_each(drawer, [f"{server.url}{path}"], quiet=False)
        return results, [(head.split()[1], conditions(head)) for head in server.heads[before:]]


def conditions(head: str) -> dict[str, str]:
    return {name.lower(): value for name, value in re.findall(r"(?im)^(if-[\w-]+): (.*?)\r$", head)}


def to(where: str, status: str = "302 Found", **headers: str) -> bytes:
    return answer_of(b"", status, Location=where, **headers)


def page(text: str, **headers: str) -> bytes:
    return answer_of(text.encode(), Content_Type="text/html", **headers)


UNCHANGED = b"HTTP/1.1 304 Not Modified\r\n\r\n"


def confirming(etag: str, changed: bytes) -> Callable[[str], bytes]:
    """A 304 for a request with this ETag, otherwise another page."""
    return lambda head: UNCHANGED if conditions(head).get("if-none-match") == etag else changed


def test_validators_are_sent_to_the_url_they_came_from_after_the_same_redirect(clock: list[float]) -> None:
    def first(path: str, head: str) -> bytes:
        return (
            to("/b")
            if path == "/a"
            else page("old", ETag='"1"', Last_Modified="Sun, 06 Nov 1994 08:49:37 GMT")
        )

    def second(path: str, head: str) -> bytes:
        return to("/b") if path == "/a" else confirming('"1"', page("new"))(head)

    results, requests = asyncio.run(twice(clock, first, second))
    assert results[0].output == "old"
    assert requests == [
        ("/a", {}),
        ("/b", {"if-none-match": '"1"', "if-modified-since": "Sun, 06 Nov 1994 08:49:37 GMT"}),
    ]


@pytest.mark.parametrize(
    "second",
    [
        lambda path, head: to("/c") if path == "/a" else confirming('"1"', page("new"))(head),
        lambda path, head: confirming('"1"', page("new"))(head),  # the redirect has been removed
        lambda path, head: to("/b?x=1") if path == "/a" else confirming('"1"', page("new"))(head),
        lambda path, head: to("/b?") if path == "/a" else confirming('"1"', page("new"))(head),
        lambda path, head: to("/c") if path == "/a" else to("/d") if path == "/c" else page("new"),
    ],
    ids=["elsewhere", "here", "query", "empty-query", "twice"],
)
def test_validators_are_not_sent_to_another_url(second: Given, clock: list[float]) -> None:
    def first(path: str, head: str) -> bytes:
        return to("/b") if path == "/a" else page("old", ETag='"1"')

    results, requests = asyncio.run(twice(clock, first, second))
    assert results[0].output == "new"
    assert all(not found for _, found in requests)


def test_a_page_that_now_redirects_is_not_confirmed_by_the_target(clock: list[float]) -> None:
    """Both have the same ETag, as can happen with version numbers."""

    def second(path: str, head: str) -> bytes:
        return to("/login") if path == "/a" else confirming('"1"', page("login"))(head)

    results, requests = asyncio.run(twice(clock, lambda p, h: page("old", ETag='"1"'), second))
    assert results[0].output == "login"
    assert requests == [("/a", {"if-none-match": '"1"'}), ("/login", {})]


@pytest.mark.parametrize("etag", ['W/"1"', '"caf\udce9"', "unquoted", '"a,b"'])
def test_an_etag_is_sent_back_unchanged(etag: str, clock: list[float]) -> None:
    def second(path: str, head: str) -> bytes:
        return confirming(etag, page("new"))(head)

    raw = page("old", ETag="{etag}").replace(b"{etag}", etag.encode(errors="surrogateescape"))
    results, _ = asyncio.run(twice(clock, lambda p, h: raw, second))
    assert results[0].output == "old"


def test_an_unexpected_304_is_an_error(clock: list[float]) -> None:
    results, requests = asyncio.run(twice(clock, lambda p, h: page("old"), lambda p, h: UNCHANGED))
    assert requests == [("/a", {})]
    assert results[0].error is not None
    assert "304" in results[0].error.message
    # This includes a condition for another URL.
    results, _ = asyncio.run(
        twice(
            clock,
            lambda p, h: page("old", ETag='"1"'),
            lambda p, h: to("/c") if p == "/b" else UNCHANGED,
            path="/b",
        )
    )
    assert results[0].error is not None


def test_a_button_with_conditional_headers_gets_the_304(clock: list[float]) -> None:
    own = {"headers": {"If-None-Match": '"mine"'}, "output": "full"}
    results, _ = asyncio.run(twice(clock, lambda p, h: UNCHANGED, lambda p, h: UNCHANGED, **own))
    assert results[0].output["status"] == 304
    assert not results.run.steps[0].output.record.cached


def test_a_head_request_is_confirmed(clock: list[float]) -> None:
    def second(path: str, head: str) -> bytes:
        return confirming('"1"', page("new"))(head)

    first = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "1"\r\nX-Mark: old\r\n\r\n'
    results, _ = asyncio.run(twice(clock, lambda p, h: first, second, method="HEAD", output="full"))
    assert results[0].output["headers"]["x-mark"] == "old"


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("200 OK", True),
        ("201 Created", True),
        ("203 Non-Authoritative", True),
        ("204 No Content", True),
        ("202 Accepted", False),
        ("206 Partial Content", False),
        ("404 Not Found", False),
        ("503 Busy", False),
    ],
)
def test_only_final_responses_are_kept(
    status: str, kept: bool, clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    def given(path: str, head: str) -> bytes:
        return answer_of(b"" if status.startswith("204") else b"{}", status)

    results, requests = asyncio.run(twice(clock, given, given, hours=0.1))
    assert len(requests) == (0 if kept else 1)
    if status[:3] in ("202", "206"):
        assert results[0].output == {}
        err = capsys.readouterr().err
        assert f"button 'get' was not cached: the server responded with HTTP {status}" in err
