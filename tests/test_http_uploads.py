"""Files that requests send: multipart/form-data and raw bodies, streamed from disk."""

from __future__ import annotations

import asyncio
import contextlib
import email.parser
import email.policy
import io
import os
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_rig import answer_of, button, listening, one_run, press
from wire_rig import Sent, wire_server

from drawer_ipy.definition.checking.requests import request_troubles
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import ArgumentError, UsageError

PNG = b"\x89PNG\r\n\x1a\n\x00\xff"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a photo.png"
    path.write_bytes(PNG)
    return path


def sent(given: dict[str, Any], path: str = "/", **fields: Any) -> Sent:
    """The request that a press sends."""

    async def main() -> Sent:
        async with wire_server() as wire, one_run() as call:
            outcome = await press(button(wire.url + path, **fields), call, **given)
            assert outcome.status == "ok", outcome
            return wire.sent[0]

    return asyncio.run(main())


def parts(request: Sent) -> list[tuple[str | None, str | None, str, bytes]]:
    """Name, file name, type and content of each part, read with the parser of the standard library."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    out = []
    for part in message.iter_parts():  # type: ignore[attr-defined]
        shown = part["Content-Disposition"].params
        kind = part.get_content_type() if part["Content-Type"] else ""
        content = part.get_payload(decode=True)
        out.append((shown.get("name"), shown.get("filename"), kind, content))
    return out


@pytest.mark.parametrize("template", ["{{path}}", "${path}"])
@pytest.mark.parametrize("as_text", [True, False])
def test_a_file_is_sent_with_its_name_and_type(template: str, as_text: bool, photo: Path) -> None:
    got = sent({"path": str(photo) if as_text else photo}, files={"photo": template})
    assert (got.method, parts(got)) == ("POST", [("photo", "a photo.png", "image/png", PNG)])
    assert int(got.headers["content-length"]) == len(got.body)
    assert "transfer-encoding" not in got.headers


def test_fields_and_files_are_sent_together_in_order(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("b")
    got = sent(
        {"folder": str(tmp_path), "tags": ["x", "y"], "none": None},
        body={"tags": "{{tags}}", "none": "{{none}}", "n": 1},
        files={"photo": "{{folder}}/a photo.png", "more": ["${folder}/b.txt", "{{folder}}/a photo.png"]},
        args=[{"name": n, "type": "any"} for n in ("folder", "tags", "none")],
    )
    assert [(name, filename) for name, filename, _, _ in parts(got)] == [
        ("tags", None),
        ("tags", None),
        ("n", None),
        ("photo", "a photo.png"),
        ("more", "b.txt"),
        ("more", "a photo.png"),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PNG, [("f", "f", "application/octet-stream", PNG)]),
        (bytearray(PNG), [("f", "f", "application/octet-stream", PNG)]),
        (("x.png", PNG), [("f", "x.png", "image/png", PNG)]),
        (("x.png", PNG, "image/x-mine"), [("f", "x.png", "image/x-mine", PNG)]),
        (
            [("x.png", PNG), ("y", b"")],
            [("f", "x.png", "image/png", PNG), ("f", "y", "application/octet-stream", b"")],
        ),
        ({"content": "é", "name": "x.csv"}, [("f", "x.csv", "text/csv", "é".encode())]),
        ({"content": PNG, "type": "image/png"}, [("f", "f", "image/png", PNG)]),
        (io.BytesIO(PNG), [("f", "f", "application/octet-stream", PNG)]),
        (None, []),
        ([None, PNG], [("f", "f", "application/octet-stream", PNG)]),
    ],
)
def test_python_objects_can_be_sent_as_files(value: Any, expected: Any) -> None:
    got = sent({"x": value}, files={"f": "{{x}}"}, args=[{"name": "x", "type": "any"}])
    assert parts(got) == expected


def test_a_mapping_names_the_file_and_its_type(photo: Path) -> None:
    got = sent({"p": photo}, files={"f": {"path": "{{p}}", "name": "n{{p}}.bin", "type": "a/b"}})
    assert parts(got) == [("f", f"n{photo}.bin", "a/b", PNG)]


@pytest.mark.parametrize("name", ['a"b.txt', "é☃.txt", "a\r\nX: 1.txt", "%22.txt", "a;b.txt", "a\\b.txt"])
def test_file_names_are_escaped_as_in_browsers(name: str) -> None:
    got = sent({"x": (name, b"1")}, files={'f"': "{{x}}"})
    quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    line = f'Content-Disposition: form-data; name="f%22"; filename="{quoted}"\r\n'.encode()
    assert line in got.body
    assert got.body.count(b"\r\n") == 6


def test_the_body_equals_that_of_httpx() -> None:
    got = sent({"x": ("é.png", PNG)}, files={"f": "{{x}}"}, body={"a": "1"})
    boundary = got.headers["content-type"].partition("boundary=")[2]
    files = {"f": ("é.png", PNG)}
    peer = httpx.Request(
        "POST",
        "http://x/",
        data={"a": "1"},
        files=files,
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    assert got.body == peer.read()


@pytest.mark.parametrize("fields", [{"files": {"f": "{{x}}"}}, {"body_file": "{{x}}"}])
def test_a_missing_file_is_reported_before_anything_is_sent(fields: Any, tmp_path: Path) -> None:
    made = button("http://127.0.0.1:1/", **fields)
    for path, why in (
        (tmp_path / "no.png", "does not exist"),
        (tmp_path, "is a folder"),
        ("a\0b", "does not exist"),
    ):
        with pytest.raises(ArgumentError, match=why) as caught:
            made.bind({"x": str(path)})
        assert repr(str(path)) in caught.value.message


@pytest.mark.parametrize(
    "value", [5, True, {"path": "x", "content": "y"}, {}, {"oops": 1}, {"path": 5}, ("a", b"", 5)]
)
def test_values_that_are_not_files_are_refused_by_field_name(value: Any) -> None:
    with pytest.raises(ArgumentError, match="'f'"):
        button("http://127.0.0.1:1/", files={"f": "{{x}}"}).bind({"x": value})


def test_body_file_sends_the_file_as_the_body(photo: Path) -> None:
    got = sent({"p": str(photo)}, body_file="{{p}}")
    assert (got.method, got.body, got.headers["content-type"]) == ("POST", PNG, "image/png")
    got = sent({"p": photo}, body_file="${p}", method="put", headers={"Content-Type": "a/b"})
    assert (got.method, got.body, got.headers["content-type"]) == ("PUT", PNG, "a/b")


def test_an_empty_file_can_be_sent(tmp_path: Path) -> None:
    (tmp_path / "e").touch()
    assert sent({}, body_file=str(tmp_path / "e")).body == b""
    assert parts(sent({}, files={"f": str(tmp_path / "e")}))[0][3] == b""


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"files": {"f": 5}}, "a file must be a path"),
        ({"files": {"f": {"pat": "x"}}}, "no 'pat'"),
        ({"files": {"f": "x"}, "body": "text"}, "cannot be sent together"),
        ({"files": {"f": "x"}, "headers": {"Content-Type": "application/json"}}, "multipart/form-data"),
        ({"files": {"f": "x"}, "body": {"a": {"b": 1}}}, "is a mapping"),
        ({"files": {"f": "${batteries.X}"}}, "cannot be used here"),
        ({"files": {"f": "{{pth}}"}, "args": ["path"]}, "is not an argument"),
        ({"files": {"f": "${pth}"}, "args": ["path"]}, "is not an argument"),
        ({"body_file": "x", "body": {"a": 1}}, "two bodies"),
        ({"body_file": "x", "files": {"f": "y"}}, "two bodies"),
    ],
)
def test_settings_that_cannot_work_are_reported_with_their_place(fields: Any, message: str) -> None:
    troubles = request_troubles(ButtonSpec.model_validate({"name": "b", "url": "http://h/", **fields}))
    assert any(message in one.message for one in troubles), troubles
    with pytest.raises(UsageError):
        button("http://h/", **fields)


# Streaming


@contextlib.asynccontextmanager
async def reading_server(**how: Any) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """A server that reads bodies without keeping them, and counts in a mapping what it receives.

    Args:
        how: ``answer`` is sent after ``answer_after`` bytes of the body, ``on_chunk`` is called for each
            chunk, and ``answers`` are the responses to whole requests.
    """
    seen: dict[str, Any] = {"bytes": 0, "requests": 0, "whole": 0}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        seen["requests"] += 1
        left = seen["length"] = int(head.lower().split("content-length: ")[1].split()[0])
        while left > 0:
            chunk = await reader.read(min(left, 65536))
            if not chunk:
                return False
            seen["bytes"] += len(chunk)
            left -= len(chunk)
            if "on_chunk" in how:
                how["on_chunk"](seen)
            if how.get("answer_after", 1 << 60) <= seen["bytes"]:
                writer.write(how["answer"])
                await writer.drain()
                return False
        seen["whole"] += 1
        answers = how.get("answers") or [answer_of(b"ok")]
        writer.write(answers[min(seen["requests"], len(answers)) - 1])
        await writer.drain()
        return True

    async with listening(talk) as port:
        yield f"http://127.0.0.1:{port}/", seen


def big(folder: Path, size: int) -> Path:
    path = folder / "big.bin"
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("field", ["files", "body_file"])
def test_a_large_file_is_not_held_in_memory(field: str, tmp_path: Path) -> None:
    size = 200 * 1024 * 1024
    path = big(tmp_path, size)

    async def main() -> None:
        async with reading_server() as (url, seen), one_run(60) as call:
            made = button(url, **{field: {"f": "{{p}}"} if field == "files" else "{{p}}"})
            tracemalloc.start()
            try:
                outcome = await press(made, call, p=str(path))
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert outcome.output == "ok"
            assert seen["bytes"] == seen["length"] >= size
            assert peak < 20 * 1024 * 1024

    asyncio.run(main())


def test_the_event_loop_continues_while_a_large_file_is_sent(tmp_path: Path) -> None:
    path = big(tmp_path, 50 * 1024 * 1024)

    async def main() -> None:
        async with reading_server() as (url, _), one_run(60) as call:
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.001)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            await press(button(url, body_file="{{p}}"), call, p=str(path))
            ticking.cancel()
            assert ticks > 5

    asyncio.run(main())


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
def test_a_retry_reads_the_file_again(status: str, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"one")
    answers = [answer_of(b"", status, Retry_After="0"), answer_of(b"ok")]

    async def main() -> None:
        async with reading_server(answers=answers) as (url, seen), one_run() as call:
            made = button(url, method="PUT", body_file="{{p}}", retries=2)
            bound = made.bind({"p": str(path)})
            path.write_bytes(b"longer than before")
            outcome = await made.press(bound, call)
            assert (outcome.output, seen["whole"]) == ("ok", 2)
            assert seen["length"] == len(b"longer than before")

    asyncio.run(main())


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_that_keeps_the_method_sends_the_file_again(status: int, photo: Path) -> None:
    def reply(request: Sent) -> bytes:
        if request.target == "/":
            return answer_of(b"", f"{status} Go", Location="/there")
        return answer_of(b"ok")

    async def main() -> None:
        async with wire_server(reply) as wire, one_run() as call:
            outcome = await press(button(wire.url + "/", files={"f": "{{p}}"}), call, p=photo)
            assert outcome.output == "ok"
            first, second = wire.sent
            assert (second.target, second.method, second.body) == ("/there", "POST", first.body)
            assert second.headers["content-type"] == first.headers["content-type"]

    asyncio.run(main())


@pytest.mark.parametrize("change", ["grow", "shrink", "vanish"])
def test_a_file_that_changes_while_it_is_sent_aborts_the_request(change: str, tmp_path: Path) -> None:
    path = big(tmp_path, 30 * 1024 * 1024)
    done = []

    def meddle(seen: dict[str, Any]) -> None:
        if not done:
            done.append(1)
            if change == "vanish":
                path.unlink()
            else:
                os.truncate(path, 5 if change == "shrink" else 40 * 1024 * 1024)

    async def main() -> None:
        async with reading_server(on_chunk=meddle) as (url, seen), one_run(30) as call:
            outcome = await press(button(url, body_file="{{p}}"), call, p=str(path))
            if change == "vanish":  # an open file stays readable
                assert outcome.output == "ok"
                return
            assert outcome.error is not None
            assert f"{path} changed while it was sent" in outcome.error.message
            assert seen["whole"] == 0

    asyncio.run(main())


def test_a_file_that_is_gone_when_it_is_sent_is_named_in_the_error(photo: Path) -> None:
    async def main() -> None:
        async with reading_server() as (url, seen), one_run() as call:
            made = button(url, body_file="{{p}}", retries=3)
            bound = made.bind({"p": photo})
            os.unlink(photo)
            outcome = await made.press(bound, call)
            assert outcome.error is not None
            assert str(photo) in outcome.error.message
            assert seen["requests"] <= 1

    asyncio.run(main())


def test_a_refusal_in_the_middle_of_an_upload_is_reported(tmp_path: Path) -> None:
    path = big(tmp_path, 100 * 1024 * 1024)
    refusal = answer_of(b"too large", "413 Content Too Large", Connection="close")

    async def main() -> None:
        async with reading_server(answer_after=65536, answer=refusal) as (url, seen), one_run(20) as call:
            outcome = await press(button(url, body_file="{{p}}"), call, p=str(path))
            assert outcome.exit_code == 413, outcome
            assert outcome.stdout == "too large"
            assert seen["bytes"] < 20 * 1024 * 1024

    asyncio.run(main())


def test_a_connection_is_used_again_after_an_upload(photo: Path) -> None:
    async def main() -> None:
        async with wire_server() as wire, one_run() as call:
            made = button(wire.url, files={"f": "{{p}}"})
            for _ in range(3):
                assert (await press(made, call, p=photo)).output == "ok"
            assert len({sent.body.split(b"\r\n")[0] for sent in wire.sent}) == 3  # each has its own boundary

    asyncio.run(main())


def test_the_time_limit_of_a_request_includes_its_upload(tmp_path: Path) -> None:
    path = big(tmp_path, 50 * 1024 * 1024)

    async def main() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await asyncio.sleep(30)
            finally:
                writer.close()

        async with listening(talk) as port, one_run(0.5) as call:
            outcome = await press(button(f"http://127.0.0.1:{port}/", body_file="{{p}}"), call, p=str(path))
            assert outcome.status == "timeout"

    asyncio.run(main())
