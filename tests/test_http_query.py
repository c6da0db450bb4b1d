"""Query parameters given as a mapping."""

from __future__ import annotations

import asyncio
import datetime
import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import requests
from http_rig import button, one_run, press
from wire_rig import json_answer, pressed, wire_server

from drawer_ipy.definition.checking.requests import request_troubles
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import ArgumentError, UsageError
from drawer_ipy.pressing.drawer import Drawer


def target(given: dict[str, Any], path: str = "/x", **fields: Any) -> str:
    """Path and query of the request that a press sends."""

    async def main() -> str:
        async with wire_server() as wire, one_run() as call:
            outcome = await press(button(wire.url + path, **fields), call, **given)
            assert outcome.status == "ok", outcome
            return wire.sent[0].target

    return asyncio.run(main())


def pairs(found: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(found).query, keep_blank_values=True)


def test_lists_repeat_a_parameter_null_omits_it_and_order_is_kept() -> None:
    query = {
        "z": 1,
        "tag": ["a", "b", None],
        "page": "${n}",
        "q": None,
        "m": "{{n}}",
        "empty": "",
        "none": [],
    }
    found = target({"n": 7}, query=query)
    assert pairs(found) == [("z", "1"), ("tag", "a"), ("tag", "b"), ("page", "7"), ("m", "7"), ("empty", "")]


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (True, ["true"]),
        (False, ["false"]),
        (2.0, ["2"]),
        (0, ["0"]),
        (1.5, ["1.5"]),
        (10**20, ["100000000000000000000"]),
        (Decimal("1.10"), ["1.10"]),
        (datetime.date(2026, 1, 2), ["2026-01-02"]),
        ("red shoes & é+%", ["red shoes & é+%"]),
        ("", [""]),
        (None, []),
        ([], []),
        (["a", ["b", None], ("c",)], ["a", "b", "c"]),
        ({"x"}, ["x"]),
        (range(2), ["0", "1"]),
        ("{{other}} ${n}", ["{{other}} ${n}"]),
    ],
)
@pytest.mark.parametrize("template", ["{{v}}", "${v}"])
def test_values_of_arguments_are_converted_to_text(template: str, value: Any, texts: list[str]) -> None:
    found = target({"v": value}, query={"v": template}, args=[{"name": "v", "type": "any"}])
    assert pairs(found) == [("v", text) for text in texts]


def test_placeholders_within_a_longer_text_are_filled() -> None:
    assert pairs(target({"a": "x&", "b": 1}, query={"q": "{{a}}-${b} $${c}"})) == [("q", "x&-1 ${c}")]


def test_the_query_equals_that_of_requests_and_httpx() -> None:
    query = {"q": "red shoes/é~*'", "tag": ["a", "b"], "ü[]": "x=y&z"}
    found = target({}, query=query)
    assert (
        found.removeprefix("/x?")
        == urlsplit(requests.Request("GET", "http://h/x", params=query).prepare().url).query
    )
    peer = httpx.URL("http://h/x", params=query)
    assert parse_qsl(found.partition("?")[2]) == parse_qsl(peer.query.decode())


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/x?a=1", "/x?a=1&b=2"),
        ("/x?a=%2F+ %20&b=1", "/x?a=%2F+%20%20&b=1&b=2"),
        ("/x?", "/x?b=2"),
        ("/x?a=1&", "/x?a=1&b=2"),
        ("/x#f?g", "/x?b=2"),
        ("/x?a=1#f", "/x?a=1&b=2"),
        ("", "/?b=2"),
        ("/{{p}}?a={{p}}", "/%26?a=%26&b=2"),
    ],
)
def test_the_query_of_the_url_comes_first(path: str, sent: str) -> None:
    assert target({"p": "&"} if "{{" in path else {}, path, query={"b": 2}) == sent


def test_parameters_are_added_to_a_url_that_is_an_argument() -> None:
    async def main() -> list[str]:
        async with wire_server() as wire, one_run() as call:
            made = button("{{url}}", query={"b": "{{n}}"})
            for tail in ("", "/", "/x?a=1", "/x?a=1#f"):
                await press(made, call, url=wire.url + tail, n=2)
            return wire.targets

    assert asyncio.run(main()) == ["/?b=2", "/?b=2", "/x?a=1&b=2", "/x?a=1&b=2"]


def test_a_mapping_as_a_value_is_refused_by_parameter_name() -> None:
    made = button("http://h/", query={"filter": "{{f}}"})
    for value in ({"a": 1}, [{"a": 1}]):
        with pytest.raises(ArgumentError, match=r"query parameter 'filter' is a mapping") as caught:
            made.bind({"f": value})
        assert "filter[key]" in caught.value.remediation


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"f": {"a": 1}}, "the query parameter 'f' is a mapping"),
        ({"f": [{"a": 1}]}, "the query parameter 'f' is a mapping"),
        ({"f": float("inf")}, "is inf, which cannot be sent"),
        ({"f": "${m}"}, "is not an argument"),
        ({"f": "{{m}}"}, "is not an argument"),
        ({"f": "${n"}, ""),
    ],
)
def test_settings_that_cannot_work_are_reported_before_a_run(query: Any, message: str) -> None:
    fields = {"name": "b", "url": "http://h/", "query": query, "args": ["n"]}
    [trouble] = request_troubles(ButtonSpec.model_validate(fields))
    assert message in trouble.message
    assert trouble.path[:2] == ("query", "f")
    with pytest.raises(UsageError):
        button("http://h/", query=query, args=["n"])


def test_invalid_parameters_are_reported_with_line_and_column() -> None:
    text = """\
buttons:
  get:
    url: http://h/
    args: [page]
    query:
      ok: 1
      n: ${pag}
      f: {a: 1}
steps:
  - {id: s, button: get, args: {page: 1}}
"""
    found = Drawer.load(text).validate()
    places = [(p.line, p.column, p.message) for p in found.errors]
    assert places[0][:2] == (7, 12)
    assert "did you mean 'page'" in found.errors[0].remediation
    assert places[1][:2] == (8, 10)


def test_secrets_in_the_query_are_sent_and_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_WORD", "from the environment")

    async def main() -> None:
        async with wire_server(lambda sent: json_answer({"you": sent.target}, "404 Not Found")) as wire:
            query = {"a": 1, "key": "${batteries.KEY}", "w": "${env.SOME_WORD}", "z": "{{n}}"}
            drawer = {
                "buttons": {"get": {"url": wire.url, "query": query}},
                "steps": [{"id": "s", "button": "get", "args": {"n": 2}}],
            }
            results, _ = await pressed(drawer, batteries={"KEY": "s3cret/word"})
            sent = [("a", "1"), ("key", "s3cret/word"), ("w", "from the environment"), ("z", "2")]
            assert pairs(wire.targets[0]) == sent
            record = json.dumps(results.run.to_dict(), default=str)
            assert "s3cret" not in record
            assert "redacted" in record

    asyncio.run(main())
