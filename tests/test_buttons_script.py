"""Script buttons: real processes, their output, their time limits, and that no process is left."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from descriptors_rig import same_descriptors

from drawer_ipy.buttons import Call, Outcome, Resources, ScriptButton, make_button
from drawer_ipy.buttons.output import DEFAULT_LIMIT, TRUNCATED, parse_output
from drawer_ipy.buttons.script import process as process_module
from drawer_ipy.definition.models import ArgSpec, ButtonSpec


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Any:
    yield
    # A script that exits normally may leave grandchildren, which are no longer children of this process.
    assert psutil.Process().children() == []


def run(work: Callable[[Call], Awaitable[Any]], **more: Any) -> Any:
    async def main() -> Any:
        resources = Resources()
        try:
            return await work(Call(resources, **more))
        finally:
            await resources.aclose()

    return asyncio.run(main())


def press(code: str, runtime: str = "", args: dict[str, Any] | None = None, **more: Any) -> Outcome:
    made = ScriptButton("b", runtime, code=code)
    outcome = run(lambda call: made.press(made.bind(args or {}), call), **more)
    assert isinstance(outcome, Outcome)
    return outcome


def recorded() -> list[dict[str, Any]]:
    folder = Path(__file__).parent / "conformance"
    cases = [c for name in ("cases.json", "cases-more.json") for c in json.loads((folder / name).read_text())]
    wanted = {"output", "runtime", "exitcodes"}
    found = []
    for case in cases:
        steps = case["drawers"]["main"].get("steps", []) if len(case["drawers"]) == 1 else []
        alone = len(steps) == 1 and "button" in steps[0] and "steps" in case["expected"]
        if wanted & set(case["tags"]) and alone and case["buttons"][steps[0]["button"]].get("code"):
            found.append(case)
    assert len(found) > 15
    return found


@pytest.mark.parametrize("case", recorded(), ids=lambda case: case["name"])
def test_recorded_cases_have_the_same_output(case: dict[str, Any]) -> None:
    step = case["drawers"]["main"]["steps"][0]
    button = case["buttons"][step["button"]]
    outcome = press(button["code"], button["button"]["runtime"])
    expected = case["expected"]["steps"][0]
    assert outcome.status == expected["status"]
    assert outcome.exit_code == expected["exit_code"]
    assert outcome.output == expected.get("output")
    if "error" in expected:
        assert outcome.error is not None
        assert outcome.error.code == expected["error"]["code"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        (" \n\t", None),
        ("[1,\n2]\n", [1, 2]),
        ('{"id":9007199254740993}', {"id": 9007199254740993}),
        ("NaN", "NaN"),
        ("[Infinity]", "[Infinity]"),
        ("1e999", "1e999"),
        ("1\n2\n", "1\n2\n"),
        ("true story\n", "true story\n"),
        ("[" * 100_000, "[" * 100_000),
        ("9" * 5000, "9" * 5000),
        ('"\\ud800"', "\ufffd"),
        ('"\\ud83d\\ude00"', "😀"),
    ],
)
def test_output_is_json_or_text(text: str, value: Any) -> None:
    assert parse_output(text) == value


LANGUAGES = [
    ("shell", 'printf \'{"x":"%s","n":%s}\' "$BUTTONS_ARG_X" "$BUTTONS_ARG_MY_N"'),
    ("bash", 'a=("$BUTTONS_ARG_X"); printf \'{"x":"%s","n":%s}\' "${a[0]}" "$BUTTONS_ARG_MY_N"'),
    (
        "python3",
        "#!/usr/bin/env python3\nimport os, json\n"
        'print(json.dumps({"x": os.environ["BUTTONS_ARG_X"], "n": int(os.environ["BUTTONS_ARG_MY_N"])}))',
    ),
]
if shutil.which("node"):
    LANGUAGES.append(
        (
            "node",
            "const e = process.env;console.log(JSON.stringify({x: e.BUTTONS_ARG_X, n: +e.BUTTONS_ARG_MY_N}))",
        )
    )
MAIN = {"shell": "main.sh", "bash": "main.sh", "python3": "main.py", "node": "main.js"}


@pytest.mark.parametrize(("runtime", "code"), LANGUAGES)
@pytest.mark.parametrize("how", ["cell", "long", "file"])
def test_all_script_languages_run(runtime: str, code: str, how: str, tmp_path: Path) -> None:
    comment = "//" if runtime == "node" else "#"
    if how == "long":
        code += f"\n{comment} {'x' * 200_000}\n"
    path = tmp_path / MAIN[runtime]
    path.write_text(code)
    made = ScriptButton("b", runtime, path=path) if how == "file" else ScriptButton("b", runtime, code=code)
    outcome = run(lambda call: made.press(made.bind({"x": "é b", "my-n": 3.0}), call))
    assert outcome.output == {"x": "é b", "n": 3}, outcome


def test_python_scripts_use_the_interpreter_of_the_kernel() -> None:
    assert press("import sys; print(sys.executable)", "python").output == sys.executable + "\n"


def test_later_sources_of_environment_variables_take_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("A", "B", "C", "BUTTONS_ARG_D"):
        monkeypatch.setenv(name, "process")
    made = ScriptButton(
        "b",
        code='echo "$A $B $C $BUTTONS_ARG_D"',
        env={"C": "button", "BUTTONS_ARG_D": "button"},
        args=[ArgSpec(name="d")],
    )
    env = {"B": "battery", "C": "battery"}
    outcome = run(lambda call: made.press(made.bind({"d": "arg"}), call), env=env)
    assert outcome.output == "process battery button arg\n"


@pytest.mark.parametrize(
    ("code", "exit_code", "message"),
    [
        ("echo ' oops ' >&2; exit 3", 3, "oops"),
        ("exit 4", 4, "exited with code 4 and wrote nothing to stderr"),
        ("kill -9 $$", -1, "was ended by SIGKILL and wrote nothing to stderr"),
    ],
)
def test_a_script_that_fails_has_an_exit_code_and_a_message(code: str, exit_code: int, message: str) -> None:
    outcome = press(f"echo 1; {code}")
    assert (outcome.status, outcome.exit_code, outcome.output) == ("error", exit_code, None)
    assert outcome.stdout == "1\n"
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.message) == ("SCRIPT_ERROR", message)


def test_a_missing_file_and_a_missing_interpreter_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ScriptButton("b", path=tmp_path / "main.sh")
    outcome = run(lambda call: made.press({}, call))
    assert (outcome.exit_code, outcome.error.code) == (-1, "SCRIPT_ERROR")
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = press("echo", "bash")
    assert (outcome.exit_code, outcome.error and outcome.error.code) == (-1, "RUNTIME_MISSING")


def test_arguments_too_large_for_a_process_are_an_error() -> None:
    outcome = press(":", args={"html": "x" * 4_000_000})
    assert outcome.error is not None
    assert outcome.error.code == "VALIDATION_ERROR"
    assert "BUTTONS_ARG_HTML" in outcome.error.message


@pytest.mark.parametrize(
    ("name", "words"), [("A=B", "equals sign"), ("A\0B", "NUL character"), ("A", "NUL character")]
)
def test_a_variable_that_no_process_can_have_is_an_error(name: str, words: str) -> None:
    made = ScriptButton("b", code="env", env={name: "1\0"})
    outcome = run(lambda call: made.press(made.bind({}), call))
    assert outcome.error is not None
    assert outcome.error.code == "VALIDATION_ERROR"
    assert words in outcome.error.message


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie counts as ended."""
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_a_timeout_ends_the_process_group_and_keeps_the_output() -> None:
    started = time.perf_counter()
    outcome = press("sleep 60 & echo $!; echo err >&2; sleep 60", timeout=0.3)
    assert time.perf_counter() - started < 2
    assert (outcome.status, outcome.exit_code, outcome.output) == ("timeout", -1, None)
    assert outcome.stderr == "err\n"
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.message) == ("TIMEOUT", "timed out after 0.3 s")
    assert gone(int(outcome.stdout))


def test_a_timeout_counts_even_if_the_script_then_succeeds() -> None:
    outcome = press("trap 'echo cleaned; exit 0' TERM; sleep 5 & wait", timeout=0.2)
    assert (outcome.status, outcome.stdout) == ("timeout", "cleaned\n")


def test_a_script_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "TERM_GRACE", 0.3)
    started = time.perf_counter()
    outcome = press("trap '' TERM; echo $$; while :; do sleep 0.05; done", timeout=0.2)
    assert time.perf_counter() - started < 2
    assert outcome.status == "timeout"
    assert gone(int(outcome.stdout))


@pytest.mark.parametrize("trap", ["", "trap '' TERM; "])
def test_a_cancellation_ends_the_process_group_within_a_second(trap: str, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    made = ScriptButton("b", code=f"{trap}sleep 60 & echo $! $$ > {note}; wait; while :; do sleep 1; done")

    async def work(call: Call) -> float:
        task = asyncio.ensure_future(made.press({}, call))
        while not (note.exists() and note.read_text().strip()):  # noqa: ASYNC110  (a file tells)
            await asyncio.sleep(0.01)
        started = time.perf_counter()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # a second cancellation must not matter
        with pytest.raises(asyncio.CancelledError):
            await task
        assert psutil.Process().children() == []
        return time.perf_counter() - started

    assert run(work) < 1
    assert all(gone(int(pid)) for pid in note.read_text().split())


def test_a_script_that_the_interrupt_also_ended_is_cancelled_not_failed() -> None:
    made = ScriptButton("b", code="kill -INT $$")

    async def work(call: Call) -> None:
        task = asyncio.create_task(made.press(made.bind({}), call))
        await asyncio.sleep(0.1)  # the script has ended by now; the cancellation comes a little later
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work)
    alone = press("kill -INT $$")
    assert (alone.status, alone.exit_code) == ("error", -1)
    assert "SIGINT" in alone.error.message  # type: ignore[union-attr]


def test_a_cancellation_before_the_start_starts_nothing() -> None:
    made = ScriptButton("b", code="sleep 60")

    async def work(call: Call) -> None:
        for pause in (0, 0.0002, 0.0005, 0.001):
            task = asyncio.ensure_future(made.press({}, call))
            await asyncio.sleep(pause)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(work)


def test_a_child_that_holds_stdout_does_not_delay_the_end() -> None:
    started = time.perf_counter()
    outcome = press("sleep 20 & echo $!")
    assert time.perf_counter() - started < 10
    assert outcome.status == "ok"
    psutil.Process(int(outcome.output)).kill()


def test_a_child_that_keeps_writing_does_not_delay_the_end() -> None:
    started = time.perf_counter()
    outcome = press("yes & echo $! >&2")
    psutil.Process(int(outcome.stderr)).kill()
    assert time.perf_counter() - started < 10
    assert outcome.status == "ok"


@pytest.mark.parametrize("pidfd", [True, False])
def test_everything_written_before_the_exit_is_captured(pidfd: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not pidfd:
        monkeypatch.setattr(process_module, "pidfd", lambda pid: None)
    for size in (0, 1, 65_536, 65_537, 300_000):
        outcome = press(f"head -c {size} /dev/zero | tr '\\0' x; printf end")
        assert len(outcome.stdout) == size + 3
    psutil.Process(int(press("sleep 20 & echo $!; exec 2>&-").output)).kill()
    assert press("sleep 60", timeout=0.1).status == "timeout"


MORE = "import sys\nwhile True: sys.{stream}.write('é' * 500_000 + 'x')"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_more_output_than_the_limit_ends_the_script_and_is_an_error(stream: str) -> None:
    started = time.perf_counter()
    outcome = press(MORE.format(stream=stream), "python")
    assert time.perf_counter() - started < 5
    assert outcome.status == "error"
    assert outcome.exit_code == -1
    assert outcome.output is None
    assert outcome.error is not None
    assert outcome.error.code == "SCRIPT_ERROR"
    assert outcome.error.message == f"wrote more than 10,485,760 bytes to {stream}"
    assert "max_response_bytes" in outcome.error.remediation
    kept = getattr(outcome, stream)
    assert kept.endswith(TRUNCATED)
    assert "\ufffd" not in kept
    assert DEFAULT_LIMIT - 4 <= len(kept[: -len(TRUNCATED)].encode()) <= DEFAULT_LIMIT


@pytest.mark.parametrize(
    ("size", "limit", "rest", "ok"),
    [
        (1000, 1000, "", True),
        (1000, 0, "", True),
        (1001, 1000, "", False),
        (200_000, 70_000, "", False),
        (1001, 1000, "; sleep 60", False),
    ],
)
@pytest.mark.parametrize("redirect", ["", ">&2"])
def test_the_limit_is_exact_to_the_byte_whenever_the_script_exits(
    size: int, limit: int, rest: str, ok: bool, redirect: str
) -> None:
    code = f"head -c {size} /dev/zero | tr '\\0' x {redirect}{rest}"
    spec = ButtonSpec.model_validate({"name": "b", "code": code, "max_response_bytes": limit})
    made = make_button(spec)
    outcome = run(lambda call: made.press(made.bind({}), call))
    assert outcome.status == ("ok" if ok else "error")
    kept = outcome.stderr if redirect else outcome.stdout
    assert kept == ("x" * size if ok else "x" * limit + TRUNCATED)


def test_too_much_output_ends_children_too_and_a_script_that_ignores_sigterm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process_module, "TERM_GRACE", 0.2)
    outcome = press("trap '' TERM; sleep 60 & echo $! >&2; yes")
    assert outcome.status == "error"
    child = int(outcome.stderr)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_timeout_is_reported_even_if_the_script_then_writes_too_much() -> None:
    outcome = press("trap 'yes' TERM; sleep 60 & wait", timeout=0.3)
    assert outcome.status == "timeout"


def test_lines_of_stderr_are_reported_as_they_arrive() -> None:
    lines: list[str] = []
    press("echo one >&2; echo two >&2; printf three >&2; echo out", log=lines.append)
    assert lines == ["one", "two", "three"]


def test_many_scripts_at_once_leave_no_file_descriptors_open() -> None:
    made = ScriptButton("b", code="echo $BUTTONS_ARG_I")

    async def work(call: Call) -> list[Any]:
        pressed = (made.press(made.bind({"i": i}), call) for i in range(60))
        return [outcome.output for outcome in await asyncio.gather(*pressed)]

    with same_descriptors():
        assert run(work) == list(range(60))
