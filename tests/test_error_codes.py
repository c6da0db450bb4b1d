"""Error codes: users see the kind of failure, and records have the code of the original."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_port
from http_rig import loop

from drawer_ipy import DrawerFailed, Results, press
from drawer_ipy.cli import main
from drawer_ipy.demo import DemoSite


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite.start() as started:
        yield started


def fetch(urls: list[str], **fields: Any) -> Results:
    return press(loop("{{id}}", **fields), {"ids": urls}, check=False, quiet=True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 429, 500, 502, 503, 599])
def test_a_response_with_an_error_status_is_an_http_error_with_that_status(
    site: DemoSite, status: int
) -> None:
    results = fetch([f"{site.url}/status/{status}"])
    [error] = results.errors
    assert (error.code, error.status) == ("HTTP_ERROR", status)
    assert error.message.startswith(f"HTTP {status}")
    assert results.errors.to_dicts()[0]["status"] == status
    assert (results[0].error.code, results[0].error.status) == ("HTTP_ERROR", status)
    assert results[0].error.to_dict()["code"] == "HTTP_ERROR"
    assert results["error"][0].startswith(f"HTTP_ERROR: HTTP {status}")
    assert "SCRIPT_ERROR" not in repr(results) + results._repr_html_() + repr(results.explain(0))
    assert len(results.filter(lambda row: row.error and row.error.status == status)) == 1


def test_a_request_without_a_response_is_an_http_error_without_a_status(site: DemoSite) -> None:
    urls = [
        f"http://127.0.0.1:{free_port()}/",
        "http://no-such-host.invalid/",
        f"{site.url}/reset",
        f"{site.url}/truncated",
        site.url.replace("http:", "https:"),
        f"{site.url}/redirect/50",
    ]
    results = fetch(urls, allow_private_networks=True)
    assert [(e.code, e.status) for e in results.errors] == [("HTTP_ERROR", None)] * len(urls)
    assert all("status" not in error for error in results.errors.to_dicts())
    assert all("exit code" not in repr(row.explain()) for row in results)


def test_other_failures_of_requests_keep_their_own_codes(site: DemoSite) -> None:
    late = fetch([f"{site.url}/slow/20000"], timeout_seconds=0.3)
    assert late.errors[0].code == "TIMEOUT"
    refused = press(loop("{{id}}"), {"ids": ["http://10.0.0.1/"]}, check=False, quiet=True)
    assert refused.errors[0].code == "VALIDATION_ERROR"


def test_the_record_has_the_code_of_the_original_and_the_status(site: DemoSite) -> None:
    results = fetch([f"{site.url}/status/503"])
    [step] = results.run.to_dict()["steps"]
    [entry] = step["output"]["results"]
    error = entry["steps"]["got"]["error"]
    assert (error["code"], error["status"]) == ("SCRIPT_ERROR", 503)

    branch = {"id": "s", "kind": "switch", "steps": [{"id": "got", "button": "get"}]}
    single = press(
        {"buttons": {"get": {"url": f"{site.url}/status/404"}}, "steps": [branch]}, check=False, quiet=True
    )
    whole = single.run.to_dict()
    for error in (
        whole["error"],
        whole["steps"][0]["error"],
        whole["steps"][0]["output"]["steps"]["got"]["error"],
    ):
        assert (error["code"], error["status"]) == ("SCRIPT_ERROR", 404)
    assert single.run.error is not None
    assert single.run.error.code == "HTTP_ERROR"


def test_the_error_of_a_failed_run_and_references_to_it_have_http_error(site: DemoSite) -> None:
    step = {"id": "got", "button": "get", "on_failure": "continue"}
    reading = {"id": "told", "kind": "transform", "expression": ["${got.error.code}", "${got.error.status}"]}
    buttons = {"get": {"url": f"{site.url}/status/410"}}
    results = press({"buttons": buttons, "steps": [step, reading]}, quiet=True)
    assert results.run.step("told").output == ["HTTP_ERROR", 410]

    with pytest.raises(DrawerFailed, match="HTTP_ERROR: HTTP 410") as raised:
        press({"buttons": buttons, "steps": [{"id": "got", "button": "get"}]}, quiet=True)
    assert raised.value.code == "HTTP_ERROR"


def boom(x: Any) -> None:
    raise ValueError(f"no {x}")


@pytest.mark.parametrize(
    ("button", "code"),
    [
        ({"url": "SITE/status/500"}, "HTTP_ERROR"),
        ({"url": "SITE/reset"}, "HTTP_ERROR"),
        ({"runtime": "sh", "code": "exit 3"}, "SCRIPT_ERROR"),
        (None, "FUNCTION_ERROR"),
    ],
)
@pytest.mark.parametrize(
    ("retry_on", "codes"),
    [
        (["SCRIPT_ERROR"], {"HTTP_ERROR", "SCRIPT_ERROR", "FUNCTION_ERROR"}),
        (["HTTP_ERROR"], {"HTTP_ERROR"}),
        (["FUNCTION_ERROR", "TIMEOUT"], {"FUNCTION_ERROR"}),
        (["TIMEOUT"], set()),
    ],
)
def test_retry_on_script_error_covers_all_three_codes(
    site: DemoSite, button: Any, code: str, retry_on: list[str], codes: set[str]
) -> None:
    policy = {"action": "retry", "max_attempts": 2, "retry_on": retry_on}
    step = {"id": "s", "button": "b", "on_failure": policy}
    drawer: dict[str, Any] = {"steps": [step]}
    if button is None:
        step["args"] = {"x": 1}
    else:
        drawer["buttons"] = {"b": json.loads(json.dumps(button).replace("SITE", site.url))}
    results = press(drawer, buttons={"b": boom} if button is None else None, check=False, quiet=True)
    cell = results.run.steps[0]
    assert cell.error is not None
    assert cell.error.code == code
    assert cell.attempts == (2 if code in codes else 1)


@pytest.mark.parametrize("limit", [{}, {"timeout_seconds": 0.2}])
def test_an_exit_code_is_shown_only_for_scripts(limit: dict[str, Any]) -> None:
    async def waits(x: Any) -> None:
        await asyncio.sleep(30 if limit else 0)
        raise ValueError("bad")

    policy = {"action": "retry", "max_attempts": 2}
    step = {"id": "s", "button": "b", "args": {"x": 1}, "on_failure": policy, **limit}
    story = press({"steps": [step]}, buttons={"b": waits}, check=False, quiet=True).explain(0)
    assert "exit code" not in repr(story) + story._repr_html_()

    failing = {"buttons": {"b": {"runtime": "sh", "code": "exit 3"}}}
    story = press({**failing, "steps": [step]}, check=False, quiet=True).explain(0)
    assert re.search(r"^  exit code +3$", repr(story), re.M)
    assert ", exit code 3: SCRIPT_ERROR" in repr(story)


def test_the_history_and_the_command_line_show_http_errors(
    site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("BUTTONS_HOME", str(home))
    monkeypatch.setenv("BUTTONS_ALLOW_PRIVATE_NETWORKS", "1")
    tell = {"id": "t", "button": "tell", "args": {"error": "${inputs.error.code} ${inputs.error.status}"}}
    for kind, name, fields in (
        ("button", "get", {"url": f"{site.url}/status/404"}),
        ("button", "tell", {"runtime": "sh", "args": [{"name": "error", "type": "string"}]}),
        ("drawer", "handler", {"inputs": ["error"], "steps": [tell]}),
        ("drawer", "bad", {"steps": [{"id": "a", "button": "get"}], "on_error": {"drawer": "handler"}}),
    ):
        folder = home / f"{kind}s" / name
        folder.mkdir(parents=True)
        (folder / f"{kind}.json").write_text(json.dumps({"name": name, **fields}))
    (home / "buttons" / "tell" / "main.sh").write_text('echo "$BUTTONS_ARG_ERROR"')

    assert main(["bad", "press", "--json"]) == 1
    envelope = json.loads(capsys.readouterr().out)
    assert (envelope["error"]["code"], envelope["error"]["status"]) == ("SCRIPT_ERROR", 404)
    assert envelope["data"]["steps"][0]["error"]["code"] == "SCRIPT_ERROR"

    [kept] = [json.loads(file.read_text()) for file in (home / "drawers/bad/pressed").glob("*.json")]
    assert (kept["error_type"], kept["error"]["code"]) == ("SCRIPT_ERROR", "HTTP_ERROR")
    [handled] = [json.loads(file.read_text()) for file in (home / "drawers/handler/pressed").glob("*.json")]
    assert handled["steps"][0]["output"] == "SCRIPT_ERROR 404\n"

    monkeypatch.setattr("drawer_ipy.cli._is_terminal", lambda stream: True)
    assert main(["bad", "press"]) == 1
    assert "HTTP_ERROR: drawer 'bad' failed" in capsys.readouterr().err
    assert main(["bad", "logs"]) == 0
    assert "a HTTP_ERROR" in capsys.readouterr().out
