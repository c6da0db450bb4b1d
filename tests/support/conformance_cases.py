"""Run one conformance case on this engine and compare the result.

A case makes a workspace from `buttons` and `drawers`, presses (or validates) one drawer, and compares the
result with `expected` as a subset: every key of `expected` must be present with an equal value, and lists
must have the same length. Messages, ids and times are not compared.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from defects_expected import Right

from drawer_ipy import DefinitionError
from drawer_ipy.definition.checking.drawer import validate
from drawer_ipy.display.choose import choose_display
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.record.run import RunRecord
from drawer_ipy.workspace.lookup import Workspace

CASES = Path(__file__).parent.parent / "conformance"
MAIN_FILES = {"python": "main.py", "python3": "main.py", "node": "main.js", "javascript": "main.js"}

Case = dict[str, Any]


def load_cases(path: Path) -> list[Case]:
    """The cases of one file."""
    cases: list[Case] = json.loads(path.read_text(encoding="utf-8"))
    return cases


def lay_out(case: Case, home: Path) -> None:
    """Write the case's buttons and drawers as a workspace in `home`."""
    for name, parts in case["buttons"].items():
        folder = home / "buttons" / name
        folder.mkdir(parents=True)
        (folder / "button.json").write_text(json.dumps({"name": name, **parts["button"]}), encoding="utf-8")
        if parts.get("code") is not None:
            file = MAIN_FILES.get(parts["button"].get("runtime", ""), "main.sh")
            (folder / file).write_text(parts["code"], encoding="utf-8")
    for name, drawer in case["drawers"].items():
        folder = home / "drawers" / name
        folder.mkdir(parents=True)
        (folder / "drawer.json").write_text(json.dumps({"name": name, **drawer}), encoding="utf-8")


def run_case(case: Case, home: Path) -> dict[str, Any]:
    """What this engine returns for `case`: a run as a dict, a validation report or a refusal.

    A run is kept in the history of `home`; ``children`` lists the runs of the drawers that it pressed.
    """
    lay_out(case, home)
    env = {**os.environ, "CONF_X": "conf", **case.get("env", {}), "BUTTONS_HOME": str(home)}
    with mock.patch.dict(os.environ, env, clear=True):
        if case["mode"] == "validate":
            return report(case["drawer"])
        around = Surroundings(workspace=Workspace.current())
        try:
            job = prepare(case["drawer"], case["inputs"], Options(mode=case["mode"]), around)
        except DefinitionError as refusal:
            return {"status": "refused", "problems": [p.to_dict() for p in refusal.problems]}
        children: list[RunRecord] = []
        job.run.on_child = lambda child: (children.append(child), job.keeper.child(child))
        results = job.press_blocking(choose_display(None, quiet=True))
        return {**results.run.to_dict(), "children": [child.to_dict() for child in children]}


def report(name: str) -> dict[str, Any]:
    """The validation report of the drawer `name`, in the original's shape."""
    workspace = Workspace.current()
    around = Surroundings(workspace=workspace)
    try:
        loaded = around.load(name)
        problems = validate(
            loaded,
            find_button=around.catalog(loaded.drawer).find,
            button_names=workspace.button_names,
            find_drawer=around.find_drawer,
            drawer_names=workspace.drawer_names,
        )
    except DefinitionError as error:
        problems = error.problems
    errors = [p.to_dict() for p in problems if p.severity == "error"]
    warnings = [p.to_dict() for p in problems if p.severity == "warning"]
    return {"ok": not errors, "errors": errors, "warnings": warnings}


def differences(expected: Any, actual: Any, at: str = "result") -> list[str]:
    """Describe each place where `actual` lacks something that `expected` has; extra keys are fine."""
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping):
            return [f"{at}: expected a mapping, got {actual!r}"]
        found = []
        for key, value in expected.items():
            if key in actual:
                found += differences(value, actual[key], f"{at}.{key}")
            elif value is not None:
                found.append(f"{at}.{key}: missing, expected {value!r}")
        return found
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{at}: expected {expected!r}, got {actual!r}"]
        pairs = enumerate(zip(expected, actual, strict=True))
        return [line for i, (e, a) in pairs for line in differences(e, a, f"{at}[{i}]")]
    same = type(expected) is type(actual) or not (isinstance(expected, bool) or isinstance(actual, bool))
    return [] if same and expected == actual else [f"{at}: expected {expected!r}, got {actual!r}"]


def judge(case: Case, actual: dict[str, Any]) -> list[str]:
    """Describe how `actual` differs from what `case` expects; empty if it matches."""
    expected = dict(case["expected"])
    if case["mode"] == "validate":
        return judge_report(expected, actual)
    if actual["status"] == "refused":
        return judge_refusal(expected, actual)
    if "__last_output__" in expected:
        ran = [s for s in actual["steps"] if s["status"] != "skipped"]
        actual = {**actual, "__last_output__": ran[-1].get("output") if ran else None}
    return differences(expected, actual)


def judge_refusal(expected: dict[str, Any], actual: dict[str, Any]) -> list[str]:
    """Accept a drawer that was refused before the run if the original failed at the same step."""
    if expected["status"] != "failed":
        return [f"refused: {actual['problems']}"]
    errors = [p for p in actual["problems"] if p["severity"] == "error"]
    named = {p.get("path", p.get("step_id", "")).split(".")[0] for p in errors}
    step = expected.get("failed_step") or next(
        (s["id"] for s in expected["steps"] if s["status"] != "ok"), ""
    )
    return [] if step in named else [f"refused for {sorted(named)}, expected a failure at {step!r}"]


def judge_report(expected: dict[str, Any], actual: dict[str, Any]) -> list[str]:
    """Check that each expected problem was reported, and no further errors."""
    found = [] if expected["ok"] == actual["ok"] else [f"ok: {actual['ok']}: {actual}"]
    for kind in ("errors", "warnings"):
        left = list(actual[kind])
        for want in expected.get(kind) or []:
            match = next((p for p in left if _same_place(want, p)), None)
            if match is None:
                found.append(f"{kind}: nothing like {want} in {actual[kind]}")
            else:
                left.remove(match)
        if kind == "errors" and left:
            found.append(f"errors not expected: {left}")
    return found


def _same_place(want: Mapping[str, Any], problem: Mapping[str, Any]) -> bool:
    return all(problem.get(key, "") == want[key] for key in ("step_id", "arg") if want.get(key))


def judge_defect(right: Right, actual: dict[str, Any]) -> list[str]:
    """Describe how `actual` differs from the right result; empty if it matches."""
    if right.refused:
        return _judge_refused(right, actual)
    problems = actual.get("errors", [])
    message = actual.get("error", {}).get("message", "") or "".join(p.get("message", "") for p in problems)
    found = [f"{message!r} does not say {word!r}" for word in right.says if word not in message]
    if "ok" in right.expected:
        found += judge_report(right.expected, actual)
        if right.exact and len(actual["warnings"]) != len(right.expected["warnings"]):
            found.append(f"warnings not expected: {actual['warnings']}")
        return found
    found += differences(right.expected, actual)
    if right.children:
        found += differences(list(right.children), actual["children"], "children")
    return found


def _judge_refused(right: Right, actual: dict[str, Any]) -> list[str]:
    if actual["status"] != "refused":
        return [f"not refused: {actual}"]
    for problem in actual["problems"]:
        if problem["severity"] == "error" and problem.get("step_id") == right.refused:
            found = [f"{problem['message']!r} lacks {w!r}" for w in right.says if w not in problem["message"]]
            return found if problem.get("arg") == right.arg else [*found, f"arg: {problem.get('arg')!r}"]
    return [f"no error of step {right.refused!r}: {actual['problems']}"]


def leaks(secret: str, home: Path, case: Case) -> list[str]:
    """Files below `home` that contain `secret`, except the drawers of the case itself."""
    own = {home / "drawers" / name / "drawer.json" for name in case["drawers"]}
    files = [path for path in home.rglob("*") if path.is_file() and path not in own]
    return [str(path) for path in files if secret.encode() in path.read_bytes()]
