"""Requests to nginx and Apache: redirects, compression, kept connections, ranges, cookies and TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from http_rig import button, fetch_each, loop, one_run, press
from real_servers import BLOB, PAGE, RealServer, program, real_server

from drawer_ipy.buttons import Outcome


@pytest.fixture(scope="module", params=["nginx", "apache2"])
def server(request: pytest.FixtureRequest) -> Iterator[RealServer]:
    if program(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    with real_server(request.param) as running:
        yield running


def fetched(url: str, **fields: Any) -> Outcome:
    async def main() -> Outcome:
        async with one_run() as call:
            return await press(button(url, output="full", **fields), call)

    return asyncio.run(main())


def echo(outcome: Outcome) -> str:
    """The request as the server received it."""
    assert outcome.status == "ok", outcome
    output = outcome.output
    return str(output["headers"].get("x-echo") or output["text"])


@pytest.mark.parametrize(
    ("path", "end"),
    [("/moved", "/page.html"), ("/relative?a=%7e%2f+b|c", "/echo?a=%7e%2f+b|c"), ("/other", "/echo")],
)
def test_redirects_are_followed_without_changing_their_escapes(
    path: str, end: str, server: RealServer
) -> None:
    outcome = fetched(f"{server.url}{path}")
    assert outcome.status == "ok", outcome
    assert outcome.output["url"].endswith(end)
    if "?" in path:
        assert end in echo(outcome)


def test_a_redirect_to_tls_is_followed(server: RealServer) -> None:
    outcome = fetched(f"{server.url}/upgrade", verify=server.authority)
    assert outcome.output["text"] == PAGE
    assert outcome.output["url"] == f"{server.secure}/page.html"


def test_compressed_pages_are_decompressed(server: RealServer) -> None:
    outcome = fetched(f"{server.url}/page.html")
    assert outcome.output["headers"]["content-encoding"] == "gzip"
    assert outcome.output["text"] == PAGE
    plain = fetched(f"{server.url}/page.html", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.output["headers"]
    assert plain.output["text"] == PAGE


def test_a_range_request_returns_the_range(server: RealServer) -> None:
    outcome = fetched(f"{server.url}/blob.bin", headers={"Range": "bytes=256-511"})
    assert outcome.output["status"] == 206
    assert outcome.output["bytes"] == BLOB[256:512]
    beyond = fetched(f"{server.url}/blob.bin", headers={"Range": f"bytes={len(BLOB)}-"})
    assert (beyond.status, beyond.exit_code) == ("error", 416)


def test_a_conditional_request_returns_304(server: RealServer) -> None:
    etag = fetched(f"{server.url}/blob.bin").output["headers"]["etag"]
    outcome = fetched(f"{server.url}/blob.bin", headers={"If-None-Match": etag})
    assert outcome.output["status"] == 304
    assert fetched(f"{server.url}/blob.bin", method="HEAD").output["headers"]["etag"] == etag


def test_cookies_are_sent_back_unchanged(server: RealServer) -> None:
    outcome = fetched(
        f"{server.url}/login", cookies=True, method="POST", body="x", headers={"Content-Type": "a/b"}
    )
    request = echo(outcome)
    assert request.startswith("GET ")
    assert request.endswith('[sid="a/b==, c"]')


def test_a_403_with_retry_after_is_not_retried_at_once(server: RealServer) -> None:
    outcome = fetched(f"{server.url}/busy", retries=2)
    assert (outcome.status, outcome.exit_code, outcome.retry_after) == ("error", 403, 400)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_each_item_of_a_loop_gets_its_own_body(secure: bool, server: RealServer) -> None:
    origin = server.secure if secure else server.url
    drawer = loop("{{id}}", 8, allow_private_networks=True, verify=server.authority)
    paths = ["/page.html", "/blob.bin", "/echo", "/moved", "/missing"] * 20
    results = asyncio.run(fetch_each(drawer, [f"{origin}{path}" for path in paths]))
    for path, result in zip(paths, results, strict=True):
        if path == "/missing":
            assert result.error is not None
        elif path in ("/page.html", "/moved"):
            assert result.output == PAGE
        elif path == "/blob.bin":
            assert result.output == BLOB


def test_a_certificate_from_an_unknown_authority_is_refused(server: RealServer) -> None:
    assert "no secure connection" in str(fetched(f"{server.secure}/page.html").error)
    assert fetched(f"{server.secure}/page.html", verify=False).output["text"] == PAGE


def test_a_body_is_saved_whole(server: RealServer, tmp_path: Path) -> None:
    fetched(f"{server.url}/blob.bin", save=f"{tmp_path}/blob")
    assert (tmp_path / "blob").read_bytes() == BLOB
