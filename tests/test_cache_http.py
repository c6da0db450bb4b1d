"""Cached requests to the demo site: unchanged pages are fetched once, changed ones again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from drawer_ipy import Results, press
from drawer_ipy.buttons.base import Call, Outcome, Resources
from drawer_ipy.buttons.http.freshness import HttpCaching
from drawer_ipy.buttons.http.request import Request
from drawer_ipy.buttons.http.response import Response, outcome_of
from drawer_ipy.demo import DemoSite
from drawer_ipy.errors import DefinitionError


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite.start() as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: DemoSite) -> Path:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    site.reset()
    return tmp_path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A list with the seconds that have passed for the cache; a test may change it."""
    passed = [0.0]
    monkeypatch.setattr("drawer_ipy.engine.caching.time.time", lambda: 1_700_000_000.0 + passed[0])
    return passed


def fetch(urls: list[str], spec: Mapping[str, Any] | None = None, **inputs: Any) -> Results:
    """Fetch `urls` with one button, eight at a time."""
    fields = {"url": "{{url}}", "args": ["url"], "cache": "1h", **(spec or {})}
    each = {"id": "each", "kind": "for_each", "over": "${inputs.urls}", "as": "url", "parallelism": 8}
    each["on_item_failure"] = "continue"
    args = {name: "${inputs." + name + "}" for name in inputs}
    each["steps"] = [{"id": "page", "button": "fetch", "args": {"url": "${url}", **args}}]
    declared = [{"name": "urls"}, *({"name": name, "secret": True} for name in inputs)]
    drawer = {"name": "t", "inputs": declared, "buttons": {"fetch": fields}, "steps": [each]}
    return press(drawer, {"urls": urls, **inputs}, check=False, quiet=True)


def cached(results: Results) -> int:
    return int(results.run.steps[0].output.record.cached)


def test_a_second_run_fetches_nothing_and_shows_the_number_of_cached_items(site: DemoSite) -> None:
    urls = site.page_urls[:60]
    first = fetch(urls)
    assert site.stats().requests == 60
    second = fetch(urls)
    assert site.stats().requests == 60
    assert list(second.outputs) == list(first.outputs)
    assert str(second).splitlines()[0].startswith("✔ finished · 60 ok · 60 cached · ")
    assert second.run.steps[0].output.record.columns[0].about[3]["status"] == 200


def test_twenty_simultaneous_requests_for_one_page_fetch_it_once(site: DemoSite) -> None:
    results = fetch([site.page_urls[0]] * 20)
    assert (site.stats().requests, cached(results)) == (1, 19)


def test_only_failed_pages_are_fetched_again(site: DemoSite) -> None:
    urls = site.mixed_urls(60)
    first = fetch(urls)
    failed = first.counts["failed"]
    assert failed
    second = fetch(urls)
    assert second.counts == first.counts
    assert cached(second) == 60 - failed
    assert site.stats().requests == 60 + failed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"headers": {"Accept": "text/html"}}, {"headers": {"Accept": "text/plain"}}),
        ({"method": "POST", "body": "a"}, {"method": "POST", "body": "b"}),
        ({"method": "GET"}, {"method": "OPTIONS"}),
        ({"url": "{{url}}?a=1"}, {"url": "{{url}}?a=2"}),
    ],
    ids=["headers", "body", "method", "url"],
)
def test_a_different_request_is_not_answered_from_the_cache(
    one: dict[str, Any], other: dict[str, Any], site: DemoSite
) -> None:
    for spec in (one, other, one, other):
        assert fetch([f"{site.url}/api/echo"], spec).counts["ok"] == 1
    assert site.stats().requests == 2


def test_buttons_with_the_same_request_share_the_response(site: DemoSite) -> None:
    page = site.page_urls[0]
    fetch([page])
    full = fetch([f"{page}#top"], {"output": "full", "max_response_bytes": 100_000, "headers": {}})
    assert site.stats().requests == 1
    assert full[0].output["status"] == 200
    assert "<h1" in full[0].output["text"]


# Validators


def test_an_expired_response_is_confirmed_and_used_again(site: DemoSite, clock: list[float]) -> None:
    url = site.api_urls[0]
    first = fetch([url])
    clock[0] = 3601
    second = fetch([url])
    assert second[0].output == first[0].output
    assert (site.stats().requests, cached(second)) == (2, 1)
    clock[0] = 3601 + 3500
    fetch([url])
    assert site.stats().requests == 2  # the confirmation renewed its lifetime


def test_an_expired_response_without_a_validator_is_fetched_again(site: DemoSite, clock: list[float]) -> None:
    fetch([site.page_urls[0]])
    clock[0] = 3601
    second = fetch([site.page_urls[0]])
    assert (site.stats().requests, cached(second)) == (2, 0)


@pytest.mark.parametrize("mark", ["ETag", "Last-Modified"])
def test_one_validator_is_enough(mark: str, site: DemoSite, clock: list[float], monkeypatch: Any) -> None:
    other = {"ETag": "last-modified", "Last-Modified": "etag"}[mark]
    monkeypatch.setattr("drawer_ipy.buttons.http.freshness._NOT_KEPT", frozenset({other}), raising=True)
    fetch([site.api_urls[0]])
    clock[0] = 3601
    assert cached(fetch([site.api_urls[0]])) == 1


def test_a_changed_page_replaces_the_cached_one(site: DemoSite, clock: list[float]) -> None:
    # A wrong ETag is sent, so that the site responds as if the page had changed.
    fetch([site.api_urls[2]])
    real = HttpCaching.asking

    def with_an_old_etag(self: Any, bound: Any, kept: Any) -> Any:
        again = real(self, bound, kept)
        condition = replace(again.request.condition, headers={"If-None-Match": '"old"'})
        return again._replace(request=replace(again.request, condition=condition))

    clock[0] = 3601
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HttpCaching, "asking", with_an_old_etag)
        results = fetch([site.api_urls[2]])
    assert (results.counts["ok"], cached(results), site.stats().requests) == (1, 0, 2)
    assert results[0].output["id"] == 3
    fetch([site.api_urls[2]])
    assert site.stats().requests == 2


def test_conditional_headers_of_the_button_are_not_changed(site: DemoSite, clock: list[float]) -> None:
    spec = {"headers": {"If-None-Match": '"mine"'}}
    fetch([site.api_urls[0]], spec)
    clock[0] = 3601
    results = fetch([site.api_urls[0]], spec)
    assert (results.counts["ok"], cached(results)) == (1, 0)


# Files


def test_a_saved_file_is_not_fetched_again_while_it_exists(site: DemoSite, home: Path) -> None:
    spec = {"save": f"{home}/files/{{{{n}}}}.bin", "url": site.url + "/binary/{{n}}", "args": ["n"]}
    drawer = {"name": "t", "buttons": {"get": {**spec, "cache": "forever"}}}
    drawer["steps"] = [{"id": "a", "button": "get", "args": {"n": 1000}}]
    for _ in range(2):
        assert press(drawer, quiet=True).run.steps[0].output == f"{home}/files/1000.bin"
    assert site.stats().requests == 1
    (home / "files" / "1000.bin").unlink()
    press(drawer, quiet=True)
    assert site.stats().requests == 2
    assert (home / "files" / "1000.bin").stat().st_size == 1000


# Secrets and sessions


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_secret_header_is_part_of_the_key_but_not_written_to_disk(site: DemoSite, home: Path) -> None:
    spec = {"headers": {"Authorization": "Bearer {{key}}"}, "args": ["url", "key"]}
    for key in ("first-secret-key", "other-secret-key", "first-secret-key"):
        assert fetch([site.page_urls[0]], spec, key=key).counts["ok"] == 1
    assert site.stats().requests == 2
    assert b"secret-key" not in everything(home)


def test_a_response_that_contains_the_secret_is_not_kept(site: DemoSite, home: Path) -> None:
    spec = {"headers": {"Authorization": "Bearer {{key}}"}, "args": ["url", "key"]}
    for _ in range(2):
        results = fetch([f"{site.url}/api/echo"], spec, key="first-secret-key")
        assert results[0].output["headers"]["Authorization"] == "Bearer [redacted]"
    assert site.stats().requests == 2
    assert b"secret-key" not in everything(home)


def test_a_battery_in_a_header_is_part_of_the_key(site: DemoSite, home: Path) -> None:
    spec = {"headers": {"X-Key": "${batteries.K}"}}
    for key in ("battery-one", "battery-two", "battery-one"):
        (home / "batteries.json").write_text(f'{{"K": "{key}"}}')
        assert fetch([site.page_urls[0]], spec).counts["ok"] == 1
    assert site.stats().requests == 2
    (home / "batteries.json").write_text("{}")
    with pytest.raises(DefinitionError, match="batteries has no 'K'"):
        fetch([site.page_urls[0]], spec)


def test_set_cookie_headers_are_not_kept() -> None:
    headers = CIMultiDict(
        [("Set-Cookie", "session=abcdefgh"), ("ETag", '"1"'), ("X-Two", "a"), ("X-Two", "b")]
    )
    answer = Response("GET", URL("http://h.example/a?b=%20"), 200, "OK", headers, b"text", 0.5)
    call = Call(Resources())

    async def outcome(response: Response, _call: Call) -> Outcome:
        return outcome_of(response)

    caching = HttpCaching(
        60, lambda *given: Request("GET", answer.url, CIMultiDict()), outcome, cookies=False
    )
    kept = caching.keep(Outcome("text", kept=answer))
    assert "abcdefgh" not in repr(kept)
    revived = asyncio.run(caching.revive(kept, {}, call))
    assert revived.output == "text"
    assert revived.about == {
        "status": 200,
        "url": "http://h.example/a?b=%20",
        "headers": {"etag": '"1"', "x-two": "a, b"},
        "elapsed": 0.5,
    }


def test_a_button_with_cookies_is_not_cached_with_a_note(site: DemoSite) -> None:
    for _ in range(2):
        assert fetch([f"{site.url}/cookies"], {"cookies": True}).counts["ok"] == 1
    assert site.stats().requests == 2


# Limits


def test_a_cached_result_does_not_wait_for_a_rate(site: DemoSite) -> None:
    urls = site.page_urls[:20]
    fetch(urls)
    results = fetch(urls, {"rate": "1/min"})  # would take twenty minutes
    assert (results.counts["ok"], cached(results)) == (20, 20)
