"""robots.txt: which rules apply (RFC 9309), and how much of the file is read."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from http_rig import RawServer, answer_of, button, one_run, press, raw_server

from drawer_ipy.buttons import Outcome
from drawer_ipy.buttons.http.robots_rules import RobotsRules

AGENT = "drawer_ipy/0.1"


@pytest.mark.parametrize(
    ("text", "target", "allowed"),
    [
        ("", "/x", True),
        ("User-agent: *\nDisallow: /", "/x", False),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
        ("User-agent: *\nDisallow:", "/x", True),
        ("disallow: /", "/x", True),
        ("USER-AGENT : * \r\nDISALLOW : /x # why\r\n", "/x", False),
        ("User-agent: *\rDisallow: /x\rAllow: /", "/x", False),
        ("\ufeffUser-agent: *\nDisallow: /", "/x", False),
        ("user-agent *\ndisallow /", "/x", False),
        ("useragent: *\ndissallow: /", "/x", False),
        ("<html><body>Not found: /</body></html>", "/x", True),
        # The longest rule applies; of two equally long ones, the one that allows.
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b", True),
        ("User-agent: *\nAllow: /a/b\nDisallow: /a", "/a/c", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nAllow: /p\nDisallow: /*.htm", "/page.htm", False),
        ("User-agent: *\nDisallow: /\nAllow: /$", "/", True),
        ("User-agent: *\nDisallow: /\nAllow: /$", "/x", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf?x", True),
        ("User-agent: *\nDisallow: /*?", "/a?", False),
        ("User-agent: *\nDisallow: /*?", "/a", True),
        ("User-agent: *\nDisallow: /a*b*c", "/abxc", False),
        ("User-agent: *\nDisallow: /a*b*c$", "/abcx", True),
        ("User-agent: *\nDisallow: /ab*b$", "/ab", True),
        ("User-agent: *\nDisallow: *x", "/y/x", False),
        ("User-agent: *\nDisallow: x", "/x", True),
        ("User-agent: *\nDisallow: /X", "/x", True),
        # Escapes.
        ("User-agent: *\nDisallow: /é", "/%C3%A9", False),
        ("User-agent: *\nDisallow: /%c3%a9", "/%C3%A9", False),
        ("User-agent: *\nDisallow: /%7Eme", "/~me", False),
        ("User-agent: *\nDisallow: /~me", "/%7eme", False),
        ("User-agent: *\nDisallow: /a%2Fb", "/a/b", True),
        ("User-agent: *\nDisallow: /100%", "/100%", False),
        # The group of the agent.
        ("User-agent: other\nDisallow: /", "/x", True),
        ("User-agent: Drawer_IPY\nDisallow: /", "/x", False),
        ("User-agent: drawer_ipy/9\nDisallow: /", "/x", False),
        ("User-agent: drawer\nDisallow: /", "/x", True),
        ("User-agent: *\nDisallow: /\nUser-agent: drawer_ipy\nDisallow: /y", "/x", True),
        ("User-agent: drawer_ipy\nDisallow: /y\nUser-agent: *\nDisallow: /", "/x", True),
        ("User-agent: a\nUser-agent: drawer_ipy\nDisallow: /x", "/x", False),
        ("User-agent: drawer_ipy\nSitemap: http://h/s\n\nUser-agent: *\nDisallow: /", "/x", False),
        (
            "User-agent: drawer_ipy\nAllow: /\nUser-agent: a\nDisallow: /\n"
            "User-agent: drawer_ipy\nDisallow: /y",
            "/y",
            False,
        ),
        ("User-agent: drawer_ipy\nDisallow:\nUser-agent: *\nDisallow: /", "/x", True),
        ("User-agent: **\nDisallow: /", "/x", True),
    ],
)
def test_the_rules_of_rfc_9309_are_applied(text: str, target: str, allowed: bool) -> None:
    assert RobotsRules(text.encode()).group(AGENT).allows(target) is allowed


@pytest.mark.parametrize(
    ("agent", "allowed"),
    [
        ("Mozilla/5.0 (compatible; FooBot/2.1; +http://foo.test/bot)", False),
        ("foobot", False),
        ("FooBot-News/1", True),
        ("NotFooBot/1", True),
        ("", True),
    ],
)
def test_a_group_matches_a_word_of_the_agents_name(agent: str, allowed: bool) -> None:
    rules = RobotsRules(b"User-agent: FooBot\nDisallow: /\nUser-agent: foobot-news\nDisallow: /y\n")
    assert rules.group(agent).allows("/x") is allowed


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        (b"User-agent: *\nCrawl-delay: 2.5", 2.5),
        (b"User-agent: *\nCrawl-delay: 1\nUser-agent: drawer_ipy\nCrawl-delay: 3", 3),
        (b"User-agent: a\nCrawl-delay: 9\nUser-agent: *\nDisallow: /x", 0),
        (b"User-agent: *\nCrawl-delay: soon", 0),
        (b"User-agent: *\nCrawl-delay: -1", 0),
        (b"User-agent: *\nCrawl-delay: inf", 0),
        (b"User-agent: *\nCrawl-delay: nan", 0),
    ],
)
def test_the_crawl_delay_is_read(text: bytes, delay: float) -> None:
    assert RobotsRules(text).group(AGENT).delay == delay


def test_a_pattern_with_many_stars_is_matched_quickly() -> None:
    rules = RobotsRules(b"User-agent: *\nDisallow: /" + b"*a" * 5000 + b"$\n")
    assert rules.group(AGENT).allows("/" + "a" * 4000 + "b")


# Over the wire


async def ask(robots: bytes, path: str = "/x", raw: bool = False, **fields: object) -> tuple[Outcome, int]:
    """The outcome of a request for `path` with this robots.txt, and the number of requests."""

    async def answer(server: RawServer, target: str, writer: asyncio.StreamWriter) -> None:
        if target == "/robots.txt":
            writer.write(robots if raw else answer_of(robots, Content_Type="text/plain"))
        else:
            writer.write(answer_of())

    async with raw_server(answer) as server, one_run() as call:
        outcome = await press(button(f"{server.url}{path}", robots=True, **fields), call)
        return outcome, len(server.heads)


FILLING = b"# " + b"x" * 61 + b"\n"


def test_robots_txt_is_read_up_to_500_kib_whatever_the_limit_of_bodies() -> None:
    rule = b"User-agent: *\nDisallow: /x\n"
    beyond = FILLING * 8000 + rule  # starts at 512,000
    within = FILLING * 7990 + rule + FILLING * 100_000
    assert asyncio.run(ask(within, max_response_bytes=100))[0].status == "error"
    assert asyncio.run(ask(beyond, max_response_bytes=100))[0].status == "ok"
    packed = answer_of(gzip.compress(within), Content_Encoding="gzip")
    assert asyncio.run(ask(packed, raw=True))[0].status == "error"


def test_a_rule_cut_off_at_the_limit_is_ignored() -> None:
    text = b"User-agent: *\n" + FILLING * 7999
    text += b"#" * (500 * 1024 - len(text) - 12) + b"\n" + b"Disallow: /x/private\n"
    assert text[500 * 1024 - 1 :].startswith(b"/x/private") or b"Disallow: /" in text[: 500 * 1024]
    assert asyncio.run(ask(text))[0].status == "ok"


def test_html_allows_everything_and_a_broken_redirect_nothing() -> None:
    assert asyncio.run(ask(b"<!doctype html><p>Sign in: /</p>"))[0].status == "ok"
    assert asyncio.run(ask(b"User-agent: *\nDisallow: /caf\xe9", "/caf%E9"))[0].status == "error"
    assert asyncio.run(ask(answer_of(b"", "404 Not Found"), raw=True))[0].status == "ok"
    outcome, requests = asyncio.run(ask(answer_of(b"", "302 Found", Location="/robots.txt"), raw=True))
    assert (outcome.status, requests) == ("error", 11)
    outcome, _ = asyncio.run(ask(answer_of(b"", "302 Found", Location="ftp://h/"), raw=True))
    assert outcome.error is not None
    assert "robots.txt" in outcome.error.message
