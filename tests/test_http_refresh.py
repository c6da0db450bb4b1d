"""`meta_refresh: true`: the refresh of a page is followed like a redirect."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from http_rig import RawServer, answer_of, button, one_run, press, raw_server
from wire_rig import Sent, loop_of, wire_server
from wire_rig import pressed as pressed_drawer

from drawer_ipy import DefinitionError
from drawer_ipy import press as press_drawer
from drawer_ipy.buttons import Outcome
from drawer_ipy.buttons.http.button import HttpButton
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings


def pressed(pages: Mapping[str, Any], **fields: Any) -> tuple[Outcome, list[str]]:
    """The outcome of a press of ``/``, and the heads of its requests."""

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        found = pages.get(path)
        if found is None:
            writer.write(answer_of(b"gone", "404 Not Found"))
        elif isinstance(found, tuple):
            writer.write(answer_of(found[0].encode(), **found[1]))
        else:
            writer.write(answer_of(found.encode(), Content_Type="text/html"))

    async def run() -> tuple[Outcome, list[str]]:
        async with raw_server(answer) as server, one_run() as call:
            outcome = await press(button(f"{server.url}/", **{"meta_refresh": True, **fields}), call)
            return outcome, server.heads

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("page", "target"),
    [
        ('<meta http-equiv="refresh" content="0; url=/next">', "/next"),
        ("<META HTTP-EQUIV=Refresh CONTENT='5;URL=next'>", "/next"),
        ('<meta content="0;url=\'/next\'" http-equiv=refresh>', "/next"),
        ('<meta http-equiv=refresh content="0, /next">', "/next"),
        ('<meta http-equiv=refresh content="0 /next">', "/next"),
        ('<meta http-equiv=refresh content=".5;url=/next">', "/next"),
        ('<meta http-equiv=refresh content="0; url = /a b?x=&eacute;&amp;y=1">', "/a%20b?x=%C3%A9&y=1"),
        ('<base href="/d/"><meta http-equiv=refresh content="0;url=next">', "/d/next"),
        ('<!-- <meta http-equiv=refresh content="0;url=/no"> -->'
         '<meta http-equiv=refresh content="0;/next">', "/next"),
        ('<noscript><meta http-equiv=refresh content="0;url=/no"></noscript>'
         '<meta http-equiv=refresh content="0;url=/next#x">', "/next"),
    ],
)  # fmt: skip
def test_a_refresh_is_followed(page: str, target: str) -> None:
    outcome, heads = pressed({"/": page, target: "there"})
    assert outcome.output == "there"
    assert [head.split()[1] for head in heads] == ["/", target]
    assert outcome.about is not None
    assert outcome.about["url"].endswith(target)


@pytest.mark.parametrize(
    "page",
    [
        "<p>none</p>",
        '<meta http-equiv=refresh content="5">',
        '<meta http-equiv=refresh content="300;url=/next">',
        '<meta http-equiv=refresh content="x;url=/next">',
        '<meta http-equiv=refresh content="0;url=/">',
        '<meta http-equiv=refresh content="0;url=#top">',
        '<meta http-equiv=refresh content="0;url=javascript:go()">',
        '<meta http-equiv=refresh content="0;url=mailto:a@b.example">',
        "<script>\"<meta http-equiv=refresh content='0;url=/next'>\"</script>",
        '<noscript><meta http-equiv=refresh content="0;url=/next"></noscript>',
        '<!-- <meta http-equiv=refresh content="0;url=/next"> -->',
    ],
)
def test_a_page_without_a_valid_refresh_is_the_output(page: str) -> None:
    outcome, heads = pressed({"/": page, "/next": "there"})
    assert (outcome.output, len(heads)) == (page, 1)


def test_a_refresh_is_followed_only_with_meta_refresh() -> None:
    page = '<meta http-equiv="refresh" content="0; url=/next">'
    assert pressed({"/": page, "/next": "there"}, meta_refresh=False)[0].output == page


def test_the_refresh_header_is_followed() -> None:
    outcome, _ = pressed(
        {"/": ("wait", {"Refresh": "0; url=/next", "Content_Type": "text/plain"}), "/next": "there"}
    )
    assert outcome.output == "there"


def test_an_endless_circle_of_refreshes_is_an_error() -> None:
    pages = {
        "/": '<meta http-equiv=refresh content="0;url=/a">',
        "/a": '<meta http-equiv=refresh content="0;url=/">',
    }
    outcome, heads = pressed(pages)
    assert outcome.error is not None
    assert "more than 10 meta refreshes" in outcome.error.message
    assert len(heads) == 11


def test_a_refresh_to_a_missing_page_fails() -> None:
    outcome, _ = pressed({"/": '<meta http-equiv=refresh content="0;url=/gone">'})
    assert outcome.exit_code == 404


def test_a_refresh_to_another_host_sends_no_credentials() -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(b"there", Content_Type="text/html"))

    async def run() -> tuple[Outcome, list[str], list[str]]:
        async with raw_server(answer) as other:
            pages = {"/": f'<meta http-equiv=refresh content="0;url={other.url}/next">'}
            outcome, heads = await asyncio.to_thread(pressed, pages, headers={"X-Key": "k"})
            return outcome, heads, other.heads

    outcome, heads, others = asyncio.run(run())
    assert outcome.output == "there"
    assert "x-key" in heads[0].lower()
    assert "x-key" not in others[0].lower()


def test_a_refresh_after_a_redirect_to_another_host_sends_no_credentials() -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        page = b"there" if path == "/next" else b'<meta http-equiv=refresh content="0;url=/next">'
        writer.write(answer_of(page, Content_Type="text/html"))

    async def run() -> list[str]:
        async with raw_server(answer) as other:

            async def redirect(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
                writer.write(answer_of(b"", "302 Found", Location=f"{other.url}/"))

            async with raw_server(redirect) as server, one_run() as call:
                page = button(server.url, meta_refresh=True, headers={"X-Key": "k"})
                assert (await press(page, call)).output == "there"
            return other.heads

    heads = asyncio.run(run())
    assert len(heads) == 2
    assert not any("x-key" in head.lower() for head in heads)


@pytest.mark.parametrize("target", ["http://10.0.0.1/", "http://[::ffff:10.0.0.1]/", "http://0x0a000001/"])
def test_a_refresh_into_a_private_network_is_refused(target: str) -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        page = f'<meta http-equiv=refresh content="0;url={target}">'
        writer.write(answer_of(page.encode(), Content_Type="text/html"))

    async def run() -> Outcome:
        async with raw_server(answer) as server, one_run() as call:
            spec = ButtonSpec.model_validate({"name": "b", "url": server.url, "meta_refresh": True})
            return await press(HttpButton(spec, lambda: {server.url}), call)

    outcome = asyncio.run(run())
    assert outcome.error is not None
    assert "private" in outcome.error.message


def test_a_page_cached_without_meta_refresh_is_not_used_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        page = b"there" if path == "/next" else b'<meta http-equiv=refresh content="0;url=/next">'
        writer.write(answer_of(page, Content_Type="text/html"))

    async def run() -> list[Any]:
        out = []
        async with raw_server(answer) as server:
            for refresh in (False, True, True):
                spec = {"url": server.url, "cache": "1h", "meta_refresh": refresh}
                drawer = {"name": "t", "buttons": {"get": {**spec, "allow_private_networks": True}}}
                drawer["steps"] = [{"id": "a", "button": "get"}]
                record = await prepare(drawer, around=Surroundings()).run.execute()
                out.append(record.steps[0].output)
            out.append(len(server.heads))
        return out

    first, *rest = asyncio.run(run())
    assert first.startswith("<meta")
    assert rest == ["there", "there", 3]


def refresh_to(url: str) -> bytes:
    page = f'<meta http-equiv=refresh content="0;url={url}">'
    return answer_of(page.encode(), Content_Type="text/html")


def test_a_token_is_sent_with_refreshes_within_its_origin_only() -> None:
    async def main() -> tuple[list[str], list[str | None], list[str | None]]:
        def elsewhere(sent: Sent) -> bytes:
            return refresh_to("/on") if sent.target == "/" else refresh_to(f"{wire.url}/back")

        def reply(sent: Sent) -> bytes:
            if sent.target == "/login":
                return answer_of(b"t0ken", Content_Type="text/plain")
            if sent.target == "/back":
                return answer_of(b"there", Content_Type="text/html")
            if sent.headers.get("authorization") != "Bearer t0ken":
                return answer_of(b"who?", "401 Unauthorized")
            return refresh_to("/next" if sent.target == "/0" else f"{other.url}/")

        async with wire_server(elsewhere) as other, wire_server(reply) as wire:
            page = {"url": wire.url + "/{{id}}", "auth": {"token": "login"}, "meta_refresh": True}
            drawer = loop_of(page, login={"url": wire.url + "/login"})
            results, _ = await pressed_drawer(drawer, {"ids": [0]})
            assert results.run.status == "ok", results.errors
            sent = [[one.headers.get("authorization") for one in server.sent] for server in (wire, other)]
            return wire.targets, sent[0], sent[1]

    targets, here, there = asyncio.run(main())
    assert targets == ["/login", "/0", "/next", "/back"]
    assert here == [None, "Bearer t0ken", "Bearer t0ken", None]
    assert there == [None, None]


def test_a_refresh_after_a_post_is_a_get_without_content_headers() -> None:
    def reply(sent: Sent) -> bytes:
        return refresh_to("/next") if sent.target == "/" else answer_of(b"there", Content_Type="text/html")

    async def main() -> list[tuple[str, str | None]]:
        async with wire_server(reply) as wire, one_run() as call:
            made = button(f"{wire.url}/", meta_refresh=True, method="POST", body={"a": 1})
            assert (await press(made, call)).output == "there"
            return [(sent.method, sent.headers.get("content-type")) for sent in wire.sent]

    assert asyncio.run(main()) == [("POST", "application/json"), ("GET", None)]


def test_meta_refresh_cannot_be_combined_with_save() -> None:
    text = "name: t\nbuttons:\n  get: {url: http://h.example/, meta_refresh: true, save: a.html}\n"
    with pytest.raises(DefinitionError, match="`meta_refresh` cannot be combined with `save`"):
        press_drawer(f"{text}steps: [{{id: a, button: get}}]\n", quiet=True)
