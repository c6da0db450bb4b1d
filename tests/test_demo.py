"""The demo site, tested over real connections."""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import io
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, TypeVar

import aiohttp
import pytest

from drawer_ipy.demo import ITEM_COUNT, DemoSite, mixed_outcome
from drawer_ipy.demo.catalogue import CATEGORIES, Catalogue
from drawer_ipy.demo.routes import ENDPOINTS, MAX_BODY
from drawer_ipy.demo.state import MAX_PATHS, DemoState

T = TypeVar("T")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Any
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Page(HTMLParser):
    """The text and the link of each element of a page, by ``tag.class`` and by ``tag``."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self.links: dict[str, list[str]] = {}
        self._open: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "meta":
            return
        given = dict(attrs)
        names = [tag, *([f"{tag}.{given['class']}"] if "class" in given else [])]
        for name in names:
            self.found.setdefault(name, []).append("")
            if given.get("href"):
                self.links.setdefault(name, []).append(given["href"] or "")
        self._open.append(names)

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for names in self._open:
            for name in names:
                self.found[name][-1] += data


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite.start() as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh_counters(site: DemoSite) -> None:
    site.reset()


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout, **options) as session:
        yield session


def fetch(site: DemoSite, path: str, method: str = "GET", **options: Any) -> Reply:
    options.setdefault("allow_redirects", False)

    async def once() -> Reply:
        async with client() as session, session.request(method, site.url + path, **options) as got:
            return Reply(got.status, got.headers.copy(), await got.read())

    return asyncio.run(once())


def fetch_all(urls: list[str], parallel: int = 50) -> list[Reply]:
    async def one(session: aiohttp.ClientSession, url: str) -> Reply:
        async with session.get(url) as got:
            return Reply(got.status, got.headers.copy(), await got.read())

    async def everything() -> list[Reply]:
        async with client(connector=aiohttp.TCPConnector(limit=parallel)) as session:
            return await asyncio.gather(*(one(session, url) for url in urls))

    return asyncio.run(everything())


def wait_until(condition: Callable[[], bool], seconds: float = 2) -> bool:
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.005)
    return condition()


def environment(**changes: str) -> dict[str, str]:
    """An environment in which a child process imports the same package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **changes}


def demo_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "drawer_ipy-demo"]


# The response of each route


@pytest.mark.parametrize(
    ("path", "status", "content_type", "holds"),
    [
        ("/", 200, "text/html", "/flaky/a?fail=2"),
        ("/catalogue", 200, "text/html", "page 1 of 12"),
        ("/catalogue?page=12", 200, "text/html", "page 12 of 12"),
        ("/item/1", 200, "text/html", "£9.24"),
        ("/category/maps", 200, "text/html", "Category maps"),
        ("/mixed/1", 200, "text/html", "No. 1"),
        ("/gzip/1", 200, "text/html", "No. 1"),
        ("/api/items", 200, "application/json", '"total": 240'),
        ("/api/items/1", 200, "application/json", '"id": 1'),
        ("/api/search?q=lamp", 200, "application/json", '"query": "lamp"'),
        ("/api/echo", 200, "application/json", '"method": "GET"'),
        ("/slow/0", 200, "application/json", '"waited_ms": 0'),
        ("/drip/5?ms=0", 200, "text/plain", "*****"),
        ("/status/200", 200, "text/plain", "200 OK"),
        ("/status/204", 204, "", ""),
        ("/status/299", 299, "text/plain", "299 Unassigned"),
        ("/status/304", 304, "", ""),
        ("/status/418", 418, "text/plain", "418 I'm a Teapot"),
        ("/status/599", 599, "text/plain", "599 Unassigned"),
        ("/flaky/k?fail=0", 200, "application/json", '"attempt": 1'),
        ("/flaky/k", 500, "text/html", "fails on purpose"),
        ("/limited/k", 200, "application/json", '"allowed": true'),
        ("/redirect/0", 200, "text/html", "Arrived"),
        ("/cookies", 200, "application/json", '"cookies": {}'),
        ("/robots.txt", 200, "text/plain", "Disallow: /private/"),
        ("/private/", 200, "text/html", "robots.txt asks"),
        ("/private/a/b", 200, "text/html", "robots.txt asks"),
        ("/binary/0", 200, "application/octet-stream", ""),
        ("/nothing/here", 404, "text/html", "GET /nothing/here is not offered"),
        ("/api/nothing", 404, "application/json", '"error"'),
        ("/item/241", 404, "text/html", "ids run from 1 to 240"),
        ("/item/0", 404, "text/html", "ids run from 1 to 240"),
        ("/gzip/241", 404, "text/html", "ids run from 1 to 240"),
        ("/api/items/241", 404, "application/json", "ids run from 1 to 240"),
        ("/category/nope", 404, "text/html", "books, boxes, clocks"),
        ("/nothing/<b>&", 404, "text/html", "&lt;b&gt;&amp;"),
    ],
)
def test_each_route_responds(site: DemoSite, path: str, status: int, content_type: str, holds: str) -> None:
    reply = fetch(site, path)
    assert reply.status == status
    if content_type:
        assert reply.headers["Content-Type"].startswith(content_type)
    assert holds in reply.text


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/item/one", "id must be an integer from 0"),
        ("/item/1_0", "id must be an integer"),
        ("/item/%D9%A1", "id must be an integer"),
        ("/gzip/x", "id must be an integer"),
        ("/mixed/0", "from 1 to 1000000"),
        ("/mixed/x", "from 1 to 1000000"),
        ("/catalogue?page=0", "page must be an integer from 1 to 12"),
        ("/catalogue?page=13", "page must be an integer from 1 to 12"),
        ("/catalogue?page=", "page must be an integer from 1 to 12"),
        ("/api/items?offset=-1", "offset must be an integer from 0"),
        ("/api/items?limit=101", "limit must be an integer from 1 to 100"),
        ("/api/items/x", "id must be an integer"),
        ("/api/search", "q must be given"),
        ("/api/search?q=", "q must be given"),
        ("/api/search?q=" + "a" * 201, "1 to 200 characters"),
        ("/slow/30001", "ms must be an integer from 0 to 30000"),
        ("/slow/-1", "ms must be an integer from 0 to 30000"),
        ("/slow/1.5", "ms must be an integer from 0 to 30000"),
        ("/slow/" + "9" * 5000, "ms must be an integer from 0 to 30000"),
        ("/drip/0", "bytes must be an integer from 1 to 1048576"),
        ("/drip/9?ms=x", "ms must be an integer from 0 to 30000"),
        ("/status/199", "code must be an integer from 200 to 599"),
        ("/status/600", "code must be an integer from 200 to 599"),
        ("/flaky/k?fail=1001", "fail must be an integer from 0 to 1000"),
        ("/limited/k?after=-1", "after must be an integer from 0 to 1000"),
        ("/limited/k?retry_after=0", "retry_after must be a number from 0.05 to 600"),
        ("/limited/k?retry_after=nan", "retry_after must be a number from 0.05 to 600"),
        ("/redirect/51", "n must be an integer from 0 to 50"),
        ("/redirect-to", "url must be given"),
        ("/redirect-to?url=ftp://x/", "url must begin with"),
        ("/redirect-to?url=/a%0d%0aX-Bad:1", "url must begin with"),
        ("/redirect-to?url=http://[", "url is not an address"),
        ("/cookies/set", "at least one cookie"),
        ("/cookies/set?a%20b=1", "cannot be the name of a cookie"),
        ("/cookies/set?a=%0d%0aX:1", "control characters"),
        ("/binary/16777217", "bytes must be an integer from 0 to 16777216"),
    ],
)
def test_an_invalid_parameter_gets_a_400_with_the_allowed_values(
    site: DemoSite, path: str, allowed: str
) -> None:
    reply = fetch(site, path)
    assert reply.status == 400
    assert allowed in reply.text
    assert "X-Bad" not in reply.headers


def test_every_route_of_the_table_has_an_example_that_is_served(site: DemoSite) -> None:
    index = fetch(site, "/").text
    assert all(endpoint.label.replace("&", "&amp;") in index for endpoint in ENDPOINTS)
    broken = {"/reset", "/truncated", "/bad-gzip", "/endless", "/excess", "/half-headers", "/bomb"}
    broken |= {endpoint.path for endpoint in ENDPOINTS if endpoint.method == "POST"}
    examples = [endpoint.example for endpoint in ENDPOINTS if endpoint.path not in broken]
    for example, reply in zip(examples, fetch_all([site.url + e for e in examples]), strict=True):
        assert reply.status in (200, 418, 500), example


def test_head_returns_only_headers_and_other_methods_are_refused(site: DemoSite) -> None:
    head, get = fetch(site, "/item/1", "HEAD"), fetch(site, "/item/1")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    refused = fetch(site, "/item/1", "POST")
    assert refused.status == 405
    assert "GET" in refused.headers["Allow"]


@pytest.mark.parametrize("path", ["/drip/5?ms=0", "/truncated", "/endless", "/binary/9"])
def test_head_works_for_streamed_bodies(site: DemoSite, path: str) -> None:
    assert fetch(site, path, "HEAD").body == b""


# The shop


def test_item_pages_have_exactly_the_data_of_the_catalogue(site: DemoSite) -> None:
    replies = fetch_all(site.page_urls)
    assert len(replies) == len(site.items) == ITEM_COUNT == 240
    for item, reply in zip(site.items, replies, strict=True):
        page = Page(reply.text)
        assert page.found["h1.title"] == [item.title]
        assert page.found["p.price"] == [item.price]
        assert page.found["p.rating"] == [f"{item.rating} out of 5"]
        assert page.found["p.stock"] == [item.availability]
        assert page.found["li"] == list(item.tags)
        assert page.found["p.description"] == [item.description]
        following = [f"/item/{item.id + 1}"] if item.id < 240 else []
        assert page.links.get("a.next", []) == following


def test_hostile_titles_are_text_and_not_markup(site: DemoSite) -> None:
    text = fetch(site, "/item/37").text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert 'href="/private/"' not in fetch(site, "/item/191").text
    assert "<b>" not in fetch(site, "/catalogue?page=1").text


def test_following_next_through_the_catalogue_finds_every_item(site: DemoSite) -> None:
    path: str | None = "/catalogue"
    found: list[str] = []
    pages = 0
    while path:
        page = Page(fetch(site, path).text)
        found += [link for link in page.links["a"] if link.startswith("/item/")]
        path, pages = next(iter(page.links.get("a.next", [])), None), pages + 1
    assert pages == 12
    assert found == [f"/item/{n}" for n in range(1, 241)]


def test_categories_divide_the_catalogue(site: DemoSite) -> None:
    found: list[str] = []
    for name in CATEGORIES:
        links = Page(fetch(site, f"/category/{name}").text).links["a"]
        found += [link for link in links if link.startswith("/item/")]
    assert sorted(found) == sorted(f"/item/{n}" for n in range(1, 241))


def test_the_catalogue_is_the_same_in_every_process() -> None:
    script = (
        "import hashlib; from drawer_ipy.demo.catalogue import Catalogue;"
        "print(hashlib.sha256(repr(Catalogue.build()).encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            env=environment(PYTHONHASHSEED=seed),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    here = hashlib.sha256(repr(Catalogue.build()).encode()).hexdigest()
    assert runs == [here, here]


def test_titles_are_distinct_and_many_have_special_characters() -> None:
    titles = [item.title for item in Catalogue.build().items]
    assert len(set(titles)) == ITEM_COUNT
    assert sum("&" in t for t in titles) >= 2
    assert sum("<" in t for t in titles) >= 3
    assert sum(not t.isascii() for t in titles) >= 20


def test_mixed_pages_fail_as_predicted(site: DemoSite) -> None:
    urls = site.mixed_urls(1000)
    outcomes = [mixed_outcome(n) for n in range(1, 1001)]
    assert [r.status for r in fetch_all(urls, 200)] == [o.status for o in outcomes]
    assert {o.delay_ms for o in outcomes} == set(range(5, 61))


@pytest.mark.parametrize("count", [240, 500, 1000, 10_000, 100_000])
def test_four_to_five_per_cent_of_mixed_pages_fail(count: int) -> None:
    statuses = Counter(mixed_outcome(n).status for n in range(1, count + 1))
    assert set(statuses) == {200, 404, 500}
    assert 0.04 <= 1 - statuses[200] / count <= 0.05


def test_mixed_ids_beyond_the_catalogue_show_its_items_again(site: DemoSite) -> None:
    assert fetch(site, "/mixed/241").text == fetch(site, "/item/1").text


def test_mixed_urls_refuse_an_impossible_count(site: DemoSite) -> None:
    with pytest.raises(ValueError, match="from 0 to 1000000, not -1"):
        site.mixed_urls(-1)


def test_the_gzip_page_is_always_compressed(site: DemoSite) -> None:
    async def raw() -> Reply:
        async with client(auto_decompress=False) as session:
            headers = {"Accept-Encoding": "identity"}
            async with session.get(f"{site.url}/gzip/7", headers=headers) as got:
                return Reply(got.status, got.headers.copy(), await got.read())

    reply = asyncio.run(raw())
    assert reply.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(reply.body) == fetch(site, "/item/7").body == fetch(site, "/gzip/7").body


def test_the_latin1_page_is_not_utf8(site: DemoSite) -> None:
    reply = fetch(site, "/encoding/latin1")
    assert reply.headers["Content-Type"] == "text/html; charset=iso-8859-1"
    assert "Café à la crème" in reply.body.decode("iso-8859-1")
    with pytest.raises(UnicodeDecodeError):
        reply.body.decode("utf-8")


# The JSON interface


def test_pages_of_the_json_interface_cover_all_items(site: DemoSite) -> None:
    path: str | None = "/api/items?limit=100"
    found: list[Any] = []
    while path:
        answer = fetch(site, path).json
        found += answer["items"]
        path = answer["next"]
    assert found == [item.as_json() for item in site.items]
    assert fetch(site, "/api/items?offset=1000").json["items"] == []
    assert [r.json for r in fetch_all(site.api_urls)] == found


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (lambda tag, date: {"If-None-Match": tag}, 304),
        (lambda tag, date: {"If-None-Match": f'"other", W/{tag}'}, 304),
        (lambda tag, date: {"If-None-Match": "*"}, 304),
        (lambda tag, date: {"If-None-Match": '"other"'}, 200),
        (lambda tag, date: {"If-Modified-Since": date}, 304),
        (lambda tag, date: {"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"}, 200),
        (lambda tag, date: {"If-Modified-Since": "nonsense"}, 200),
        (lambda tag, date: {"If-None-Match": '"other"', "If-Modified-Since": date}, 200),
    ],
)
def test_a_conditional_request_for_an_unchanged_item_gets_a_304(
    site: DemoSite, header: Callable[[str, str], dict[str, str]], status: int
) -> None:
    first = fetch(site, "/api/items/9")
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    again = fetch(site, "/api/items/9", headers=header(tag, date))
    assert again.status == status
    assert again.headers["ETag"] == tag
    assert again.body == (b"" if status == 304 else first.body)


def test_search_finds_titles_tags_and_text_in_any_case(site: DemoSite) -> None:
    answer = fetch(site, "/api/search?q=SYMPATHY").json
    assert (answer["total"], answer["items"][0]["id"]) == (1, 5)
    assert fetch(site, "/api/search?q=salt %26 sea").json["total"] > 10
    limited = fetch(site, "/api/search?q=a&limit=3").json
    assert limited["total"] > len(limited["items"]) == 3
    assert fetch(site, "/api/search?q=nothing-like-it").json["items"] == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_echo_accepts_any_method(site: DemoSite, method: str) -> None:
    answer = fetch(site, "/api/echo?a=1&b=2&b=3", method, headers={"X-Mine": "é"}).json
    assert answer["method"] == method
    assert answer["query"] == {"a": "1", "b": ["2", "3"]}
    assert answer["headers"]["X-Mine"] == "é"


@pytest.mark.parametrize(
    ("sent", "text", "parsed", "form"),
    [
        ({"json": {"a": ["ü"]}}, '{"a": ["\\u00fc"]}', {"a": ["ü"]}, None),
        ({"data": "plain"}, "plain", None, None),
        ({"data": "[" * 100_000}, "[" * 100_000, None, None),
        ({"data": b"\xff\x00"}, "\ufffd\x00", None, None),
        ({"data": {"a": "1 & 2"}}, "a=1+%26+2", None, {"a": "1 & 2"}),
        ({"data": [("a", "1"), ("a", "2")]}, "a=1&a=2", None, {"a": ["1", "2"]}),
        (
            {"data": b"x", "headers": {"Content-Type": "text/plain; charset=none-such"}},
            "x",
            None,
            None,
        ),
    ],
)
def test_echo_reads_the_body(
    site: DemoSite, sent: dict[str, Any], text: str, parsed: object, form: object
) -> None:
    answer = fetch(site, "/api/echo", "POST", **sent).json
    assert (answer["text"], answer["json"], answer["form"]) == (text, parsed, form)


def test_echo_reads_multipart_forms_and_refuses_broken_ones(site: DemoSite) -> None:
    async def upload() -> Any:
        form = aiohttp.FormData()
        form.add_field("note", "hello")
        form.add_field("file", b"abc", filename="a.txt", content_type="text/plain")
        async with client() as session, session.post(f"{site.url}/api/echo", data=form) as got:
            return (await got.json())["form"]

    file = {"filename": "a.txt", "content_type": "text/plain"}
    assert asyncio.run(upload()) == {"note": "hello", "file": file}
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert fetch(site, "/api/echo", "POST", data=b"nonsense", headers=kind).status == 400


def test_echo_refuses_a_body_that_is_too_large(site: DemoSite) -> None:
    assert fetch(site, "/api/echo", "POST", data=io.BytesIO(b"x" * (MAX_BODY + 1))).status == 413


# Slow, flaky, limited and redirecting routes


def test_slow_waits_before_the_headers(site: DemoSite) -> None:
    start = time.monotonic()
    assert fetch(site, "/slow/150").json == {"waited_ms": 150}
    assert 0.15 <= time.monotonic() - start < 10


def test_drip_sends_headers_at_once_and_the_body_over_time(site: DemoSite) -> None:
    async def timed() -> tuple[bytes, float, float]:
        start = time.monotonic()
        async with client() as session, session.get(f"{site.url}/drip/103?ms=400") as got:
            headers_after = time.monotonic() - start
            body = await got.read()
            return body, headers_after, time.monotonic() - start

    body, headers_after, all_after = asyncio.run(timed())
    assert body == b"*" * 103
    assert headers_after < 0.3
    assert all_after >= 0.4


def test_flaky_fails_its_first_requests_per_key_until_reset(site: DemoSite) -> None:
    def statuses(key: str, count: int) -> list[int]:
        return [fetch(site, f"/flaky/{key}?fail=2").status for _ in range(count)]

    assert statuses("a", 4) == [500, 500, 200, 200]
    assert statuses("b", 3) == [500, 500, 200]
    site.reset()
    assert statuses("a", 3) == [500, 500, 200]


def test_limited_refuses_requests_above_the_limit_for_a_while(site: DemoSite) -> None:
    path = "/limited/k?after=2&retry_after=0.2"
    replies = [fetch(site, path) for _ in range(4)]
    assert [r.status for r in replies] == [200, 200, 429, 429]
    assert replies[2].headers["Retry-After"] == "1"
    assert fetch(site, "/limited/other?after=2").status == 200
    time.sleep(0.25)
    assert [fetch(site, path).status for _ in range(3)] == [200, 200, 429]


def test_the_limit_counts_from_the_first_refusal() -> None:
    now = 100.0
    state = DemoState(clock=lambda: now)
    assert state.limited_wait("k", 1, 10) == 0
    now = 105.0
    assert state.limited_wait("k", 1, 10) == 10
    now = 112.0
    assert state.limited_wait("k", 1, 10) == 3
    now = 115.0
    assert state.limited_wait("k", 1, 10) == 0
    assert state.limited_wait("none", 0, 10) == 10


def test_redirects_are_followed_to_their_end(site: DemoSite) -> None:
    first = fetch(site, "/redirect/3")
    assert (first.status, first.headers["Location"]) == (302, "/redirect/2")
    last = fetch(site, "/redirect/9", allow_redirects=True)
    assert "Arrived" in last.text
    there = fetch(site, "/redirect-to", params={"url": f"{site.url}/item/3"}, allow_redirects=True)
    assert there.body == fetch(site, "/item/3").body
    away = fetch(site, "/redirect-to?url=https://example.org/a?b=c")
    assert away.headers["Location"] == "https://example.org/a?b=c"


def test_cookies_are_kept_by_a_client_with_a_jar(site: DemoSite) -> None:
    async def visit() -> Any:
        jar = aiohttp.CookieJar(unsafe=True)  # aiohttp's option for cookies from an IP address
        url = f"{site.url}/cookies/set?name=value&two=a b"
        async with client(cookie_jar=jar) as session, session.get(url) as got:
            return await got.json()

    assert asyncio.run(visit()) == {"cookies": {"name": "value", "two": "a b"}}


# Faults


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/reset", (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)),
        ("/truncated", aiohttp.ClientPayloadError),
        ("/bad-gzip", aiohttp.ClientError),
    ],
)
def test_faults_break_the_client_and_not_the_site(
    site: DemoSite, path: str, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(error):
        fetch(site, path)
    assert fetch(site, "/item/1").status == 200
    assert not caplog.records


def test_reset_is_a_real_reset(site: DemoSite) -> None:
    address = ("127.0.0.1", int(site.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=5) as sock:
        sock.sendall(b"GET /reset HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            sock.recv(100)


def test_truncated_sends_less_than_its_content_length(site: DemoSite) -> None:
    address = ("127.0.0.1", int(site.url.rpartition(":")[2]))
    received = b""
    with socket.create_connection(address, timeout=5) as sock:
        sock.sendall(b"GET /truncated HTTP/1.1\r\nHost: x\r\n\r\n")
        while piece := sock.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"Content-Length: 10000" in head
    assert body == b"." * 4000


def test_binary_always_returns_the_same_bytes(site: DemoSite) -> None:
    short, long = fetch(site, "/binary/1000").body, fetch(site, "/binary/1000000").body
    assert (len(short), len(long)) == (1000, 1_000_000)
    assert long.startswith(short)
    assert len(set(long)) == 256


@pytest.mark.parametrize("path", ["/endless", "/slow/20000", "/drip/1000?ms=20000"])
def test_a_disconnected_client_ends_its_handler_without_a_log_message(
    site: DemoSite, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def read_to_the_end() -> None:
        async with client() as session, session.get(site.url + path) as got:
            async for _ in got.content.iter_any():
                pass

    with caplog.at_level(logging.INFO):
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(read_to_the_end(), 0.1))
        assert wait_until(lambda: site.stats().in_flight == 0)
    assert not caplog.records


def test_a_client_that_disconnects_during_an_upload_causes_no_log_message(
    site: DemoSite, caplog: pytest.LogCaptureFixture
) -> None:
    address = ("127.0.0.1", int(site.url.rpartition(":")[2]))
    with caplog.at_level(logging.INFO), socket.create_connection(address, timeout=5) as sock:
        sock.sendall(b"POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nabc")
        assert wait_until(lambda: site.stats().in_flight == 1)
    assert wait_until(lambda: site.stats().in_flight == 0)
    assert not caplog.records


# Counters


def test_stats_count_requests_by_path_and_concurrent_requests(site: DemoSite) -> None:
    fetch_all([f"{site.url}/slow/100?n={n}" for n in range(8)] + [f"{site.url}/item/1"])
    fetch(site, "/nothing")
    assert wait_until(lambda: site.stats().in_flight == 0)
    stats = site.stats()
    assert stats.requests == 10
    assert stats.by_path == {"/slow/100": 8, "/item/1": 1, "/nothing": 1}
    assert 8 <= stats.max_in_flight <= 9
    site.reset()
    assert site.stats().requests == 0
    assert stats.requests == 10, "a snapshot does not change"
    assert site.stats().by_path == {}


def test_max_in_flight_shows_the_concurrency_of_the_client(site: DemoSite) -> None:
    fetch_all([f"{site.url}/slow/20"] * 40, parallel=5)
    assert site.stats().max_in_flight == 5


def test_a_reset_keeps_what_is_in_flight() -> None:
    state = DemoState()
    state.enter("/a")
    state.reset()
    assert (state.stats().in_flight, state.stats().max_in_flight) == (1, 1)
    state.leave()
    assert state.stats().in_flight == 0


def test_the_number_of_counted_paths_is_bounded() -> None:
    state = DemoState()
    for n in range(MAX_PATHS + 5):
        state.enter(f"/{n}")
    state.enter("/0")
    stats = state.stats()
    assert len(stats.by_path) == MAX_PATHS + 1
    assert (stats.by_path["(other)"], stats.by_path["/0"]) == (5, 2)
    assert sum(stats.by_path.values()) == stats.requests


# Start and stop


def test_start_is_quick_and_stop_leaves_no_thread_and_no_socket() -> None:
    before = set(demo_threads())
    start = time.monotonic()
    own = DemoSite.start()
    assert time.monotonic() - start < 5
    assert fetch(own, "/item/1").status == 200
    port = int(own.url.rpartition(":")[2])
    assert own.running
    own.stop()
    own.stop()
    assert not own.running
    assert set(demo_threads()) == before
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass
    with DemoSite.start(port) as again:  # the port is free for another
        assert again.url == own.url
    gc.collect()  # an unclosed socket or loop would warn here, and the tests turn warnings into errors


@pytest.mark.parametrize(
    "path", ["/slow/30000", "/endless", "/drip/1000?ms=30000", "/mixed/1", "/binary/16777216"]
)
def test_stop_is_quick_with_requests_in_flight(path: str, caplog: pytest.LogCaptureFixture) -> None:
    own = DemoSite.start()
    port = int(own.url.rpartition(":")[2])
    socks = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(20)]
    with caplog.at_level(logging.INFO):
        for sock in socks:  # these clients never read, so the buffers of the server fill up
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert wait_until(lambda: own.stats().requests == 20)
        start = time.monotonic()
        own.stop()
        assert time.monotonic() - start < 10  # the requests take 30 s and more
    assert own.stats().in_flight == 0
    for sock in socks:
        sock.close()
    gc.collect()
    assert not caplog.records


def test_idle_connections_do_not_delay_stopping() -> None:
    own = DemoSite.start()
    with socket.create_connection(("127.0.0.1", int(own.url.rpartition(":")[2]))) as sock:
        sock.settimeout(5)
        start = time.monotonic()
        own.stop()
        assert time.monotonic() - start < 5
        assert sock.recv(1) == b""


def test_the_block_stops_the_site_after_an_error_too() -> None:
    before = set(demo_threads())
    with pytest.raises(RuntimeError, match="mine"), DemoSite.start() as own:
        raise RuntimeError("mine")
    assert not own.running
    assert set(demo_threads()) == before


def test_two_sites_count_separately(site: DemoSite) -> None:
    with DemoSite.start() as other:
        fetch(other, "/item/1")
        assert (other.stats().requests, site.stats().requests) == (1, 0)


def test_a_port_in_use_is_explained(site: DemoSite) -> None:
    port = int(site.url.rpartition(":")[2])
    before = set(demo_threads())
    with pytest.raises(OSError, match=rf"cannot listen on 127.0.0.1:{port}: .*Choose another port"):
        DemoSite.start(port)
    assert set(demo_threads()) == before


@pytest.mark.parametrize("port", [-1, 65536])
def test_an_impossible_port_is_explained(port: int) -> None:
    with pytest.raises(ValueError, match="port must be from 1 to 65535"):
        DemoSite.start(port)


def run(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)


async def _get_status(url: str) -> int:
    async with client() as session, session.get(url) as got:
        return got.status


@pytest.mark.parametrize("stop_inside", [False, True])
def test_serve_runs_on_the_running_loop(stop_inside: bool) -> None:
    async def main() -> DemoSite:
        threads = threading.active_count()
        async with DemoSite.serve() as own:
            assert await _get_status(own.page_urls[0]) == 200
            assert threading.active_count() == threads
            if stop_inside:
                own.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await _get_status(own.url)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return own

    assert not run(main()).running


def test_serve_ends_with_requests_in_flight() -> None:
    async def main() -> float:
        async with DemoSite.serve() as own:
            pending = [asyncio.ensure_future(_get_status(f"{own.url}/slow/30000")) for _ in "123"]
            await asyncio.sleep(0.2)
            assert own.stats().in_flight == 3
            start = time.monotonic()
        took = time.monotonic() - start
        results = await asyncio.gather(*pending, return_exceptions=True)
        assert all(isinstance(r, aiohttp.ClientConnectionError) for r in results)
        return took

    assert run(main()) < 1


def test_serve_closes_when_its_task_is_cancelled() -> None:
    async def hold(started: asyncio.Future[DemoSite]) -> None:
        async with DemoSite.serve() as own:
            started.set_result(own)
            await asyncio.sleep(30)

    async def main() -> DemoSite:
        started: asyncio.Future[DemoSite] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(hold(started))
        own = await started
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return own

    own = run(main())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(own.url.rpartition(":")[2])))


@pytest.mark.parametrize("steps", range(6))
def test_serve_closes_when_it_is_cancelled_while_starting(steps: int) -> None:
    async def hold() -> None:
        async with DemoSite.serve():
            await asyncio.sleep(30)

    async def main() -> None:
        task = asyncio.create_task(hold())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(10):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())
    gc.collect()


def test_serve_explains_a_port_in_use(site: DemoSite) -> None:
    async def main() -> None:
        async with DemoSite.serve(int(site.url.rpartition(":")[2])):
            pass

    with pytest.raises(OSError, match="cannot listen"):
        run(main())


def test_the_repr_and_html_of_a_site_list_its_routes() -> None:
    with DemoSite.start() as own:
        assert repr(own).startswith(f"<DemoSite {own.url}, running>")
        assert "/flaky/a?fail=2" in repr(own)
        html = own._repr_html_()
        links = Page(html).links["a"]
        assert all(link.startswith(f"{own.url}/") for link in links)
        assert {reply.status for reply in fetch_all(links)} == {200, 500}
    assert repr(own) == f"<DemoSite {own.url}, stopped>"
    assert "stopped" in own._repr_html_()


def test_the_module_serves_in_the_foreground_until_interrupted(site: DemoSite) -> None:
    command = [sys.executable, "-m", "drawer_ipy.demo"]
    taken = site.url.rpartition(":")[2]
    refused = subprocess.run(
        [*command, "--port", taken], env=environment(), capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"The demo site cannot listen on 127.0.0.1:{taken}")
    assert refused.stderr.count("\n") == 1

    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3]
        assert run(_get_status(f"{url}/item/1")) == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")
