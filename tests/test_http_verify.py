"""`verify` of a button: which certificates it accepts, and the note when it accepts all."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from http_rig import RawServer, answer_of, button, fetch_each, loop, one_run, press, raw_server
from socks_rig import socks_proxy

from drawer_ipy import Drawer
from drawer_ipy.buttons import Outcome
from drawer_ipy.errors import Alarm, DefinitionError, UsageError
from drawer_ipy.style.notes import note_in_colour


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def context_for(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def ok(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
    writer.write(answer_of())


def fetched(authority: trustme.CA, name: str = "127.0.0.1", **fields: Any) -> Outcome:
    """The outcome of a press of a site whose certificate is for `name`."""

    async def main() -> Outcome:
        async with raw_server(ok, context_for(authority, name)) as server, one_run() as call:
            return await press(button(server.url, **fields), call)

    return asyncio.run(main())


def test_only_the_authorities_of_the_file_are_trusted(
    authority: trustme.CA, file: str, tmp_path: Path
) -> None:
    assert fetched(authority, verify=file).output == "ok"
    assert fetched(authority, verify=file).note == ""
    assert "no secure connection" in str(fetched(authority).error)
    assert "no secure connection" in str(fetched(trustme.CA(), verify=file).error)
    assert "not valid for" in str(fetched(authority, "other.test", verify=file).error)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    assert "no secure connection" in str(fetched(authority, verify=str(other)).error)
    both = tmp_path / "both.pem"
    both.write_text(other.read_text() + Path(file).read_text())
    assert fetched(authority, verify=str(both)).output == "ok"


def test_verify_false_checks_nothing_and_causes_a_note(authority: trustme.CA) -> None:
    for name in ("127.0.0.1", "other.test"):
        outcome = fetched(authority, name, verify=False)
        assert outcome.output == "ok", outcome
        assert isinstance(outcome.note, Alarm)
        assert "does not verify certificates" in outcome.note
    assert note_in_colour(outcome.note).startswith("\x1b[31mnote: ")
    assert note_in_colour("plain") == "note: plain"


def test_buttons_with_different_verify_do_not_share_connections(authority: trustme.CA, file: str) -> None:
    async def main() -> None:
        async with raw_server(ok, context_for(authority, "127.0.0.1")) as server, one_run() as call:
            for verify, ends in (
                (False, "ok"),
                (True, "error"),
                (file, "ok"),
                (True, "error"),
                (False, "ok"),
            ):
                outcome = await press(button(server.url, verify=verify), call)
                assert outcome.status == ends, (verify, outcome)

    asyncio.run(main())


def test_the_note_about_unverified_certificates_appears_once_per_run(
    authority: trustme.CA, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))

    async def main(**fields: Any) -> None:
        async with raw_server(ok, context_for(authority, "127.0.0.1")) as server:
            url = f"{server.url}/{{{{id}}}}"
            drawer = loop(url, 3, allow_private_networks=True, verify=False, **fields)
            results = await fetch_each(drawer, [*range(9)], quiet=False)
            assert results.counts["ok"] == 9, results

    for fields in ({}, {"extract": {"a": "css:a::attr(href)"}, "follow": "a", "max_pages": 2}):
        asyncio.run(main(**fields))
        assert capsys.readouterr().err.count("does not verify certificates") == 1


@pytest.mark.parametrize("scheme", ["socks5h", "socks5"])
def test_tls_through_a_socks_proxy_verifies_the_server_itself(
    scheme: str, authority: trustme.CA, file: str
) -> None:
    async def main() -> None:
        async with (
            raw_server(ok, context_for(authority, "localhost")) as server,
            socks_proxy() as proxy,
            one_run() as call,
        ):
            address = f"{scheme}://127.0.0.1:{proxy.port}"
            url = server.url.replace("127.0.0.1", "localhost")
            assert (await press(button(url, proxy=address, verify=file), call)).output == "ok"
            outcome = await press(button(server.url, proxy=address, verify=file), call)
            assert "not valid for" in str(outcome.error)

    asyncio.run(main())


def invalid_values(tmp_path: Path) -> dict[str, tuple[Any, str]]:
    """Invalid values of `verify`, and words of the message."""
    key = trustme.CA().issue_cert("h").private_key_pem
    key.write_to_path(str(tmp_path / "key.pem"))
    (tmp_path / "text.pem").write_text("hello")
    (tmp_path / "empty.pem").write_text("")
    return {
        "missing": (f"{tmp_path}/none.pem", "cannot be read (No such file"),
        "folder": (f"{tmp_path}", "is a folder"),
        "key": (f"{tmp_path}/key.pem", "contains no PEM certificate"),
        "text": (f"{tmp_path}/text.pem", "contains no PEM certificate"),
        "nothing": (f"{tmp_path}/empty.pem", "contains no PEM certificate"),
        "word": ("false", "write `false` without quotes"),
        "blank": (" ", "it is empty"),
        "number": (0, "verify"),
    }


@pytest.mark.parametrize("case", ["missing", "folder", "key", "text", "nothing", "word", "blank", "number"])
def test_an_invalid_value_is_reported_with_its_line_before_a_run(case: str, tmp_path: Path) -> None:
    verify, words = invalid_values(tmp_path)[case]
    text = (
        "buttons:\n  get:\n    url: https://h.test/\n"
        f"    verify: {json.dumps(verify)}\nsteps:\n  - {{id: a, button: get}}\n"
    )
    report = Drawer.load(text).validate()
    (problem,) = report.errors
    text = f"{problem.message} {problem.remediation}"
    assert words in text
    assert problem.line == 4
    if isinstance(verify, str):
        with pytest.raises((UsageError, DefinitionError), match="verify"):
            button("https://h.test/", verify=verify)
