"""Secrets and stored runs: none is written in any form, and a marker is never used as a value."""

from __future__ import annotations

import base64
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from secret_zoo import FORMS, ZOO
from stored_rig import LOOP, all_bytes, go, pages

import drawer_ipy
from drawer_ipy import Results, UsageError
from drawer_ipy.journal.folder import files

SECRET = "hunter2-secret-token"
ODD = "p@s&w+rd é\"'\\<x>"
MARK = "[redacted]"
TOKEN: dict[str, Any] = {"name": "token", "secret": True}
USE = {"id": "use", "button": "use", "args": {"got": "${work.output}"}}
WORK = {"id": "work", "button": "work", "args": {"x": "${x}", "token": "${inputs.token}"}}


pytestmark = pytest.mark.usefixtures("home")


def traces(secret: str) -> list[bytes]:
    """The secret in all forms that are likely to be written."""
    raw = secret.encode()
    forms = [form(secret).encode() for name, form in FORMS.items() if not name.startswith("cut")]
    inner = [base64.b64encode(b"x" * before + raw).decode()[4:-4].encode() for before in range(3)]
    wide = [secret.encode(name) for name in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")]
    return [raw, *forms, *inner, *wide]


def assert_nowhere(data: bytes, secret: str) -> None:
    for trace in traces(secret):
        at = data.find(trace)
        assert at < 0, data[max(0, at - 80) : at + 80]


class Calls:
    """Buttons that note what they got."""

    def __init__(self, home: Path, make: Callable[[Any, str], Any]) -> None:
        self.home = home
        self.make = make
        self.pressed: list[Any] = []
        self.got: list[Any] = []
        self.seen = b""

    def work(self, x: Any, token: str) -> Any:
        self.pressed.append(x)
        self.seen += all_bytes(self.home)  # also while transactions are written
        return self.make(x, token)

    def use(self, got: Any) -> str:
        self.got.append(got)
        return "used"

    def go(self, xs: Any, secret: str = SECRET, **options: Any) -> Results:
        text = options.pop("text", pages(steps=[WORK, USE], inputs=["xs", TOKEN]))
        buttons = {"work": self.work, "use": self.use}
        return go(buttons, xs, text=text, inputs={"token": secret}, **options)


@pytest.mark.parametrize("secret", [SECRET, ODD])
def test_values_of_all_kinds_that_hold_a_secret_are_not_stored_and_made_again(
    home: Path, secret: str
) -> None:
    makers = list(ZOO.values())
    calls = Calls(home, lambda x, token: makers[x](token) if x % 2 else f"clean {x}")
    calls.go(list(range(len(makers))), secret)
    calls.seen += all_bytes(home)
    assert_nowhere(calls.seen, secret)
    calls.pressed.clear()
    calls.got.clear()
    calls.go(list(range(len(makers))), secret, resume=True)
    assert calls.pressed == list(range(1, len(makers), 2)), "all that hid the secret, and nothing else"
    assert len(calls.got) == len(calls.pressed)
    assert not [got for got in calls.got if MARK in repr(got)]
    assert_nowhere(all_bytes(home), secret)


@pytest.mark.parametrize("form", FORMS)
def test_texts_in_all_encodings_are_not_stored(home: Path, form: str) -> None:
    calls = Calls(home, lambda _x, token: f"it was {FORMS[form](token)}.")
    calls.go([1], SECRET)
    data = all_bytes(home)
    assert_nowhere(data, SECRET)
    assert FORMS[form](SECRET).encode() not in data
    assert MARK.encode() in data
    calls.go([1], SECRET, resume=True)
    assert calls.pressed == [1, 1]
    assert FORMS[form](SECRET) in calls.got[1]


@pytest.mark.parametrize("padding", ["=", ""])
@pytest.mark.parametrize("user", ["", "u:", "me:", "user:", "someone@example.com:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_not_stored(home: Path, user: str, padding: str, encode: Callable[[bytes], bytes]) -> None:
    secret = "s3cret~?\xff>"

    def header(_x: int, token: str) -> dict[str, str]:
        text = encode(f"{user}{token}".encode()).decode()
        return {"Authorization": "Basic " + (text if padding else text.rstrip("="))}

    calls = Calls(home, header)
    calls.go([1], secret)
    written = header(1, secret)["Authorization"].removeprefix("Basic ").rstrip("=")
    assert written[-8:].encode() not in all_bytes(home)
    assert_nowhere(all_bytes(home), secret)


def test_items_and_inputs_that_hold_a_secret_are_asked_for_again(home: Path) -> None:
    def make(x: Any, _token: str) -> str:
        if x == "b":
            raise ValueError(x)
        return f"{len(str(x))} characters"

    calls = Calls(home, make)
    items = ["a", f"https://{SECRET}@host/", {"key": SECRET}, "b"]
    calls.go(items)
    calls.seen += all_bytes(home)
    assert_nowhere(calls.seen, SECRET)
    calls.pressed.clear()
    calls.go(items, resume=True)
    assert calls.pressed == items[1:], "an item that was not stored cannot be recognized"
    calls.pressed.clear()
    table = Results.open("pages", inputs={"token": SECRET})
    with pytest.raises(UsageError, match="'xs' was not stored with the run"):
        table.retry(quiet=True)
    assert calls.pressed == []


def test_a_definition_that_holds_a_secret_is_not_used_for_a_retry(home: Path) -> None:
    step = {**WORK, "args": {"x": "${x}", "token": f"Bearer {SECRET}"}}
    text = pages(steps=[step, USE], inputs=["xs", TOKEN])
    fail = True

    def make(x: int, token: str) -> Any:
        if fail and x == 2:
            raise ValueError(f"no {token}")
        return "clean"

    calls = Calls(home, make)
    calls.go([1, 2], text=text)
    assert_nowhere(all_bytes(home), SECRET)
    fail = False
    work, use = calls.work, calls.use  # names that the retry could find
    assert callable(work)
    assert callable(use)
    with pytest.raises(UsageError, match="was not stored with the run") as caught:
        Results.open("pages", inputs={"token": SECRET}).retry(quiet=True)
    assert "--resume" in caught.value.remediation
    calls.pressed.clear()
    assert calls.go([1, 2], text=text, resume=True).counts["ok"] == 2
    assert calls.pressed == [2]


@pytest.mark.parametrize("durable", ["on", "strict"])
@pytest.mark.parametrize("keep", [None, "disk"])
def test_what_a_nested_loop_lost_is_made_again_after_several_interruptions(
    home: Path, durable: str, keep: str | None
) -> None:
    inner = {**LOOP, "id": "inner", "over": "${inputs.ys}", "as": "y", "parallelism": 1}
    del inner["on_item_failure"]
    leaf = {"id": "leaf", "button": "leaf", "args": {"y": "${y}", "token": "${inputs.token}"}}
    after = {"id": "after", "button": "after", "args": {"got": "${leaf.output}"}}
    each = {**LOOP, "over": "${inputs.xs}", "as": "x", "steps": [{**inner, "steps": [leaf, after]}]}
    if keep:
        each["keep"] = keep
    text = {"name": "pages", "inputs": ["xs", "ys", TOKEN], "steps": [each]}
    pressed: list[int] = []
    got: list[Any] = []
    fails: set[int] = set()

    def leaf_of(y: int, token: str) -> str:
        pressed.append(y)
        if y in fails:
            raise ValueError(y)
        return f"{y} {token if y in (3, 7) else 'public'}"

    def after_of(got: Any, seen: list[Any] = got) -> str:
        seen.append(got)
        return "done"

    buttons = {"leaf": leaf_of, "after": after_of}
    inputs = {"token": SECRET, "ys": list(range(10))}
    go(buttons, [1, 2], text=text, inputs=inputs, durable=durable)
    for number, (failing, expected) in enumerate([({3}, [3, 3]), ({7}, [3, 7] * 2), (set(), [3, 7] * 2)]):
        fails, pressed[:] = failing, []
        results = go(buttons, [1, 2], text=text, inputs=inputs, durable=durable, resume=True)
        assert sorted(pressed) == sorted(expected), number
        assert results.counts["failed"] == (2 if failing else 0)
        assert_nowhere(all_bytes(home), SECRET)
    assert not [value for value in got if MARK in str(value)]
    assert got.count(f"3 {SECRET}") == 6, "once in the first press, and in each that came so far"


def test_nested_loops_steps_and_arguments(home: Path) -> None:
    """Outputs of nested loops, a step before, arguments, errors and captured text."""
    inner = {**LOOP, "id": "inner", "over": "${parts.output}", "as": "y"}
    inner["steps"] = [
        {"id": "leaf", "button": "leaf", "args": {"y": "${y}", "login": "${login.output}"}},
        {"id": "after", "button": "after", "args": {"cookie": "${leaf.output.cookie}"}},
    ]
    parts = {"id": "parts", "button": "parts", "args": {"x": "${x}"}}
    login = {"id": "login", "button": "login", "args": {"token": "${inputs.token}"}}
    total = {"id": "total", "button": "total", "args": {"all": "${each.output}"}}
    each = {**LOOP, "over": "${inputs.xs}", "as": "x", "steps": [parts, inner]}
    text = {"name": "pages", "inputs": ["xs", TOKEN], "steps": [login, each, total]}
    log: list[tuple[Any, ...]] = []
    bad = True

    def leaf(y: int, login: str) -> Any:
        log.append(("leaf", y, login))
        print(f"using {login}")
        if y == 21 and bad:
            raise ValueError(f"refused {login}")
        return {"y": y, "cookie": login if y == 11 else "none"}

    def after(cookie: str) -> str:
        log.append(("after", cookie))
        return "done"

    def parts_of(x: int) -> list[int]:
        log.append(("parts", x))
        return [x * 10, x * 10 + 1]

    def login_with(token: str) -> str:
        log.append(("login",))
        return f"session of {token}"

    def total_of(all: Any) -> int:
        inner = [entry["steps"]["inner"]["output"] for entry in all["results"]]
        leaves = [part["steps"]["leaf"]["output"] for output in inner for part in output["results"]]
        log.append(("total", [leaf["cookie"] for leaf in leaves if leaf is not None]))
        return len(leaves)

    buttons = {"leaf": leaf, "after": after, "parts": parts_of, "login": login_with, "total": total_of}
    go(buttons, [1, 2, 3], text=text, inputs={"token": SECRET})
    assert_nowhere(all_bytes(home), SECRET)
    bad = False
    log.clear()
    go(buttons, [1, 2, 3], text=text, inputs={"token": SECRET}, resume=True)
    assert log[0] == ("login",), "its result was not stored"
    assert not [call for call in log if MARK in str(call)], log
    session = f"session of {SECRET}"
    pressed = [call[1] for call in log if call[0] == "leaf"]
    assert pressed == [11, 21], "in a nested loop, too, only the item that held a secret is pressed again"
    assert ("after", session) in log
    assert not [call for call in log if call[0] == "parts"], "what held no secret is kept"
    assert log[-1] == ("total", ["none", session, "none", "none", "none", "none"])
    assert_nowhere(all_bytes(home), SECRET)


def test_another_secret_is_noticed_without_being_stored(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = Calls(home, lambda x, _token: x)
    calls.go([1, 2], "first-secret-value")
    calls.go([1, 2], "first-secret-value", resume=True, quiet=False)
    assert "'token' has changed" not in capsys.readouterr().err
    calls.go([1, 2], "other-secret-value", resume=True, quiet=False)
    said = capsys.readouterr().err
    assert "input 'token' has changed since" in said
    assert "secret-value" not in said
    for secret in ("first-secret-value", "other-secret-value"):
        assert_nowhere(all_bytes(home), secret)


def test_a_killed_process_leaves_no_secret_either(home: Path) -> None:
    """Also not in the file with which a transaction is undone, nor in pages that are not used any more."""
    child = os.fork()
    if child == 0:
        try:
            calls = Calls(
                home, lambda x, token: time.sleep(0.02) or {"x": x, "t": [token] * 50, "u": "u" * 3000}
            )
            calls.go(list(range(1000)))
        finally:
            os._exit(1)
    until, seen = time.monotonic() + 20, b""
    while time.monotonic() < until and not (files(home / "runs") and len(seen) > 20_000_000):
        seen += all_bytes(home / "runs") if (home / "runs").exists() else b""
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert b"uuuu" in seen
    assert_nowhere(seen + all_bytes(home), SECRET)
    calls = Calls(home, lambda x, token: {"x": x})
    calls.go(list(range(10)), resume=True)
    assert calls.pressed == list(range(10)), "each held the secret"
    assert [run.status for run in drawer_ipy.runs()] == ["ok"]
