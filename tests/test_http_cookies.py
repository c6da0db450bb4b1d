"""Cookies are sent back unchanged, and only to the servers that they are for."""

from __future__ import annotations

import asyncio
import itertools
import re
import time

import pytest
from http_rig import RawServer, answer_of, button, one_run, press, raw_server
from yarl import URL

from drawer_ipy.buttons.http.cookies import Cookies


def cookie_line(head: str) -> bytes | None:
    """The value of the Cookie header of a request, in bytes."""
    found = re.findall(rb"(?im)^cookie: ([^\r\n]*)\r$", head.encode(errors="surrogateescape"))
    assert len(found) <= 1
    return found[0] if found else None


async def sent_back(*headers: bytes, given: str = "") -> bytes | None:
    """The cookies that a server gets back after it sent these ``Set-Cookie`` headers."""

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        lines = b"".join(b"Set-Cookie: %b\r\n" % one for one in headers)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + lines + b"\r\n")

    async with raw_server(answer) as server, one_run() as call:
        fields = {"headers": {"Cookie": given}} if given else {}
        for _ in range(2):
            outcome = await press(button(f"{server.url}/a/b", cookies=True, **fields), call)
            assert outcome.status == "ok", outcome
        return cookie_line(server.heads[1])


@pytest.mark.parametrize(
    "pair",
    [
        b"sid=abc/def==",
        b"a=x,y",
        b'j={"id":1,"n":"a b"}',
        b'quoted="with blanks; '.rstrip(b"; "),
        b'q="abc"',
        b'q="\\054\\"x"',
        b"empty=",
        b"equals===a=b=",
        b"nameless",
        b"blanks=a b  c",
        b"latin=caf\xe9",
        "utf8=café😀".encode(),
        b"escaped=%2F%e9%zz+",
        b"brackets[0]={}|\\^`<>",
        b"Case=A",
        b"colon:name=@?&#!$*'()",
        b"long=" + b"x" * 8000,
        b"backslash=\\054",
        b"tab=a\tb",
    ],
    ids=repr,
)
def test_a_cookie_is_sent_back_byte_for_byte(pair: bytes) -> None:
    assert asyncio.run(sent_back(pair + b"; Path=/")) == pair


def test_cookie_names_are_case_sensitive_and_a_repeated_name_keeps_its_place() -> None:
    assert asyncio.run(sent_back(b"a=1", b"A=2", b"b=3", b"a=4")) == b"a=4; A=2; b=3"


def test_blanks_around_a_cookie_and_its_attributes_are_not_sent() -> None:
    header = b"  a  =  b c  ;  Path=/ ; HttpOnly; SameSite=Lax; Priority=High; Partitioned"
    assert asyncio.run(sent_back(header)) == b"a=b c"


@pytest.mark.parametrize("header", [b"", b"=", b"; Path=/", b"a=1\x01", b"a=\x7f", b" ; a=1"])
def test_invalid_cookies_are_ignored(header: bytes) -> None:
    assert asyncio.run(sent_back(header)) is None


def test_a_server_can_replace_cookies_of_the_buttons_own_cookie_header() -> None:
    assert asyncio.run(sent_back(given='mine="a b"; sid=old/==')) == b'mine="a b"; sid=old/=='
    assert asyncio.run(sent_back(b"sid=new/==", given='mine="a b"; sid=old/==')) == b'mine="a b"; sid=new/=='
    assert asyncio.run(sent_back(b"x=1", given="mine=1;other=2;")) == b"mine=1;other=2; x=1"


def test_each_hop_of_a_redirect_gets_and_sets_its_own_cookies() -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        where = server.url.replace("127.0.0.1", "localhost")
        writer.write(
            {
                "/login": answer_of(b"", "302 Found", Location="/in/a", Set_Cookie="sid=a/b==; Path=/"),
                "/in/a": answer_of(b"", "302 Found", Location=f"{where}/far", Set_Cookie="in=1"),
                "/far": answer_of(b"", "302 Found", Location=f"{server.url}/out", Set_Cookie="far=1"),
            }.get(path, answer_of(b"ok"))
        )

    async def main() -> None:
        async with raw_server(answer) as server, one_run() as call:
            pressed = button(f"{server.url}/login", cookies=True, headers={"Cookie": "own=1"})
            assert (await press(pressed, call)).output == "ok"
            # The button's own cookies go to its origin only.
            assert [cookie_line(head) for head in server.heads] == [
                b"own=1",
                b"own=1; sid=a/b==",
                None,
                b"sid=a/b==",
            ]
            await press(button(f"{server.url}/in/b", cookies=True), call)
            assert cookie_line(server.heads[-1]) == b"in=1; sid=a/b=="  # the longer path first

    asyncio.run(main())


def jar(*set_by: tuple[str, str]) -> Cookies:
    """A jar with the cookies of responses from these URLs."""
    made = Cookies()
    for url, header in set_by:
        made.take(header, URL(url, encoded=True))
    return made


@pytest.mark.parametrize(
    ("by", "header", "to", "sent"),
    [
        # Without a domain, a cookie is only for the host that set it.
        ("http://a.test/", "c=1", "http://a.test/", True),
        ("http://a.test/", "c=1", "http://a.test:8080/", True),
        ("http://a.test/", "c=1", "http://A.TEST/", True),
        ("http://a.test/", "c=1", "http://x.a.test/", False),
        ("http://x.a.test/", "c=1; Domain=a.test", "http://y.a.test/", True),
        ("http://x.a.test/", "c=1; domain=.A.Test", "http://a.test/", True),
        ("http://a.test/", "c=1; Domain=a.test", "http://x.a.test/", True),
        ("http://a.test/", "c=1; Domain=", "http://x.a.test/", False),
        ("http://a.test/", "c=1; Domain=", "http://a.test/", True),
        ("http://x.a.test/", "c=1; Domain=a.test", "http://xa.test/", False),
        # A host cannot set cookies for other hosts.
        ("http://a.test/", "c=1; Domain=b.test", "http://a.test/", False),
        ("http://a.test/", "c=1; Domain=b.test", "http://b.test/", False),
        ("http://a.test/", "c=1; Domain=x.a.test", "http://x.a.test/", False),
        ("http://xa.test/", "c=1; Domain=a.test", "http://a.test/", False),
        ("http://a.test/", "c=1; Domain=test", "http://b.test/", False),
        ("http://a.co.uk/", "c=1; Domain=co.uk", "http://b.co.uk/", False),
        ("http://a.co.uk/", "c=1; Domain=a.co.uk", "http://b.a.co.uk/", True),
        # Addresses and names without a dot.
        ("http://127.0.0.1/", "c=1", "http://127.0.0.1/", True),
        ("http://127.0.0.1/", "c=1; Domain=127.0.0.1", "http://127.0.0.1/", True),
        ("http://127.0.0.1/", "c=1; Domain=0.0.1", "http://127.0.0.1/", False),
        ("http://[::1]/", "c=1", "http://[::1]:81/", True),
        ("http://localhost/", "c=1; Domain=localhost", "http://localhost/", True),
        ("http://localhost/", "c=1; Domain=localhost", "http://x.localhost/", False),
        ("http://xn--bcher-kva.test/", "c=1; Domain=bücher.test", "http://a.xn--bcher-kva.test/", True),
        # Paths.
        ("http://a.test/", "c=1", "http://a.test/x/y", True),
        ("http://a.test/docs/page", "c=1", "http://a.test/docs", True),
        ("http://a.test/docs/page", "c=1", "http://a.test/docs/other", True),
        ("http://a.test/docs/page", "c=1", "http://a.test/docsy", False),
        ("http://a.test/docs/page", "c=1", "http://a.test/", False),
        ("http://a.test/docs", "c=1", "http://a.test/", True),
        ("http://a.test/x", "c=1; Path=/docs/", "http://a.test/docs", False),
        ("http://a.test/x", "c=1; Path=/docs/", "http://a.test/docs/a", True),
        ("http://a.test/x/y", "c=1; Path=docs", "http://a.test/x/z", True),
        ("http://a.test/x/y", "c=1; Path=", "http://a.test/z", False),
        ("http://a.test/", "c=1; Path=/a; Path=/b", "http://a.test/b", True),
        ("http://a.test/a%2Fb/c", "c=1", "http://a.test/a%2Fb/d", True),
        ("http://a.test/a%2Fb/c", "c=1", "http://a.test/a/b/d", False),
        ("http://a.test", "c=1", "http://a.test?q=1", True),
        # Secure cookies are sent only over https.
        ("https://a.test/", "c=1; Secure", "https://a.test/", True),
        ("https://a.test/", "c=1; secure", "http://a.test/", False),
        ("http://127.0.0.1/", "c=1; Secure", "http://127.0.0.1/", False),
        ("https://a.test/", "__Host-c=1; Secure; Path=/", "https://a.test/", True),
        ("https://a.test/", "__Host-c=1; Secure", "https://a.test/", False),
        ("https://a.test/", "__host-c=1; Path=/", "https://a.test/", False),
        ("https://a.test/", "__Host-c=1; Secure; Path=/; Domain=a.test", "https://a.test/", False),
        ("http://a.test/", "__Secure-c=1; Secure", "https://a.test/", False),
        ("https://a.test/", "__Secure-c=1; Secure; Domain=a.test", "https://b.a.test/", True),
        ("https://a.test/", "__Secure-c=1", "https://a.test/", False),
        ("https://a.test/", "=__Secure-c=1; Secure", "https://a.test/", False),
    ],
)
def test_a_cookie_is_sent_only_where_its_attributes_allow(by: str, header: str, to: str, sent: bool) -> None:
    assert bool(jar((by, header)).header(URL(to, encoded=True))) is sent


@pytest.mark.parametrize(
    ("attributes", "lives"),
    [
        ("Max-Age=0", False),
        ("Max-Age=-1", False),
        ("Max-Age=60", True),
        ("Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", True),
        ("Max-Age=0; Expires=Fri, 31 Dec 2999 23:59:59 GMT", False),
        ("Max-Age=99999999999999999999999999", True),
        ("Max-Age=1.5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
        ("Max-Age=soon", True),
        ("Max-Age=", True),
        ("Expires=Thu, 01 Jan 1970 00:00:00 GMT", False),
        ("Expires=Thu, 01-Jan-1970 00:00:01 GMT", False),
        ("Expires=Thu, 01-Jan-70 00:00:01 GMT", False),
        ("Expires=Thursday, 01-Jan-98 00:00:01 GMT", False),
        ("expires=Thu Jan  1 00:00:01 1998", False),
        ("Expires=Fri, 31 Dec 2999 23:59:59 GMT", True),
        ("Expires=Fri, 31-Dec-60 23:59:59 GMT", True),
        ("Expires=2999-12-31 23:59:59", True),
        ("Expires=1 Jan 1998 1:2:3 +0900", False),
        ("Expires=0", True),
        ("Expires=-1", True),
        ("Expires=", True),
        ("Expires=Thu, 32 Jan 1998 00:00:01 GMT", True),
        ("Expires=Thu, 29 Feb 1999 00:00:01 GMT", True),
        ("Expires=Thu, 01 Jan 1998 24:00:01 GMT", True),
        ("Expires=Thu, 01 Foo 1998 00:00:01 GMT", True),
    ],
)
def test_a_cookie_lasts_as_long_as_its_attributes_say(attributes: str, lives: bool) -> None:
    kept = jar(("http://a.test/", "c=old"), ("http://a.test/", f"c=new; {attributes}"))
    # An expired cookie also removes the older cookie with its name.
    assert kept.header(URL("http://a.test/")) == ("c=new" if lives else "")


def test_an_expired_cookie_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = jar(("http://a.test/", "c=1; Max-Age=60"), ("http://a.test/", "d=1"))
    now = time.time()
    monkeypatch.setattr("drawer_ipy.buttons.http.cookies.time.time", lambda: now + 61)
    assert kept.header(URL("http://a.test/")) == "d=1"


def test_only_a_cookie_with_the_same_path_and_domain_deletes_another() -> None:
    kept = jar(
        ("http://x.a.test/", "c=1"),
        ("http://x.a.test/", "c=2; Domain=a.test"),
        ("http://x.a.test/", "c=3; Path=/p"),
        ("http://x.a.test/", "c=; Max-Age=0; Domain=a.test"),
    )
    assert kept.header(URL("http://x.a.test/p")) == "c=3; c=1"


def test_a_server_cannot_fill_the_memory() -> None:
    kept = jar(*zip(itertools.repeat("http://a.test/"), (f"c{n}=1" for n in range(3000)), strict=False))
    names = kept.header(URL("http://a.test/")).split("; ")
    assert len(names) == 1000
    assert names[-1] == "c2999=1"
