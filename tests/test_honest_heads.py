"""The head of a run: it mentions every failure, wherever it happened, and is red if nothing succeeded."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy import DrawerFailed, press
from drawer_ipy.display.progress import ProgressState
from drawer_ipy.display.progress_html import static_html
from drawer_ipy.display.terminal import _postfix
from drawer_ipy.display.wording import progress_line
from drawer_ipy.engine.events import LoopStarted
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.record.failures import failures_of
from drawer_ipy.results import Results
from drawer_ipy.results.verdict import raise_for
from drawer_ipy.style.html_frame import html_as_text

LOOP = """\
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    on_item_failure: continue
    steps: [{id: work, button: work, args: {x: "${x}"}}]
"""

SECOND = LOOP.removeprefix("steps:\n").replace("id: each", "id: second").replace("inputs.xs", "inputs.ys")

SUB = """\
inputs: [{name: xs}]
steps:
  - {id: sub, kind: drawer, drawer: child, args: {xs: "${inputs.xs}"}}
"""

SUB_IN_ITEMS = """\
steps:
  - id: outer
    kind: for_each
    over: ${inputs.lists}
    as: xs
    steps: [{id: sub, kind: drawer, drawer: child, args: {xs: "${xs}"}}]
"""

ITEM_STEP = """\
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    steps:
      - {id: work, button: work, args: {x: "${x}"}, on_failure: {action: continue}}
      - {id: then, button: then}
"""

BRANCH_STEP = """\
steps:
  - id: choose
    kind: switch
    cases:
      - id: always
        when: ${true}
        steps:
          - {id: work, button: work, args: {x: 0}, on_failure: {action: continue}}
          - {id: then, button: then}
"""

SPLIT_LOOP = """\
steps:
  - id: both
    kind: split
    branches:
      left:
        - id: each
          kind: for_each
          over: [0, 1]
          as: x
          on_item_failure: continue
          steps: [{id: work, button: work, args: {x: "${x}"}}]
        - {id: then, button: then}
      right: [{id: other, button: then}]
"""

SWITCH_IN_ITEMS = """\
steps:
  - id: outer
    kind: for_each
    over: [1, 2]
    as: y
    steps:
      - id: choose
        kind: switch
        cases:
          - when: ${true}
            steps:
              - id: each
                kind: for_each
                over: [0, 1]
                as: x
                on_item_failure: continue
                steps: [{id: work, button: work, args: {x: "${x}"}}]
"""


def work(x: float) -> float:
    return 1 / x


def then() -> str:
    return "done"


BUTTONS = {"work": work, "then": then}


def head(results: Results) -> str:
    return repr(results).splitlines()[0].rpartition(" · ")[0] or repr(results).splitlines()[0]


def pressed(text: str, inputs: dict[str, Any] | None = None) -> Results:
    return press(text, inputs or {}, buttons=BUTTONS, check=False, quiet=True)


# What is counted


@pytest.mark.parametrize(
    ("xs", "words"),
    [
        ([1, 2], "✔ finished · 2 ok"),
        ([1, 0, 2], "⚠ finished · 2 ok · 1 failed"),
        ([0, 0], "✘ finished · 0 ok · 2 failed"),
        ([0], "✘ finished · 0 ok · 1 failed"),
        ([], "✔ finished · 0 items: the loop had nothing to do"),
    ],
)
def test_a_loop_that_goes_on_after_failures(xs: list[int], words: str) -> None:
    results = pressed(LOOP, {"xs": xs})
    assert results.status == "ok"
    assert repr(results).startswith(words)
    colour = {"✔": "ok", "⚠": "warn", "✘": "bad"}[words[0]]
    assert f'<div class="dry-head"><span class="{colour}">' in results._repr_html_()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ITEM_STEP, "⚠ finished · 3 ok · 1 step failed"),
        (BRANCH_STEP, "⚠ finished · 1 step ok · 1 inner step failed"),
        (SPLIT_LOOP, "⚠ finished · 1 step ok · 1 item failed in other loops"),
        (SWITCH_IN_ITEMS, "⚠ finished · 2 ok · 2 items failed in other loops"),
    ],
)
def test_failures_that_were_tolerated_somewhere_inside_make_the_head_a_warning(text: str, words: str) -> None:
    assert repr(pressed(text, {"xs": [1, 0, 2]})).startswith(words)


def test_a_value_that_is_passed_on_is_counted_once() -> None:
    more = '  - {id: again, button: same, args: {x: "${each}"}}\n'
    results = press(LOOP + more, {"xs": [0, 1]}, buttons={**BUTTONS, "same": lambda x: x}, quiet=True)
    assert failures_of(results.run).items == 1


def test_a_run_of_several_loops_is_red_only_if_the_counted_items_all_failed() -> None:
    assert repr(pressed(LOOP + SECOND, {"xs": [0, 0], "ys": [1]})).startswith(
        "⚠ finished · 1 ok · 2 items failed in other loops"
    )
    assert repr(pressed(LOOP + SECOND, {"xs": [1], "ys": [0]})).startswith("✘ finished · 0 ok · 1 failed")
    assert repr(pressed(LOOP + SECOND, {"xs": [0], "ys": []})).startswith("✘ finished · 0 items")
    assert repr(pressed(LOOP + SECOND, {"xs": [0, 1], "ys": []})).startswith("⚠ finished · 0 items")


# Sub-drawers


@pytest.mark.parametrize(
    ("xs", "words"),
    [
        ([1, 2], "✔ finished · 1 step ok"),
        ([1, 0], "⚠ finished · 1 step ok · 1 item failed in other loops"),
        ([0, 0], "✘ finished · 1 step ok · 2 items failed in other loops"),
    ],
)
def test_a_drawer_that_presses_another_shows_what_failed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, xs: list[int], words: str
) -> None:
    _child(tmp_path, monkeypatch)
    results = pressed(SUB, {"xs": xs})
    assert results.status == "ok"
    assert repr(results).startswith(words)
    story = repr(results.explain(0))
    assert ("failed inside" in story) == (0 in xs)


def test_a_loop_over_drawers_shows_what_failed_in_them_and_forgets_it_after_a_retry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _child(tmp_path, monkeypatch)
    results = pressed(SUB_IN_ITEMS, {"lists": [[1], [1, 0], [1, 0, 0]]})
    assert repr(results).startswith("⚠ finished · 3 ok · 3 items failed in other loops")
    assert "✔ item 0" in repr(results.explain(0))
    assert repr(results.explain(2)).startswith("⚠ item 2 of 3 in outer: ok, 2 items failed inside")
    barren = pressed(SUB_IN_ITEMS, {"lists": [[0], [0, 0]]})
    assert repr(barren).startswith("✘ finished · 2 ok · 3 items failed in other loops")


def _child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / ".buttons" / "drawers" / "child"
    home.mkdir(parents=True)
    step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
    loop = {
        "id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "on_item_failure": "continue",
        "steps": [step],
    }  # fmt: skip
    text = json.dumps({"name": "child", "inputs": [{"name": "xs"}], "steps": [loop]})
    (home / "drawer.json").write_text(text)
    monkeypatch.chdir(tmp_path)


# Every display


@pytest.mark.parametrize("xs", [[1, 2], [1, 0], [0, 0]])
def test_every_display_has_the_words_of_the_table(xs: list[int]) -> None:
    job = prepare(LOOP, {"xs": xs}, Options(), _around())
    state = ProgressState()
    state.attach(job.run.listeners)
    results = asyncio.run(job.press(_Nothing()))
    snapshot = state.snapshot(state.clock())
    words = str(snapshot.head)
    assert repr(results).startswith(words)
    assert words in html_as_text(results._repr_html_())
    assert progress_line(snapshot) == f"drawer {snapshot.drawer}: {words}"
    assert _postfix(snapshot) == words
    assert words[2:] in html_as_text(static_html(snapshot))


def test_loops_side_by_side_end_with_the_head_of_the_table() -> None:
    job = prepare(LOOP + SECOND, {"xs": [0, 0, 1], "ys": [1, 0]}, Options(mode="parallel"), _around())
    state = ProgressState()
    state.attach(job.run.listeners)
    begun: list[str] = []
    job.run.listeners.on(LoopStarted, lambda event: begun.append(event.loop.path[0]))
    results = asyncio.run(job.press(_Nothing()))
    snapshot = state.snapshot(state.clock())
    assert repr(results).startswith(str(snapshot.head))
    assert (snapshot.ok, snapshot.failed) == (1, 1)
    assert begun == ["each", "second"]


class _Nothing:
    def attach(self, listeners: Any, cancel: Any) -> None: ...
    def detach(self) -> None: ...
    def close(self, results: Any) -> None: ...


def _around() -> Any:
    from drawer_ipy.pressing.surroundings import Surroundings, named_buttons

    return Surroundings(named_buttons(BUTTONS))


# The error beside the table


def failure(text: str, inputs: dict[str, Any], shown: bool) -> DrawerFailed:
    results = press(text, inputs, buttons=BUTTONS, check=False, quiet=True)
    told = " ".join(html_as_text(results._repr_html_()).split()) if shown else ""
    with pytest.raises(DrawerFailed) as caught:
        raise_for(results, ["a note"], told)
    return caught.value


STOPS = LOOP.replace("    on_item_failure: continue\n", "")


def test_beside_a_table_with_the_reason_the_error_names_the_item_only() -> None:
    error = failure(STOPS, {"xs": [1, 2, 0]}, shown=True)
    (rendered,) = error._render_traceback_()
    assert "float division" not in rendered
    assert "division by zero" not in rendered
    assert rendered.splitlines()[0].endswith(
        "FOREACH_ITEM_FAILED: item 2 failed at step 'work': FUNCTION_ERROR (ZeroDivisionError); "
        "the output above says why"
    )
    assert rendered.splitlines()[1] == "  note: a note"
    assert "division by zero" in str(error)


def test_without_a_table_the_error_has_the_whole_reason() -> None:
    (rendered,) = failure(STOPS, {"xs": [1, 2, 0]}, shown=False)._render_traceback_()
    assert "division by zero" in rendered


def test_a_reason_that_the_table_cuts_is_in_the_error() -> None:
    def wordy(x: int) -> None:
        raise ValueError("reason " * 400 + str(x))

    results = press(STOPS, {"xs": [1]}, buttons={"work": wordy}, check=False, quiet=True)
    told = " ".join(html_as_text(results._repr_html_()).split())
    with pytest.raises(DrawerFailed) as caught:
        raise_for(results, (), told)
    (rendered,) = caught.value._render_traceback_()
    assert "reason " * 400 in rendered


def test_a_step_that_is_no_loop_keeps_its_message_in_the_error() -> None:
    error = failure("steps: [{id: work, button: work, args: {x: 0}}]", {}, shown=True)
    assert "division by zero" in error._render_traceback_()[0]
