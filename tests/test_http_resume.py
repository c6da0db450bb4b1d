"""Interrupted downloads: they resume or start again, and never mix two versions of a file."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from http_rig import RawServer, button, one_run, press, raw_server, until
from real_servers import BLOB, program, real_server

from drawer_ipy.buttons import Outcome

OLD = bytes(range(256)) * 40
NEW = bytes(reversed(OLD))
DATES = {"Date": "Sun, 06 Nov 1994 09:49:37 GMT", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}

Given = Callable[[str], bytes]
"""A function that returns the response to a request with this head."""


def whole(body: bytes, cut: int | None = None, status: str = "200 OK", **headers: str) -> bytes:
    """A response with `body`; with `cut` only that many bytes of it are sent."""
    given = {"ETag": '"1"', "Content-Length": str(len(body))}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body[:cut]


def rest(body: bytes, start: int, **headers: str) -> bytes:
    """A response with the bytes from `start` on."""
    given = {"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}", **headers}
    return whole(body[start:], status="206 Partial Content", **given)


def range_headers(head: str) -> dict[str, str]:
    found = re.findall(r"(?im)^(range|if-range|accept-encoding): (.*?)\r$", head)
    return {name.lower(): value for name, value in found}


async def download(
    answers: list[bytes], path: Path, **fields: Any
) -> tuple[list[Outcome], list[dict[str, str]]]:
    """Press until each of `answers` was sent; return the outcomes and the range headers of the requests."""

    async def answer(server: RawServer, target: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[len(server.heads) - 1])
        await writer.drain()
        writer.close()

    outcomes = []
    async with raw_server(answer) as server:
        while len(server.heads) < len(answers):
            async with one_run() as call:
                outcomes.append(await press(button(f"{server.url}/f", save=str(path), **fields), call))
        return outcomes, [range_headers(head) for head in server.heads]


def file_names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def run(answers: list[bytes], tmp_path: Path, **fields: Any) -> tuple[list[Outcome], list[dict[str, str]]]:
    return asyncio.run(download(answers, tmp_path / "f", **fields))


def test_an_interrupted_download_continues_in_the_next_run(tmp_path: Path) -> None:
    (first,), _ = run([whole(OLD, 4000)], tmp_path)
    assert first.status == "error"
    assert file_names(tmp_path) == [".f.part", ".f.part.json"]
    assert (tmp_path / ".f.part").read_bytes() == OLD[:4000]
    # The part belongs to the address of the server, so the same server must send both responses.
    (_, second), heads = run([whole(OLD, 4000), rest(OLD, 4000)], tmp_path)
    assert second.output == str(tmp_path / "f"), second
    assert heads[1] == {"range": "bytes=4000-", "if-range": '"1"', "accept-encoding": "identity"}
    assert (tmp_path / "f").read_bytes() == OLD
    assert file_names(tmp_path) == ["f"]


def test_retries_within_a_press_resume_the_download_each_time(tmp_path: Path) -> None:
    more = rest(OLD, 100)[: -(len(OLD) - 3000)]
    (only,), heads = run([whole(OLD, 100), more, rest(OLD, 3000)], tmp_path, retries=3, output="full")
    assert [head.get("range") for head in heads] == [None, "bytes=100-", "bytes=3000-"]
    assert (tmp_path / "f").read_bytes() == OLD
    # The response is reported as that for the whole file.
    assert (only.output["status"], only.output["size"]) == (200, len(OLD))
    assert only.output["headers"]["content-length"] == str(len(OLD))
    assert "content-range" not in only.output["headers"]


def test_an_old_modification_date_identifies_a_version(tmp_path: Path) -> None:
    _, heads = run([whole(OLD, 99, ETag="", **DATES), rest(OLD, 99, ETag="", **DATES)], tmp_path)
    assert heads[1]["if-range"] == DATES["Last-Modified"]
    assert (tmp_path / "f").read_bytes() == OLD


@pytest.mark.parametrize(
    "answer",
    [
        whole(NEW, ETag='"2"'),
        whole(OLD),
        whole(NEW, ETag=""),
    ],
    ids=["changed", "no-ranges", "unmarked"],
)
def test_a_response_with_the_whole_file_replaces_the_part(answer: bytes, tmp_path: Path) -> None:
    (_, second), _ = run([whole(OLD, 4000), answer], tmp_path)
    assert second.status == "ok", second
    assert (tmp_path / "f").read_bytes() == answer.partition(b"\r\n\r\n")[2]
    assert file_names(tmp_path) == ["f"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n",
        rest(NEW, 4000, ETag='"2"'),
        rest(NEW, 4001),
        rest(NEW + b"more", 4000),
        rest(NEW, 4000, Content_Range=f"bytes 4000-{len(OLD) - 2}/{len(OLD)}"),
        rest(NEW, 4000, Content_Range=f"bytes 4000-{len(OLD) - 1}/*"),
        rest(NEW, 4000, Content_Range=""),
        rest(NEW, 4000, Content_Encoding="gzip"),
        whole(
            NEW[4000:4500],
            status="206 Partial Content",
            Content_Range=f"bytes 4000-{len(OLD) - 1}/{len(OLD)}",
        ),
        whole(NEW, status="206 Partial Content", Content_Type="multipart/byteranges; boundary=x"),
    ],
    ids=["416", "version", "start", "total", "end", "unknown", "silent", "packed", "length", "several"],
)
def test_a_part_that_does_not_match_is_discarded_and_the_whole_file_requested(
    answer: bytes, tmp_path: Path
) -> None:
    (_, second), heads = run([whole(OLD, 4000), answer, whole(NEW, ETag='"2"')], tmp_path)
    assert second.status == "ok", second
    assert ["range" in head for head in heads] == [False, True, False]
    assert (tmp_path / "f").read_bytes() == NEW
    assert file_names(tmp_path) == ["f"]


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": ""},
        {"ETag": 'W/"1"'},
        {"ETag": "", "Last-Modified": DATES["Last-Modified"]},
        {"ETag": "", "Date": DATES["Date"], "Last-Modified": DATES["Date"]},
        {"Accept-Ranges": "none"},
        {"Content-Encoding": "gzip"},
    ],
    ids=["none", "weak", "undated", "fresh", "refused", "packed"],
)
def test_a_part_without_a_reliable_version_is_not_kept(headers: dict[str, str], tmp_path: Path) -> None:
    (_, second), heads = run([whole(OLD, 4000, **headers), whole(NEW)], tmp_path)
    assert (second.status, "range" in heads[1]) == ("ok", False)
    assert file_names(tmp_path) == ["f"]


def test_a_temporary_error_keeps_the_part_and_a_final_error_removes_it(tmp_path: Path) -> None:
    busy = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    (_, second, third), heads = run([whole(OLD, 4000), busy, rest(OLD, 4000)], tmp_path)
    assert (second.status, third.status, "range" in heads[2]) == ("error", "ok", True)
    assert (tmp_path / "f").read_bytes() == OLD
    run([whole(OLD, 4000), busy.replace(b"500", b"404")], tmp_path)
    assert file_names(tmp_path) == ["f"]


def test_a_different_request_does_not_continue_the_download(tmp_path: Path) -> None:
    async def main() -> list[dict[str, str]]:
        async def answer(server: RawServer, target: str, writer: asyncio.StreamWriter) -> None:
            writer.write(whole(OLD, 4000 if len(server.heads) < 4 else None))
            await writer.drain()
            writer.close()

        async with raw_server(answer) as server, one_run() as call:
            for url, key in (("/f", "a"), ("/f", "b"), ("/g", "b"), ("/g?", "b")):
                headers = {"Authorization": key}
                await press(button(f"{server.url}{url}", save=f"{tmp_path}/f", headers=headers), call)
            return [range_headers(head) for head in server.heads]

    assert all("range" not in head for head in asyncio.run(main()))
    assert file_names(tmp_path) == ["f"]


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"address": 1}', "null", "\0"])
def test_a_damaged_description_of_a_part_is_ignored(note: str, tmp_path: Path) -> None:
    (tmp_path / ".f.part").write_bytes(b"x" * 100)
    (tmp_path / ".f.part.json").write_text(note)
    (only,), heads = run([whole(OLD)], tmp_path)
    assert (only.status, "range" in heads[0]) == ("ok", False)
    assert (tmp_path / "f").read_bytes() == OLD


def test_cancelled_and_timed_out_downloads_continue(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(server: RawServer, target: str, writer: asyncio.StreamWriter) -> None:
            found = range_headers(server.heads[-1]).get("range", "bytes=0-")
            start = int(found[6:-1])
            ranges = {1: whole(OLD, 9000), 2: rest(OLD, start)[: -(len(OLD) - start - 100)]}
            writer.write(ranges.get(len(server.heads)) or rest(OLD, start))
            await writer.drain()
            await asyncio.sleep(0 if len(server.heads) > 2 else 30)

        async with raw_server(answer) as server:
            pressed = button(f"{server.url}/f", save=f"{tmp_path}/f")
            async with one_run() as call:
                task = asyncio.create_task(press(pressed, call))
                part = tmp_path / ".f.part"
                assert await asyncio.to_thread(until, lambda: part.exists() and part.stat().st_size > 8000)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            async with one_run(0.5) as call:
                assert (await press(pressed, call)).status == "timeout"
            async with one_run() as call:
                assert (await press(pressed, call)).status == "ok"
            assert [range_headers(head).get("range") for head in server.heads] == [
                None,
                "bytes=9000-",
                "bytes=9100-",
            ]

    asyncio.run(main())
    assert (tmp_path / "f").read_bytes() == OLD
    assert file_names(tmp_path) == ["f"]


def test_a_download_cancelled_while_it_is_flushed_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushing, may_end = threading.Event(), threading.Event()

    def slow_disk(handle: int) -> None:
        flushing.set()
        may_end.wait(30)

    monkeypatch.setattr(os, "fsync", slow_disk)

    async def main() -> None:
        async def answer(server: RawServer, target: str, writer: asyncio.StreamWriter) -> None:
            writer.write(whole(OLD))

        async with raw_server(answer) as server, one_run() as call:
            pressed = button(f"{server.url}/f", save=f"{tmp_path}/f")
            task = asyncio.create_task(press(pressed, call))
            await asyncio.to_thread(flushing.wait, 30)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert file_names(tmp_path) == []
            may_end.set()
            assert (await press(pressed, call)).status == "ok"

    asyncio.run(main())
    assert file_names(tmp_path) == ["f"]


def test_two_downloads_of_one_file_at_once_do_not_mix(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(server: RawServer, target: str, writer: asyncio.StreamWriter) -> None:
            body = OLD if len(server.heads) == 1 else NEW
            etag = f'"{len(server.heads)}"'
            raw = whole(body, ETag=etag)
            for at in range(0, len(raw), 1000):
                writer.write(raw[at : at + 1000])
                await writer.drain()
                await asyncio.sleep(0.01)

        async with raw_server(answer) as server, one_run() as one, one_run() as other:
            pressed = button(f"{server.url}/f", save=f"{tmp_path}/f")
            outcomes = await asyncio.gather(press(pressed, one), press(pressed, other))
            assert [outcome.status for outcome in outcomes] == ["ok", "ok"]

    asyncio.run(main())
    assert (tmp_path / "f").read_bytes() in (OLD, NEW)
    assert file_names(tmp_path) == ["f"]


def test_a_part_that_is_a_link_is_not_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (tmp_path / "precious").write_text("mine")
    (folder / ".f.part").symlink_to(tmp_path / "precious")
    (only,), _ = run([whole(OLD)], folder)
    assert only.status == "ok"
    assert (tmp_path / "precious").read_text() == "mine"


def test_the_size_limit_applies_to_the_whole_file(tmp_path: Path) -> None:
    answers = [whole(OLD, 4000), rest(OLD, 4000)]
    (_, second), _ = run(answers, tmp_path, max_response_bytes=len(OLD) - 1)
    assert "longer than" in str(second.error)
    assert file_names(tmp_path) == []
    (_, second), _ = run(answers, tmp_path, max_response_bytes=len(OLD))
    assert second.status == "ok"


def test_an_unexpected_206_is_not_saved_and_causes_a_note_as_a_value(tmp_path: Path) -> None:
    async def answer(server: RawServer, target: str, writer: asyncio.StreamWriter) -> None:
        writer.write(rest(OLD, 100))

    async def main(**fields: Any) -> Outcome:
        async with raw_server(answer) as server, one_run() as call:
            return await press(button(server.url, **fields), call)

    assert "206" in str(asyncio.run(main(save=f"{tmp_path}/f")).error)
    assert file_names(tmp_path) == []
    outcome = asyncio.run(main())
    assert outcome.output == OLD[100:]
    assert "206" in outcome.note
    requested = asyncio.run(main(headers={"Range": "bytes=100-"}, save=f"{tmp_path}/f"))
    assert (requested.status, requested.note) == ("ok", "")
    assert (tmp_path / "f").read_bytes() == OLD[100:]


@pytest.mark.parametrize("name", ["nginx", "apache2"])
def test_downloads_from_real_servers_resume_and_notice_a_change(name: str, tmp_path: Path) -> None:
    if program(name) is None:
        pytest.skip(f"{name} is not installed")
    path = tmp_path / "blob"
    with real_server(name) as server:

        async def main() -> None:
            pressed = button(f"{server.url}/blob.bin", save=str(path), output="full")
            for changed in (False, True):
                async with one_run() as call:
                    etag = (await press(button(f"{server.url}/blob.bin", output="full"), call)).output
                    await _break_off(pressed, path)
                    body = BLOB
                    if changed:
                        body = bytes(reversed(BLOB)) + b"!"
                        (server.home / "www" / "blob.bin").write_bytes(body)
                    outcome = await press(pressed, call)
                    assert outcome.status == "ok", (outcome, etag)
                assert path.read_bytes() == body
                assert file_names(tmp_path) == ["blob"]

        asyncio.run(main())


async def _break_off(pressed: Any, path: Path) -> None:
    """Cancel a download as soon as a part of it exists."""
    async with one_run() as call:
        task = asyncio.create_task(press(pressed, call))
        await asyncio.to_thread(until, lambda: task.done() or any(path.parent.glob(".*.part")))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
