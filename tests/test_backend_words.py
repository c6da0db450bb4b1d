"""The words that name a backend, and backends that other packages add."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from drawer_ipy import BackendError, DefinitionError, UsageError, button, each, press, register_backend
from drawer_ipy.definition import json_schema
from drawer_ipy.definition.backends import BACKENDS
from drawer_ipy.engine.backends.threads import ThreadsBackend
from drawer_ipy.extending import Need
from drawer_ipy.verbs.base import VerbContext
from drawer_ipy.verbs.dispatch import run_verb
from drawer_ipy.workspace.lookup import Workspace

DOCUMENT = (Path(__file__).parents[1] / "docs" / "backends.md").read_text(encoding="utf-8")
[EXAMPLE] = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
[DRAWER] = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.fixture
def pool() -> Iterator[None]:
    namespace: dict[str, Any] = {"__name__": "extension"}
    exec(compile(EXAMPLE, "docs/backends.md", "exec", dont_inherit=True), namespace)
    with namespace["registration"]:
        yield


@pytest.mark.usefixtures("pool")
def test_the_backend_of_the_documentation_runs_presses() -> None:
    drawer = f"inputs: [numbers]\n{DRAWER}"
    results = press(drawer, {"numbers": [4, 9, -1]}, buttons={"root": math.sqrt}, check=False, quiet=True)
    assert results.outputs.to_list() == [2.0, 3.0, None]
    assert results[0].steps["root"].about == {"where": "a pool"}
    assert results[2].error.message.startswith("ValueError")


@pytest.mark.usefixtures("pool")
def test_a_registered_backend_is_proposed_and_described() -> None:
    assert "pool" in BACKENDS.names()
    with pytest.raises(UsageError, match="did you mean 'pool'"):
        each(print, [1], backend="pol", quiet=True)
    with pytest.raises(UsageError, match="cannot have the address 'x'"):
        each(print, [1], backend="pool:x", quiet=True)


def test_a_name_that_is_taken_or_invalid_cannot_be_registered() -> None:
    with pytest.raises(UsageError, match="already taken by drawer_ipy"):
        register_backend("threads", ThreadsBackend)
    with pytest.raises(UsageError, match="one word in lower case"):
        register_backend("My Pool", ThreadsBackend)
    with register_backend("other", ThreadsBackend):
        assert each(abs, [-1], backend="other", quiet=True).outputs.to_list() == [1]


def test_an_entry_point_adds_a_backend(tmp_path: Path) -> None:
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[drawer_ipy.backends]\nmine = mine:BACKEND\nbad = mine:NOTHING\n")
    (tmp_path / "mine.py").write_text(
        "from drawer_ipy.extending import BackendKind\n"
        "BACKEND = BackendKind('mine', 'drawer_ipy.engine.backends.threads:ThreadsBackend')\n"
    )
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from drawer_ipy import each\n"
        "print(each(abs, [-2], backend='mine', quiet=True).outputs.to_list())\n"
        "try: each(abs, [-2], backend='bad', quiet=True)\n"
        "except Exception as error: print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith("[2]\n")
    assert "the backend 'bad' of the distribution mine could not be loaded" in found.stdout


class Refusing(ThreadsBackend):
    """A backend that cannot be opened."""

    async def open(self, need: Need) -> None:
        raise BackendError("no cluster is there", remediation="start one")


def test_a_backend_that_cannot_be_opened_fails_the_run_before_any_press() -> None:
    pressed: list[int] = []
    with register_backend("refusing", Refusing):
        results = each(pressed.append, [1, 2], backend="refusing", check=False, quiet=True)
    assert results.run.status == "failed"
    assert results.run.error is not None
    assert (results.run.error.code, results.run.error.message) == ("BACKEND_ERROR", "no cluster is there")
    assert not pressed


TEXT = """\
inputs: [xs]
buttons:
  page: {url: "https://shop.example/{{x}}", args: [x], backend: processes}
  word: {prompt: hello, backend: threads}
steps:
  - {id: a, button: work, args: {x: 1}, backend: treads}
  - {id: b, button: later, args: {x: 1}, backend: threads}
  - id: c
    kind: for_each
    over: ${inputs.xs}
    backend: 'threads:3'
    steps: [{id: d, button: work, args: {x: "${item}"}, backend: processes}]
"""


def test_what_cannot_travel_is_an_error_at_its_place_in_the_text() -> None:
    async def later(x: int) -> int:
        return x

    with pytest.raises(DefinitionError) as caught:
        press(TEXT, {"xs": [1]}, buttons={"work": abs, "later": later}, quiet=True)
    found = {(p.line, p.column): p.message for p in caught.value.problems if p.severity == "error"}
    assert found[3, 56].startswith("presses of this http button cannot run on a backend")
    assert found[4, 25].startswith("presses of this prompt button cannot run on a backend")
    assert found[6, 50] == "there is no backend 'treads'"
    assert found[7, 42].startswith("presses of 'later' cannot run on a backend: an async function")
    assert found[11, 14] == "the backend 'threads' takes no address"
    assert len(found) == 5


def test_an_async_function_cannot_be_marked_with_a_backend() -> None:
    async def later(x: int) -> int:
        return x

    with pytest.raises(UsageError, match="an async function runs on the kernel's event loop"):
        button(backend="processes")(later)
    with pytest.raises(UsageError, match="did you mean 'threads'"):
        button(backend="thread")(abs)


def test_a_backend_whose_requirements_are_missing_is_refused_with_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(UsageError) as caught:
        each(abs, [1], backend="processes", quiet=True)
    assert "needs cloudpickle, which is not installed" in str(caught.value)
    assert "[processes]" in str(caught.value)


def test_the_schema_lists_the_backends_and_allows_addresses() -> None:
    step = {"id": "a", "button": "work", "backend": "processes"}
    check = Draft202012Validator(json_schema()).is_valid
    assert check({"steps": [step, {**step, "id": "b", "backend": "dask:tcp://host:8786"}]})
    assert not check({"steps": [{**step, "backend": "proceses"}]})
    loop = {"id": "c", "kind": "for_each", "over": "xs", "backend": "threads", "steps": [step]}
    assert check({"steps": [loop]})


def test_dry_runs_say_where_presses_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".buttons" / "drawers" / "t"
    folder.mkdir(parents=True)
    (folder / "drawer.json").write_text(
        '{"schema_version": 2, "name": "t", "steps": [{"id": "each", "kind": "for_each", "over": [1],'
        ' "backend": "processes:2", "steps": [{"id": "s", "kind": "wait", "duration": "1ms"}]}]}'
    )
    context = VerbContext(Workspace.current())
    text = run_verb(["t", "press", "--dry-run", "--backend", "processes"], context).text
    assert "Python functions run in processes" in text
    assert "in processes (2)" in text
    with pytest.raises(UsageError, match="did you mean 'processes'"):
        run_verb(["t", "press", "--backend", "proceses"], context)
