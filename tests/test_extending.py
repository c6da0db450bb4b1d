"""Kinds of steps and button runtimes from other packages, and their support everywhere in drawer_ipy."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from pydantic import Field

import drawer_ipy
from drawer_ipy.buttons.script.button import RUNTIMES
from drawer_ipy.definition import json_schema, load_drawer
from drawer_ipy.definition.button_runtimes import SCRIPT_WORDS
from drawer_ipy.definition.in_words import steps_in_words
from drawer_ipy.definition.step_base import STEP_KINDS
from drawer_ipy.errors import DefinitionError, DrawerError, UsageError
from drawer_ipy.extending import AnyStep, Branch, SpecButton, StepBase, StepRunner
from drawer_ipy.notebook.completion.body import body_offer
from drawer_ipy.notebook.dry_run import DryRun
from drawer_ipy.pictures.graph import Graph
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.verbs.base import VerbContext
from drawer_ipy.verbs.dispatch import run_verb
from drawer_ipy.workspace.lookup import Workspace

DOCUMENT = (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
REPEAT, SQLITE = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
REPEATING, QUERY = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)


def executed(code: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "extension"}
    exec(compile(code, "docs/extending.md", "exec", dont_inherit=True), namespace)
    return namespace


@pytest.fixture
def repeat() -> Iterator[dict[str, Any]]:
    namespace = executed(REPEAT)
    with namespace["registration"]:
        yield namespace


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("people.db") as connection:
        connection.execute("CREATE TABLE people (name TEXT, age INTEGER)")
        connection.executemany("INSERT INTO people VALUES (?, ?)", [("Zoe", 40), ("Kim", 9), ("Ada", 18)])
    namespace = executed(SQLITE)
    with namespace["registration"]:
        yield namespace


class Counter:
    def __init__(self) -> None:
        self.pressed = 0

    def __call__(self) -> int:
        self.pressed += 1
        return self.pressed


def wrong(text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        load_drawer(text)
    return [str(problem) for problem in caught.value.problems]


def checked(text: str, **around: Any) -> list[str]:
    loaded = load_drawer(text, name="x", recover=True)
    return [str(problem) for problem in Surroundings(**around).problems(loaded)]


# A kind of step


def test_a_registered_kind_runs_its_steps(repeat: dict[str, Any]) -> None:
    count = Counter()
    results = drawer_ipy.press(REPEATING, buttons={"count": count})
    assert count.pressed == 3
    assert results.run.status == "ok"
    assert results.run.steps[0].output == {"rounds": 3}


def test_a_registered_kind_fails_like_any_step(repeat: dict[str, Any]) -> None:
    text = REPEATING.replace("kind: repeat", "kind: repeat\n    times: 2")
    run = drawer_ipy.press(text, buttons={"count": Counter()}, check=False).run
    assert run.error is not None
    assert (run.status, run.error.code) == ("failed", "NOT_DONE")


def test_fields_of_a_registered_kind_are_read_and_checked(repeat: dict[str, Any]) -> None:
    around = {"namespace": {"count": Counter()}}
    assert checked(REPEATING, **around) == []
    (problem,) = wrong(REPEATING.replace("done:", "dome:"))
    assert "did you mean 'done'" in problem
    (problem,) = wrong(REPEATING.replace("kind: repeat", "kind: repeat\n    times: 0"))
    assert "times" in problem
    (problem,) = checked(REPEATING.replace("n.output", "m.output"), **around)
    assert "'m' is not an input, a step or a loop variable" in problem
    (problem,) = checked("steps: [{id: a, kind: repeat, done: 'true'}]")
    assert "repeats nothing" in problem
    (problem,) = checked("steps: [{id: a, kind: repeat, steps: [{id: b, button: count}]}]", **around)
    assert "a repeat step needs `done`" in problem
    text = REPEATING + '  - {id: after, button: work, args: {x: "${again.output.turns}"}}\n'
    (problem,) = checked(text, namespace={"count": Counter(), "work": lambda x: x})
    assert "has no 'turns'" in problem
    assert "rounds" in problem


def test_a_misspelt_registered_kind_gets_a_suggestion(repeat: dict[str, Any]) -> None:
    (problem,) = wrong("steps: [{id: a, kind: repeet, done: x}]")
    assert "did you mean 'repeat'" in problem


def test_a_registered_kind_is_described_in_words_everywhere(repeat: dict[str, Any], tmp_path: Path) -> None:
    line = "again: repeat until n.output >= 3, at most 10 times"
    around = Surroundings(namespace={"count": Counter()})
    shown = repr(DryRun(prepare(REPEATING, {}, None, around), {}))
    assert f"  {line}\n    n: press count (function)" in shown
    drawers = {"looping": load_drawer(REPEATING, name="looping").drawer}
    context = VerbContext(Workspace(()), namespace={"count": Counter()}, drawers=drawers)
    looked = run_verb(["looping"], context)
    assert line in looked.text
    assert looked.data["steps"][0]["steps"] == [{"id": "n", "kind": "button", "button": "count"}]
    svg = str(Graph(load_drawer(REPEATING, name="looping").drawer)._repr_svg_())
    assert "repeat until n.output &gt;= 3" in svg
    run_verb(["looping", "set", "again.times=4"], context)
    assert "at most 4 times" in run_verb(["looping"], context).text


def test_a_registered_kind_is_proposed_by_completion(repeat: dict[str, Any]) -> None:
    def offered(text: str) -> list[str]:
        return [word.text for word in body_offer(text, len(text), Surroundings(), []).words]

    assert "repeat" in offered("steps:\n  - id: a\n    kind: re")
    assert "times: " in offered("steps:\n  - id: a\n    kind: repeat\n    ti")


def test_the_json_schema_has_a_registered_kind(repeat: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    step: dict[str, Any] = {"id": "a", "kind": "repeat", "done": "x", "steps": [{"id": "b"}]}
    assert validator.is_valid({"steps": [step]})
    assert not validator.is_valid({"steps": [{**step, "times": 0}]})
    assert not validator.is_valid({"steps": [{**step, "dome": 1}]})
    texts = json_schema()["$defs"]["RepeatStep"]["properties"]
    assert texts["times"]["description"] == "Most rounds; more are a failure."


def test_a_name_can_be_registered_only_once(repeat: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="'repeat' is already taken by an earlier registration"):
        drawer_ipy.register_step(repeat["RepeatModel"], repeat["Repeat"])

    class Wait(StepBase):
        kind: Literal["wait"]

    with pytest.raises(UsageError, match="'wait' is already taken by drawer_ipy"):
        drawer_ipy.register_step(Wait, StepRunner)

    class Nameless(StepBase):
        pass

    with pytest.raises(UsageError, match="must declare its name"):
        drawer_ipy.register_step(Nameless, StepRunner)


def test_an_unregistered_kind_is_unknown_again() -> None:
    namespace = executed(REPEAT)
    assert "repeat" in STEP_KINDS
    namespace["registration"].unregister()
    namespace["registration"].unregister()
    assert "repeat" not in STEP_KINDS
    assert "unknown step kind 'repeat'" in wrong(REPEATING)[0]


# A button runtime


def test_a_registered_runtime_is_pressed(sqlite: dict[str, Any]) -> None:
    results = drawer_ipy.press(QUERY)
    assert results.run.steps[0].output == [{"name": "Ada"}, {"name": "Zoe"}]


def test_fields_of_a_registered_runtime_are_checked(sqlite: dict[str, Any]) -> None:
    assert checked(QUERY) == []
    (problem,) = wrong(QUERY.replace("database:", "datebase:"))
    assert "did you mean 'database'" in problem
    (problem, *_) = wrong(QUERY.replace("database: people.db", "database: 7"))
    assert "database must be text" in problem
    assert re.match(r"line 4\b", problem) or "4:" in problem
    problems = checked(QUERY.replace("SELECT name FROM", "DELETE FROM"))
    assert any("a sqlite button only reads" in problem for problem in problems)
    (problem,) = checked(QUERY.replace("people.db", "nowhere.db"))
    assert "there is no database 'nowhere.db'" in problem
    (problem,) = wrong(QUERY.replace("runtime: sqlite", "runtime: sh").replace("    sql:", "    sqlx:"))[:1]
    assert "unknown key" in problem


def test_a_registered_runtime_is_described_and_completed(sqlite: dict[str, Any]) -> None:
    shown = repr(DryRun(prepare(QUERY, {}, None, Surroundings()), {}))
    assert "adults: press people (SQLite query) with age=18" in shown
    text = "buttons:\n  b:\n    runtime: sqlite\n    dat"
    offer = body_offer(text, len(text), Surroundings(), [])
    assert [word.text for word in offer.words] == ["database: "]
    text = "buttons:\n  b:\n    runtime: sq"
    assert [word.text for word in body_offer(text, len(text), Surroundings(), []).words] == ["sqlite"]


def test_the_json_schema_has_the_fields_of_a_registered_runtime(sqlite: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(json_schema("button"))
    button = {"runtime": "sqlite", "database": "a.db", "sql": "SELECT 1"}
    assert validator.is_valid(button)
    assert not validator.is_valid({**button, "sql": 1})
    assert not validator.is_valid({"runtime": "sqlite", "database": "a.db"})
    assert not validator.is_valid({**button, "runtime": "sh"})
    assert jsonschema.Draft202012Validator(json_schema()).is_valid({"steps": [], "buttons": {"b": button}})


def test_a_runtime_cannot_redefine_fields_of_all_buttons(sqlite: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="'sqlite' is already taken"):
        drawer_ipy.register_button("sqlite", SpecButton)
    with pytest.raises(UsageError, match=r"'python' cannot be registered .* the name is reserved"):
        drawer_ipy.register_button("python", SpecButton)


# Entry points


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with an installed distribution that has entry points for both examples and for broken ones."""
    (tmp_path / "repeating.py").write_text(
        REPEAT.split("registration =")[0] + "\nfrom drawer_ipy.extending import StepKind\n"
        'KIND = StepKind(RepeatModel, "repeating:Repeat")\n'
    )
    (tmp_path / "broken.py").write_text("raise RuntimeError('no licence')\n")
    info = tmp_path / "repeating-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: repeating\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[drawer_ipy.steps]\nrepeat = repeating:KIND\nbroken = broken:KIND\n"
        "[drawer_ipy.buttons]\ntired = broken:RUNTIME\n"
    )
    return tmp_path


def in_python(site: Path, code: str) -> Any:
    env = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{Path(__file__).parents[1]}"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_entry_points_are_loaded_when_they_are_needed(site: Path) -> None:
    code = f"""
import json, sys, drawer_ipy
n = iter(range(9))
run = drawer_ipy.press({REPEATING!r}, buttons={{"count": lambda: next(n)}}).run
from drawer_ipy.definition import json_schema
kinds = json_schema()["$defs"]["Step"]["properties"]["kind"]["enum"]
print(json.dumps([run.status, run.steps[0].output, "repeat" in kinds, "broken" in kinds]))
"""
    assert in_python(site, code) == ["ok", {"rounds": 4}, True, False]


def test_built_in_kinds_import_no_entry_points(site: Path) -> None:
    code = """
import json, sys, drawer_ipy
drawer_ipy.press("steps: [{id: a, kind: wait, duration: 1ms}]")
print(json.dumps(["repeating" in sys.modules, "broken" in sys.modules]))
"""
    assert in_python(site, code) == [False, False]


def test_a_broken_entry_point_is_reported_where_it_is_used(site: Path) -> None:
    code = """
import json, drawer_ipy
def problems_of(text):
    try:
        drawer_ipy.press(text)
    except drawer_ipy.DefinitionError as error:
        return [str(p) for p in error.problems]
step = problems_of("steps: [{id: a, kind: broken}]")
button = problems_of("{buttons: {b: {runtime: tired, code: x}}, steps: [{id: a, button: b}]}")
print(json.dumps([step, button, problems_of("steps: [{id: a, kind: wiat, duration: 1ms}]")]))
"""
    step, button, other = in_python(site, code)
    reason = "of the distribution repeating could not be loaded: RuntimeError: no licence"
    assert len(step) == 1
    assert f"the step kind 'broken' {reason}" in step[0]
    assert any(f"the button runtime 'tired' {reason}" in problem for problem in button)
    assert "did you mean 'wait'" in other[0]


def test_problems_have_the_path_of_steps_in_registered_kinds() -> None:
    class Fork(StepBase):
        kind: Literal["fork"]
        ways: dict[str, list[AnyStep]] = Field(default_factory=dict)

        def nested(self) -> Iterator[Branch]:
            for name, steps in self.ways.items():
                yield Branch(("ways", name), steps, name, f"way {name}")

    text = "steps:\n- id: a\n  kind: fork\n  ways:\n    left:\n    - {id: b, kind: wait, durration: 1s}\n"
    with drawer_ipy.register_step(Fork, StepRunner):
        (problem,) = wrong(text)
        assert "step 'a.b'" in problem
        assert "did you mean 'duration'" in problem
        right = load_drawer(text.replace("rr", "r")).drawer
        assert list(steps_in_words(right.steps)) == ["a: fork", "  way left:", "    b: wait 1s"]


def test_every_runtime_has_a_description() -> None:
    assert set(SCRIPT_WORDS) == set(RUNTIMES)


def test_the_old_option_of_the_dry_run_gets_a_hint() -> None:
    drawer = load_drawer("steps: [{id: a, kind: wait, duration: 1s}]", name="shop").drawer
    with pytest.raises(UsageError) as caught:
        run_verb(["shop", "validate", "--summary"], VerbContext(Workspace(()), drawers={"shop": drawer}))
    assert "--dry-run" in caught.value.remediation


def test_the_error_of_a_failing_extension_names_it() -> None:
    class Odd(StepBase):
        kind: Literal["odd"]

    def broken(*given: Any) -> Any:
        raise ZeroDivisionError("no luck")

    with drawer_ipy.register_step(Odd, broken), pytest.raises(DrawerError) as caught:
        drawer_ipy.press("steps: [{id: a, kind: odd}]")
    reason = "the step kind 'odd' failed to compile it: ZeroDivisionError: no luck"
    assert f"step 'a': {reason}" in str(caught.value)
    text = "{buttons: {b: {runtime: odd}}, steps: [{id: a, button: b}]}"
    with drawer_ipy.register_button("odd", broken), pytest.raises(DefinitionError) as refused:
        drawer_ipy.press(text)
    reason = "the runtime 'odd' could not make button 'b': ZeroDivisionError: no luck"
    assert reason in str(refused.value)
