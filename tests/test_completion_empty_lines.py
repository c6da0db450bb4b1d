"""What Tab proposes on lines that are empty or hold only a dash, at every indentation, and in JSON."""
# ruff: noqa: E501 - a row a line

from __future__ import annotations

import re

import pytest
from completion_rig import CURSOR, texts
from workspace_rig import Folder

from drawer_ipy.definition import load_drawer
from drawer_ipy.errors import DefinitionError
from drawer_ipy.pressing.surroundings import Surroundings

OF_A_WAIT = ["duration: ", "until: ", "args: ", "on_failure: ", "timeout_seconds: "]
OF_A_LOOP = [
    "as: ",
    "parallelism: ",
    "args: ",
    "on_failure: ",
    "timeout_seconds: ",
    "on_item_failure: ",
    "max_parallelism: ",
    "tolerated_failures: ",
    "rate: ",
    "key: ",
    "backend: ",
    "keep: ",
]
OF_A_DRAWER = [
    "inputs: ",
    "return: ",
    "buttons: ",
    "name: ",
    "drawer_kind: ",
    "description: ",
    "flow: ",
    "on_error: ",
    "output_schema: ",
    "triggers: ",
]


def in_json(keys: list[str]) -> list[str]:
    return [f'"{key.removesuffix(": ")}": ' for key in keys]


LOOP = "steps:\n  - id: a\n    kind: for_each\n    over: x\n"

BODIES: list[tuple[str, list[str]]] = [
    # the drawer's own keys
    ("‸", ["steps: ", *OF_A_DRAWER]),
    ("# a comment\n‸", ["steps: ", *OF_A_DRAWER]),
    ("\n‸\n\nsteps: []", OF_A_DRAWER),
    ("steps: []\n\n‸", OF_A_DRAWER),
    ("steps:\n  - id: a\n    kind: wait\n‸", OF_A_DRAWER),
    ("steps:\n  - id: a\n    kind: wait\n‸\nname: x", [key for key in OF_A_DRAWER if key != "name: "]),
    # the keys of a step: at the end, amid the others, above them
    ("steps:\n  - id: a\n    kind: wait\n    ‸", OF_A_WAIT),
    ("steps:\n  - id: a\n    kind: wait\n    ‸\n", OF_A_WAIT),
    ("steps:\n  - id: a\n    ‸\n    kind: wait", OF_A_WAIT),
    ("steps:\n  - id: a\n\n    ‸\n\n    kind: wait", OF_A_WAIT),
    ("steps:\n  - id: a\n    ‸\n    kind: wait\n    until: x", [key for key in OF_A_WAIT if key != "until: "]),
    ("steps:\n  - id: a\n    ‸\n    kind: wait\n  - id: b\n    args: {}", OF_A_WAIT),
    ("steps:\n- id: a\n  kind: wait\n  ‸", OF_A_WAIT),
    ("steps:\n  - id: a\n    kind: drawer\n    ‸", ["drawer: ", "args: ", "on_failure: ", "timeout_seconds: "]),
    # white space right of the cursor
    ("steps:\n  - id: a\n    kind: wait\n    ‸    ", OF_A_WAIT),
    # after a dash
    ("steps:\n  - ‸\n    kind: wait", ["id: ", *OF_A_WAIT]),
    ("steps:\n  - ‸\n    kind: wait\n    id: a", OF_A_WAIT),
    ("triggers:\n  - ‸", ["kind: ", "path: ", "auth: "]),
    # a new entry of a list
    ("steps:\n  ‸", ["- id: "]),
    ("steps:\n  - id: a\n  ‸", ["- id: "]),
    ("steps:\n  - id: a\n  ‸\n  - id: b", ["- id: "]),
    ("steps:\n- id: a\n‸", ["- id: ", *OF_A_DRAWER]),
    ("inputs:\n  ‸", ["- name: "]),
    ("inputs:\n  - name: x\n  ‸", ["- name: "]),
    ("steps:\n - id: s\n   kind: switch\n   cases:\n    - id: x\n    ‸", ["- id: "]),
    ("steps:\n - id: s\n   kind: split\n   branches:\n     left:\n       ‸", ["- id: "]),
    # nested steps
    (LOOP + "    steps:\n      ‸", ["- id: "]),
    (LOOP + "    steps:\n      - id: b\n        kind: wait\n        ‸", OF_A_WAIT),
    (LOOP + "    steps:\n      - id: b\n        kind: wait\n      ‸", ["- id: "]),
    (LOOP + "    steps:\n      - id: b\n        kind: wait\n    ‸", OF_A_LOOP),
    (LOOP + "    ‸\n    steps:\n      - id: b\n        kind: wait\n", OF_A_LOOP),
    (LOOP + "    ‸", ["steps: ", *OF_A_LOOP]),
    (LOOP + "    steps:\n      - id: b\n        kind: wait\n‸", OF_A_DRAWER),
    # other mappings
    ("steps:\n  - id: a\n    on_failure:\n      ‸\n      action: retry", ["max_attempts: ", "backoff: ", "retry_on: ", "compensate_with: "]),
    ("steps:\n  - id: a\n    button: get\n    args:\n      ‸", ["url: ", "depth: ", "tries: "]),
    ("steps:\n  - id: a\n    button: get\n    args:\n      ‸\n      url: 1", ["depth: ", "tries: "]),
    ("inputs:\n  - name: x\n    ‸", ["type: ", "required: ", "description: ", "values: ", "secret: ", "default: "]),
    ("inputs:\n  x:\n    ‸\n    type: int", ["required: ", "description: ", "values: ", "secret: ", "default: "]),
    # where nothing is possible, or only a name that the user chooses
    ("buttons:\n  ‸", []),
    ("steps:\n  - id: a\n    kind: wait\n      ‸", []),
    ("steps:\n  - id: a\n   ‸", []),
    ("steps:\n  - id: a\n    args: {url: x}\n      ‸", []),
    ("nonsense:\n  ‸", []),
    # amid deeper lines
    ("steps:\n  - id: a\n‸\n    kind: wait", []),
    ("steps:\n  - id: a\n  ‸\n    kind: wait", []),
    # in a script and below it
    ("buttons:\n  x:\n    code: |\n      echo\n      ‸", []),
    ("buttons:\n  x:\n    code: |\n      echo\n    ‸\n      more", []),
    # JSON
    ("{‸}", in_json(["steps: ", *OF_A_DRAWER])),
    ('{\n  "steps": [],\n  ‸\n}', in_json(OF_A_DRAWER)),
    ('{"steps": [\n  ‸\n]}', ['{"id": ']),
    ('{"steps": [\n  {\n    "id": "a",\n    "kind": "wait",\n    ‸\n  }\n]}', in_json(OF_A_WAIT)),
    ('{"steps": [\n  {\n    ‸\n    "id": "a", "kind": "wait"\n  }\n]}', in_json(OF_A_WAIT)),
    ('{"steps": [\n  {"id": "a", "button": "get", "args": {\n    ‸\n  }}\n]}', ['"url": ', '"depth": ', '"tries": ']),
    ('{"steps": [{"id": "a", "button": ‸}]}', ['"get"']),
    ('{"steps": [{"id": "a", "button": "‸"}]}', ["get"]),
    ('{"inputs": [{"name": "x", "required": ‸}]}', ["true", "false"]),
    ('{"steps": [{"id": "a", "button": "get", "args": {"url": ‸}}]}', ['"${inputs.n}"']),
    # braces in YAML need no quotes
    ("steps:\n  - {id: a, kind: wait,\n     ‸}", OF_A_WAIT),
]  # fmt: skip


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    folder = Folder(tmp_path_factory.mktemp("empty-lines"))
    optional = {"type": "int", "required": False}
    args = [{"name": "depth", **optional}, {"name": "url", "required": True}, {"name": "tries", **optional}]
    folder.button("get", args=args)
    return Surroundings({}, {"__name__": __name__}, folder.workspace, {})


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_an_empty_line_proposes_the_keys_that_are_possible_there(
    body: str, expected: list[str], around: Surroundings
) -> None:
    assert texts(f"%%drawer n=1\n{body}", around) == expected


@pytest.mark.parametrize("body", [body for body, expected in BODIES if expected and "{" not in body])
def test_what_is_proposed_is_a_key_of_the_drawer_when_it_is_inserted(body: str, around: Surroundings) -> None:
    for text in texts(f"%%drawer n=1\n{body}", around):
        try:
            load_drawer(body.replace(CURSOR, text))
        except DefinitionError as error:
            wrong = [str(problem) for problem in error.problems]
            assert not [
                one for one in wrong if re.search("unknown key|belongs to|mixed|indent|twice", one)
            ], (
                text,
                wrong,
            )
