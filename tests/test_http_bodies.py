"""The bytes of a request's body, for every type of body and every kind of argument."""

from __future__ import annotations

import asyncio
import json
import xml.dom.minidom
from array import array
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from http_rig import button, one_run, press
from wire_rig import Sent, wire_server

from drawer_ipy.buttons import Outcome
from drawer_ipy.definition.checking.requests import request_troubles
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import ArgumentError, UsageError

RAW = b"\x89PNG\r\n\x1a\n\x00\xff"
FORM = "application/x-www-form-urlencoded"


def sent(given: dict[str, Any], content_type: str = "", path: str = "/", **fields: Any) -> Sent:
    """The request that a press sends."""
    headers = {**fields.pop("headers", {}), **({"Content-Type": content_type} if content_type else {})}

    async def main() -> Sent:
        async with wire_server() as wire, one_run() as call:
            outcome: Outcome = await press(
                button(wire.url + path, headers=headers, **{"method": "POST", **fields}), call, **given
            )
            assert outcome.status == "ok", outcome
            return wire.sent[0]

    return asyncio.run(main())


@pytest.mark.parametrize("value", [RAW, bytearray(RAW), memoryview(RAW)])
@pytest.mark.parametrize("content_type", ["", "image/png", "application/json", "text/xml", FORM])
def test_a_body_that_is_one_placeholder_sends_bytes_unchanged(value: Any, content_type: str) -> None:
    got = sent({"data": value}, content_type, body="{{data}}")
    assert got.body == RAW
    assert got.headers["content-type"] == (content_type or "application/octet-stream")


def test_bytes_within_a_text_stay_bytes_if_the_type_has_no_escapes() -> None:
    got = sent({"data": RAW}, "application/octet-stream", body="<{{data}}>")
    assert got.body == b"<" + RAW + b">"


def test_bytes_are_escaped_byte_by_byte_in_urls_and_forms() -> None:
    assert sent({"p": b"\xff/"}, path="/{{p}}?q={{p}}").target == "/%FF%2F?q=%FF%2F"
    assert sent({"p": b"\xff/"}, FORM, body="a={{p}}").body == b"a=%FF%2F"
    assert sent({"p": b"\xff/"}, FORM, body={"a": "{{p}}"}).body == b"a=%FF%2F"
    assert sent({"p": b"\xff/"}, query={"a": "{{p}}"}).target == "/?a=%FF%2F"


@pytest.mark.parametrize(
    "fields",
    [
        {"body": {"data": "{{data}}"}},
        {"body": {"data": ["x {{data}}"]}},
        {"body": '{"data": "{{data}}"}'},
        {"body": "<a>{{data}}</a>", "headers": {"Content-Type": "text/xml"}},
        {"headers": {"X-Data": "{{data}}"}},
    ],
)
@pytest.mark.parametrize("value", [RAW, bytearray(RAW), [RAW], {"deep": {"er": RAW}}])
def test_bytes_that_are_not_text_are_refused_by_argument_name_if_only_text_fits(
    fields: Any, value: Any
) -> None:
    with pytest.raises(ArgumentError, match="'data'") as caught:
        button("http://127.0.0.1/", **fields).bind({"data": value})
    assert "base64" in caught.value.remediation


def test_bytes_in_utf_8_are_text() -> None:
    assert sent({"data": "é".encode()}, body={"a": "{{data}}"}).json == {"a": "é"}


@pytest.mark.parametrize(
    "fields",
    [
        {"body": {"a": "{{x}}"}},
        {"body": '{"a": "{{x}}"}'},
        {"body": "{{x}}", "headers": {"Content-Type": "text/plain"}},
        {"body": {"a": "{{x}}"}, "headers": {"Content-Type": FORM}},
        {"body": "<a>{{x}}</a>", "headers": {"Content-Type": "application/xml"}},
        {"headers": {"X": "{{x}}"}},
        {"url": "http://127.0.0.1/{{x}}"},
        {"query": {"x": "{{x}}"}},
        {"body": {"a": "{{x}}"}, "headers": {"Content-Type": "multipart/form-data"}},
    ],
)
def test_a_lone_surrogate_is_refused_and_never_replaced(fields: Any) -> None:
    made = button(fields.pop("url", "http://127.0.0.1/"), **fields)
    with pytest.raises(ArgumentError, match=r"surrogate|UTF-8|utf-8|XML"):
        made.bind({"x": "a\ud800b"})


# By type


@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.api+json",
        "application/ld+json; charset=utf-8",
        "Application/JSON",
        "application/geojson",
        "application/x-amz-json-1.1",
        "application/json-patch+json",
    ],
)
def test_every_kind_of_json_is_escaped_as_json(content_type: str) -> None:
    text = 'q"\\é\n'
    assert sent({"x": text}, content_type, body='{"a": "{{x}}"}').json == {"a": text}
    assert sent({"x": [1, None]}, content_type, body={"a": "{{x}}"}).json == {"a": [1, None]}


def test_strings_in_graphql_are_escaped_as_in_json() -> None:
    got = sent({"x": 'a"b\n'}, "application/graphql", body='{ user(name: "{{x}}") { id } }')
    assert got.body == b'{ user(name: "a\\"b\\n") { id } }'


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/jsonl"])
def test_a_list_becomes_lines_of_json(content_type: str) -> None:
    got = sent({"x": "a\n"}, content_type, body=[{"a": "{{x}}"}, 2])
    assert got.body == b'{"a": "a\\n"}\n2\n'


@pytest.mark.parametrize(
    "content_type", ["text/xml", "application/xml", "application/soap+xml; charset=utf-8"]
)
def test_arguments_are_escaped_in_xml(content_type: str) -> None:
    text = "<&>\"'\t\r\n]]>é"
    body = '<r a="{{x}}">{{x}}<c><![CDATA[{{x}}]]></c></r>'
    root = xml.dom.minidom.parseString(sent({"x": text}, content_type, body=body).body).documentElement
    assert root.getAttribute("a") == text
    assert root.firstChild.data == text
    assert "".join(node.data for node in root.getElementsByTagName("c")[0].childNodes) == text


def test_characters_that_xml_forbids_are_refused_by_argument_name() -> None:
    made = button("http://127.0.0.1/", body="<a>{{x}}</a>", headers={"Content-Type": "text/xml"})
    with pytest.raises(ArgumentError, match=r"'x'.*XML"):
        made.bind({"x": "a\x0cb"})


@pytest.mark.parametrize("body", ["tag={{tag}}&q={{q}}&n={{n}}&b={{b}}&e={{e}}&d=1", None])
def test_in_forms_lists_repeat_a_field_and_null_omits_it(body: str | None) -> None:
    mapping = {name: f"{{{{{name}}}}}" for name in ("tag", "q", "n", "b", "e")} | {"d": 1}
    args = {"tag": ["a", "b&c"], "q": None, "n": 2.0, "b": True, "e": ""}
    declared = [{"name": name, "type": "any"} for name in args]
    got = sent(args, FORM, body=body or mapping, args=declared)
    assert parse_qsl(got.body.decode(), keep_blank_values=True) == [
        ("tag", "a"),
        ("tag", "b&c"),
        ("n", "2"),
        ("b", "true"),
        ("e", ""),
        ("d", "1"),
    ]
    assert got.headers["content-type"] == FORM


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        (
            {"tag": ["a", "{{x}}", None], "q": None},
            [
                ("tag", "a"),
                ("tag", "v"),
            ],
        ),
        ([["tag", "a"], ["tag", "{{x}}"]], [("tag", "a"), ("tag", "v")]),
        ([{"a": 1}, {"b": False}], [("a", "1"), ("b", "false")]),
        ({}, []),
    ],
)
def test_a_form_can_be_a_mapping_or_a_list_of_pairs(body: Any, pairs: Any) -> None:
    got = sent({"x": "v"}, FORM, body=body, args=["x"])
    assert parse_qsl(got.body.decode()) == pairs
    if isinstance(body, dict):
        filled = {k: [i for i in v if i is not None] if isinstance(v, list) else v for k, v in body.items()}
        filled = {
            k: [("v" if i == "{{x}}" else i) for i in v] if v else v
            for k, v in filled.items()
            if v is not None
        }
        assert got.body == httpx.Request("POST", "http://x/", data=filled).read()


def test_a_body_that_is_one_argument_is_encoded_according_to_its_type() -> None:
    value = {"tag": ["a", "b"], "q": None, "n": 1}
    assert sent({"x": value}, body="{{x}}").json == value
    assert sent({"x": value}, FORM, body="{{x}}").body == b"tag=a&tag=b&n=1"
    assert sent({"x": [["tag", "a"], ["tag", "b"]]}, FORM, body="{{x}}").body == b"tag=a&tag=b"
    assert (
        sent({"x": [{"a": 1}, {"b": 2}]}, "application/x-ndjson", body="{{x}}").body
        == b'{"a": 1}\n{"b": 2}\n'
    )
    assert sent({"x": '{"ready": 1}'}, body="{{x}}").json == {"ready": 1}
    assert sent({"x": "<a>&amp;</a>"}, "text/xml", body="{{x}}").body == b"<a>&amp;</a>"
    assert sent({"x": array("i", [1, 2])}, body="{{x}}").json == [1, 2]
    assert sent({"x": True}, body="{{x}}").json is True
    for kind in ("text/xml", "image/png"):
        made = button("http://127.0.0.1/", body="{{x}}", headers={"Content-Type": kind})
        with pytest.raises(ArgumentError, match=kind):
            made.bind({"x": {"a": 1}})


def test_a_body_argument_without_a_value_sends_no_body() -> None:
    got = sent({}, body="{{x}}", args=[{"name": "x", "type": "any"}])
    assert (got.body, got.headers["content-length"], "content-type" in got.headers) == (b"", "0", False)


def test_an_argument_without_a_value_is_null_in_json() -> None:
    got = sent({}, body={"a": "{{x}}", "b": [None]}, args=[{"name": "x", "type": "any"}])
    assert got.json == {"a": None, "b": [None]}


@pytest.mark.parametrize(
    ("content_type", "body", "raw"),
    [
        ("text/plain; charset=latin-1", "é{{x}}", "éö".encode("latin-1")),
        ("text/plain; charset=utf-16-le", "é{{x}}", "éö".encode("utf-16-le")),
        ('text/plain; charset="windows-1252"', "€{{x}}", "€ö".encode("cp1252")),
        (f"{FORM}; charset=latin-1", {"a": "{{x}}"}, b"a=%F6"),
        (f"{FORM}; charset=latin-1", "a={{x}}", b"a=%F6"),
        ("application/json; charset=latin-1", {"a": "{{x}}"}, '{"a": "ö"}'.encode("latin-1")),
        ("text/xml; charset=latin-1", "<a>{{x}}</a>", "<a>ö</a>".encode("latin-1")),
    ],
)
def test_the_body_is_encoded_in_the_declared_charset(content_type: str, body: Any, raw: bytes) -> None:
    assert sent({"x": "ö"}, content_type, body=body).body == raw


def test_characters_that_the_charset_lacks_are_escaped_or_refused() -> None:
    assert sent({"x": "☃"}, "application/json; charset=latin-1", body={"a": "{{x}}"}).json == {"a": "☃"}
    assert sent({"x": "☃"}, "application/json; charset=latin-1", body='{"a": "{{x}}"}').json == {"a": "☃"}
    assert sent({"x": "☃"}, "text/xml; charset=latin-1", body="<a>{{x}}</a>").body == b"<a>&#9731;</a>"
    for kind, body in (
        ("text/plain", "{{x}} "),
        (FORM, {"a": "{{x}}"}),
        (FORM, "a={{x}}"),
        ("text/plain", "{{x}}"),
    ):
        made = button("http://127.0.0.1/", body=body, headers={"Content-Type": f"{kind}; charset=latin-1"})
        with pytest.raises(ArgumentError, match=r"☃"):
            made.bind({"x": "☃"})


def test_fields_without_files_can_be_multipart() -> None:
    got = sent({"x": ["1", "2"]}, "multipart/form-data", body={"a": "{{x}}", "b": "é", "c": None})
    kind, _, boundary = got.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = got.body.split(f"--{boundary}".encode())
    assert parts[0] == b""
    assert parts[-1] == b"--\r\n"
    assert [part.partition(b"\r\n\r\n")[2] for part in parts[1:-1]] == [b"1\r\n", b"2\r\n", "é\r\n".encode()]
    assert [part.split(b'name="')[1][:1] for part in parts[1:-1]] == [b"a", b"a", b"b"]
    mine = sent({}, "multipart/form-data; boundary=mine", body={"a": 1})
    assert mine.headers["content-type"] == "multipart/form-data; boundary=mine"
    assert mine.body == b'--mine\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--mine--\r\n'


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("text/xml", {"a": 1}, "a mapping cannot be a body of type text/xml"),
        ("image/png", [1], "a list cannot be a body"),
        ("multipart/form-data", "a=1", "without a boundary"),
        ("multipart/mixed", {"a": 1}, "only multipart/form-data"),
        (FORM, {"a": {"b": 1}}, "the field 'a' is a mapping"),
        (FORM, {"a": [{"b": 1}]}, "the field 'a' is a mapping"),
        (FORM, [1], "is not a pair"),
        (FORM, 5, "a mapping or a list of pairs"),
        ("", {"a": float("nan")}, "JSON has no nan"),
        ("text/plain; charset=klingon", "a", "'klingon' is not a charset"),
        ("text/plain; charset=rot13", "a", "'rot13' is not a charset"),
        ("text/plain; charset=latin-1", "☃", "which latin-1 cannot encode"),
    ],
)
def test_settings_that_cannot_work_are_reported_before_anything_is_sent(
    content_type: str, body: Any, message: str
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    fields = {"name": "b", "url": "http://h/", "body": body, "headers": headers}
    troubles = request_troubles(ButtonSpec.model_validate(fields))
    assert [message in one.message for one in troubles] == [True], troubles
    with pytest.raises(UsageError, match="button 'b'"):
        button("http://h/", body=body, headers=headers)


def test_a_nested_mapping_in_a_form_is_refused_by_field_name() -> None:
    made = button("http://127.0.0.1/", body={"a": "{{x}}"}, headers={"Content-Type": FORM})
    with pytest.raises(ArgumentError, match=r"the field 'a' is a mapping"):
        made.bind({"x": {"b": 1}})


def test_a_path_as_the_whole_body_sends_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(RAW)
    got = sent({"x": file}, body="{{x}}")
    assert (got.body, got.headers["content-type"]) == (RAW, "image/png")
    assert json.loads(sent({"x": file}, body={"a": "{{x}}"}).body) == {"a": str(file)}
