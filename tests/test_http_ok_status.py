"""Error responses as data: ``ok_status``, and the error of a failed request in later steps."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from http_rig import answer_of, button, one_run, press
from wire_rig import Sent, json_answer, loop_of, pressed, wire_server

from drawer_ipy.definition.checking.requests import request_troubles
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.statuses import read_statuses
from drawer_ipy.pressing.drawer import Drawer


def by_path(sent: Sent) -> bytes:
    """Respond with the status code in the path."""
    status = int(sent.target.strip("/").partition("?")[0] or 200)
    return json_answer({"code": status}, f"{status} Word")


@pytest.mark.parametrize(
    ("given", "yes", "no"),
    [
        (None, [200, 204, 300, 304], [199, 301, 399, 400, 404, 500]),
        ([], [200], [404]),
        (404, [200, 404], [400, 500]),
        ([404, 409], [200, 404, 409], [403]),
        ("4xx", [200, 400, 499], [399 + 101, 500]),
        ("4XX", [404], [500]),
        ("400-403", [400, 403], [404]),
        ("400..403", [403], [404]),
        ("any", [100, 404, 599], []),
        (["5xx", 404, "410"], [404, 410, 503], [400]),
    ],
)
def test_ok_status_accepts_codes_ranges_and_classes(given: Any, yes: list[int], no: list[int]) -> None:
    ok = read_statuses(given)
    assert [ok(status) for status in yes] == [True] * len(yes)
    assert [ok(status) for status in no] == [False] * len(no)


@pytest.mark.parametrize(
    "given",
    [99, 600, -1, True, 4.5, "40", "4x", "all", "403-400", "4xx,5xx", {"a": 1}, [None, "x"], ["nope"]],
)
def test_an_invalid_status_is_reported_with_its_place(given: Any) -> None:
    spec = {"name": "b", "url": "http://h/", "ok_status": given}
    troubles = request_troubles(ButtonSpec.model_validate(spec))
    assert troubles
    assert troubles[0].path[0] == "ok_status"
    text = f"buttons:\n  b:\n    url: http://h/\n    ok_status: {json.dumps(given)}\nsteps: []\n"
    assert Drawer.load(text).validate().errors[0].line == 4


def test_a_link_checker_gets_a_row_for_every_link() -> None:
    async def main() -> None:
        async with wire_server(by_path) as wire:
            drawer = loop_of({"url": wire.url + "/{{id}}", "ok_status": "any", "output": "full"}, 4)
            results, _ = await pressed(drawer, {"ids": [200, 404, 409, 500, 418]})
            assert results.counts["ok"] == 5
            assert list(results["got.status"]) == [200, 404, 409, 500, 418]
            assert list(results["json"]) == [{"code": i} for i in (200, 404, 409, 500, 418)]
            assert results[1].steps["got"].exit_code == 0
            drawer = loop_of({"url": wire.url + "/{{id}}", "ok_status": [404, 409]}, 4)
            results, _ = await pressed(drawer, {"ids": [200, 404, 409, 500]})
            assert [row.status for row in results] == ["ok", "ok", "ok", "failed"]
            assert list(results["code"]) == [200, 404, 409, None]

    asyncio.run(main())


@pytest.mark.parametrize(("ok", "tries"), [(None, 3), ("5xx", 1), ([404], 3), ("any", 1)])
def test_an_accepted_error_response_is_not_retried(ok: Any, tries: int) -> None:
    async def main() -> None:
        async with wire_server(by_path) as wire, one_run(20) as call:
            fields = {"retries": 2, **({"ok_status": ok} if ok else {})}
            outcome = await press(button(wire.url + "/500", **fields), call)
            assert len(wire.sent) == tries
            assert (outcome.status == "ok") == (tries == 1)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "kept"), [(200, True), (404, True), (410, True), (409, False), (500, False), (401, False)]
)
def test_accepted_responses_are_cached_only_if_their_status_is_cacheable(status: int, kept: bool) -> None:
    async def main() -> None:
        async with wire_server(by_path) as wire:
            spec = {"url": f"{wire.url}/{status}", "ok_status": "any", "cache": "1h"}
            steps = [{"id": name, "button": "get"} for name in ("a", "b")]
            results, _ = await pressed({"buttons": {"get": spec}, "steps": steps})
            assert [results.run.step(name).output for name in ("a", "b")] == [{"code": status}] * 2
            assert len(wire.sent) == (1 if kept else 2)

    asyncio.run(main())


def test_an_accepted_error_response_is_not_saved_as_the_file(tmp_path: Path) -> None:
    async def main() -> None:
        async with wire_server(by_path) as wire, one_run() as call:
            path = tmp_path / "page"
            for status, output in ((404, None), (200, str(path))):
                made = button(f"{wire.url}/{status}", ok_status="4xx", save=str(path))
                outcome = await press(made, call)
                assert (outcome.status, outcome.output, path.exists()) == ("ok", output, output is not None)
                assert outcome.about is not None
                assert outcome.about["status"] == status

    asyncio.run(main())


# The error of a failed request in later steps


def failing(reply: Any, expression: Any, url: str = "/", **spec: Any) -> Any:
    """Evaluate `expression` in a step after a failed request; return that step and the record."""

    async def main() -> Any:
        async with wire_server(reply) as wire:
            steps = [
                {"id": "page", "button": "get", "on_failure": "continue"},
                {"id": "seen", "kind": "transform", "expression": expression},
            ]
            button = {"url": url if "://" in url else wire.url + url, **spec}
            results, _ = await pressed(
                {"buttons": {"get": button}, "steps": steps}, batteries={"K": "s3cret"}
            )
            return results.run.step("seen"), results.run

    return asyncio.run(main())


def test_an_error_has_the_status_and_body_of_the_response() -> None:
    problem = {"type": "about:blank", "detail": "gone", "n": [1]}
    for kind in ("application/json", "application/problem+json; charset=utf-8"):
        answer = answer_of(json.dumps(problem).encode(), "410 Gone", Content_Type=kind)
        seen, _ = failing(
            lambda sent, answer=answer: answer,
            ["page.error.status", "page.error.body.detail", "page.error.body"],
        )
        assert (seen.error, seen.output) == (None, [410, "gone", problem])
    answer = answer_of("kö".encode(), "500 Oops", Content_Type="text/plain; charset=utf-8")
    seen, _ = failing(lambda sent: answer, ["page.error.status", "page.error.body", "page.error.code"])
    assert seen.output[:2] == [500, "kö"]
    seen, _ = failing(lambda sent: answer_of(b"", "500 Oops"), ["page.error.status", "page.error.body"])
    assert seen.output == [500, None]
    broken = answer_of(b'{"a":', "500 Oops", Content_Type="application/json")
    seen, _ = failing(lambda sent: broken, "page.error.body")
    assert seen.output == '{"a":'


@pytest.mark.parametrize(
    ("body", "kind", "spec", "values"),
    [
        (b'{"a":', "application/json", {}, ["HTTP_ERROR", 200, '{"a":']),
        (b"<p>x", "text/html", {"extract": {"t": "css:h1!"}}, ["EXTRACT_ERROR", 200, "<p>x"]),
        (b"<p>x", "text/html", {"items": "json:data"}, ["EXTRACT_ERROR", 200, "<p>x"]),
        (b"<p>x", "text/html", {"sitemap": True}, ["EXTRACT_ERROR", 200, "<p>x"]),
    ],
)
def test_an_unusable_response_has_a_status_and_a_body(
    body: bytes, kind: str, spec: Any, values: list[Any]
) -> None:
    answer = answer_of(body, Content_Type=kind)
    seen, _ = failing(lambda sent: answer, [f"page.error.{k}" for k in ("code", "status", "body")], **spec)
    assert (seen.error, seen.output) == (None, values)


@pytest.mark.parametrize(
    ("body", "charset", "found"),
    [
        ('["é"]'.encode(), "iso-8859-1", ["é"]),
        ('["é"]'.encode("latin-1"), "iso-8859-1", ["é"]),
        ('["é"]'.encode("utf-16"), "utf-16", ["é"]),
        (b"[NaN]", "utf-8", "[NaN]"),
    ],
)
def test_json_of_an_error_response_is_read_like_any_other(body: bytes, charset: str, found: Any) -> None:
    answer = answer_of(body, "500 Oops", Content_Type=f"application/json; charset={charset}")
    seen, _ = failing(lambda sent: answer, "page.error.body")
    assert seen.output == found


def test_without_a_response_status_and_body_are_null() -> None:
    seen, _ = failing(lambda sent: b"", ["page.error.status", "page.error.body"], "http://127.0.0.1:9/")
    assert (seen.error, seen.output) == (None, [None, None])


def test_the_body_of_an_error_is_shortened_and_its_secrets_are_hidden() -> None:
    seen, _ = failing(
        lambda sent: answer_of(b"x" * 10_000_000, "500 Oops", Content_Type="text/plain"),
        "size(page.error.body)",
    )
    assert seen.output < 70_000
    echo = {"headers": {"X-Key": "${batteries.K}"}}
    seen, run = failing(
        lambda sent: json_answer({"key": sent.headers["x-key"]}, "403 Forbidden"),
        "page.error.body.key",
        **echo,
    )
    assert seen.output == "[redacted]"
    assert "s3cret" not in json.dumps(run.to_dict(), default=str)


def test_steps_of_the_item_and_of_the_drawer_can_read_the_error() -> None:
    async def main() -> None:
        async with wire_server(by_path) as wire:
            inner = [
                {"id": "page", "button": "get", "args": {"id": "${id}"}, "on_failure": "continue"},
                {
                    "id": "told",
                    "kind": "transform",
                    "expression": "has(page.error) ? page.error.status : 200",
                },
            ]
            each = {"id": "each", "kind": "for_each", "over": "${inputs.ids}", "as": "id", "steps": inner}
            every = {
                "id": "all",
                "kind": "aggregate",
                "from": "${each.output.results}",
                "pluck": "${item.steps.page.error.body.code ?? 0}",
            }
            drawer = {
                "buttons": {"get": {"url": wire.url + "/{{id}}"}},
                "inputs": {"ids": "list"},
                "steps": [each, every],
            }
            results, _ = await pressed(drawer, {"ids": [200, 404, 500]})
            assert list(results["told"]) == [200, 404, 500]
            assert results.run.step("all").output["values"] == [0, 404, 500]

    asyncio.run(main())


def test_the_recorded_error_has_no_further_keys() -> None:
    _, run = failing(lambda sent: answer_of(b"no", "404 Not Found"), "1")
    assert set(run.to_dict()["steps"][0]["error"]) <= {"code", "message", "remediation", "status"}
