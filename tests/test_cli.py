"""The command ``drawer``: envelopes, exit codes, signals, and closed output streams."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from workspace_rig import Folder, button_step

from drawer_ipy import cli

COMMAND = [sys.executable, "-m", "drawer_ipy"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    made = Folder(tmp_path / "home")
    monkeypatch.setenv("BUTTONS_HOME", str(made.root))
    monkeypatch.chdir(tmp_path)
    made.button("say", 'echo "$BUTTONS_ARG_TEXT"', "text")
    made.button("fail", 'echo "bad luck" >&2; exit 3')
    made.drawer("good", button_step("a", "say", text="${inputs.text}"), inputs=[{"name": "text"}])
    made.drawer("bad", button_step("a", "say", text="x"), button_step("b", "fail"))
    return made


class Answer:
    """The output and the exit code of one call of the command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        (line,) = self.out.splitlines()
        return json.loads(line)


@pytest.fixture
def drawer(folder: Folder, capfd: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def call(*words: str) -> Answer:
        code = cli.main(words)
        return Answer(code, *capfd.readouterr())

    return call


# Envelopes and exit codes

OK: list[tuple[tuple[str, ...], Callable[[Any], bool]]] = [
    (("list",), lambda data: [entry["name"] for entry in data] == ["bad", "good"]),
    (("create", "new"), lambda data: data["name"] == "new"),
    (("good",), lambda data: data["validation"]["ok"]),
    (("good", "validate"), lambda data: data == {"ok": True, "errors": [], "warnings": []}),
    (("good", "add", "say"), lambda data: data["added"][0]["id"] == "say"),
    (("good", "set", "a.args.text=hi"), lambda data: data["set"][0]["value"] == "hi"),
    (("good", "press", "text=hi"), lambda data: data["steps"][0]["output"] == "hi\n"),
    (("good", "press", "text=hi", "--dry-run"), lambda data: data["executed"] is False),
    (("good", "logs"), lambda data: data["runs"] == []),
    (("good", "remove"), lambda data: data["removed"]),
    (("schema",), lambda data: data["title"].startswith("A drawer")),
    (("schema", "button"), lambda data: data["title"].startswith("A button")),
    (("--version",), lambda data: data["version"][0].isdigit()),
    (("help",), lambda data: "create NAME" in data["help"]),
    ((), lambda data: "create NAME" in data["help"]),
]


@pytest.mark.parametrize(("words", "holds"), OK)
def test_a_success_is_an_envelope(
    drawer: Callable[..., Answer], words: tuple[str, ...], holds: Callable[[Any], bool]
) -> None:
    answer = drawer(*words, "--json")
    assert (answer.code, answer.err) == (0, "")
    assert list(answer.json) == ["ok", "data"]
    assert answer.json["ok"] is True
    assert holds(answer.json["data"])


@pytest.mark.parametrize(("words", "holds"), OK)
def test_text_output_contains_no_json(
    drawer: Callable[..., Answer], words: tuple[str, ...], holds: Callable[[Any], bool]
) -> None:
    answer = drawer("--text", *words)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.strip()
    assert not answer.out.startswith('{"ok"')


REFUSED: list[tuple[tuple[str, ...], int, str, str]] = [
    (("zzzz",), 2, "NOT_FOUND", "drawer create zzzz"),
    (("godo",), 2, "NOT_FOUND", "did you mean 'good'?"),
    (("good", "prss"), 2, "UNKNOWN_VERB", "did you mean 'press'?"),
    (("lst",), 2, "UNKNOWN_VERB", "did you mean 'list'?"),
    (("--jsno",), 2, "UNKNOWN_VERB", "begin with create"),
    (("create",), 2, "VALIDATION_ERROR", "drawer create --help"),
    (("create", "good"), 2, "VALIDATION_ERROR", "drawer good remove"),
    (("good", "set", "a.x=1"), 2, "STEP_FIELD_UNKNOWN", "args.NAME, button"),
    (("good", "set", "b.x=1"), 2, "STEP_NOT_FOUND", "steps are a"),
    (("good", "add", "syy"), 2, "BUTTON_NOT_FOUND", "did you mean 'say'?"),
    (("good", "press", "x"), 2, "VALIDATION_ERROR", "urls=@urls.json"),
    (("good", "press", "--mode", "up"), 2, "VALIDATION_ERROR", "drawer NAME press --help"),
]


@pytest.mark.parametrize(("words", "code", "word", "hint"), REFUSED)
def test_an_error_is_an_envelope(
    drawer: Callable[..., Answer], words: tuple[str, ...], code: int, word: str, hint: str
) -> None:
    answer = drawer(*words, "--json")
    assert (answer.code, answer.err) == (code, "")
    assert list(answer.json) == ["ok", "error"]
    assert answer.json["ok"] is False
    error = answer.json["error"]
    assert error["code"] == word
    assert error["message"]
    assert hint in error["remediation"]


@pytest.mark.parametrize(("words", "code", "word", "hint"), REFUSED)
def test_errors_as_text_go_to_standard_error(
    drawer: Callable[..., Answer], words: tuple[str, ...], code: int, word: str, hint: str
) -> None:
    answer = drawer(*words, "--text")
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(f"{word}: ")
    assert hint in answer.err


def test_a_failed_press_prints_its_full_result_and_sets_the_exit_code(drawer: Callable[..., Answer]) -> None:
    answer = drawer("bad", "press", "--json")
    assert answer.code == 1
    assert list(answer.json) == ["ok", "error", "data"]
    assert answer.json["error"] == {
        "code": "SCRIPT_ERROR",
        "message": "drawer 'bad' failed at step 'b': bad luck",
    }
    assert [step["status"] for step in answer.json["data"]["steps"]] == ["ok", "error"]
    text = drawer("bad", "press", "--text")
    assert text.code == 1
    assert "bad luck" in text.out
    assert text.err.startswith("SCRIPT_ERROR: drawer 'bad' failed")


def test_all_problems_of_a_drawer_are_reported(drawer: Callable[..., Answer], folder: Folder) -> None:
    folder.drawer("wrong", button_step("a", "saay", text="x"), button_step("b", "fial"))
    for verb in ("press", "validate"):
        answer = drawer("wrong", verb, "--json")
        assert answer.code == 1
        assert answer.json["error"]["code"] == "VALIDATION_ERROR"
        data = answer.json["data"]
        assert [p["step_id"] for p in data["problems" if verb == "press" else "errors"]] == ["a", "b"]


def test_inputs_can_be_read_from_a_file(drawer: Callable[..., Answer], folder: Folder) -> None:
    loop = {"id": "each", "kind": "for_each", "over": "${inputs.urls}", "as": "u"}
    folder.drawer("pages", {**loop, "steps": [button_step("say", "say", text="${u}")]})
    Path("urls.json").write_text('["http://a/", "http://b/"]')
    answer = drawer("pages", "press", "urls=@urls.json", "--json")
    entries = answer.json["data"]["steps"][0]["output"]["results"]
    assert [entry["steps"]["say"]["output"] for entry in entries] == ["http://a/\n", "http://b/\n"]


def test_inputs_can_be_read_from_standard_input(
    drawer: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"a": [1]}'))
    assert drawer("good", "press", "text=@-", "--json").json["data"]["inputs"] == {"text": {"a": [1]}}


def test_json_output_is_ascii_and_spells_values_that_json_lacks(drawer: Callable[..., Answer]) -> None:
    answer = drawer("good", "press", "text=ümläut \U0001f600", "--json")
    assert answer.out.isascii()
    assert answer.json["data"]["inputs"] == {"text": "ümläut \U0001f600"}


@pytest.mark.parametrize(
    ("words", "as_json"),
    [
        ((), True),
        (("--json",), True),
        (("--text",), False),
        (("--json", "--text"), False),
        (("--text", "--json"), True),
    ],
)
def test_json_is_the_default_if_the_output_is_not_a_terminal(
    drawer: Callable[..., Answer], words: tuple[str, ...], as_json: bool
) -> None:
    for line in ((*words, "list"), ("list", *words)):
        assert drawer(*line).out.startswith('{"ok": true') is as_json


@pytest.mark.parametrize(
    "words",
    [
        (), ("help",), ("--help",), ("-h",), ("--version",), ("good", "--help"), ("good", "press", "--help"),
        ("good", "set", "-h"), ("list", "--help"), ("schema", "--help"), ("cache", "info", "--help"),
    ],
)  # fmt: skip
def test_help_and_version_are_text_in_a_pipe_without_json_option(
    drawer: Callable[..., Answer], words: tuple[str, ...]
) -> None:
    plain, text, in_json = drawer(*words), drawer(*words, "--text"), drawer("--json", *words)
    assert {answer.code for answer in (plain, text, in_json)} == {0}
    assert plain.out == text.out
    assert plain.out.startswith(("drawer ", "usage: drawer "))
    assert in_json.json["ok"] is True
    assert in_json.json["data"].keys() <= {"help", "version"}


@pytest.mark.parametrize("words", [("list",), ("good",), ("zzzz",), ("--jsno",), ("good", "prss")])
def test_other_output_and_errors_in_a_pipe_are_json(
    drawer: Callable[..., Answer], words: tuple[str, ...]
) -> None:
    answer = drawer(*words)
    assert answer.json["ok"] is (answer.code == 0)


def test_a_terminal_gets_text_by_default_and_json_indented(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for words, begin in ((["list"], "bad "), (["list", "--json"], '{\n  "ok": true')):
        monkeypatch.setattr(sys, "stdout", Terminal())
        assert cli.main(words) == 0
        assert sys.stdout.getvalue().startswith(begin)  # type: ignore[attr-defined]


def test_words_after_a_double_dash_are_not_options(drawer: Callable[..., Answer]) -> None:
    answer = drawer("good", "press", "--json", "--", "text=--json")
    assert answer.json["data"]["inputs"] == {"text": "--json"}


def test_secrets_are_not_in_the_output(drawer: Callable[..., Answer], folder: Folder) -> None:
    secret, token = "battery-value-1", "token-value-2"
    folder.batteries(KEY=secret)
    code = 'echo "$BUTTONS_BAT_KEY $BUTTONS_ARG_T"; echo "$BUTTONS_BAT_KEY" >&2; exit $BUTTONS_ARG_CODE'
    folder.button("leak", code, "t", "code:int")
    steps = [
        button_step("a", "leak", t="${inputs.token}", code=0),
        button_step("b", "leak", t="${batteries.KEY}", code=1),
    ]
    folder.drawer("keys", *steps, inputs=[{"name": "token", "secret": True}])
    for words in (("press",), ("press", "--dry-run"), ("logs",), ()):
        for form in ("--json", "--text"):
            given = [f"token={token}"] if "press" in words else []
            answer = drawer("keys", *words, *given, form)
            for value in (secret, token):
                assert value not in answer.out + answer.err, (words, form)
    assert folder.runs("keys")
    assert secret not in folder.everything()


# Internal errors


def test_an_internal_error_is_an_envelope(
    drawer: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drawer_ipy.verbs.pressing.prepare", lambda *args: 1 / 0)
    answer = drawer("good", "press", "--json")
    assert answer.code == 1
    assert answer.json["error"] == {"code": "INTERNAL", "message": "ZeroDivisionError: division by zero"}
    assert "Traceback" in answer.err


# Real processes


def environment(folder: Folder) -> dict[str, str]:
    return {**os.environ, "BUTTONS_HOME": str(folder.root), "PYTHONDONTWRITEBYTECODE": "1"}


def start(folder: Folder, *words: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def test_full_disks_and_closed_pipes_cause_no_traceback(folder: Folder) -> None:
    drawer = shlex.join(COMMAND)
    lines = (
        f"{drawer} list > /dev/full; echo code $?; {drawer} schema --text | head -1; echo ${{PIPESTATUS[@]}}"
    )
    done = subprocess.run(
        ["bash", "-c", lines], env=environment(folder), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["code 1", "{", "0 0"]
    assert done.stderr == "INTERNAL: the output could not be written: No space left on device\n"


class Pressing:
    """A real ``drawer hang press`` whose script runs and has a child process."""

    def __init__(self, folder: Folder, code: str, **more: Any) -> None:
        self._folder = folder
        self._marks = folder.root / "marks"
        self._marks.mkdir()
        script = f'echo $$ > "{self._marks}/leader"; sleep 100 & echo $! > "{self._marks}/child"; {code}'
        folder.button("hang", script)
        folder.drawer("hang", button_step("a", "say", text="had ended"), button_step("b", "hang"))
        self.process = start(folder, "hang", "press", "--json", **more)
        self.pids = [self._pid(name) for name in ("leader", "child")]

    def _pid(self, name: str) -> int:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            path = self._marks / name
            if path.exists() and path.read_text().endswith("\n"):
                return int(path.read_text())
            time.sleep(0.02)
        raise TimeoutError(name)

    def end(self) -> Any:
        """Wait until it has ended, and return its output as JSON."""
        out, err = self.process.communicate(timeout=30)
        assert "Traceback" not in err, err
        return json.loads(out)

    def left(self) -> list[int]:
        """Processes of the script that still run."""
        until = time.monotonic() + 2
        while (alive := [pid for pid in self.pids if running(pid)]) and time.monotonic() < until:
            time.sleep(0.02)
        return alive

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        for pid in self.pids:
            if running(pid):
                os.kill(pid, signal.SIGKILL)


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def pressing(folder: Folder) -> Iterator[Callable[..., Pressing]]:
    made: list[Pressing] = []

    def begin(code: str = "wait", **more: Any) -> Pressing:
        made.append(Pressing(folder, code, **more))
        return made[-1]

    yield begin
    for one in made:
        one.close()


STUBBORN = "trap '' TERM; while :; do sleep 1; done"


@pytest.mark.parametrize(
    ("number", "code", "script"),
    [
        (signal.SIGINT, 130, STUBBORN),
        (signal.SIGTERM, 143, "wait"),
        (signal.SIGHUP, 129, STUBBORN),
        (signal.SIGQUIT, 131, STUBBORN),
        (signal.SIGUSR1, 138, "wait"),
        (signal.SIGUSR2, 140, "wait"),
        (signal.SIGALRM, 142, "wait"),
        (signal.SIGABRT, 134, "wait"),
        (signal.SIGXCPU, 152, "wait"),
        (signal.SIGVTALRM, 154, "wait"),
        (signal.SIGRTMIN, 128 + signal.SIGRTMIN, "wait"),
    ],
)
def test_a_signal_ends_a_press_with_results_and_history_and_no_child_process(
    folder: Folder, pressing: Callable[..., Pressing], number: signal.Signals, code: int, script: str
) -> None:
    press = pressing(script)
    press.process.send_signal(number)
    answer = press.end()
    assert press.process.returncode == code
    assert answer["ok"] is False
    assert answer["error"]["code"] == "CANCELLED"
    assert [step["status"] for step in answer["data"]["steps"]] == ["ok", "cancelled"]
    assert answer["data"]["steps"][0]["output"] == "had ended\n"
    assert press.left() == []
    assert folder.run("hang")["status"] == "cancelled"
    assert folder.run("hang")["run_id"] == answer["data"]["run_id"]


def test_two_signals_at_once_end_a_press(folder: Folder, pressing: Callable[..., Pressing]) -> None:
    press = pressing(STUBBORN)
    press.process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    press.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    press.process.send_signal(signal.SIGTERM)
    answer = press.end()
    assert press.process.returncode == 143
    assert answer["error"]["code"] == "CANCELLED"
    assert press.left() == []
    assert folder.run("hang")["status"] == "cancelled"


def test_a_press_in_the_background_of_a_shell_script_ends_on_sigterm(
    folder: Folder, pressing: Callable[..., Pressing]
) -> None:
    """In such a shell Ctrl-C is ignored."""
    press = pressing(preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    press.process.send_signal(signal.SIGINT)
    press.process.send_signal(signal.SIGTERM)
    assert press.end()["error"]["code"] == "CANCELLED"
    assert press.process.returncode == 143
    assert press.left() == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGPIPE])
def test_an_ignored_signal_stays_ignored(
    folder: Folder, pressing: Callable[..., Pressing], number: signal.Signals
) -> None:
    press = pressing("sleep 0.5; echo fine", preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
    press.process.send_signal(number)
    answer = press.end()
    assert (press.process.returncode, answer["ok"]) == (0, True)


def test_signal_handlers_are_restored_after_main(drawer: Callable[..., Answer]) -> None:
    before = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
    drawer("good", "press", "text=x")
    assert [signal.getsignal(number) for number in sorted(signal.valid_signals())] == before


def test_listing_loads_no_models_and_no_http_client(tmp_path: Path) -> None:
    code = (
        "import sys; from drawer_ipy.cli import main; main(['list']); "
        "print(sorted({'pydantic', 'aiohttp', 'ruamel', 'IPython'} & {m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
