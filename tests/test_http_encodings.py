"""Content-Encoding as real servers write it."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from pathlib import Path

import pytest
from http_rig import RawServer, button, fetch_each, loop, one_run, press, raw_server

from drawer_ipy.buttons import Outcome
from drawer_ipy.buttons.http import decode as http_decode

TEXT = b"plain text that goes on and on and on and on\n" * 20


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


GZIP = zipped(TEXT)


async def fetch(body: bytes, *encodings: str, **fields: str) -> Outcome:
    """The outcome of a press whose response is `body` with these Content-Encoding headers."""

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        lines = "".join(f"Content-Encoding: {one}\r\n" for one in encodings)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        writer.write(head.encode() + body)

    async with raw_server(answer) as server, one_run() as call:
        return await press(button(server.url, **fields), call)


@pytest.mark.parametrize(
    ("encodings", "body"),
    [
        (["gzip"], GZIP),
        (["GZIP"], GZIP),
        ([" gzip "], GZIP),
        (['"gzip"'], GZIP),
        (["x-gzip"], GZIP),
        (["gzip, identity"], GZIP),
        (["gzip", "gzip"], zipped(GZIP)),
        (["gzip,gzip"], zipped(GZIP)),
        (["deflate, gzip"], zipped(zlib.compress(TEXT))),
        (["deflate"], zlib.compress(TEXT)),
        (["deflate"], zlib.compress(TEXT)[2:-4]),
        (["gzip"], zipped(TEXT[:100]) + zipped(TEXT[100:])),
        (["gzip"], GZIP + b"\0" * 20),
        (["gzip"], GZIP + b"garbage"),
        ([""], TEXT),
        ([","], TEXT),
        (["identity"], TEXT),
        ([], TEXT),
    ],
)
def test_declared_encodings_are_decoded(encodings: list[str], body: bytes) -> None:
    outcome = asyncio.run(fetch(body, *encodings))
    assert outcome.output == TEXT.decode(), outcome
    assert outcome.note == ""


@pytest.mark.parametrize(
    ("encodings", "body"),
    [
        (["none"], TEXT),
        (["utf-8"], TEXT),
        (["UTF-8"], TEXT),
        (["aws-chunked"], TEXT),
        (["text/html"], TEXT),
        (["binary"], TEXT),
        (["compress"], TEXT),
        (["gzip, aws-chunked"], GZIP),
        (["aws-chunked", "gzip"], GZIP),
    ],
)
def test_an_invalid_content_encoding_is_ignored_with_a_note(
    encodings: list[str], body: bytes, tmp_path: Path
) -> None:
    outcome = asyncio.run(fetch(body, *encodings))
    assert outcome.output == TEXT.decode(), outcome
    assert "Content-Encoding" in outcome.note
    saved = asyncio.run(fetch(body, *encodings, save=f"{tmp_path}/page"))
    assert (tmp_path / "page").read_bytes() == TEXT
    assert "Content-Encoding" in saved.note


def test_the_note_appears_once_per_run(capsys: pytest.CaptureFixture[str]) -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: none\r\n\r\nok")

    async def main() -> None:
        async with raw_server(answer) as server:
            drawer = loop(f"{server.url}/{{{{id}}}}", 3, allow_private_networks=True)
            results = await fetch_each(drawer, [*range(20)], quiet=False)
            assert list(results.outputs) == ["ok"] * 20

    asyncio.run(main())
    assert capsys.readouterr().err.count("'none'") == 1


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", TEXT),
        ("gzip", GZIP[:-12]),
        ("deflate", TEXT),
        ("gzip", b"\x1f"),
        ("gzip", zlib.compress(TEXT)),
    ],
)
def test_a_body_that_does_not_match_its_encoding_is_an_error(coding: str, body: bytes) -> None:
    outcome = asyncio.run(fetch(body, coding))
    assert outcome.status == "error"
    assert outcome.error is not None
    assert "damaged" in outcome.error.message


def test_an_encoding_whose_library_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("br", "zstd"):
        monkeypatch.delitem(http_decode._DECODERS, name)
        outcome = asyncio.run(fetch(b"\x8b\x02\x80", name))
        assert outcome.error is not None
        assert "pip install '.[scrape]'" in outcome.error.message


def test_headers_that_are_not_utf_8_become_valid_text() -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        names = "X-Utf: café\r\n".encode() + b"X-Latin: caf\xe9\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + names + b"\r\nok")

    async def main() -> Outcome:
        async with raw_server(answer) as server, one_run() as call:
            return await press(button(server.url, output="full"), call)

    headers = asyncio.run(main()).output["headers"]
    assert (headers["x-utf"], headers["x-latin"]) == ("café", "café")
    json.dumps(headers, ensure_ascii=False).encode()
