"""Targets of redirects, byte for byte, and which headers and bodies are sent to them."""

from __future__ import annotations

import asyncio
import re

import pytest
from http_rig import RawServer, answer_of, button, one_run, press, raw_server
from multidict import CIMultiDict
from yarl import URL

from drawer_ipy.buttons import Outcome
from drawer_ipy.buttons.http.redirect import redirected
from drawer_ipy.buttons.http.request import Request
from drawer_ipy.buttons.http.url import resolved

HOME = "http://a.test/x/y?q=1"


async def follow(
    location: bytes | list[bytes], status: str = "302 Found", start: str = "/a/b", method: str = "GET"
) -> tuple[Outcome, list[str]]:
    """The outcome of a press whose first response has these Locations, and its request lines."""
    given = [location] if isinstance(location, bytes) else location

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        lines = b"".join(b"Location: %b\r\n" % one.replace(b"{here}", server.url.encode()) for one in given)
        first = b"HTTP/1.1 %b\r\nContent-Length: 0\r\n%b\r\n" % (status.encode(), lines)
        writer.write(first if len(server.heads) == 1 else answer_of(b"there"))

    async with raw_server(answer) as server, one_run() as call:
        outcome = await press(button(f"{server.url}{start}", method=method, output="full"), call)
        return outcome, [head.split("\r\n")[0] for head in server.heads]


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"/caf\xe9", "/caf%E9"),
        ("/café".encode(), "/caf%C3%A9"),
        (b"/?q=\xfc\xdf", "/?q=%FC%DF"),
        (b"/b c", "/b%20c"),
        (b" /b ", "/b"),
        (b"/b\tc", "/bc"),
        (b"/%7e/%2f%2F?a=%7E&b=%c3%a9+%20", "/%7e/%2f%2F?a=%7E&b=%c3%a9+%20"),
        (b"/get?X-Sig=a%2Bb%2fc%3D&X-Date=1:2,3;4", "/get?X-Sig=a%2Bb%2fc%3D&X-Date=1:2,3;4"),
        (b"/100%", "/100%"),
        (b"/%zz?%", "/%zz?%"),
        (b'/a|b[c]"d"{e}<f>^`', "/a|b[c]%22d%22%7Be%7D%3Cf%3E%5E%60"),
        (b'/?a|b[c]"d"{e}<f>^`\\\'', "/?a|b[c]%22d%22{e}%3Cf%3E^`\\'"),
        (b"\\w\\x", "/w/x"),
        (b"c", "/a/c"),
        (b"c:d/..", None),
        (b"./c:d", "/a/c:d"),
        (b"../c", "/c"),
        (b"../../../c/./d/../e", "/c/e"),
        (b"/a/b/..", "/a/"),
        (b"/a%2e%2e/b", "/a%2e%2e/b"),
        (b"//127.0.0.1:1/x", None),
        (b"?x=/../y", "/a/b?x=/../y"),
        (b"?", "/a/b?"),
        (b"/c?", "/c?"),
        (b"#top", "/a/b"),
        (b"/c#t\xe9p", "/c"),
        (b"{here}", "/"),
        (b"{here}?x", "/?x"),
        (b"{here}//a//b", "//a//b"),
        (b"HTTP:c", "/a/c"),
        (b"c;d=e?f;g", "/a/c;d=e?f;g"),
    ],
    ids=repr,
)
def test_the_target_of_a_redirect_is_requested_as_written(location: bytes, target: str | None) -> None:
    outcome, lines = asyncio.run(follow(location))
    if target is None:
        assert outcome.status == "error"
        assert len(lines) == 1
        return
    assert outcome.status == "ok", outcome
    assert lines[1] == f"GET {target} HTTP/1.1"
    assert outcome.output["url"].partition("#")[0].endswith(target)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 T", "308 P"])
@pytest.mark.parametrize("locations", [[], [b""], [b"  "]], ids=["none", "empty", "blank"])
def test_a_redirect_without_a_location_fails(status: str, locations: list[bytes]) -> None:
    outcome, lines = asyncio.run(follow(locations, status))
    assert (outcome.status, len(lines)) == ("error", 1)
    assert outcome.error is not None
    assert f"HTTP {status[:3]}" in outcome.error.message
    assert "Location" in outcome.error.remediation


@pytest.mark.parametrize(
    ("status", "ends"),
    [("300 Multiple Choices", "ok"), ("305 Use Proxy", "error"), ("306 Unused", "error"), ("399 X", "error")],
)
def test_other_3xx_statuses_are_not_followed(status: str, ends: str) -> None:
    outcome, lines = asyncio.run(follow(b"/c", status))
    assert (outcome.status, len(lines)) == (ends, 1)


def test_repeated_locations_are_followed_and_different_ones_are_an_error() -> None:
    outcome, lines = asyncio.run(follow([b"/c", b"/c"]))
    assert lines[1:] == ["GET /c HTTP/1.1"]
    outcome, lines = asyncio.run(follow([b"/c", b"/d"]))
    assert len(lines) == 1
    assert outcome.error is not None
    assert "2 different addresses" in outcome.error.message


def test_credentials_in_a_location_are_refused_and_not_shown() -> None:
    for location in (
        b"http://me:hush@127.0.0.1/",
        b"//me:hush@127.0.0.1/",
        b"http://me:hush@/",
        b"//hush@h:x/",
    ):
        outcome, lines = asyncio.run(follow(location))
        assert len(lines) == 1
        assert outcome.error is not None
        assert "hush" not in f"{outcome.error.message}{outcome.stderr}"


@pytest.mark.parametrize(
    ("reference", "whole"),
    [
        ("http://b.test", "http://b.test/"),
        ("HTTPS://B.Test:443/A", "https://b.test/A"),
        ("http://b.test:80?x", "http://b.test/?x"),
        ("//b.test:81/", "http://b.test:81/"),
        ("\\\\b.test\\x", "http://b.test/x"),
        ("http://bücher.test/ü", "http://xn--bcher-kva.test/%C3%BC"),
        ("http://[::1]:8/", "http://[::1]:8/"),
        ("#z", f"{HOME}#z"),
        ("", HOME),
    ],
)
def test_absolute_and_relative_references_are_resolved(reference: str, whole: str) -> None:
    assert resolved(HOME, reference) == whole
    # A reference without a fragment inherits the fragment of its base.
    assert resolved(f"{HOME}#part", reference) == (whole if "#" in whole else f"{whole}#part")


@pytest.mark.parametrize(
    "reference",
    [
        "http://",
        "http:///x",
        "//",
        "http://h:x/",
        "http://h:99999/",
        "http://a|b/",
        "https:b",
        "http://h%00/",
        "http://[::1/",
    ],
)
def test_a_url_without_a_host_is_invalid(reference: str) -> None:
    for one in (reference, reference.replace("|", " "), reference.replace("|", "\x7f")):
        with pytest.raises(ValueError, match=r"."):
            resolved(HOME, one)


# Headers and bodies of redirected requests

GIVEN = {"Authorization": "Bearer x", "X-Key": "k", "Cookie": "a=b", "Accept": "text/html"}
OF_BODY = {"Content-Type": "application/json", "Content-Language": "en"}


def sent_on(here: str, there: str, status: int, method: str) -> Request:
    request = Request(method, URL(here), CIMultiDict({**GIVEN, **OF_BODY}), b"{}", here)
    return redirected(request, status, there)


@pytest.mark.parametrize(
    ("here", "there", "kept"),
    [
        ("http://a.test/", "http://a.test:80/x", True),
        ("http://a.test/", "https://a.test/x", True),
        ("http://a.test:80/", "https://A.test:443/", True),
        ("https://a.test/", "http://a.test/", False),
        ("http://a.test:8080/", "https://a.test/", False),
        ("http://a.test/", "https://a.test:8443/", False),
        ("http://a.test/", "https://b.a.test/", False),
        ("http://a.test/", "http://a.test:81/", False),
        ("https://a.test/", "https://b.test/", False),
    ],
)
def test_headers_are_sent_only_within_the_origin_or_from_http_to_https(
    here: str, there: str, kept: bool
) -> None:
    for status in (302, 307):
        headers = sent_on(here, there, status, "GET").headers
        assert ("Authorization" in headers, "X-Key" in headers, "Cookie" in headers) == (kept,) * 3
        assert headers["Accept"] == "text/html"


@pytest.mark.parametrize("there", ["/x", "http://b.test/x", "https://a.test/x"])
@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (302, "DELETE", "DELETE"),
        (302, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PATCH", "PATCH"),
    ],
)
def test_a_body_and_its_headers_are_both_kept_or_both_dropped(
    there: str, status: int, method: str, then: str
) -> None:
    request = sent_on("http://a.test/", there, status, method)
    kept = status != 303 and method == then
    assert request.method == then
    assert request.body == (b"{}" if kept else None)
    assert [name for name in OF_BODY if name in request.headers] == (list(OF_BODY) if kept else [])


# URLs of the user


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("/%7e/%2F?sig=a%2bB%3d&e=%c3%a9", "/%7e/%2F?sig=a%2bB%3d&e=%c3%a9"),
        ("/~a/(b)!$&'*+,;=:@", "/~a/(b)!$&'*+,;=:@"),
        ("/a?", "/a?"),
        ("?a=/b", "/?a=/b"),
        ("", "/"),
        ("/é?ü=ß", "/%C3%A9?%C3%BC=%C3%9F"),
        ("/a b?c d", "/a%20b?c%20d"),
        ("/a|b[1]?c|d[1]={x}", "/a|b[1]?c|d[1]={x}"),
        ('/"<>`{}\\^', "/%22%3C%3E%60%7B%7D%5C%5E"),
        ("/100%", "/100%"),
        ("//a/../b/./c", "//a/../b/./c"),
        ("/a#b?c", "/a"),
        ("/a?b#c d", "/a?b"),
    ],
)
@pytest.mark.parametrize("given", [True, False], ids=["given", "fixed"])
def test_a_given_url_is_requested_as_written(written: str, target: str, given: bool) -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of())

    async def main() -> str:
        async with raw_server(answer) as server, one_run() as call:
            url = f"{server.url}{written}"
            pressed = button("{{url}}") if given else button(url)
            outcome = await press(pressed, call, **({"url": url} if given else {}))
            assert outcome.status == "ok", outcome
            return server.heads[0]

    assert re.split(r" |\r", asyncio.run(main()))[1] == target
