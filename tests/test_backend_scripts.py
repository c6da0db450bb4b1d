"""Scripts whose button names a backend: the record of a script in the kernel, on processes and on Dask."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from backends_rig import gone, workers
from conformance_cases import CASES, Case, lay_out, load_cases
from dask_rig import dask_cluster
from distributed import Client
from records import plain

from drawer_ipy import DefinitionError, Results, press
from drawer_ipy.display.choose import choose_display
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.workspace.lookup import Workspace

BACKENDS = ["processes:2", "dask"]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[Client]:
    with dask_cluster() as client:
        yield client


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))


def pressed(backend: str, code: str, items: list[Any] | None = None, **button: Any) -> Results:
    """Press a script for each item, at most two at once."""
    spec = {"runtime": "sh", "code": code, "args": [{"name": "x", "type": "any"}], **button}
    spec |= {"backend": backend} if backend else {}
    step = {"id": "s", "button": "s", "args": {"x": "${x}"}}
    loop = {
        "id": "each",
        "kind": "for_each",
        "over": items or ["a", "b"],
        "as": "x",
        "parallelism": 2,
        "on_item_failure": "continue",
        "steps": [step],
    }
    drawer = {"name": "t", "buttons": {"s": spec}, "steps": [loop]}
    return press(drawer, quiet=True, check=False, durable="off")


def facts(results: Results) -> list[Any]:
    steps = [row.steps["s"] for row in results]
    return [
        (s.status, s.output, s.exit_code, s.stdout, s.stderr, s.error and (s.error.code, s.error.message))
        for s in steps
    ]


LONG = "x=1\n" * 40_000 + "echo long"
SCRIPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "json": ("""printf '{"x": "%s"}' "$BUTTONS_ARG_X" """, {}),
    "text": ("echo $BUTTONS_ARG_X; echo said >&2", {}),
    "fails": ("echo bad >&2; exit 3", {}),
    "fails silently": ("exit 4", {}),
    "killed": ("kill -9 $$", {}),
    "long": (LONG, {}),
    "not UTF-8": (r"printf '\377\376'", {}),
    "too much": ("head -c 3000 /dev/zero", {"max_response_bytes": 1000}),
    "too much stderr": ("head -c 3000 /dev/zero >&2", {"max_response_bytes": 1000}),
    "a shell's own message": ("no-such-command", {}),
    "stdin": ("tr a-z A-Z", {"stdin": "{{x}}"}),
    "large stdin": ("wc -c", {"stdin": "{{x}}" + "y" * 300_000}),
    "stdin is not read": ("echo done", {"stdin": "{{x}}" + "y" * 300_000}),
    "env": ("echo $MORE", {"env": {"MORE": "of it"}}),
    "python": ("import os; print([os.environ['BUTTONS_ARG_X']])", {"runtime": "python"}),
    "bash": ("echo ${BUTTONS_ARG_X^^}", {"runtime": "bash"}),
    "closes its streams": ("exec >&- 2>&-; sleep 0.2; exit 5", {}),
    "leaves a process behind": ("sleep 30 & echo done", {}),
    "nothing": ("true", {}),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_has_the_same_outcome_as_in_the_kernel(name: str, backend: str) -> None:
    code, fields = SCRIPTS[name]
    there = pressed(backend, code, **fields)
    assert facts(there) == facts(pressed("", code, **fields))
    where = there[0].steps["s"].about["where"]
    assert where.startswith("process " if backend.startswith("processes") else "Dask worker ")


def is_runnable(case: Case) -> bool:
    return case["mode"] != "validate" and any(
        parts.get("code") is not None for parts in case["buttons"].values()
    )


ALL = [case for name in ("cases.json", "cases-more.json") for case in load_cases(CASES / name)]
RUNNABLE = {case["name"]: case for case in ALL if is_runnable(case)}
AT_ONCE = frozenset({"each-stop-victims"})
"""Cases whose record depends on four items running at the same time."""


def record(case: Case, home: Path, backend: str) -> Any:
    case = copy.deepcopy(case)
    env = {"CONF_X": "conf", **case.get("env", {}), "BUTTONS_HOME": str(home)}
    for parts in case["buttons"].values():
        if parts.get("code") is not None:
            # A worker of the cluster has another environment.
            parts["button"]["env"] = {**env, **(parts["button"].get("env") or {})}
            parts["button"] |= {"backend": backend} if backend else {}
    home.mkdir()
    lay_out(case, home)
    with mock.patch.dict(os.environ, {**os.environ, **env}, clear=True):
        around = Surroundings(workspace=Workspace.current())
        try:
            job = prepare(case["drawer"], case["inputs"], Options(mode=case["mode"], durable="off"), around)
        except DefinitionError as refusal:
            return [problem.to_dict() for problem in refusal.problems]
        return plain(job.press_blocking(choose_display(None, quiet=True)).run.to_dict())


@pytest.mark.parametrize("name", [name for n, name in enumerate(RUNNABLE) if n % 3 == 0])
def test_conformance_cases_leave_the_same_record(name: str, tmp_path: Path) -> None:
    case = RUNNABLE[name]
    expected = record(case, tmp_path / "kernel", "")
    for backend in BACKENDS if name not in AT_ONCE else ():
        assert record(case, tmp_path / backend.partition(":")[0], backend) == expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_timeout_ends_the_script_and_what_it_has_started(backend: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    code = f"sleep 40 & echo $! >> {ledger}; trap '' TERM; sleep 40"
    began = time.monotonic()
    results = pressed(backend, code, timeout_seconds=1.0)
    assert time.monotonic() - began < 15
    assert [row.error and row.error.code for row in results] == ["TIMEOUT", "TIMEOUT"]
    pids = list(map(int, ledger.read_text().split()))
    assert len(pids) == 2
    assert all(gone(pid, 5.0) for pid in pids)


def test_nothing_is_left_after_the_run(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    others = workers()
    pressed("processes:2", f"sleep 40 & echo $! >> {ledger}")
    assert all(gone(pid, 5.0) for pid in map(int, ledger.read_text().split()))
    assert [one for one in workers() if one not in others] == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_interpreter_that_the_worker_lacks_is_an_error_of_the_row(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Client
) -> None:
    if backend == "dask":
        cluster.run(_hide_bash)
    else:
        (tmp_path / "bin").mkdir()
        monkeypatch.setattr("drawer_ipy.buttons.script.button.shutil.which", lambda program: program)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    try:
        results = pressed(backend, "echo hi", runtime="bash")
    finally:
        cluster.run(_show_bash)
    assert [row.error and row.error.code for row in results] == ["RUNTIME_MISSING"] * 2
    assert results[0].error is not None
    assert results[0].error.message == "button 's' requires bash, which is not installed where it ran"


def _hide_bash() -> None:
    os.environ["KEPT_PATH"], os.environ["PATH"] = os.environ["PATH"], "/nowhere"


def _show_bash() -> None:
    os.environ["PATH"] = os.environ.pop("KEPT_PATH", os.environ["PATH"])


def test_a_backend_of_a_loop_or_of_the_run_leaves_scripts_in_the_kernel() -> None:
    button = {"runtime": "sh", "code": "echo $$"}
    steps = [{"id": "s", "button": "s"}]
    results = press(
        {"name": "t", "buttons": {"s": button}, "steps": steps}, backend="processes:1", quiet=True
    )
    assert results.run.steps[0].about == {"where": "the kernel"}


def test_a_backend_of_a_step_is_an_error_if_the_script_names_none() -> None:
    button = {"runtime": "sh", "code": "echo $$"}
    steps = [{"id": "s", "button": "s", "backend": "processes:1"}]
    with pytest.raises(DefinitionError, match="which only `backend` of the button itself moves"):
        press({"name": "t", "buttons": {"s": button}, "steps": steps}, quiet=True)


def test_secrets_of_a_script_are_hidden() -> None:
    button = {
        "runtime": "sh",
        "code": "echo $BUTTONS_ARG_TOKEN; echo $BUTTONS_ARG_TOKEN >&2; exit 1",
        "args": ["token"],
        "backend": "processes:1",
    }
    drawer = {
        "name": "t",
        "inputs": [{"name": "token", "secret": True}],
        "buttons": {"s": button},
        "steps": [{"id": "s", "button": "s"}],
    }
    results = press(drawer, {"token": "hush-hush-4711"}, quiet=True, check=False, durable="off")
    assert "hush-hush" not in repr(results.run.to_dict()) + str(results.run.error)
    assert "[redacted]" in results.run.steps[0].stderr


def test_threads_are_the_kernel() -> None:
    assert facts(pressed("threads", "echo $BUTTONS_ARG_X")) == facts(pressed("", "echo $BUTTONS_ARG_X"))
