"""The addresses of next pages: how they are escaped, and how a page is recognized under another address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from http_rig import RawServer, answer_of, raw_server

from drawer_ipy import Results
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings

EXTRACT = {"items": "css:li[]", "next": "css:a.next::attr(href)"}


def page(item: str, following: str | None = None, head: str = "") -> bytes:
    link = "" if following is None else f'<a class="next" href="{following}">next</a>'
    return f"{head}<ul><li>{item}</li></ul>{link}".encode()


Sent = bytes | tuple[str, str]
"""A page, or a status and the Location it redirects to."""


def pressed(
    pages: Mapping[str, Sent], start: str = "/1", kind: str = "text/html; charset=utf-8", **fields: Any
) -> tuple[Any, list[str], list[str]]:
    """Press a button that follows `pages` from `start`; return its output, its notes and the targets."""

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        found = pages.get(path, ("404 Not Found", ""))
        if isinstance(found, bytes):
            writer.write(answer_of(found, Content_Type=kind))
        else:
            writer.write(answer_of(b"", found[0], Location=found[1]))

    async def run() -> tuple[Any, list[str], list[str]]:
        async with raw_server(answer) as server:
            fields_ = {"extract": EXTRACT, "follow": "next", "allow_private_networks": True, **fields}
            buttons = {"get": {"url": f"{server.url}{start}", **fields_}}
            drawer = {"name": "t", "buttons": buttons, "steps": [{"id": "a", "button": "get"}]}
            job = prepare(drawer, around=Surroundings())
            results = Results.of(await job.run.execute())
            targets = [head.split()[1] for head in server.heads]
            return results.run.steps[0].output, job.run.notes, targets

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("?q=red shoes", "/1?q=red%20shoes"),
        ("/é?é=ü", "/%C3%A9?%C3%A9=%C3%BC"),
        ("/a\tb\nc", "/abc"),
        (" \n /2 ", "/2"),
        ("/2\x01", "/2"),
        ("/a&quot;b&lt;c", "/a%22b%3Cc"),
        ("/a%20b?c=%e9&d=100%", "/a%20b?c=%e9&d=100%"),
        ("?a=[1]&amp;b={x}", "/1?a=[1]&b={x}"),
        ("\\2", "/2"),
        ("/2#top of it", "/2"),
        ("?p=2&amp;q=a+b", "/1?p=2&q=a+b"),
    ],
)
def test_the_next_address_is_escaped_as_in_browsers(href: str, target: str) -> None:
    output, notes, heads = pressed({"/1": page("a", href), target: page("b")})
    assert (output["items"], heads, notes) == (["a", "b"], ["/1", target], [])


@pytest.mark.parametrize("kind", ["text", "raw", "url"])
def test_a_relative_address_of_any_type_is_followed(kind: str) -> None:
    extract = {"items": "css:li[]", "next": f"css:a.next::attr(href)|{kind}"}
    output, _, heads = pressed({"/1": page("a", "red shoes"), "/red%20shoes": page("b")}, extract=extract)
    assert (output["items"], heads) == (["a", "b"], ["/1", "/red%20shoes"])


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect"])
def test_a_redirect_to_an_earlier_page_does_not_repeat_its_items(status: str) -> None:
    output, notes, heads = pressed({"/1": page("a", "/2"), "/2": (status, "/1")})
    assert (output["items"], heads) == (["a"], ["/1", "/2", "/1"])
    assert len(notes) == 1
    assert "page 2 was already fetched: http://127.0.0.1:" in notes[0]
    assert notes[0].endswith("/1")


def test_a_redirect_to_a_new_page_is_followed() -> None:
    output, notes, _ = pressed({"/1": page("a", "/go"), "/go": ("302 Found", "/2"), "/2": page("b")})
    assert (output["items"], notes) == (["a", "b"], [])


@pytest.mark.parametrize("back", ["/%7e1", "/~1", "/./~1", "/~1#x", "#", ""])
def test_another_spelling_of_a_fetched_page_ends_the_listing(back: str) -> None:
    output, notes, heads = pressed({"/~1": page("a", back)}, "/~1")
    assert (output["items"], heads) == (["a"], ["/~1"])
    assert "page 1 leads back to" in notes[0]


@pytest.mark.parametrize("link", ["javascript:more()", "mailto:a@b.example", "http://[", "tel:+1", "data:,x"])
def test_an_invalid_address_ends_the_listing_with_a_note(link: str) -> None:
    output, notes, _ = pressed({"/1": page("a", link)})
    assert output["items"] == ["a"]
    assert f"the next page after page 1 has no valid address: {link!r}" in notes[0]


def test_the_base_element_of_a_page_is_used() -> None:
    first = page("a", "red shoes", head='<base href="/shop/">')
    output, _, heads = pressed({"/1": first, "/shop/red%20shoes": page("b")})
    assert (output["items"], heads) == (["a", "b"], ["/1", "/shop/red%20shoes"])


@pytest.mark.parametrize(
    ("encoding", "href", "target"),
    [
        ("windows-1251", "?q=поиск", "/1?q=%EF%EE%E8%F1%EA"),
        ("windows-1251", "/путь?q=é", "/%D0%BF%D1%83%D1%82%D1%8C?q=%26%23233%3B"),
        ("shift_jis", "?q=日", "/1?q=%93%FA"),
        ("iso-8859-1", "?q=é%E9", "/1?q=%E9%E9"),
        ("utf-8", "?q=é", "/1?q=%C3%A9"),
    ],
)
def test_a_query_is_escaped_in_the_encoding_of_its_page(encoding: str, href: str, target: str) -> None:
    text = page("a", href.replace("é", "&eacute;") if encoding == "windows-1251" else href).decode()
    first = f"<meta charset={encoding}>{text}".encode(encoding)
    output, notes, heads = pressed({"/1": first, target: page("b")}, kind="text/html")
    assert (output["items"], heads, notes) == (["a", "b"], ["/1", target], [])
