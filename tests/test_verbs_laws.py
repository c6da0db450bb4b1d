"""Any words after ``drawer`` have an outcome or raise an error of drawer_ipy, and the drawer still loads."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workspace_rig import Folder, button_step

from drawer_ipy.definition import load_drawer
from drawer_ipy.errors import DrawerError
from drawer_ipy.record.jsonable import jsonable
from drawer_ipy.verbs import VerbContext, run_verb
from drawer_ipy.verbs.dispatch import GENERAL, OF_DRAWER

DRAWER = {
    "steps": [
        button_step("a", "say"),
        {"id": "each", "kind": "for_each", "over": "[1]", "steps": [button_step("w", "say")]},
        {"id": "r", "kind": "switch", "cases": [{"when": "true", "steps": [button_step("x", "say")]}]},
        {"id": "s", "kind": "split", "branches": {"l": [button_step("y", "say")]}},
    ]
}

PIECES = st.one_of(
    st.sampled_from(
        [
            "a",
            "each",
            "r",
            "s",
            "w",
            "x",
            "y",
            "l",
            "steps",
            "cases",
            "branches",
            "args",
            "over",
            "as",
            "when",
            "0",
            "1",
            "-1",
            "n",
            "parallelism",
            "id",
            "kind",
            "output",
            "inputs",
        ]
    ),
    st.text(max_size=4),
)
PATHS = st.lists(PIECES, max_size=6).map(".".join)
VALUES = st.one_of(
    st.sampled_from(
        [
            "",
            "0",
            "-1",
            "x",
            "null",
            "[]",
            "{}",
            '"',
            "${",
            "${a}",
            "${a.output}",
            "$ENV{X}",
            "1e999",
            "5%",
            "5/s",
        ]
    ),
    st.text(max_size=8),
    st.integers().map(str),
)
WORDS = st.one_of(
    st.sampled_from([*GENERAL, *OF_DRAWER, "pages", "to", "--help", "--dry-run", "--", "--json", "-h", "-x"]),
    st.builds("{}={}".format, PATHS, VALUES),
    PATHS,
    st.sampled_from(["say", "for_each:say", "wait:1s", "wait:", "drawer/pages", "drawer/", ":", "for_each:"]),
    st.text(max_size=6),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = Folder(tmp_path_factory.mktemp("laws"))
    made.button("say", "echo", "n:int")
    return made


def typed(words: list[str], folder: Folder) -> None:
    context = VerbContext(folder.workspace, press=lambda job: job.results)
    context.drawers["pages"] = load_drawer(DRAWER, name="pages").drawer
    with contextlib.suppress(DrawerError):
        outcome = run_verb(words, context)
        assert isinstance(outcome.text, str)
        json.dumps(jsonable(outcome.data))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(WORDS, max_size=5))
def test_law_any_words_have_an_outcome_or_raise_a_drawer_error(
    words: list[str], folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    typed(words, folder)


@settings(max_examples=400, deadline=None)
@given(pairs=st.lists(st.builds("{}={}".format, PATHS, VALUES), min_size=1, max_size=3))
def test_law_a_drawer_still_loads_after_set_and_a_refusal_changes_nothing(
    pairs: list[str], folder: Folder
) -> None:
    context = VerbContext(folder.workspace)
    before = load_drawer(DRAWER, name="pages").drawer
    context.drawers["pages"] = before
    try:
        run_verb(["pages", "set", "--", *pairs], context)
    except DrawerError:
        assert context.drawers["pages"] is before
        assert before == load_drawer(DRAWER, name="pages").drawer
    else:
        after = context.drawers["pages"]
        assert load_drawer(after.model_dump(by_alias=True, exclude_unset=True), name="pages").drawer == after
