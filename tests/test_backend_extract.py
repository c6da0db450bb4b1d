"""The `extract` of requests and transforms runs on a backend, with the results it has in the kernel."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from backends_rig import workers
from dask_rig import dask_cluster
from distributed import Client
from pages_rig import Site, running

from drawer_ipy import Results, press

BACKENDS = ["", "threads", "processes:2", "dask"]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[Client]:
    with dask_cluster() as client:
        yield client


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as made:
        yield made


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))


XML = (
    '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A</title></entry></feed>',
    {"Content-Type": "application/atom+xml"},
)
PAGES: dict[str, Any] = {
    "/ok": "<base href='/shop/'><h1> One  page </h1><a class=next href='more?a=é'>n</a><i>1.299</i>",
    "/missing": "<h2>no heading</h2>",
    "/gone": (404, "<h1>gone</h1>", {}),
    "/json": (200, '{"h1": 1}', {"Content-Type": "application/json"}),
    "/image": (200, "\x00\x01", {"Content-Type": "image/png"}),
    "/feed": (200, *XML),
    "/latin": (200, "<h1>caf\u00e9</h1>", {"Content-Type": "text/html; charset=latin-1"}),
    "/empty": "",
}
SHOP = {"url": "{{url}}", "args": ["url"], "extract": {"title": "css:h1!", "price": "css:i |float"}}


def scraped(site: Site, backend: str, paths: list[str], button: Mapping[str, Any], **options: Any) -> Results:
    loop = {
        "id": "each",
        "kind": "for_each",
        "over": [site.url + path for path in paths],
        "as": "url",
        "parallelism": 4,
        "on_item_failure": "continue",
        "steps": [{"id": "shop", "button": "shop", "args": {"url": "${url}"}}],
    }
    drawer = {"name": "t", "buttons": {"shop": dict(button)}, "steps": [loop]}
    options = {"quiet": True, "durable": "off", **options}
    return press(drawer, backend=backend or None, check=False, **options)


def facts(results: Results) -> list[Any]:
    rows = []
    for row in results:
        error = row.error and (row.error.code, row.error.message, row.error.remediation)
        step = row.steps["shop"]
        rows.append((row.status, row.output, error, step.exit_code, step.stdout))
    return rows


@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.parametrize(
    "button",
    [
        SHOP,
        {**SHOP, "output": "full", "ok_status": "200-499"},
        {**SHOP, "extract": {"rows": {"each": "css:h1", "text": "css:h1"}, "link": "css:a::attr(href)"}},
        {**SHOP, "extract": {"title": "xpath://a:title"}, "namespaces": {"a": "http://www.w3.org/2005/Atom"}},
        {**SHOP, "extract": {"title": "xpath://b:title"}},
    ],
    ids=["fields", "full", "each", "namespace", "undeclared prefix"],
)
def test_pages_give_the_same_on_every_backend(site: Site, backend: str, button: dict[str, Any]) -> None:
    site.pages |= PAGES
    here, there = (scraped(site, one, [*PAGES], button) for one in ("", backend))
    if button.get("output") == "full":
        for row in (*here, *there):
            if row.output:
                row.output.pop("elapsed")
                row.output["headers"].pop("date")
    assert facts(there) == facts(here)
    assert {row.status for row in here} == {"ok", "failed"}


@pytest.mark.parametrize(
    ("backend", "where"),
    [("", ""), ("threads", "a thread of the kernel"), ("processes:2", "process "), ("dask", "Dask worker ")],
)
def test_explain_says_where_the_page_was_read(site: Site, backend: str, where: str) -> None:
    site.pages |= PAGES
    results = scraped(site, backend, ["/ok", "/gone"], SHOP)
    story = str(results.explain(0))
    assert ("where" in story) == bool(backend)
    if backend:
        assert f"the kernel; `extract` in {where}" in story
        assert "the kernel;" not in str(results.explain(1)), "there was no page to read"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_requests_at_once_to_a_host_are_limited_on_every_backend(site: Site, backend: str) -> None:
    site.pages |= PAGES
    site.pause = 0.05
    results = scraped(site, backend, ["/ok"] * 12, {**SHOP, "per_host": 2})
    assert results.counts["ok"] == 12
    assert site.most == 2


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("follow", ["next", "css:a.next::attr(href)"])
def test_pages_are_followed(site: Site, backend: str, follow: str) -> None:
    link = '<a class="next" href="{}">next</a>'
    site.pages |= {
        "/1": "<li>a<li>b" + link.format("2"),
        "/2": "<li>c" + link.format("/3"),
        "/3": "<li>d",
    }
    extract = {"items": "css:li[]", "next": "css:a.next::attr(href)"}
    button = {"url": "{{url}}", "args": ["url"], "extract": extract, "follow": follow}
    results = scraped(site, backend, ["/1"], button)
    assert results[0].error is None
    assert [item.strip() for item in results[0].output["items"]] == ["a", "bnext", "cnext", "d"]
    assert site.requests == ["/1", "/2", "/3"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cached_page_is_read_with_new_selectors_on_the_backend(site: Site, backend: str) -> None:
    site.pages |= PAGES
    button = {**SHOP, "cache": "1h"}
    first = scraped(site, backend, ["/ok", "/missing"], button)
    again = scraped(site, backend, ["/ok", "/missing"], {**button, "extract": {"title": "css:h1,h2"}})
    assert [row.status for row in first] == ["ok", "failed"]
    assert again.outputs.to_list() == [{"title": "One page"}, {"title": "no heading"}]
    # A page without a required value is not cached, as in the kernel.
    assert sorted(site.requests) == ["/missing", "/missing", "/ok"]
    if backend not in ("", "threads"):
        assert "`extract` in" in str(again.explain(0))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_transform_reads_pages_on_the_backend(backend: str) -> None:
    pages = ["<h1>one</h1>", b"<h1>two</h1>", ["<h1>three</h1>", "<h1>four</h1>"], {"h1": 1}, "<p>"]
    text = """
inputs: [pages]
steps:
  - id: each
    kind: for_each
    over: ${inputs.pages}
    as: page
    parallelism: 3
    on_item_failure: continue
    steps: [{id: read, kind: transform, from: "${page}", extract: {title: "css:h1!"}}]
"""
    results = press(text, {"pages": pages}, backend=backend or None, quiet=True, check=False, durable="off")
    assert [row.output for row in results] == [
        {"title": "one"},
        {"title": "two"},
        [{"title": "three"}, {"title": "four"}],
        None,
        None,
    ]
    assert [row.error and row.error.message for row in results][3:] == [
        "expected a page to extract from, got null",
        "title (css:h1) not found in the page",
    ]
    assert ("`extract` in" in str(results.explain(0))) == bool(backend)


@pytest.mark.parametrize("place", ["button", "step", "loop"])
def test_a_backend_can_be_named_for_a_button_with_extract(site: Site, place: str) -> None:
    site.pages |= PAGES
    at = {"backend": "processes:1"}
    step = {"id": "shop", "button": "shop", "args": {"url": "${url}"}, **(at if place == "step" else {})}
    loop = {"id": "each", "kind": "for_each", "over": [f"{site.url}/ok"], "as": "url", "steps": [step]}
    loop |= at if place == "loop" else {}
    button = SHOP | (at if place == "button" else {})
    results = press({"name": "t", "buttons": {"shop": button}, "steps": [loop]}, quiet=True, durable="off")
    assert "`extract` in process" in str(results.explain(0))


@pytest.mark.parametrize("place", ["button", "step"])
def test_a_backend_for_a_request_without_extract_is_an_error_before_the_run(site: Site, place: str) -> None:
    at = {"backend": "processes:1"}
    step = {"id": "shop", "button": "shop", **(at if place == "step" else {})}
    button = {"url": f"{site.url}/ok"} | (at if place == "button" else {})
    with pytest.raises(Exception, match="cannot run on a backend: the kernel sends all requests"):
        press({"name": "t", "buttons": {"shop": button}, "steps": [step]}, quiet=True, durable="off")
    assert site.requests == []


def big(rows: int) -> str:
    return "<ul>" + "".join(f"<li><a href='/{n}'>{n}</a></li>" for n in range(rows)) + "</ul>"


LONG = {
    "url": "{{url}}",
    "args": ["url"],
    "extract": {"items": {"each": "css:li", "n": "css:a |int", "url": "css:a::attr(href) |url"}},
}


def test_a_process_that_dies_while_it_reads_fails_its_row_only(site: Site) -> None:
    others = workers()  # of the cluster
    site.pages |= {"/big": big(150_000), "/ok": big(3)}

    def kill_one() -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            busy = [one for one in workers() if one not in others and one.cpu_times().user > 1.5]
            if busy:
                os.kill(busy[0].pid, signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill_one)
    killer.start()
    results = scraped(site, "processes:1", ["/big", "/ok"], LONG)
    killer.join()
    assert [row.status for row in results] == ["failed", "ok"]
    error = results[0].error
    assert error is not None
    assert error.code == "WORKER_LOST"
    assert len(results[1].output["items"]) == 3
    assert results[0].steps["shop"].about["status"] == 200, "the response is known"
    assert [one for one in workers() if one not in others] == []
