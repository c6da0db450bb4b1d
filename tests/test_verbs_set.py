"""``NAME set PATH=VALUE``: valid paths, valid and invalid values, and that a refusal changes nothing."""
# ruff: noqa: E501 - a row a line

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from workspace_rig import Folder, button_step

from drawer_ipy.definition import load_drawer
from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.definition.step_base import step_models
from drawer_ipy.errors import DefinitionError, UsageError
from drawer_ipy.verbs import VerbContext, VerbError, VerbResult, run_verb
from drawer_ipy.verbs.fields import FIELDS, fields_of

STEPS: list[dict[str, Any]] = [
    button_step("page", "fetch", url="u"),
    {"id": "each", "kind": "for_each", "over": "${inputs.urls}", "as": "u", "steps": [
        button_step("work", "work", n=1),
        {"id": "inner", "kind": "for_each", "over": "${u}", "steps": [button_step("deep", "work")]},
    ]},
    {"id": "route", "kind": "switch",
     "cases": [
        {"id": "big", "when": "inputs.n > 5", "steps": [button_step("work", "work"), button_step("only", "work")]},
        {"when": "inputs.n > 3", "steps": [button_step("work", "work"),
            {"id": "again", "kind": "for_each", "over": "[1]", "steps": [button_step("deep", "work")]}]},
     ],
     "steps": [button_step("small", "work")]},
    {"id": "sub", "kind": "drawer", "drawer": "child"},
    {"id": "sum", "kind": "aggregate", "from": "${each.output.results}", "pluck": "item.index"},
    {"id": "nap", "kind": "wait", "duration": "1s"},
    {"id": "side", "kind": "split", "branches": {"left": [button_step("work", "work")], "right": [button_step("r", "work")]}},
    {"id": "lots", "kind": "batch", "over": "${inputs.urls}", "size": 10, "steps": [button_step("work", "work")]},
    {"id": "shape", "kind": "transform", "expression": "1"},
    {"id": "v1.2", "kind": "wait", "duration": "1s"},
    {"id": "v1", "kind": "wait", "duration": "1s"},
]  # fmt: skip


class Place:
    """The same drawer, defined in a cell or on disk."""

    def __init__(self, folder: Folder, on_disk: bool) -> None:
        self.folder, self.on_disk = folder, on_disk
        self.context = VerbContext(folder.workspace)
        if on_disk:
            folder.drawer("pages", *json.loads(json.dumps(STEPS)))
        else:
            self.context.drawers["pages"] = load_drawer({"steps": STEPS}, name="pages").drawer

    def verb(self, *words: str) -> VerbResult:
        return run_verb(["pages", *words], self.context)

    def drawer(self) -> DrawerModel:
        if not self.on_disk:
            return self.context.drawers["pages"]
        found = self.folder.workspace.find_drawer("pages")
        assert found is not None
        return found.drawer

    def tree(self) -> Any:
        """The steps of the drawer as plain data."""
        return self.drawer().model_dump(by_alias=True)["steps"]


@pytest.fixture(params=["cell", "disk"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(Folder(tmp_path / "root"), request.param == "disk")


# (the word, the path of the changed value below `steps`, the value)
REACHED: list[tuple[str, tuple[Any, ...], Any]] = [
    ("each.parallelism=10", (1, "parallelism"), 10),
    ("each.parallelism=0", (1, "parallelism"), 0),
    ("each.over=${page.output}", (1, "over"), "${page.output}"),
    ("each.over=[1, 2]", (1, "over"), [1, 2]),
    ("each.as=item", (1, "as"), "item"),
    ("each.on_item_failure=continue", (1, "on_item_failure"), "continue"),
    ('each.on_item_failure="stop"', (1, "on_item_failure"), "stop"),
    ("each.tolerated_failures=5", (1, "tolerated_failures"), 5),
    ("each.tolerated_failures=2.5%", (1, "tolerated_failures"), "2.5%"),
    ("each.rate=100/min", (1, "rate"), "100/min"),
    ("each.timeout_seconds=2.5", (1, "timeout_seconds"), 2.5),
    ("page.button=get", (0, "button"), "get"),
    ("page.rate=5/s", (0, "rate"), "5/s"),
    ("page.args.url=http://x/?a=b", (0, "args", "url"), "http://x/?a=b"),
    ("page.args.new=7", (0, "args", "new"), 7),
    ("page.args.list=[1, {\"a\": null}]", (0, "args", "list"), [1, {"a": None}]),
    ("page.args.url=null", (0, "args", "url"), None),
    ('page.args.url="7"', (0, "args", "url"), "7"),
    ("page.args.url=", (0, "args", "url"), ""),
    ("page.args.my-arg=${each.output.total}", (0, "args", "my-arg"), "${each.output.total}"),
    ("page.on_failure=continue", (0, "on_failure", "action"), "continue"),
    ('page.on_failure={"action": "retry", "max_attempts": 3}', (0, "on_failure", "max_attempts"), 3),
    ("sub.drawer=other", (3, "drawer"), "other"),
    ("sub.args.x=1", (3, "args", "x"), 1),
    ("sum.from=[1]", (4, "from"), [1]),
    ("sum.pluck=${item.item}", (4, "pluck"), "${item.item}"),
    ("nap.duration=1h30m", (5, "duration"), "1h30m"),
    ("nap.duration=${inputs.pause}", (5, "duration"), "${inputs.pause}"),
    ("nap.until=2030-01-31T08:00:00Z", (5, "until"), "2030-01-31T08:00:00Z"),
    ("lots.size=5", (7, "size"), 5),
    ("lots.parallelism=2", (7, "parallelism"), 2),
    ('shape.expression={"a": "1 + 1"}', (8, "expression"), {"a": "1 + 1"}),
    # Nested steps, by id and by position
    ("each.work.args.n=3", (1, "steps", 0, "args", "n"), 3),
    ("each.steps.0.args.n=4", (1, "steps", 0, "args", "n"), 4),
    ("each.work.timeout_seconds=3", (1, "steps", 0, "timeout_seconds"), 3),
    ("each.inner.parallelism=2", (1, "steps", 1, "parallelism"), 2),
    ("each.inner.deep.args.n=5", (1, "steps", 1, "steps", 0, "args", "n"), 5),
    ("each.steps.1.steps.0.args.n=6", (1, "steps", 1, "steps", 0, "args", "n"), 6),
    ("each.inner.steps.0.button=b", (1, "steps", 1, "steps", 0, "button"), "b"),
    ("route.big.when=inputs.n > 9", (2, "cases", 0, "when"), "inputs.n > 9"),
    ("route.big.work.args.n=7", (2, "cases", 0, "steps", 0, "args", "n"), 7),
    ("route.cases.0.steps.0.args.n=8", (2, "cases", 0, "steps", 0, "args", "n"), 8),
    ("route.only.args.n=9", (2, "cases", 0, "steps", 1, "args", "n"), 9),
    ("route.cases.1.when=true", (2, "cases", 1, "when"), True),
    ("route.cases.1.work.args.n=1", (2, "cases", 1, "steps", 0, "args", "n"), 1),
    ("route.cases.1.again.deep.args.n=2", (2, "cases", 1, "steps", 1, "steps", 0, "args", "n"), 2),
    ("route.again.deep.args.n=3", (2, "cases", 1, "steps", 1, "steps", 0, "args", "n"), 3),
    ("route.small.args.n=4", (2, "steps", 0, "args", "n"), 4),
    ("route.steps.0.args.n=5", (2, "steps", 0, "args", "n"), 5),
    ("side.left.work.args.n=6", (6, "branches", "left", 0, "args", "n"), 6),
    ("side.branches.right.0.args.n=7", (6, "branches", "right", 0, "args", "n"), 7),
    ("side.r.args.n=8", (6, "branches", "right", 0, "args", "n"), 8),
    ("lots.work.args.n=9", (7, "steps", 0, "args", "n"), 9),
    # Ids with dots: the longest matching id is used
    ("v1.2.duration=2s", (9, "duration"), "2s"),
    ("v1.duration=3s", (10, "duration"), "3s"),
]  # fmt: skip


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


@pytest.mark.parametrize(("word", "path", "value"), REACHED)
def test_set_changes_exactly_one_field(place: Place, word: str, path: tuple[Any, ...], value: Any) -> None:
    before = place.tree()
    outcome = place.verb("set", word)
    after = place.tree()
    assert at(after, path) == value
    if path[-1] != "timeout_seconds":
        assert type(at(after, path)) is type(value)
    assert outcome.data["drawer"] == "pages"
    assert outcome.data["set"][0]["path"] == word.partition("=")[0]
    assert word.partition("=")[0] in outcome.text
    # Nothing else has changed.
    for tree in (before, after):
        owner = at(tree, path[:-1])
        if isinstance(owner, dict):
            owner.pop(path[-1], None)
    if path[-2:-1] != ("on_failure",):
        assert after == before


def test_whole_seconds_are_saved_as_integers(tmp_path: Path) -> None:
    place = Place(Folder(tmp_path), on_disk=True)
    retry = '{"action": "retry", "backoff": {"initial_ms": 200, "max_ms": 1500.5}}'
    place.verb("set", "page.timeout_seconds=3", f"page.on_failure={retry}", "page.args.n=2.0")
    saved = (place.folder.root / "drawers" / "pages" / "drawer.json").read_text()
    for text in ('"timeout_seconds": 3,', '"initial_ms": 200,', '"max_ms": 1500.5', '"n": 2.0'):
        assert text in saved


@pytest.mark.parametrize(
    ("word", "gone", "becomes"),
    [
        ("each.timeout_seconds=null", "timeout_seconds", None),
        ("each.over=null", "over", None),
        ("each.parallelism=null", "parallelism", 0),
        ("each.on_item_failure=null", "on_item_failure", "stop"),
        ("page.on_failure=null", "on_failure", None),
    ],
)
def test_null_removes_a_field(place: Place, word: str, gone: str, becomes: Any) -> None:
    place.verb("set", "each.timeout_seconds=5", "page.on_failure=continue", "each.parallelism=3")
    place.verb("set", word)
    step = place.drawer().steps[1 if word.startswith("each") else 0]
    assert getattr(step, gone) == becomes
    if place.on_disk:
        assert gone not in place.folder.read("pages")["steps"][1 if word.startswith("each") else 0]


# (the word, the error code, texts in the error)
REFUSED: list[tuple[str, str, tuple[str, ...]]] = [
    ("each.parallelism=-1", "VALIDATION_ERROR", ("each.parallelism cannot be '-1'", "a whole number from 0 up")),
    ("each.parallelism=x", "VALIDATION_ERROR", ("'x'", "a whole number from 0 up")),
    ("each.parallelism=2.5", "VALIDATION_ERROR", ("a whole number from 0 up",)),
    ("each.parallelism=true", "VALIDATION_ERROR", ("a whole number from 0 up",)),
    ('each.parallelism="4"', "VALIDATION_ERROR", ("a whole number from 0 up",)),
    ("each.parallelism=", "VALIDATION_ERROR", ("a whole number from 0 up",)),
    ("each.on_item_failure=contine", "VALIDATION_ERROR", ("stop or continue",)),
    ("each.tolerated_failures=101%", "VALIDATION_ERROR", ("a count from 0 up, or a share",)),
    ("each.tolerated_failures=-1", "VALIDATION_ERROR", ("a count from 0 up, or a share",)),
    ("each.as=2x", "VALIDATION_ERROR", ("letters, digits and _",)),
    ("each.as=null", "VALIDATION_ERROR", ("letters, digits and _",)),
    ("each.over=", "VALIDATION_ERROR", ("a list, or an expression",)),
    ("each.over=5", "VALIDATION_ERROR", ("a list, or an expression",)),
    ("each.over=${inputs.urls", "VALIDATION_ERROR", ("each.over cannot be", "a list, or an expression")),
    ("each.rate=5", "VALIDATION_ERROR", ("5/s or 100/min",)),
    ("each.rate=0/s", "VALIDATION_ERROR", ("5/s or 100/min",)),
    ("each.timeout_seconds=-1", "VALIDATION_ERROR", ("seconds, a number from 0 up",)),
    ("each.timeout_seconds=1e999", "VALIDATION_ERROR", ("too large for a float",)),
    ("each.timeout_seconds=soon", "VALIDATION_ERROR", ("seconds, a number from 0 up",)),
    ("page.button=", "VALIDATION_ERROR", ("the name of a button",)),
    ("page.button=null", "VALIDATION_ERROR", ("the name of a button",)),
    ("page.on_failure=retry", "VALIDATION_ERROR", ("stop, continue, or what to do",)),
    ('page.on_failure={"action": "redo"}', "VALIDATION_ERROR", ("action", "stop, continue, or what to do")),
    ('page.on_failure={"action": "retry", "tries": 3}', "VALIDATION_ERROR", ("unknown key 'tries'", "max_attempts")),
    ("page.args.url=${", "VALIDATION_ERROR", ("page.args.url cannot be",)),
    ("page.args.url=${1 +}", "VALIDATION_ERROR", ("page.args.url cannot be",)),
    ("nap.duration=10", "VALIDATION_ERROR", ("300ms, 1.5s, 2m or 1h30m",)),
    ("nap.until=tomorrow", "VALIDATION_ERROR", ("2030-01-31T08:00:00Z",)),
    ("sum.pluck=1 +", "VALIDATION_ERROR", ("an expression",)),
    ("route.big.when=1 +", "VALIDATION_ERROR", ("an expression that is true or false",)),
    ("lots.size=0", "VALIDATION_ERROR", ("a whole number from 1 up",)),
    ("sub.drawer=pages", "VALIDATION_ERROR", ("a drawer cannot include itself",)),
    ("sub.drawer=Pages", "VALIDATION_ERROR", ("a drawer cannot include itself",)),
    ("each.paralelism=1", "STEP_FIELD_UNKNOWN", ("did you mean 'parallelism'?", "over, as, on_item_failure, parallelism")),
    ("each=1", "STEP_FIELD_UNKNOWN", ("it names a step, not a field", "parallelism")),
    ("each.args=1", "STEP_FIELD_UNKNOWN", ("args.NAME",)),
    ("each.id=x", "STEP_FIELD_UNKNOWN", ("parallelism",)),
    ("each.kind=wait", "STEP_FIELD_UNKNOWN", ("parallelism",)),
    ("each.steps=[]", "STEP_FIELD_UNKNOWN", ("steps.N",)),
    ("page.parallelism=2", "STEP_FIELD_UNKNOWN", ("args.NAME, button, rate, timeout_seconds, on_failure",)),
    ("page.args.a.b=2", "STEP_FIELD_UNKNOWN", ("args.NAME",)),
    ("page.rate.x=2", "STEP_FIELD_UNKNOWN", ("args.NAME",)),
    ("nap.over=[1]", "STEP_FIELD_UNKNOWN", ("duration, until",)),
    ("route.big.id=x", "STEP_FIELD_UNKNOWN", ("when",)),
    ("route.big.args.x=1", "NESTED_STEP_NOT_FOUND", ("work, only",)),
    ("paeg.button=x", "STEP_NOT_FOUND", ("did you mean 'page'?", "page, each, route")),
    ("work.args.n=1", "STEP_NOT_FOUND", ("steps are page, each",)),
    (".x=1", "STEP_NOT_FOUND", ("steps are",)),
    ("each.wrok.args.n=1", "NESTED_STEP_NOT_FOUND", ("did you mean 'work'?", "work, inner")),
    ("each.steps.2.args.n=1", "NESTED_STEP_NOT_FOUND", ("no each.steps.2", "from 0 to 1")),
    ("each.steps.-1.args.n=1", "NESTED_STEP_NOT_FOUND", ("from 0 to 1",)),
    ("each.steps.x.args.n=1", "NESTED_STEP_NOT_FOUND", ("from 0 to 1",)),
    ("route.cases.2.when=true", "NESTED_STEP_NOT_FOUND", ("no route.cases.2", "from 0 to 1")),
    ("side.branches.up.0.args.n=1", "NESTED_STEP_NOT_FOUND", ("it has no step",)),
    ("route.work.args.n=1", "AMBIGUOUS", ("may be several steps", "route.big.work or route.cases.1.work")),
    ("flow.initial_stage=x", "DRAWER_KIND_MISMATCH", ("in a flow drawer",)),
]  # fmt: skip


@pytest.mark.parametrize(("word", "code", "texts"), REFUSED)
def test_set_refuses_invalid_paths_and_values(
    place: Place, word: str, code: str, texts: tuple[str, ...]
) -> None:
    before = place.drawer().model_dump()
    with pytest.raises(VerbError) as caught:
        place.verb("set", word)
    assert caught.value.code == code
    for text in texts:
        assert text in str(caught.value)
    assert place.drawer().model_dump() == before


@pytest.mark.parametrize("word", ["each", "each.parallelism", "=5", ""])
def test_a_word_that_is_not_an_assignment_is_refused(place: Place, word: str) -> None:
    with pytest.raises(UsageError, match=r"(?s)is not of the form name=value.*each\.parallelism=10"):
        place.verb("set", word)


def test_set_without_an_assignment_is_refused(place: Place) -> None:
    with pytest.raises(UsageError, match=r"PATH=VALUE"):
        place.verb("set")


# Several assignments


def test_several_assignments_are_made_together(place: Place) -> None:
    outcome = place.verb("set", "each.parallelism=4", "each.work.args.n=2", "each.parallelism=5")
    assert [change["value"] for change in outcome.data["set"]] == [4, 2, 5]
    assert [change["was"] for change in outcome.data["set"]] == [None, 1, 4]
    assert place.tree()[1]["parallelism"] == 5
    assert outcome.text.splitlines() == [
        "each.parallelism = 4",
        "each.work.args.n = 2 (was 1)",
        "each.parallelism = 5 (was 4)",
    ]


@pytest.mark.parametrize("wrong", ["each.parallelism=x", "nobody.x=1", "each.nothing=1"])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_invalid_assignment_prevents_all(place: Place, wrong: str, position: int) -> None:
    words = ["each.work.args.n=99", "page.button=other"]
    words.insert(position, wrong)
    before = place.drawer().model_dump()
    with pytest.raises(VerbError):
        place.verb("set", *words)
    assert place.drawer().model_dump() == before


def test_a_refused_set_does_not_write_the_file(place: Place) -> None:
    if place.on_disk:
        path = place.folder.root / "drawers" / "pages" / "drawer.json"
        before = path.read_bytes()
        with pytest.raises(VerbError):
            place.verb("set", "each.work.args.n=99", "each.parallelism=-1")
        assert path.read_bytes() == before


def test_a_dry_run_of_set_changes_nothing(place: Place) -> None:
    before = place.drawer().model_dump()
    outcome = place.verb("set", "each.parallelism=4", "--dry-run")
    assert outcome.data["executed"] is False
    assert outcome.text.endswith("nothing was saved")
    assert place.drawer().model_dump() == before
    with pytest.raises(VerbError):
        place.verb("set", "each.parallelism=-4", "--dry-run")


# What set keeps


def test_objects_in_a_drawer_of_a_cell_are_kept(tmp_path: Path) -> None:
    thing = object()
    place = Place(Folder(tmp_path), on_disk=False)
    place.context.drawers["pages"].steps[0].args["thing"] = thing
    place.verb("set", "each.parallelism=4")
    assert place.drawer().steps[0].args["thing"] is thing


def test_a_drawer_of_a_cell_takes_precedence_over_one_on_disk(tmp_path: Path) -> None:
    place = Place(Folder(tmp_path), on_disk=False)
    place.folder.drawer("pages", button_step("page", "other"))
    place.verb("set", "each.parallelism=4")
    assert [step["id"] for step in place.folder.read("pages")["steps"]] == ["page"]


@pytest.mark.parametrize("name", ["My Pages", "my-pages", "my_pages"])
def test_a_drawer_is_found_by_any_spelling_of_its_name(tmp_path: Path, name: str) -> None:
    place = Place(Folder(tmp_path), on_disk=False)
    place.context.drawers["My Pages"] = place.context.drawers.pop("pages")
    run_verb([name, "set", "each.parallelism=4"], place.context)
    assert place.context.drawers["My Pages"].model_dump()["steps"][1]["parallelism"] == 4
    assert list(place.context.drawers) == ["My Pages"]


def test_unknown_fields_of_the_original_are_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    step = {**button_step("page", "fetch"), "bindings": {"x": 1}, "x_new": [1, {"y": None}]}
    path = folder.drawer("pages", step, x_future={"a": [1]}, created_at="2020-01-02T03:04:05Z", description="d",
                         inputs=[{"name": "n", "type": "int", "required": True, "x_hint": "h"}],
                         triggers=[{"kind": "webhook", "path": "/x"}])  # fmt: skip
    before = json.loads(path.read_text())
    run_verb(["pages", "set", "page.args.n=1"], VerbContext(folder.workspace))
    after = json.loads(path.read_text())
    assert after["updated_at"] > "2020"
    assert list(after["steps"][0]["x_new"][1]) == ["y"]
    after["steps"][0]["args"] = {}
    after.pop("updated_at")
    assert after == before


@pytest.mark.parametrize("version", [1, 2])
def test_a_drawer_keeps_its_version(tmp_path: Path, version: int) -> None:
    folder = Folder(tmp_path)
    kind = {"drawer_kind": "action"} if version == 2 else {}
    path = folder.drawer("pages")
    path.write_text(json.dumps({"schema_version": version, "name": "pages", **kind, "steps": [STEPS[0]]}))
    run_verb(["pages", "set", "page.args.n=1"], VerbContext(folder.workspace))
    saved = folder.read("pages")
    assert saved["schema_version"] == version
    assert ("drawer_kind" in saved) == (version == 2)


def test_set_of_a_flow_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drawer("pages").write_text('{"schema_version": 2, "drawer_kind": "flow", "flow": {"stages": []}}')
    with pytest.raises(VerbError) as caught:
        run_verb(["pages", "set", "flow.initial_stage=x"], VerbContext(folder.workspace))
    assert caught.value.code == "DRAWER_KIND_MISMATCH"


def test_an_invalid_drawer_is_reported_and_not_changed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    path = folder.drawer("pages")
    path.write_text('{"schema_version": 2, "steps": [{"id": "a", "kind": "for_eahc"}]}')
    before = path.read_bytes()
    with pytest.raises(DefinitionError, match=r"(?s)pages was not changed: 1 problem.*for_each"):
        run_verb(["pages", "set", "a.over=[1]"], VerbContext(folder.workspace))
    assert path.read_bytes() == before


def test_an_infinite_number_is_refused_for_a_drawer_on_disk(tmp_path: Path) -> None:
    place = Place(Folder(tmp_path), on_disk=True)
    before = place.folder.read("pages")
    with pytest.raises(UsageError, match="too large for a float"):
        place.verb("set", "page.args.n=1e999")
    assert place.folder.read("pages") == before


# The list of fields


def test_every_field_of_a_step_kind_can_be_set_or_is_structure() -> None:
    structure = {"id", "kind", "args", "steps", "cases", "branches", "bindings"}
    for kind, model in step_models().items():
        keys = {info.alias or name for name, info in model.model_fields.items()}
        assert keys - structure == set(fields_of(kind)), kind


def test_the_help_lists_every_field(place: Place) -> None:
    text = place.verb("set", "--help").text
    assert all(f"  {name} " in text and field.allowed in text for name, field in FIELDS.items())
