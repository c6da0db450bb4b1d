"""Bodies with a JSON type: their values, lines of JSON, and the errors for invalid JSON."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from http_rig import RawServer, answer_of, button, one_run, press, raw_server

from drawer_ipy import Results
from drawer_ipy.buttons import Outcome
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings


def pressed(body: bytes, content_type: str = "application/json", **fields: Any) -> Outcome:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(body, Content_Type=content_type))

    async def run() -> Outcome:
        async with raw_server(answer) as server, one_run() as call:
            return await press(button(server.url, **fields), call)

    return asyncio.run(run())


@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/json", "application/vnd.api+json", "Application/Problem+JSON; charset=utf-8"],
)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": [1, 2', "line 1, column 12: it ends too early"),
        (b'{"a": 1,\n "b"', "line 2, column 5: it ends too early"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"[1e999]", "1e999 is too large for a double"),
        (b"<!DOCTYPE html><h1>Log in</h1>", "it looks like markup: '<!DOCTYPE html><h1>Log in</h1>'"),
        (b"OK", "expecting value, at 'OK'"),
        (b'{"a": 1} {"a": 2}', "extra data, at"),
        (b"{'a': 1}", "expecting property name"),
        (b'{"a": "\xff"}', "line 1, column 8: byte 0xff is not valid utf-8"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"9" * 5000, "more than 4,300 digits"),
    ],
)
def test_invalid_json_fails_with_its_place_and_reason(kind: str, body: bytes, words: str) -> None:
    outcome = pressed(body, kind)
    assert (outcome.status, outcome.output, outcome.exit_code) == ("error", None, 1)
    assert outcome.error is not None
    assert outcome.error.code == "HTTP_ERROR"
    assert words in outcome.error.message
    assert "output: text" in outcome.error.remediation
    assert outcome.stdout[:3] == body.decode("utf-8", "replace")[:3]
    assert pressed(body, kind, output="full").status == "error"


def test_output_text_returns_any_body_as_text() -> None:
    assert pressed(b'{"a": ', output="text").output == '{"a": '
    assert pressed(b'{"a": 1}', output="text").output == '{"a": 1}'
    assert pressed(b"42", "text/plain", output="text").output == "42"
    assert pressed("é".encode(), "application/octet-stream", output="text").output == "é"
    assert pressed(b"", output="text").output == ""


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        (b"", "application/json", None),
        (b" \r\n", "application/json", None),
        (b"null", "application/json", None),
        (b"\xef\xbb\xbf[1]", "application/json", [1]),
        ('["é"]'.encode("utf-16"), "application/json", ["é"]),
        ('["é"]'.encode("utf-16-le"), "application/json", ["é"]),
        ('["é"]'.encode("utf-32-be"), "application/json", ["é"]),
        ('["é"]'.encode(), "application/json; charset=iso-8859-1", ["é"]),
        ('["é"]'.encode("latin-1"), "application/json; charset=iso-8859-1", ["é"]),
        (b"[12345678901234567890123, 0.1, -0.0]", "application/json", [12345678901234567890123, 0.1, -0.0]),
        (b'{"a": 1, "a": 2}', "application/json", {"a": 2}),
        (b'{"a": "<b>"}', "application/geo+json", {"a": "<b>"}),
    ],
)
def test_the_output_of_a_json_body_is_its_value(body: bytes, content_type: str, value: Any) -> None:
    outcome = pressed(body, content_type)
    assert (outcome.status, outcome.output, outcome.notes) == ("ok", value, ())
    if body.strip():
        full = pressed(body, content_type, output="full").output
        assert full["json"] == value


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "text/x-ndjson",
    ],
)
@pytest.mark.parametrize(
    ("body", "values"),
    [
        (b'{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b'{"a": 1}', [{"a": 1}]),
        (b"[1]\r\n\r\n[2]\r\n", [[1], [2]]),
        (b"", []),
        (b"\n\n", []),
        ('"a\u2028b"\n1'.encode(), ["a\u2028b", 1]),
    ],
)
def test_the_output_of_lines_of_json_is_a_list(kind: str, body: bytes, values: list[Any]) -> None:
    outcome = pressed(body, kind)
    assert (outcome.status, outcome.output) == ("ok", values)
    assert pressed(body, kind, output="full").output["json"] == values


def test_a_broken_line_is_reported_by_its_number() -> None:
    outcome = pressed(b'{"a": 1}\n\n{"a": \n{"a": 3}\n', "application/x-ndjson")
    assert outcome.error is not None
    assert "is not JSON: line 3, column " in outcome.error.message


def test_records_of_a_json_sequence_may_have_several_lines() -> None:
    outcome = pressed(b'\x1e{"a":\n1}\n\x1e2\n', "application/json-seq")
    assert outcome.output == [{"a": 1}, 2]


def test_plain_text_is_parsed_as_json_if_possible() -> None:
    assert pressed(b"42", "text/plain").output == 42
    assert pressed(b'{"a": ', "text/plain").output == '{"a": '
    assert pressed(b'{"a": 1}\n{"a": 2}', "text/plain").output == '{"a": 1}\n{"a": 2}'


def test_a_lone_surrogate_in_json_causes_a_note() -> None:
    outcome = pressed(b'["\\ud83d", "\\ud83d\\ude00"]')
    assert outcome.output == ["\ufffd", "\U0001f600"]
    assert ["half of a surrogate pair" in note.text for note in outcome.notes] == [True]


def run(drawer: dict[str, Any]) -> tuple[Results, list[str]]:
    job = prepare(drawer, around=Surroundings())
    return Results.of(asyncio.run(job.run.execute())), job.run.notes


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    return tmp_path


def test_invalid_json_is_not_cached(home: Path) -> None:
    bodies = [b'{"a": ', b'{"a": 1}']

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(bodies.pop(0), Content_Type="application/json"))

    async def twice() -> list[Any]:
        out: list[Any] = []
        async with raw_server(answer) as server:
            spec = {"url": server.url, "cache": "1h", "allow_private_networks": True}
            drawer = {"name": "t", "buttons": {"get": spec}, "steps": [{"id": "a", "button": "get"}]}
            for _ in range(3):
                record = await prepare(drawer, around=Surroundings()).run.execute()
                out.append(record.steps[0].output)
        return out

    assert asyncio.run(twice()) == [None, {"a": 1}, {"a": 1}]


def test_undecodable_text_causes_one_note_per_run(home: Path) -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(b"caf\xe9", Content_Type="text/plain; charset=utf-8"))

    async def go() -> tuple[list[Any], list[str]]:
        async with raw_server(answer) as server:
            spec = {"url": f"{server.url}/{{{{n}}}}", "args": ["n"], "allow_private_networks": True}
            step = {"id": "a", "button": "get", "args": {"n": "${n}"}}
            each = {"id": "each", "kind": "for_each", "over": list("abcdefgh"), "as": "n", "steps": [step]}
            job = prepare({"name": "t", "buttons": {"get": spec}, "steps": [each]}, around=Surroundings())
            results = Results.of(await job.run.execute())
            return [row.output for row in results], job.run.notes

    outputs, notes = asyncio.run(go())
    assert outputs == ["caf\ufffd"] * 8
    assert len(notes) == 1
    assert "button 'get': http://127.0.0.1:" in notes[0]
    assert "a character could not be decoded as utf-8" in notes[0]


def test_undecodable_text_on_several_pages_causes_one_note(home: Path) -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        link = b'<a href="/2">next</a>' if path == "/" else b""
        writer.write(answer_of(b"<p>caf\xe9</p>" + link, Content_Type="text/html; charset=utf-8"))

    async def go() -> tuple[Any, list[str]]:
        async with raw_server(answer) as server:
            spec = {"url": server.url, "extract": {"p": "css:p[]"}, "follow": "css:a::attr(href)"}
            drawer = {"name": "t", "buttons": {"get": {**spec, "allow_private_networks": True}}}
            job = prepare({**drawer, "steps": [{"id": "a", "button": "get"}]}, around=Surroundings())
            record = await job.run.execute()
            return record.steps[0].output, job.run.notes

    output, notes = asyncio.run(go())
    assert json.dumps(output) == '{"p": ["caf\\ufffd", "caf\\ufffd"]}'
    assert len(notes) == 1
