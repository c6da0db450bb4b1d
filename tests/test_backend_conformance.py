"""The conformance cases with functions in place of their scripts: the same record on every backend."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from conformance_cases import CASES, Case, lay_out, load_cases
from dask_rig import dask_cluster
from distributed import Client
from records import plain

from drawer_ipy import DefinitionError
from drawer_ipy.buttons.function.button import FunctionButton
from drawer_ipy.display.choose import choose_display
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.workspace.lookup import Workspace


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[Client]:
    with dask_cluster() as client:
        yield client


def function_of(name: str, parts: Mapping[str, Any]) -> Callable[..., Any]:
    """A function that runs the script of a button, with its arguments as keywords."""
    code, button = parts["code"], parts["button"]
    more = {**os.environ, **(button.get("env") or {})}  # a worker of the cluster has another environment

    def run(**given: Any) -> Any:
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in given.items() if v is not None}
        named = {"BUTTONS_ARG_" + k.upper().replace("-", "_"): v for k, v in texts.items()}
        env = {**more, **named}
        done = subprocess.run(["sh", "-c", code], env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or f"exit {done.returncode}")
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout.strip()

    run.__name__ = name
    declared = [
        inspect.Parameter(
            one["name"],
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if one.get("required") else one.get("default"),
        )
        for one in button.get("args") or ()
    ]
    rest = inspect.Parameter("more", inspect.Parameter.VAR_KEYWORD)
    run.__signature__ = inspect.Signature([*declared, rest])  # type: ignore[attr-defined]
    return run


AT_ONCE = frozenset({"each-stop-victims"})
"""Cases whose record depends on four items running at the same time, for which two workers do not suffice."""


def is_runnable(case: Case) -> bool:
    """Whether the case is a run whose buttons are scripts with arguments that can be names in Python."""
    scripts = [parts for parts in case["buttons"].values() if parts.get("code") is not None]
    names = [one["name"] for parts in scripts for one in parts["button"].get("args") or ()]
    text = json.dumps(case["drawers"])
    return (
        case["mode"] != "validate"
        and case["name"] not in AT_ONCE
        and bool(scripts)
        and ("for_each" in text or "on_failure" in text or "switch" in text)
        and all(name.isidentifier() for name in names)
    )


def record(case: Case, home: Path, backend: str) -> Any:
    home.mkdir()
    lay_out(case, home)
    env = {**os.environ, "CONF_X": "conf", **case.get("env", {}), "BUTTONS_HOME": str(home)}
    with mock.patch.dict(os.environ, env, clear=True):
        buttons = {
            name: FunctionButton(function_of(name, parts), name)
            for name, parts in case["buttons"].items()
            if parts.get("code") is not None
        }
        around = Surroundings(registered=buttons, workspace=Workspace.current())
        try:
            options = Options(mode=case["mode"], backend=backend, durable="off")
            job = prepare(case["drawer"], case["inputs"], options, around)
        except DefinitionError as refusal:
            return [problem.to_dict() for problem in refusal.problems]
        found = plain(job.press_blocking(choose_display(None, quiet=True)).run.to_dict())
        return without_hints(found)


def without_hints(value: Any) -> Any:
    """Return a record without remediations: only in threads may a function still run after a timeout."""
    if isinstance(value, dict):
        return {key: without_hints(one) for key, one in value.items() if key != "remediation"}
    return [without_hints(one) for one in value] if isinstance(value, list) else value


ALL = [case for name in ("cases.json", "cases-more.json") for case in load_cases(CASES / name)]
RUNNABLE = {case["name"]: case for case in ALL if is_runnable(case)}


def test_there_are_cases() -> None:
    assert len(RUNNABLE) > 100


@pytest.mark.parametrize("name", RUNNABLE)
def test_functions_leave_the_same_record_on_every_backend(name: str, tmp_path: Path) -> None:
    case = RUNNABLE[name]
    expected = record(case, tmp_path / "kernel", "")
    assert record(case, tmp_path / "processes", "processes:2") == expected
    assert record(case, tmp_path / "dask", "dask") == expected
