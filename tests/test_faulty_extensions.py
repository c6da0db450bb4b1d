"""Step kinds and button runtimes of other packages that raise or return nonsense are named in a problem."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field, field_validator
from workspace_rig import Folder

import drawer_ipy
from drawer_ipy.definition import json_schema, load_drawer
from drawer_ipy.errors import DefinitionError, UsageError
from drawer_ipy.extending import AnyStep, Branch, RuntimeFields, SpecButton, StepBase, StepRunner
from drawer_ipy.notebook.completion.body import body_offer
from drawer_ipy.pictures.graph import Graph
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.verbs.base import VerbContext
from drawer_ipy.verbs.dispatch import run_verb
from drawer_ipy.workspace.lookup import Workspace

TEXT = "steps:\n  - id: a\n    kind: odd\n    steps: [{id: b, kind: wait, duration: 1ms}]\n"


class OddRunner(StepRunner):
    async def run(self, ctx: Any, result: Any) -> None:
        result.output = 1


class BrokenRunner(StepRunner):
    async def run(self, ctx: Any, result: Any) -> None:
        raise ZeroDivisionError("no luck")


def raising(step: Any) -> Any:
    raise ZeroDivisionError("no luck")


def raising_late(step: Any) -> Iterator[Any]:
    yield from ()
    raise SystemExit(3)


def odd_kind(method: str = "", body: Callable[[Any], Any] = raising) -> type[StepBase]:
    class Odd(StepBase):
        kind: Literal["odd"]
        steps: list[AnyStep] = Field(default_factory=list)

        def nested(self) -> Iterator[Branch]:
            yield Branch(("steps",), self.steps)

    if method:
        setattr(Odd, method, body)
    return Odd


METHODS = ["summary", "manner", "nested", "variable", "may_skip", "uses", "output_keys", "faults"]
ONLY_WORDS = ("summary", "manner")


BODIES = {"raises": raising, "ends": raising_late, "returns 7": lambda step: 7}
CASES = [(method, body) for method in METHODS for body in BODIES if method != "may_skip" or body == "raises"]


@pytest.mark.parametrize(("method", "how"), CASES)
def test_a_method_that_fails_is_a_problem_that_names_kind_and_package(method: str, how: str) -> None:
    with drawer_ipy.register_step(odd_kind(method, BODIES[how]), OddRunner):
        problems = drawer_ipy.Drawer.load(TEXT).validate()
        (problem,) = (p for p in problems if "odd" in p.message)
        assert f"the step kind 'odd' of the module {__name__} is faulty: its {method}()" in problem.message
        assert (problem.severity == "warning") == (method in ONLY_WORDS)
        assert (problem.step_id, problem.line) == ("a", 2)
        if method in ONLY_WORDS:
            assert drawer_ipy.press(TEXT, quiet=True).ok
        else:
            with pytest.raises(DefinitionError, match="the step kind 'odd' of the module"):
                drawer_ipy.press(TEXT, quiet=True)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "home")
    made.button("x", "echo 1")
    return made


@pytest.mark.parametrize("method", METHODS)
def test_everything_that_shows_drawers_still_works(method: str, folder: Folder) -> None:
    folder.drawer("looping", {"id": "a", "kind": "odd", "steps": [{"id": "b", "button": "x"}]})
    folder.drawer("other", {"id": "w", "kind": "wait", "duration": "1ms"})
    context = VerbContext(Workspace((folder.root,)))
    with drawer_ipy.register_step(odd_kind(method), OddRunner):
        assert "looping" in run_verb(["list"], context).text
        assert "other" in run_verb(["list"], context).text
        shown = run_verb(["looping"], context)
        assert "the step kind 'odd'" in shown.text
        assert "the step kind 'odd'" in run_verb(["looping", "validate"], context).text
        assert run_verb(["other", "press"], context).exit_code == 0
        assert run_verb(["looping", "press", "--dry-run"], context).text
        assert "a" in Graph(load_drawer(TEXT, name="x").drawer).svg
        assert json_schema()["$defs"]
        assert body_offer("steps:\n  - id: a\n    kind: od", 32, Surroundings(), []) is not None


def test_a_validator_that_fails_is_reported_at_its_step() -> None:
    class Odd(StepBase):
        kind: Literal["odd"]
        size: int = 1

        @field_validator("size")
        @classmethod
        def _even(cls, value: int) -> int:
            if value == 3:
                raise ValueError("it must be even")
            return value // (value - 5)

    def wrong(size: int) -> str:
        with pytest.raises(DefinitionError) as caught:
            load_drawer(f"steps:\n  - id: a\n    kind: odd\n    size: {size}\n")
        (problem,) = caught.value.problems
        assert problem.line is not None
        assert problem.step_id == "a"
        return str(problem)

    with drawer_ipy.register_step(Odd, OddRunner):
        assert "size cannot be 3: it must be even" in wrong(3)
        assert f"the step kind 'odd' of the module {__name__} is faulty: ZeroDivisionError" in wrong(5)


@pytest.mark.parametrize(
    ("declaration", "text"),
    [
        ({"expressions": ("done",)}, "its `expressions` has 'done', which is not a field"),
        ({"templates": "steps"}, "its `templates` must list keys, not be 'steps'"),
        ({"needs": {"done": "write it"}}, "its `needs` has 'done'"),
        ({"lists": ("over",)}, "its `lists` has 'over'"),
        ({"outputs": ["rounds"]}, "its `outputs` must be a mapping"),
    ],
)
def test_a_declaration_of_unknown_keys_is_refused_at_registration(declaration: Any, text: str) -> None:
    kind = odd_kind()
    for name, value in declaration.items():
        setattr(kind, name, value)
    with pytest.raises(UsageError) as caught:
        drawer_ipy.register_step(kind, OddRunner)
    assert text in str(caught.value)


def test_a_runner_that_raises_is_the_bug_of_its_package() -> None:
    with drawer_ipy.register_step(odd_kind(), BrokenRunner):
        run = drawer_ipy.press(TEXT, quiet=True, check=False).run
    assert run.error is not None
    assert "ZeroDivisionError: no luck" in run.error.message
    assert f"this is a bug in the module {__name__}" in run.error.remediation


# Button runtimes

QUERY = "buttons:\n  q: {runtime: odd}\nsteps:\n  - {id: a, button: q}\n"


class OddButton(SpecButton):
    kind = "odd"

    def __init__(self, spec: Any, setting: Any) -> None:
        super().__init__(spec)

    async def press(self, bound: Any, call: Any) -> Any:
        return drawer_ipy.extending.Outcome(1)


class BrokenFields(RuntimeFields):
    def faults(self, spec: Any) -> Iterator[Any]:
        raise ZeroDivisionError("no luck")


def broken(*given: Any) -> Any:
    raise ZeroDivisionError("no luck")


@pytest.mark.parametrize(
    ("part", "options", "severity"),
    [
        ("words", {"words": broken}, "warning"),
        ("words", {"words": lambda spec: 7}, "warning"),
        ("lacks", {"lacks": broken}, "warning"),
        ("faults", {"fields": BrokenFields}, "error"),
    ],
)
def test_a_part_of_a_runtime_that_raises_is_named(part: str, options: Any, severity: str) -> None:
    with drawer_ipy.register_button("odd", OddButton, **options):
        drawer = drawer_ipy.Drawer.load(QUERY)
        (problem, *_) = drawer.validate()
        said = f"the button runtime 'odd' of the module {__name__} is faulty: its {part} raised"
        assert said in problem.message
        assert problem.severity == severity
        assert drawer.graph().svg
        context = VerbContext(Workspace(()), drawers={"odd": load_drawer(QUERY, name="odd").drawer})
        assert said in run_verb(["odd"], context).text
        if severity == "warning":
            assert drawer_ipy.press(QUERY, quiet=True).ok


def test_a_validator_of_a_runtime_that_raises_is_named() -> None:
    class Fields(RuntimeFields):
        size: int = 1

        @field_validator("size")
        @classmethod
        def _size(cls, value: int) -> int:
            return 1 // (value - 5)

    with drawer_ipy.register_button("odd", OddButton, fields=Fields):
        with pytest.raises(DefinitionError) as caught:
            drawer_ipy.press(QUERY.replace("odd}", "odd, size: 5}"))
        assert "the button runtime 'odd' of the module" in str(caught.value)


def test_a_button_with_an_invalid_address_can_be_shown() -> None:
    text = 'buttons: {q: {url: "http://["}}\nsteps: [{id: a, button: q}]\n'
    drawers = {"odd": load_drawer(text, name="odd").drawer}
    assert "press q (GET request)" in run_verb(["odd"], VerbContext(Workspace(()), drawers=drawers)).text
    assert drawers["odd"].steps
    assert Graph(drawers["odd"]).svg


# Entry points with a built-in's name


def test_an_entry_point_with_a_built_in_name_is_warned_of_once(tmp_path: Path) -> None:
    info = tmp_path / "taking-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: taking\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[drawer_ipy.steps]\nwait = taking:KIND\n[drawer_ipy.buttons]\nhttp = taking:HTTP\n"
        "python = taking:PY\n"
    )
    code = """
import json, warnings, drawer_ipy
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        drawer_ipy.press("steps: [{id: a, kind: wait, duration: 1ms}]", quiet=True)
print(json.dumps([str(one.message) for one in caught]))
"""
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[1]}"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert len(found) == 3
    for what in ("step kind 'wait'", "button runtime 'http'", "button runtime 'python'"):
        (message,) = (one for one in found if what in one)
        assert message.startswith(f"the {what} of the distribution taking is ignored: drawer_ipy has")
