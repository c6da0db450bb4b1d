"""Drawers and buttons on disk: the files of the original are preserved, and it can read saved ones."""
# ruff: noqa: E501 - a row a line

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conformance_cases import CASES, load_cases
from workspace_rig import Folder, button_step

from drawer_ipy.definition import load_button, load_drawer
from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.errors import DefinitionError, UsageError
from drawer_ipy.workspace.document import document
from drawer_ipy.workspace.drawers import drawer_document, save_drawer

EPOCH = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
ALL = [case for file in ("cases", "cases-more", "defects") for case in load_cases(CASES / f"{file}.json")]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "root")


def recorded_drawers() -> list[dict[str, Any]]:
    """Every drawer of the conformance cases that loads, as in its file."""
    found = []
    for case in ALL:
        for name, raw in case["drawers"].items():
            tree = {"name": name, **raw}
            try:
                load_drawer(tree, lenient=True)
            except DefinitionError:
                continue
            found.append(tree)
    return found


def missing(raw: Any, saved: Any, at: str = "") -> list[str]:
    """The places where `saved` lacks something of `raw`; null counts as absent."""
    if isinstance(raw, dict) and isinstance(saved, dict):
        return [m for key, value in raw.items() if value is not None or key in saved
                for m in ([f"{at}.{key}"] if key not in saved else missing(value, saved[key], f"{at}.{key}"))]  # fmt: skip
    if isinstance(raw, list) and isinstance(saved, list) and len(raw) == len(saved):
        return [
            m for i, (a, b) in enumerate(zip(raw, saved, strict=True)) for m in missing(a, b, f"{at}[{i}]")
        ]
    return (
        [] if raw == saved and isinstance(raw, bool) == isinstance(saved, bool) else [f"{at}: {raw} {saved}"]
    )


def test_every_recorded_drawer_is_preserved(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "os.fsync", lambda handle: None
    )  # skip hundreds of slow calls; the test needs no durability
    drawers = recorded_drawers()
    assert len(drawers) > 300
    for raw in drawers:
        place = folder.root / "drawers" / raw["name"]
        place.mkdir(parents=True, exist_ok=True)
        (place / "drawer.json").write_text(json.dumps(raw))
        loaded = folder.workspace.find_drawer(raw["name"])
        assert loaded is not None
        save_drawer(folder.root, loaded.drawer, raw["name"])
        saved = json.loads((place / "drawer.json").read_text())
        assert [m for m in missing(raw, saved) if not is_intended(m)] == [], raw
        again = load_drawer(saved, lenient=True).drawer
        loaded.drawer.created_at = again.created_at
        assert drawer_document(again, now=EPOCH) == drawer_document(loaded.drawer, now=EPOCH)


def is_intended(what: str) -> bool:
    """Whether the difference is intended: a negative parallelism becomes 0, and version 1 has no kind."""
    return ".parallelism: -" in what or what == ".drawer_kind"


# The types of the original (docs/original.md#2-data-model): Go refuses values of other types.
GO_STEP: dict[str, type | tuple[type, ...]] = {
    "id": str, "kind": str, "args": dict, "on_failure": dict, "timeout_seconds": int, "button": str,
    "drawer": str, "over": str, "as": str, "on_item_failure": str, "parallelism": int, "steps": list,
    "cases": list, "from": str, "pluck": str, "duration": str, "until": str,
}  # fmt: skip
GO_DRAWER: dict[str, type | tuple[type, ...]] = {
    "schema_version": int, "name": str, "drawer_kind": str, "description": str, "inputs": list, "steps": list,
    "flow": dict, "on_error": dict, "output_schema": dict, "return": dict, "triggers": list,
    "created_at": str, "updated_at": str,
}  # fmt: skip
GO_POLICY = {"action": str, "max_attempts": int, "backoff": dict, "retry_on": list}
GO_BACKOFF = {"strategy": str, "initial_ms": int, "factor": (int, float), "max_ms": int, "jitter": bool}
GO_INPUT = {"name": str, "type": str, "required": bool, "description": str, "values": list, "secret": bool}


def unreadable(value: dict[str, Any], types: dict[str, Any], at: str) -> list[str]:
    found = []
    for key, kind in types.items():
        if key in value and (
            not isinstance(value[key], kind) or (kind is int and isinstance(value[key], bool))
        ):
            found.append(f"{at}.{key} is {value[key]!r}")
    return found


def unreadable_steps(steps: list[dict[str, Any]], at: str) -> list[str]:
    found = []
    for i, step in enumerate(steps):
        here = f"{at}[{i}]"
        found += unreadable(step, GO_STEP, here)
        policy = step.get("on_failure") or {}
        found += unreadable(policy, GO_POLICY, f"{here}.on_failure")
        found += unreadable(policy.get("backoff") or {}, GO_BACKOFF, f"{here}.backoff")
        found += unreadable_steps(step.get("steps") or [], f"{here}.steps")
        for case in step.get("cases") or []:
            found += unreadable(case, {"id": str, "when": str, "steps": list}, f"{here}.cases")
            found += unreadable_steps(case.get("steps") or [], f"{here}.cases")
    return found


def unreadable_drawer(tree: dict[str, Any]) -> list[str]:
    found = unreadable(tree, GO_DRAWER, "") + unreadable_steps(tree.get("steps") or [], "steps")
    for spec in tree.get("inputs", []):
        found += unreadable(spec, GO_INPUT, "inputs")
        found += [f"inputs: no {key}" for key in ("name", "type", "required") if key not in spec]
    flow = tree["drawer_kind"] == "flow" if tree["schema_version"] == 2 else "flow" in tree
    return found + (["steps"] if ("steps" in tree) == flow else [])


SHORT = """
inputs: {urls: list, n: {type: int, required: true}, plain: }
steps:
  - {id: a, button: say, on_failure: continue, timeout_seconds: 5}
  - id: each
    kind: for_each
    over: ${inputs.urls}
    parallelism: 4
    steps:
      - id: w
        button: say
        timeout_seconds: 2.0
        on_failure: {action: retry, max_attempts: 3, backoff: {initial_ms: 200, factor: 1.5, max_ms: 1e3, jitter: true}}
  - {id: r, kind: switch, cases: [{id: big, when: inputs.n > 1, steps: [{id: x, button: say}]}]}
"""


def test_saved_drawers_have_the_types_that_the_original_reads() -> None:
    short = load_drawer(SHORT, name="short").drawer
    for drawer in [short, *(load_drawer(raw, lenient=True).drawer for raw in recorded_drawers())]:
        assert unreadable_drawer(drawer_document(drawer, "x")) == []


def test_short_forms_are_saved_in_full() -> None:
    saved = drawer_document(load_drawer(SHORT, name="short").drawer)
    assert saved["inputs"] == [
        {"name": "urls", "type": "list", "required": False},
        {"name": "n", "type": "int", "required": True},
        {"name": "plain", "type": "any", "required": False},
    ]
    assert saved["steps"][0] == {
        "id": "a",
        "on_failure": {"action": "continue"},
        "timeout_seconds": 5,
        "button": "say",
    }
    assert saved["steps"][1]["steps"][0]["on_failure"]["backoff"]["max_ms"] == 1000
    assert list(saved)[:3] == ["schema_version", "name", "drawer_kind"]


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ({"steps": []}, {"schema_version": 2, "drawer_kind": "action", "steps": []}),
        ({"schema_version": 1, "steps": []}, {"schema_version": 1, "steps": []}),
        ({"schema_version": 1}, {"schema_version": 1, "steps": []}),
        ({"schema_version": 2, "drawer_kind": "action"}, {"schema_version": 2, "drawer_kind": "action", "steps": []}),
        ({"schema_version": 2, "drawer_kind": "flow", "flow": {"x": 1}}, {"schema_version": 2, "drawer_kind": "flow", "flow": {"x": 1}}),
        ({"schema_version": 2, "drawer_kind": "flow", "flow": {}, "steps": []}, {"schema_version": 2, "drawer_kind": "flow", "flow": {}}),
    ],
)  # fmt: skip
def test_a_saved_drawer_has_the_fields_of_its_version_and_kind(
    raw: dict[str, Any], kept: dict[str, Any]
) -> None:
    saved = drawer_document(
        load_drawer(raw, name="d", lenient="schema_version" in raw).drawer, "d", now=EPOCH
    )
    times = {"created_at": "2020-01-02T03:04:05Z", "updated_at": "2020-01-02T03:04:05Z"}
    assert saved == {"name": "d", **kept, **times}


def test_the_time_of_creation_is_kept() -> None:
    drawer = DrawerModel(name="d", created_at="2019-01-01T00:00:00Z", updated_at="2019-01-01T00:00:00Z")
    saved = drawer_document(drawer, now=EPOCH)
    assert (saved["created_at"], saved["updated_at"]) == ("2019-01-01T00:00:00Z", "2020-01-02T03:04:05Z")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "a Python object (object)"),
        (float("nan"), "is nan"),
        ({"x": [{1, 2}]}, "a Python object (set)"),
    ],
)
def test_a_value_that_cannot_be_saved_is_reported_and_nothing_is_written(
    folder: Folder, value: Any, message: str
) -> None:
    drawer = load_drawer({"steps": [button_step("a", "say", deep=value)]}, name="d").drawer
    with pytest.raises(UsageError) as caught:
        save_drawer(folder.root, drawer, "d")
    assert message in str(caught.value)
    assert "steps[0].args.deep" in str(caught.value)
    assert "declare an input" in str(caught.value)
    assert not folder.root.exists()


def test_a_reserved_name_is_refused_unless_the_drawer_exists(folder: Folder) -> None:
    with pytest.raises(UsageError, match="word of the command line"):
        save_drawer(folder.root, DrawerModel(name="list"))
    folder.drawer("list")
    assert save_drawer(folder.root, DrawerModel(name="list", description="new")).is_file()
    assert folder.read("list")["description"] == "new"


# Buttons


def test_every_recorded_button_is_preserved() -> None:
    for case in ALL:
        for name, parts in case["buttons"].items():
            raw = {"name": name, **parts["button"]}
            assert missing(raw, document(load_button(raw, lenient=True).button)) == []
