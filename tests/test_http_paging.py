"""Pages of APIs: next addresses in JSON and in Link headers, cursors, page numbers and offsets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from http_rig import answer_of
from wire_rig import Sent, json_answer, loop_of, pressed, wire_server

from drawer_ipy.buttons.http.link import next_link
from drawer_ipy.buttons.http.paging import with_parameter
from drawer_ipy.definition.json_schema import json_schema
from drawer_ipy.pressing.drawer import Drawer


def query(sent: Sent) -> dict[str, str]:
    found = parse_qs(urlsplit(sent.target).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values()), sent.target
    return {name: values[0] for name, values in found.items()}


def paged(
    reply: Callable[[Sent], Any], given: dict[str, Any] | None = None, path: str = "/items", **spec: Any
) -> Any:
    """Press a button; return the result of its step, the requests and the notes."""

    async def main() -> Any:
        async with wire_server(reply) as wire:
            names = list(given or {})
            button = {"url": wire.url + path, **({"args": names} if names else {}), **spec}
            steps = [{"id": "s", "button": "get", "args": given or {}}]
            results, notes = await pressed({"buttons": {"get": button}, "steps": steps})
            return results.run.step("s"), wire.sent, notes

    return asyncio.run(main())


def items_of(page: int, size: int = 2) -> list[dict[str, int]]:
    return [{"id": page * 10 + i} for i in range(size)]


ALL = [*items_of(1), *items_of(2), *items_of(3)]


# Addresses


@pytest.mark.parametrize("form", ["absolute", "relative", "query", "scheme-less"])
@pytest.mark.parametrize("end", [None, "", "missing", False])
def test_an_address_in_json_is_followed_in_every_form(form: str, end: Any) -> None:
    def reply(sent: Sent) -> bytes:
        page = int(query(sent).get("page", 1))
        host = sent.headers["host"]
        forms = {
            "absolute": f"http://{host}/items?page={page + 1}",
            "relative": f"/items?page={page + 1}",
            "query": f"?page={page + 1}",
            "scheme-less": f"//{host}/items?page={page + 1}",
        }
        body: dict[str, Any] = {"data": items_of(page), "meta": {"next": forms[form]}}
        if page == 3:
            body["meta"] = {} if end == "missing" else {"next": end}
        return json_answer(body)

    step, sent, notes = paged(reply, follow="json:meta.next", items="json:data")
    assert (step.status, step.output, len(sent), notes) == ("ok", ALL, 3, [])
    assert step.about["pages"] == 3


def test_without_items_the_output_is_a_list_of_the_pages() -> None:
    def reply(sent: Sent) -> bytes:
        page = int(query(sent).get("p", 1))
        return json_answer({"n": page, "next": "?p=2" if page == 1 else None})

    step, _, _ = paged(reply, follow="json:next")
    assert step.output == [{"n": 1, "next": "?p=2"}, {"n": 2, "next": None}]


def test_characters_that_are_invalid_in_a_url_are_escaped() -> None:
    def reply(sent: Sent) -> bytes:
        return json_answer(
            {"data": [sent.target], "next": None if "q=" in sent.target else "/x?q=red shoes é&r=%20"}
        )

    step, _, _ = paged(reply, follow="json:next", items="json:data")
    assert step.output == ["/items", "/x?q=red%20shoes%20%C3%A9&r=%20"]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (['<https://h/2>; rel="next"'], "https://h/2"),
        (['<https://h/1>; rel="prev", <https://h/3>; rel="next", <https://h/9>; rel="last"'], "https://h/3"),
        (["</p?a=1,2;b>; rel=next"], "/p?a=1,2;b"),
        (['<x>; REL="Next"'], "x"),
        (['<x>; title="a, b; rel=\\"no\\"" ; rel="prev next"'], "x"),
        (['<x>; rel="prev"', '<y>; rel="next"'], "y"),
        (['<x>; rel="prev"; rel="next"'], None),
        (['<x>; rel="nextish"'], None),
        (['<x>; rel="next"; anchor="/other"'], None),
        (["<x>;rel=next;title*=UTF-8''a"], "x"),
        (['< x >; rel="next"'], "x"),
        ([', ,<x>; rel="next",'], "x"),
        (["rubbish"], None),
        (['<x; rel="next"'], None),
        ([], None),
    ],
)
def test_the_next_address_is_found_in_link_headers(headers: list[str], found: str | None) -> None:
    assert next_link(headers) == found


def test_link_headers_are_read_as_in_requests() -> None:
    header = '<https://api.github.com/r?page=3>; rel="next", <https://api.github.com/r?page=50>; rel="last"'
    assert (
        next_link([header])
        == {link["rel"]: link["url"] for link in requests.utils.parse_header_links(header)}["next"]
    )


@pytest.mark.parametrize("name", ["Link", "link", "LINK"])
def test_pages_are_followed_by_their_link_headers(name: str) -> None:
    def reply(sent: Sent) -> bytes:
        page = int(query(sent).get("page", 1))
        link = {name: f'</items?page={page + 1}>; rel="next", </items>; rel="first"'} if page < 3 else {}
        return json_answer(items_of(page), **link)

    step, sent, _ = paged(reply, follow="link", items="json:")
    assert (step.output, len(sent)) == (ALL, 3)


def test_link_headers_work_with_extract() -> None:
    def reply(sent: Sent) -> bytes:
        page = int(query(sent).get("page", 1))
        link = {"Link": f'<?page={page + 1}>; rel="next"'} if page < 2 else {}
        return answer_of(f"<h1>{page}</h1>".encode(), Content_Type="text/html", **link)

    step, _, _ = paged(reply, follow="link", extract={"title": "css:h1::text[]"})
    assert step.output == {"title": ["1", "2"]}


def test_follow_link_means_the_field_if_a_field_has_that_name() -> None:
    def reply(sent: Sent) -> bytes:
        html = '<a href="/items?page=2">more</a>' if "page" not in sent.target else "<p></p>"
        return answer_of(html.encode(), Content_Type="text/html", Link="</wrong>; rel=next")

    _, sent, _ = paged(reply, follow="link", extract={"link": "css:a::attr(href)"})
    assert [one.target for one in sent] == ["/items", "/items?page=2"]


def test_a_next_page_that_leads_back_ends_with_a_note() -> None:
    def reply(sent: Sent) -> bytes:
        return json_answer({"data": [1], "next": "/items?page=2" if "page" not in sent.target else "/items"})

    step, sent, notes = paged(reply, follow="json:next", items="json:data")
    assert (step.status, step.output, len(sent)) == ("ok", [1, 1], 2)
    assert "leads back to" in notes[0]


@pytest.mark.parametrize("value", [5, {"href": "/x"}, ["/x"], True])
def test_an_invalid_address_fails_and_keeps_the_pages_before(value: Any) -> None:
    def reply(sent: Sent) -> bytes:
        return json_answer({"data": [sent.target], "next": "/items?2" if sent.target == "/items" else value})

    step, _, _ = paged(reply, follow="json:next", items="json:data")
    assert step.status == "error"
    assert "page 2: json:next of" in step.error.message
    assert step.output == ["/items"]


def test_a_next_page_on_another_host_is_not_followed() -> None:
    def reply(sent: Sent) -> bytes:
        return json_answer({"data": [1], "next": "http://other.example/x"})

    step, sent, _ = paged(reply, follow="json:next", items="json:data")
    assert (step.status, len(sent), step.output) == ("error", 1, [1])
    assert "other.example" in step.error.message


# Cursors


@pytest.mark.parametrize("cursors", [["a/b+c=&é", "x y"], [7, 2**60], [1.5, "z"]])
def test_cursors_are_sent_unchanged_in_the_query(cursors: list[Any]) -> None:
    def reply(sent: Sent) -> bytes:
        page = len(seen)
        seen.append(query(sent))
        following = cursors[page] if page < len(cursors) else None
        return json_answer({"data": items_of(page + 1), "meta": {"next": following}})

    seen: list[dict[str, str]] = []
    follow = {"cursor": "json:meta.next", "into": "after"}
    step, _, notes = paged(reply, follow=follow, items="json:data", query={"limit": 2})
    assert (step.output, notes) == (ALL, [])
    assert seen == [{"limit": "2"}, *({"limit": "2", "after": str(cursor)} for cursor in cursors)]


def cursor_reply(into: Callable[[Sent], Any]) -> Callable[[Sent], bytes]:
    def reply(sent: Sent) -> bytes:
        cursor = into(sent)
        page = 1 if cursor is None else int(str(cursor).removeprefix("c"))
        return json_answer({"data": items_of(page), "next": f"c{page + 1}" if page < 3 else None})

    return reply


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"body": {"limit": 2}}, lambda sent: sent.json.get("after")),
        ({"body": {"limit": 2, "after": None}}, lambda sent: sent.json["after"]),
        (
            {"body": {"q": "{}", "variables": {"after": "{{after}}"}}},
            lambda sent: sent.json["variables"]["after"],
        ),
        ({"body": {"v": {"k": 1}}, "into": "body.v.after"}, lambda sent: sent.json["v"].get("after")),
        ({"body": {"a": 1}, "into": "query.after"}, lambda sent: query(sent).get("after")),
        ({"query": {"after": "{{after}}"}}, lambda sent: query(sent).get("after")),
        ({"query": {"after": "${after}", "key": "${env.HOME}"}}, lambda sent: query(sent).get("after")),
        (
            {"body": {"a": "b c"}, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
            lambda sent: parse_qs(sent.body.decode()).get("after", [None])[0],
        ),
    ],
)
def test_a_cursor_can_be_sent_in_the_query_or_the_body(fields: dict[str, Any], read: Any) -> None:
    fields = dict(fields)
    follow = {"cursor": "json:next", "into": fields.pop("into", "after")}
    step, sent, _ = paged(cursor_reply(read), method="POST", follow=follow, items="json:data", **fields)
    assert (step.error, step.output) == (None, ALL)
    assert [one.method for one in sent] == ["POST"] * 3


def test_a_cursor_can_be_a_header_or_the_last_item() -> None:
    def by_header(sent: Sent) -> bytes:
        page = int(query(sent).get("token", 1))
        return json_answer(items_of(page), **({"X_Next": str(page + 1)} if page < 3 else {}))

    step, _, _ = paged(by_header, follow={"cursor": "header:x-next", "into": "token"}, items="json:")
    assert step.output == ALL

    def by_item(sent: Sent) -> bytes:
        after = int(query(sent).get("starting_after", 0))
        page = after // 10 + 1
        return json_answer({"data": items_of(page) if page < 4 else []})

    follow = {"cursor": "json:data[-1].id", "into": "starting_after"}
    step, sent, _ = paged(by_item, follow=follow, items="json:data")
    assert (step.output, len(sent)) == (ALL, 4)


def test_a_server_that_ignores_the_cursor_causes_an_error_and_no_duplicates() -> None:
    def reply(sent: Sent) -> bytes:
        return json_answer({"data": [1, 2], "next": "abc"})

    step, sent, _ = paged(reply, follow={"cursor": "json:next", "into": "after"}, items="json:data")
    assert (step.status, step.output, len(sent)) == ("error", [1, 2], 2)
    assert "ignore the query parameter 'after'" in step.error.message


def test_a_repeated_cursor_ends_the_listing_with_a_note() -> None:
    def reply(sent: Sent) -> bytes:
        return json_answer({"data": [sent.target], "next": "abc"})

    step, sent, notes = paged(reply, follow={"cursor": "json:next", "into": "after"}, items="json:data")
    assert (step.status, len(sent)) == ("ok", 2)
    assert "leads back" in notes[0]


@pytest.mark.parametrize("value", [{"a": 1}, ["x"], True])
def test_an_invalid_cursor_fails(value: Any) -> None:
    step, _, _ = paged(
        lambda sent: json_answer({"data": [1], "next": value}),
        follow={"cursor": "json:next", "into": "a"},
        items="json:data",
    )
    assert (step.status, "is not a cursor but" in step.error.message) == ("error", True)


# Counting


def numbered(name: str, first: int = 1, last: int = 3, empty: Any = None) -> Callable[[Sent], bytes]:
    def reply(sent: Sent) -> bytes:
        page = int(query(sent)[name]) - first + 1
        return json_answer(
            {"data": items_of(page)} if page <= last else {"data": [] if empty is None else None}
        )

    return reply


@pytest.mark.parametrize(
    ("fields", "pages"),
    [
        ({"follow": {"page": "page"}}, "1234"),
        ({"follow": {"page": "page", "start": 0}}, "0123"),
        ({"follow": {"page": "page"}, "path": "/items?page=0&x=1"}, "0123"),
        ({"follow": {"page": "page"}, "query": {"page": 5}}, "5678"),
        ({"follow": {"page": "n"}, "query": {"page": "${n}"}}, "1234"),
        ({"follow": {"page": "n"}, "path": "/items?page={{n}}"}, "1234"),
        ({"follow": {"page": "n"}, "query": {"page": "{{n}}"}, "given": {"n": 4}}, "4567"),
        ({"follow": {"page": "n", "start": 2}, "query": {"page": "{{n}}"}}, "2345"),
        ({"follow": {"page": "page", "by": 2}}, "1357"),
    ],
)
def test_pages_are_counted_until_one_has_no_items(fields: dict[str, Any], pages: str) -> None:
    fields = dict(fields)

    def reply(sent: Sent) -> bytes:
        requested.append(query(sent)["page"])
        return json_answer({"data": items_of(len(requested)) if len(requested) < 4 else []})

    requested: list[str] = []
    given = fields.pop("given", None)
    step, _sent, notes = paged(reply, given, fields.pop("path", "/items"), items="json:data", **fields)
    assert (step.error, step.output, "".join(requested), notes) == (None, ALL, pages, [])


@pytest.mark.parametrize("by", [None, 2])
def test_the_offset_grows_by_the_number_of_items(by: int | None) -> None:
    def reply(sent: Sent) -> bytes:
        at = int(query(sent)["skip"])
        return json_answer(ALL[at : at + 2])

    follow = {"offset": "skip", **({"by": by} if by else {})}
    step, sent, _ = paged(reply, follow=follow, items="json:")
    assert (step.output, [query(one)["skip"] for one in sent]) == (ALL, ["0", "2", "4", "6"])


@pytest.mark.parametrize(
    "empty", [answer_of(b"", "204 No Content"), json_answer({"data": None}), json_answer(None)]
)
def test_responses_without_items_end_the_listing(empty: bytes) -> None:
    def reply(sent: Sent) -> bytes:
        page = int(query(sent)["page"])
        return json_answer({"data": items_of(page)}) if page < 4 else empty

    step, _, _ = paged(reply, follow={"page": "page"}, items="json:data")
    assert (step.error, step.output) == (None, ALL)


def test_a_listing_that_is_empty_from_the_start_is_an_empty_list() -> None:
    step, sent, _ = paged(lambda sent: json_answer({"data": []}), follow={"page": "p"}, items="json:data")
    assert (step.output, len(sent)) == ([], 1)


def test_page_numbers_work_with_extract() -> None:
    def reply(sent: Sent) -> bytes:
        page = int(query(sent)["p"])
        rows = "".join(f"<li>{page}.{i}</li>" for i in range(2 if page < 3 else 0))
        return answer_of(f"<ul>{rows}</ul>".encode(), Content_Type="text/html")

    step, _, _ = paged(reply, follow={"page": "p"}, extract={"each": "css:li", "t": "xpath:text()"})
    assert [row["t"] for row in step.output] == ["1.0", "1.1", "2.0", "2.1"]
    step, _, _ = paged(reply, follow={"page": "p"}, extract={"t": "css:li::text[]"})
    assert step.output == {"t": ["1.0", "1.1", "2.0", "2.1"]}


def test_responses_without_a_list_are_reported() -> None:
    step, _, _ = paged(lambda sent: json_answer({"data": [1], "total": 1}), follow={"page": "p"})
    assert step.status == "error"
    assert "data, total" in step.error.message
    assert "items: json:data" in step.error.remediation


def test_a_server_that_ignores_the_page_number_causes_an_error_and_no_duplicates() -> None:
    step, sent, _ = paged(lambda sent: json_answer([1, 2]), follow={"page": "p"}, items="json:")
    assert (step.status, step.output, len(sent)) == ("error", [1, 2], 2)
    assert "ignore the query parameter 'p'" in step.error.message


@pytest.mark.parametrize("status", ["500 Oops", "404 Not Found"])
def test_a_failing_page_keeps_the_items_of_the_pages_before(status: str) -> None:
    def reply(sent: Sent) -> bytes:
        page = int(query(sent)["p"])
        return json_answer({"data": items_of(page)}) if page < 3 else answer_of(b"no", status)

    step, _, _ = paged(reply, follow={"page": "p"}, items="json:data")
    assert (step.status, step.output) == ("error", ALL[:4])
    assert step.error.message.startswith("page 3: HTTP")
    step, _, _ = paged(reply, follow={"page": "p"}, items="json:data", ok_status=[404, 500])
    assert (step.error, step.output) == (None, ALL[:4])


@pytest.mark.parametrize("follow", [{"page": "p"}, {"cursor": "json:next", "into": "p"}, "json:address"])
def test_reaching_max_pages_causes_a_note(follow: Any) -> None:
    def reply(sent: Sent) -> bytes:
        page = int(query(sent).get("p", 1))
        return json_answer({"data": items_of(page), "next": page + 1, "address": f"?p={page + 1}"})

    step, sent, notes = paged(reply, follow=follow, items="json:data", max_pages=2)
    assert (step.output, len(sent)) == (ALL[:4], 2)
    assert notes == ["button 'get': stopped after `max_pages: 2`; there are more pages"]


def test_every_page_keeps_to_the_rate() -> None:
    began = time.monotonic()
    step, _sent, _ = paged(numbered("p"), follow={"page": "p"}, items="json:data", rate="20/s")
    assert step.output == ALL
    assert time.monotonic() - began > 0.13


def test_items_of_concurrent_listings_do_not_mix() -> None:
    def reply(sent: Sent) -> bytes:
        shop, page = sent.target.partition("?")[0], int(query(sent)["p"])
        return json_answer([f"{shop}-{page}"] if page < 4 else [])

    async def main() -> None:
        async with wire_server(reply) as wire:
            drawer = loop_of(
                {"url": wire.url + "/{{id}}", "follow": {"page": "p"}, "items": "json:", "per_host": 3}, 8
            )
            results, _ = await pressed(drawer, {"ids": list(range(20))})
            assert [row.output for row in results] == [[f"/{i}-{p}" for p in (1, 2, 3)] for i in range(20)]

    asyncio.run(main())


def test_pages_are_read_from_the_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    async def main() -> None:
        async with wire_server(numbered("p")) as wire:
            button = {"url": wire.url, "follow": {"page": "p"}, "items": "json:data", "cache": "1h"}
            drawer = {
                "buttons": {"get": button},
                "steps": [{"id": "a", "button": "get"}, {"id": "b", "button": "get"}],
            }
            results, _ = await pressed(drawer)
            assert results.run.step("b").output == ALL
            assert results.run.step("b").cached
            assert len(wire.sent) == 4

    asyncio.run(main())


def test_a_battery_in_the_query_is_sent_with_every_page() -> None:
    def reply(sent: Sent) -> bytes:
        queries.append(query(sent))
        return json_answer(
            {"data": [len(queries)], "next": f"/items?p={len(queries)}" if len(queries) < 3 else None}
        )

    queries: list[dict[str, str]] = []

    async def main(**fields: Any) -> None:
        queries.clear()
        async with wire_server(reply) as wire:
            button = {
                "url": wire.url,
                "query": {"a": 1, "key": "${batteries.K}"},
                "items": "json:data",
                **fields,
            }
            drawer = {"buttons": {"get": button}, "steps": [{"id": "s", "button": "get"}]}
            results, _ = await pressed(drawer, batteries={"K": "s3cret"})
            assert results.run.step("s").output == [1, 2, 3]

    asyncio.run(main(follow="json:next"))
    assert queries == [{"a": "1", "key": "s3cret"}, {"p": "1", "key": "s3cret"}, {"p": "2", "key": "s3cret"}]
    asyncio.run(main(follow={"cursor": "json:next", "into": "n"}))
    assert [one.get("n") for one in queries] == [None, "/items?p=1", "/items?p=2"]


# Items


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ({"data": [1, 2]}, "json:data", [1, 2]),
        ({"a": {"b.c": [{"d": [1]}]}}, "json:a.b.c[0].d", [1]),
        ([1], "json:", [1]),
        ({"data": None}, "json:data", []),
    ],
)
def test_items_is_the_path_to_the_list_in_one_response(value: Any, path: str, found: Any) -> None:
    step, _, _ = paged(lambda sent: json_answer(value), items=path)
    assert (step.error, step.output) == (None, found)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (json_answer({"dta": [1], "n": 1}), "has nothing at json:data, only dta, n"),
        (json_answer({"data": {"a": 1}}), "is not a list"),
        (answer_of(b"<html>", Content_Type="text/html"), "is not JSON"),
        (json_answer([1]), "has nothing at json:data"),
    ],
)
def test_a_response_without_the_list_of_items_fails(answer: bytes, message: str) -> None:
    step, _, _ = paged(lambda sent: answer, items="json:data")
    assert step.status == "error"
    assert message in step.error.message


# Definitions


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        ("follow: {cursor: json:next}", (3, 13), "no `into`"),
        ("follow: {cursor: next, into: after}", (3, 22), "is not a path into JSON"),
        ("follow: {page: n, offset: m}", (3, 13), "both `page` and `offset`"),
        ("follow: {into: n}", (3, 13), "none of"),
        ("follow: {page: n, into: m}", (3, 29), "is only for `cursor`"),
        ("follow: {cursor: json:a, into: b, start: 1}", (3, 46), "is for `page`"),
        ("follow: {page: n, start: -1}", (3, 30), "start cannot be -1"),
        ("follow: {pge: n}", (3, 14), "did you mean 'page'"),
        ("follow: {page: 5}", (3, 20), "must be text"),
        ("follow: 5", (3, 13), ""),
        ("follow: json:a[", (3, 13), "is not a path into JSON"),
        ("items: data", (3, 12), "write json:data"),
        ("items: json:data\n    output: full", (3, 12), "`output: full`"),
        ("follow: json:next\n    method: POST", (3, 13), "needs a GET request"),
        ("follow: json:next\n    extract: {a: css:b}", (3, 13), "`extract` for pages"),
        ("items: json:data\n    extract: {a: css:b}", (3, 12), "`extract` for pages"),
    ],
)
def test_invalid_settings_are_reported_with_line_and_column(
    fields: str, place: tuple[int, int], message: str
) -> None:
    text = f"buttons:\n  get:\n    {fields}\n    url: http://h/\nsteps:\n  - {{id: s, button: get}}\n"
    found = Drawer.load(text).validate()
    problems = [(p.line, p.column, f"{p.message} {p.remediation}") for p in found]
    assert any((line, column) == place and message in words for line, column, words in problems), problems


def test_a_cursor_in_the_url_is_reported_before_the_first_page() -> None:
    text = """\
buttons:
  get:
    url: "http://h/?after={{after}}"
    follow: {cursor: json:next, into: after}
steps:
  - {id: s, button: get}
"""
    [problem] = Drawer.load(text).validate().errors
    assert problem.line == 4
    assert 'query: {after: "{{after}}"}' in problem.remediation


def test_a_parameter_replaces_one_of_the_same_name() -> None:
    assert with_parameter("http://h/x", "p", "a b") == "http://h/x?p=a+b"
    assert with_parameter("http://h/x?a=%2f&p=1&b#f", "p", "&") == "http://h/x?a=%2f&p=%26&b#f"
    assert with_parameter("http://h/x?p=1&P=2&p=3", "p", "4") == "http://h/x?p=4&P=2"


def test_the_schema_describes_the_keys_of_requests() -> None:
    made = json_schema("button")
    assert {"query", "files", "auth", "ok_status", "items", "follow", "stdin", "body_file"} <= set(
        made["properties"]
    )
    assert set(made["$defs"]["Follow"]["properties"]) == {"cursor", "into", "page", "offset", "start", "by"}
    assert all("description" in one for one in made["$defs"]["Follow"]["properties"].values())
    assert all("description" in one for one in made["$defs"]["Auth"]["properties"].values())
