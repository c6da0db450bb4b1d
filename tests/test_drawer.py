"""A drawer as an object of Python: ``Drawer.load`` and ``drawer.validate()``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy import DefinitionError, Drawer, DrawerNotFound, Validation, press


def fetch(url: str) -> str:
    return url


BAD = """\
name: pages
inputs: {urls: {type: list}}
steps:
  - id: each
    kind: for_each
    over: ${inputs.url}
    steps:
      - {id: page, button: fetsh, args: {url: "${item}"}}
      - {id: again, buton: fetch, args: {url: "<b>${item"}}
  - id: pick
    kind: switch
    cases: [{when: each.output.total > 0, steps: [{id: in, button: fetch, args: {url: "${later.output}"}}]}]
  - {id: later, kind: wait, duration: soon, retries: 3}
return: {n: "${each.output.count}"}
"""

# The place of each problem: line, step, argument or field.
PLACES = [
    (6, "each", "over"),
    (8, "each.page", "button"),
    (9, "each.again", "buton"),
    (9, "each.again", "url"),
    (12, "pick.in", "url"),
    (13, "later", "duration"),
    (13, "later", "retries"),
    (14, "", "return"),
]


def test_validate_reports_every_problem_with_its_place() -> None:
    report = Drawer.load(BAD).validate()
    assert isinstance(report, Validation)
    assert not report.ok
    assert [(p.line, p.step_id, p.arg) for p in report] == PLACES
    assert len(report) == len(report.errors) == len(PLACES)
    assert report.warnings == []
    assert all(p.column for p in report)
    assert all(p.remediation for p in report)


def test_the_repr_and_html_of_a_validation_show_every_problem_below_its_line() -> None:
    report = Drawer.load(BAD).validate()
    text, html = repr(report), report._repr_html_()
    assert text.startswith("drawer 'pages': 8 errors\n")
    lines = BAD.splitlines()
    for problem in report:
        assert f"error: {problem}" in text
        assert problem.line is not None
        at = text.index(lines[problem.line - 1], text.index(str(problem)))
        mark = text[at:].splitlines()[1]
        assert mark.index("^") == (problem.column or 0) - 1 + 4  # indented by four
    assert html.count("<pre") == len(PLACES)
    assert "<b>$" not in html  # text from the drawer is escaped
    assert "&lt;b&gt;$" in html


def test_the_dict_of_a_validation_is_the_report_of_the_original() -> None:
    assert Drawer.load("steps: [{id: a, button: fetch, args: {url: x}}]").validate().to_dict() == {
        "ok": True,
        "errors": [],
        "warnings": [],
    }
    report = Drawer.load(BAD).validate().to_dict()
    assert report["ok"] is False
    assert [error.get("step_id", "") for error in report["errors"]][:3] == ["each", "page", "again"]
    assert json.loads(json.dumps(report)) == report


def test_warnings_do_not_prevent_a_press() -> None:
    drawer = Drawer.load(
        "steps: [{id: a, button: fetch, args: {url: x}}, {id: l, kind: for_each, over: '[]'}]"
    )
    report = drawer.validate()
    assert report.ok
    assert [(p.severity, p.step_id) for p in report] == [("warning", "l")]
    assert "1 warning" in repr(report)
    assert press(drawer, quiet=True).run.status == "ok"


def test_a_press_of_a_loaded_drawer_refuses_with_the_lines_of_its_text() -> None:
    with pytest.raises(DefinitionError) as caught:
        press(Drawer.load(BAD), quiet=True)
    assert [(p.line, p.step_id, p.arg) for p in caught.value.problems] == PLACES


def test_a_drawer_built_from_fields_is_checked_in_the_same_way() -> None:
    drawer = Drawer.model_validate({"steps": [{"id": "a", "button": "nope"}]})
    assert [(p.step_id, p.arg, p.line) for p in drawer.validate()] == [("a", "button", None)]
    drawer = Drawer(name="d", steps=[{"id": "a", "button": "fetch", "args": {"url": "x"}}])  # type: ignore[list-item]
    assert repr(drawer.validate()) == "drawer 'd': no problems"


def test_a_change_to_a_loaded_drawer_is_seen() -> None:
    drawer = Drawer.load("steps: [{id: a, button: fetch, args: {url: x}}]")
    assert drawer.validate().ok
    drawer.steps[0].args["url"] = "${nope}"
    assert [p.arg for p in drawer.validate()] == ["url"]


def test_validation_uses_the_given_inputs_and_buttons() -> None:
    drawer = Drawer.load("steps: [{id: a, button: get, args: {url: '${inputs.u}'}}]")
    assert not drawer.validate().ok
    assert drawer.validate(["u"], buttons={"get": fetch}).ok
    assert drawer.validate({"u": 1}, buttons={"get": fetch}).ok


@pytest.mark.parametrize("form", ["text", "mapping", "path", "name", "Drawer"])
def test_a_drawer_loads_from_any_form(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields: dict[str, Any] = {
        "schema_version": 2,
        "drawer_kind": "action",
        "name": "my-show",
        "steps": [{"id": "a", "button": "fetch", "args": {"url": "x"}}],
        "note": "a key of a newer version",
    }
    folder = tmp_path / "drawers" / "my-show"
    folder.mkdir(parents=True)
    (folder / "drawer.json").write_text(json.dumps(fields))
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    plain = {key: value for key, value in fields.items() if key != "note"}
    forms: dict[str, Any] = {
        "text": json.dumps(plain),
        "mapping": plain,
        "path": folder / "drawer.json",
        "name": "My Show",
        "Drawer": Drawer.model_validate(plain),
    }
    drawer = Drawer.load(forms[form])
    assert drawer.validate().ok
    assert drawer.name == "my-show"
    assert press(drawer, quiet=True).output == "x"
    if form in ("path", "name"):
        assert drawer.model_extra == {"note": "a key of a newer version"}


@pytest.mark.parametrize(
    ("given", "error"), [("steps: [", DefinitionError), ("no-such-drawer", DrawerNotFound)]
)
def test_invalid_forms_of_a_drawer_are_refused(given: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Drawer.load(given)


def test_a_validation_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match=r"\.ok"):
        bool(Drawer.load(BAD).validate())
