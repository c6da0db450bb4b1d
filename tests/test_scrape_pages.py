"""Following pages and extracting values from them, with real requests."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pages_rig import Site, running

from drawer_ipy import Results, UsageError, press
from drawer_ipy.buttons import make_button
from drawer_ipy.definition import load_button
from drawer_ipy.demo import DemoSite
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoSite]:
    with DemoSite.start() as site:
        yield site


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as made:
        yield made


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    return tmp_path


EXTRACT = {
    "heading": "css:h1",
    "items": {"each": "css:li", "name": "css:a", "url": "css:a::attr(href)"},
    "next": "css:a.next::attr(href)",
}


def page(number: int, following: str | None, items: int = 2) -> str:
    rows = "".join(f'<li><a href="/i/{number}-{i}">item {number}-{i}</a></li>' for i in range(items))
    link = f'<a class="next" href="{following}">next</a>' if following is not None else ""
    return f"<h1>Page {number}</h1><ul>{rows}</ul>{link}"


def listing(url: str, spec: Mapping[str, Any] | None = None, **step: Any) -> tuple[Results, list[str]]:
    """Press a button that follows pages from `url`; return the results and the notes of the run."""
    fields = {"url": "{{url}}", "args": ["url"], "extract": EXTRACT, "follow": "next", **(spec or {})}
    steps = [{"id": "pages", "button": "get", "args": {"url": url}, **step}]
    drawer = {"name": "t", "buttons": {"get": fields}, "steps": steps}
    job = prepare(drawer, around=Surroundings())
    import asyncio

    return Results.of(asyncio.run(job.run.execute())), job.run.notes


def names(results: Results) -> list[str]:
    return [item["name"] for item in results.run.steps[0].output["items"]]


@pytest.fixture
def three(site: Site) -> Site:
    """A site with three pages; the last has no link to a next page."""
    site.pages |= {"/1": page(1, "/2"), "/2": page(2, "3?a=%20b#top"), "/3?a=%20b": page(3, None)}
    return site


ALL = ["item 1-0", "item 1-1", "item 2-0", "item 2-1", "item 3-0", "item 3-1"]


def test_pages_are_followed_to_the_last_and_their_items_are_joined_in_order(three: Site) -> None:
    results, notes = listing(f"{three.url}/1")
    step = results.run.steps[0]
    assert (names(results), notes) == (ALL, [])
    assert step.output["items"][5]["url"] == f"{three.url}/i/3-1"
    assert step.output["heading"] == "Page 1"  # a value that is not a list comes from the first page
    assert step.output["next"] is None
    assert step.about["pages"] == 3
    assert three.requests == ["/1", "/2", "/3?a=%20b"]


def test_the_whole_catalogue_of_the_demo_site_is_extracted(demo: DemoSite) -> None:
    spec = {"extract": {"each": "css:li.item", "name": "css:a", "price": "css:.price|float!"}}
    spec["follow"] = "css:a.next::attr(href)"
    results, _ = listing(f"{demo.url}/catalogue", spec)
    found = results.run.steps[0].output
    assert [(one["name"], round(one["price"] * 100)) for one in found] == [
        (" ".join(item.title.split()), item.price_pence) for item in demo.items
    ]


def test_follow_can_be_a_selector_and_without_extract_the_output_is_a_list_of_pages(three: Site) -> None:
    results, _ = listing(f"{three.url}/1", {"extract": None, "follow": "css:a.next::attr(href)"})
    assert [text[:11] for text in results.run.steps[0].output] == [f"<h1>Page {n}<"[:11] for n in (1, 2, 3)]


def test_following_ends_at_max_pages_and_the_output_has_the_next_address(three: Site) -> None:
    results, notes = listing(f"{three.url}/1", {"max_pages": 2})
    assert (names(results), three.requests, notes) == (ALL[:4], ["/1", "/2"], [])
    assert results.run.steps[0].output["next"] == f"{three.url}/3?a=%20b#top"


def test_an_endless_listing_ends_at_the_limit_with_a_note(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drawer_ipy.definition.extract.MOST_PAGES", 5)
    for number in range(1, 20):
        site.pages[f"/{number}"] = page(number, f"/{number + 1}", items=1)
    results, notes = listing(f"{site.url}/1")
    assert len(names(results)) == 5
    assert notes == [
        f"button 'get': stopped after 5 pages; more pages follow from {site.url}/6 on; set `max_pages`"
    ]


@pytest.mark.parametrize(
    ("back", "message"),
    [
        ("/1", "page 3 leads back to {url}/1, where paging stopped"),
        ("#top", "page 3 leads back to {url}/3,"),
        ("/2", "page 3 leads back to {url}/2,"),
    ],
)
def test_a_circle_of_pages_ends_with_a_note(back: str, message: str, site: Site) -> None:
    site.pages |= {"/1": page(1, "/2"), "/2": page(2, "/3"), "/3": page(3, back)}
    results, notes = listing(f"{site.url}/1")
    assert (names(results), site.requests) == (ALL, ["/1", "/2", "/3"])
    assert message.format(url=site.url) in notes[0]


def test_a_circle_through_a_redirect_ends(site: Site) -> None:
    site.pages |= {"/start": (302, "", {"Location": "/1"}), "/1": page(1, "/2"), "/2": page(2, "/1")}
    results, _ = listing(f"{site.url}/start")
    assert (names(results), site.requests) == (ALL[:4], ["/start", "/1", "/2"])


@pytest.mark.parametrize("link", ["javascript:more()", "mailto:a@b.example", "http://["])
def test_an_invalid_next_address_ends_the_listing_with_a_note(link: str, site: Site) -> None:
    site.pages["/1"] = page(1, link)
    results, notes = listing(f"{site.url}/1")
    assert names(results) == ALL[:2]
    assert "the next page after page 1 has no valid address" in notes[0]


# Failures


@pytest.mark.parametrize("cache", [None, "1h"])
def test_a_failing_page_keeps_the_pages_before(cache: str | None, three: Site) -> None:
    last = three.pages["/3?a=%20b"]
    three.pages["/3?a=%20b"] = (500, "broken", {})
    results, _ = listing(f"{three.url}/1", {"cache": cache}, on_failure="continue")
    step = results.run.steps[0]
    assert step.error is not None
    assert step.error.message.startswith("page 3: HTTP 500 Internal Server Error for GET ")
    assert (names(results), step.about["pages"]) == (ALL[:4], 2)
    assert step.output["next"] == f"{three.url}/3?a=%20b#top"
    three.pages["/3?a=%20b"] = last
    again, _ = listing(f"{three.url}/1", {"cache": cache})
    assert names(again) == ALL
    # With a cache, only the failed page is requested again.
    assert three.requests[3:] == (["/1", "/2", "/3?a=%20b"] if cache is None else ["/3?a=%20b"])


def test_a_later_step_can_use_the_pages_before_a_failure(three: Site) -> None:
    del three.pages["/3?a=%20b"]
    drawer = {
        "name": "t",
        "buttons": {"get": {"url": f"{three.url}/1", "extract": EXTRACT, "follow": "next"}},
        "steps": [
            {"id": "pages", "button": "get", "on_failure": "continue"},
            {"id": "n", "kind": "transform", "expression": "size(pages.output.items)"},
        ],
    }
    assert press(drawer, quiet=True).run.steps[1].output == 4


def test_a_failure_of_the_first_page_is_reported_like_any_request(site: Site) -> None:
    results, _ = listing(f"{site.url}/none")
    assert results.run.error is not None
    assert results.run.error.message.startswith("HTTP 404 Not Found for GET ")
    assert results.run.steps[0].output is None


def test_a_required_field_missing_on_a_later_page_fails_with_its_page(three: Site) -> None:
    three.pages["/2"] = "<p>nothing</p>"
    results, _ = listing(f"{three.url}/1", {"extract": {**EXTRACT, "heading": "css:h1!"}, "cache": "1h"})
    error = results.run.steps[0].error
    assert error is not None
    assert (error.code, error.message) == (
        "EXTRACT_ERROR",
        f"page 2: heading (css:h1) not found in {three.url}/2",
    )
    assert results.run.steps[0].stdout == "<p>nothing</p>"
    assert names(results) == ALL[:2]
    listing(f"{three.url}/1")
    assert three.requests == ["/1", "/2", "/1", "/2"]  # the page without the field was not cached


# Rates, caching and credentials


def test_every_page_keeps_to_the_rate(three: Site) -> None:
    began = time.monotonic()
    listing(f"{three.url}/1", {"rate": "10/s"})
    assert time.monotonic() - began >= 0.19


def test_each_page_is_cached_separately(three: Site) -> None:
    first, _ = listing(f"{three.url}/1", {"cache": "1h", "max_pages": 2})
    second, _ = listing(f"{three.url}/1", {"cache": "1h"})
    third, _ = listing(
        f"{three.url}/1", {"cache": "1h", "extract": {"next": EXTRACT["next"], "h": "css:h1[]"}}
    )
    assert three.requests == ["/1", "/2", "/3?a=%20b"]
    assert third.run.steps[0].output["h"] == ["Page 1", "Page 2", "Page 3"]
    assert [r.run.steps[0].cached for r in (first, second, third)] == [False, False, True]
    assert "1 cached" in str(third)


def test_headers_are_sent_with_every_page_of_the_site(three: Site) -> None:
    listing(f"{three.url}/1", {"headers": {"X-Key": "k"}})
    assert [headers.get("X-Key") for headers in three.headers] == ["k", "k", "k"]


def test_a_next_page_on_another_host_is_not_followed(site: Site) -> None:
    with running() as other:
        site.pages["/1"] = page(1, f"{other.url}/2")
        other.pages["/2"] = page(2, None)
        results, _ = listing(f"{site.url}/1", {"headers": {"X-Key": "k"}})
        assert other.requests == []
    error = results.run.steps[0].error
    assert error is not None
    assert error.message.endswith("but `follow` does not leave the host of the first page")
    assert names(results) == ALL[:2]


def test_pages_after_a_redirect_to_another_host_are_requested_without_credentials(
    site: Site, home: Path
) -> None:
    (home / "batteries.json").write_text('{"K": "battery-secret"}')
    with running() as other:
        site.pages["/1"] = (302, "", {"Location": f"{other.url}/1"})
        other.pages |= {"/1": page(1, "/2"), "/2": page(2, None)}
        spec = {"headers": {"X-Key": "${batteries.K}", "Authorization": "Basic abc", "Accept": "text/html"}}
        results, _ = listing(f"{site.url}/1", spec)
        assert names(results) == ALL[:4]
        assert site.headers[0]["X-Key"] == "battery-secret"
        assert len(other.headers) == 2
        for headers in other.headers:
            assert "X-Key" not in headers
            assert "Authorization" not in headers
            assert headers["Accept"] == "text/html"


def test_ten_thousand_items_on_a_hundred_pages_are_extracted(site: Site) -> None:
    for number in range(100):
        site.pages[f"/{number}"] = page(number, f"/{number + 1}" if number < 99 else None, items=100)
    results, _ = listing(f"{site.url}/0")
    assert len(names(results)) == 10_000
    assert names(results)[9_999] == "item 99-99"


# Without following


def test_each_item_of_a_loop_returns_its_extracted_values(demo: DemoSite) -> None:
    text = """
name: t
inputs: [urls]
buttons:
  item: {url: "{{url}}", extract: {title: css:h1!, price: "css:.price|float!", tags: "css:.tags li[]"}}
steps:
  - id: each
    kind: for_each
    over: ${inputs.urls}
    as: url
    parallelism: 8
    on_item_failure: continue
    steps:
      - {id: item, button: item, args: {url: "${url}"}}
"""
    results = press(text, {"urls": [*demo.page_urls[:20], f"{demo.url}/"]}, check=False, quiet=True)
    assert results.counts["failed"] == 1
    assert results.errors[0].code == "EXTRACT_ERROR"
    assert "price (css:.price) not found in" in results.errors[0].message
    for row, item in zip(results.ok, demo.items, strict=False):
        assert row.output["title"] == " ".join(item.title.split())
        assert row.output["tags"] == list(item.tags)
    assert results["price"][0] == demo.items[0].price_pence / 100


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/items/1", "is JSON; access its fields without selectors"),
        ("/binary/100", "is not a page; its type is application/octet-stream"),
    ],
)
def test_a_value_that_is_not_a_page_is_reported(path: str, message: str, demo: DemoSite) -> None:
    drawer = {"name": "t", "buttons": {"get": {"url": f"{demo.url}{path}", "extract": {"a": "css:a"}}}}
    drawer["steps"] = [{"id": "a", "button": "get"}]
    error = press(drawer, check=False, quiet=True).run.error
    assert error is not None
    assert (error.code, message in error.message) == ("EXTRACT_ERROR", True)


def test_output_full_has_the_extracted_values_and_the_response(demo: DemoSite) -> None:
    fields = {"url": f"{demo.url}/item/1", "extract": {"title": "css:h1"}, "output": "full"}
    drawer = {"name": "t", "buttons": {"get": fields}, "steps": [{"id": "a", "button": "get"}]}
    output = press(drawer, quiet=True).run.steps[0].output
    assert output["extracted"] == {"title": " ".join(demo.items[0].title.split())}
    assert output["status"] == 200


def test_a_button_on_disk_with_an_invalid_selector_is_reported(home: Path) -> None:
    spec = load_button(
        {"name": "b", "url": "http://h.example/", "extract": {"a": "css:h1["}}, name="b"
    ).button
    with pytest.raises(UsageError, match=r"button 'b': extract\.a: invalid CSS selector"):
        make_button(spec)


# Transform steps


@pytest.mark.parametrize(
    ("source", "output", "url", "expected"),
    [
        ("page.output", "body", '"${inputs.url}"', "http://h.example/item/2"),
        ("page.output", "body", '""', "/item/2"),
        ("page.output", "full", "null", "{demo}/item/2"),
        ("[page.output]", "full", "null", ["{demo}/item/2"]),
    ],
)
def test_a_transform_step_extracts_from_a_page(
    source: str, output: str, url: str, expected: Any, demo: DemoSite
) -> None:
    text = f"""
name: t
inputs: [url]
buttons: {{get: {{url: "{demo.url}/item/1", output: {output}}}}}
steps:
  - {{id: page, button: get}}
  - id: it
    kind: transform
    from: {source!r}
    url: {url}
    extract: {{next: "css:a.next::attr(href)"}}
"""
    found = press(text, {"url": "http://h.example/a"}, quiet=True).run.steps[1].output
    if isinstance(found, list):
        assert found == [{"next": expected[0].format(demo=demo.url)}]
    else:
        assert found == {"next": expected.format(demo=demo.url)}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("null", "expected a page to extract from, got null"),
        ("3", "got a int"),
        ("'<p>'", "a (css:h1) not found"),
    ],
)
def test_a_transform_step_without_a_page_fails(source: str, message: str) -> None:
    step = {"id": "it", "kind": "transform", "from": source, "extract": {"a": "css:h1!"}}
    error = press({"name": "t", "steps": [step]}, check=False, quiet=True).run.error
    assert error is not None
    assert (error.code, message in error.message) == ("EXTRACT_ERROR", True), error
