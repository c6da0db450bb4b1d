"""The JSON Schema: definitions that load are valid, and typing errors are not."""
# ruff: noqa: E501 - a definition a line

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from drawer_ipy.definition import load_button, load_drawer
from drawer_ipy.definition.json_schema import json_schema
from drawer_ipy.definition.reading.source import read_source
from drawer_ipy.definition.step_base import STEP_KINDS
from drawer_ipy.errors import DefinitionError

FOLDER = Path(__file__).parent / "conformance"
DRAWER = jsonschema.Draft202012Validator(json_schema())
BUTTON = jsonschema.Draft202012Validator(json_schema("button"))


def cases(what: str, *modes: str) -> list[Any]:
    files = [
        json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
        for name in ("cases", "cases-more", "defects")
    ]
    return [one for file in files for case in file if case["mode"] in modes for one in case[what].values()]


def loads(load: Any, definition: Any) -> bool:
    try:
        load(definition)
    except DefinitionError:
        return False
    return True


def test_both_schemas_are_valid_json_schemas() -> None:
    for what in (DRAWER, BUTTON):
        jsonschema.Draft202012Validator.check_schema(what.schema)
        assert "UnreadStep" not in json.dumps(what.schema)
        references = set(json.dumps(what.schema).split('"#/$defs/')[1:])
        assert {text.partition('"')[0] for text in references} <= set(what.schema["$defs"])


def undescribed(schema: Any, path: str = "") -> list[str]:
    """The paths of the keys in a schema that have no description."""
    if isinstance(schema, list):
        return [
            found for place, value in enumerate(schema) for found in undescribed(value, f"{path}/{place}")
        ]
    if not isinstance(schema, dict):
        return []
    keys = schema.get("properties", {}) if "description" in schema or "$defs" in schema else {}
    missing = [f"{path}/{key}" for key, value in keys.items() if not value.get("description")]
    parts = [name for name, value in schema.get("$defs", {}).items() if not value.get("description")]
    return [
        *missing,
        *parts,
        *(found for key, value in schema.items() for found in undescribed(value, f"{path}/{key}")),
    ]


@pytest.mark.parametrize("validator", [DRAWER, BUTTON], ids=["drawer", "button"])
def test_a_schema_has_an_address_and_describes_every_key(validator: jsonschema.Draft202012Validator) -> None:
    schema = validator.schema
    assert schema["$id"].startswith("https://")
    assert schema["$id"].endswith(".schema.json")
    assert undescribed(schema) == []


def test_recorded_drawers_that_load_are_valid() -> None:
    drawers = cases("drawers", "sequential", "parallel")
    assert len(drawers) > 200
    for drawer in drawers:
        if loads(load_drawer, drawer):
            assert [error.message for error in DRAWER.iter_errors(drawer)] == [], drawer


def test_recorded_drawers_that_validate_are_valid() -> None:
    files = [json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in ("cases", "cases-more")]
    judged = [case for file in files for case in file if case["mode"] == "validate"]
    assert len(judged) > 40
    for case in judged:
        for name, drawer in case["drawers"].items():
            errors = [error.message for error in DRAWER.iter_errors(drawer)]
            fine = case["expected"]["ok"] and loads(load_drawer, drawer)
            assert not (errors and fine and name == case["drawer"]), (case["name"], errors)


def test_recorded_buttons_are_valid() -> None:
    for case in cases("buttons", "sequential", "parallel", "validate"):
        assert loads(load_button, case["button"])
        assert [error.message for error in BUTTON.iter_errors(case["button"])] == []


def examples() -> list[str]:
    """The bodies of the ``%%drawer`` cells in the README."""
    text = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```\w*\n(%%drawer.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [block.partition("\n")[2] for block in blocks]


def test_the_readmes_examples_are_valid() -> None:
    bodies = examples()
    assert bodies
    for body in bodies:
        assert loads(load_drawer, body), body
        assert [error.message for error in DRAWER.iter_errors(read_source(body)[0].value)] == [], body


WRITTEN = [
    "{steps: []}",
    "{inputs: [a, {name: b, type: int}], steps: []}",
    "{inputs: {a: , b: int, c: {type: enum, values: [x]}}, steps: []}",
    "{buttons: {f: {url: u, args: [p]}, g: {code: x, args: {p: string, q: {type: int}}}}, steps: []}",
    "{steps: [{id: a, button: b, on_failure: continue}]}",
    "{steps: [{id: a, button: b, args: , on_failure: {action: retry, max_attempts: 3, backoff: {jitter: 0.5}}}]}",
    "{steps: [{id: e, kind: for_each, over: [1], as: u, rate: 5/s, tolerated_failures: 5%, steps: [{id: a, button: b}]}]}",
    "{steps: [{id: s, kind: switch, cases: [{when: x, steps: [{id: a, button: b}]}], steps: []}]}",
    "{steps: [{id: s, kind: split, branches: {l: [{id: a, button: b}]}}, {id: m, kind: merge, from: [s.output.l]}]}",
    "{steps: [{id: t, kind: transform, expression: {a: '1'}}, {id: b, kind: batch, over: '[1]', size: 2}]}",
    "{steps: [{id: a, kind: , button: b}], return: {x: 1}, on_error: {drawer: h, with: {a: 1}}}",
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_all_forms_of_a_definition_are_valid(text: str) -> None:
    assert loads(load_drawer, text)
    assert [error.message for error in DRAWER.iter_errors(read_source(text)[0].value)] == []


SLIPS = [
    "{stps: []}",
    "{steps: [{button: b}]}",
    "{steps: [{id: a, kind: foreach}]}",
    "{steps: [{id: a, over: x}]}",
    "{steps: [{id: a, kind: for_each, over: 5}]}",
    "{steps: [{id: a, kind: for_each, parallelism: '4'}]}",
    "{steps: [{id: a, kind: for_each, steps: [{id: b, buton: x}]}]}",
    "{steps: [{id: a, on_failure: contine}]}",
    "{inputs: {a: intt}, steps: []}",
    "{inputs: {a: {typ: int}}, steps: []}",
    "{buttons: {f: {urll: x}}, steps: []}",
    "{steps: 4}",
]


@pytest.mark.parametrize("text", SLIPS)
def test_typing_errors_are_not_valid(text: str) -> None:
    assert not DRAWER.is_valid(read_source(text)[0].value)


def test_every_key_is_described() -> None:
    for schema in (DRAWER.schema, BUTTON.schema):
        parts = {"": schema, **schema["$defs"]}
        bare = {f"{name}.{key}" for name, part in parts.items() for key, value in part["properties"].items()
                if not value.get("description")}  # fmt: skip
        kept = {"mcp_enabled", "pinned", "requires", "requires_batteries", "triggers", "serve", "id"}
        assert {key for key in bare if key.rpartition(".")[2] not in kept} == set()


def test_the_schema_has_every_kind() -> None:
    assert set(DRAWER.schema["$defs"]["Step"]["properties"]["kind"]["enum"]) == {*STEP_KINDS, "", None}


def test_parts_have_the_words_of_the_language() -> None:
    names = set(DRAWER.schema["$defs"]) | set(BUTTON.schema["$defs"])
    assert {"Argument", "Button", "Input", "Case", "Backoff", "Token", "ForEachStep", "Step"} <= names
    assert not [name for name in names if name.endswith(("Spec", "Model", "Press"))]
    text = json.dumps([DRAWER.schema, BUTTON.schema])
    assert "Spec" not in text
