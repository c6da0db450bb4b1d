"""A table of a million rows costs little more than one of ten thousand, and only visible rows are read."""

from __future__ import annotations

import pickle
import re
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tables_rig import Asked, many
from timing_rig import processor_seconds

from drawer_ipy.display.final import final_bundle
from drawer_ipy.display.progress import Snapshot
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.inner import all_complete, loops_in
from drawer_ipy.record.loop import FAILED, LoopOutput, LoopRecord
from drawer_ipy.record.step_column import STEP_OK
from drawer_ipy.results import Results
from drawer_ipy.results.loop_source import MOST_KEYS
from drawer_ipy.results.shown.summary import GROUPED, error_groups, without_numbers
from drawer_ipy.results.shown.table import to_html, to_text

FEW, MANY = 10_000, 1_000_000
WINDOW = {"rows": [0, 60], "columns": [0, 24]}


class Counted(Sequence[int]):
    """Items that count how often one is read."""

    def __init__(self, n: int) -> None:
        self.n, self.read = n, 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: Any) -> Any:
        self.read += 1
        return range(self.n)[index]


def loop_of(results: Results) -> LoopRecord:
    loop = results.view.source.loop
    assert loop is not None
    return loop


def shown(n: int, failed_share: int = 0) -> Results:
    """A table of `n` rows of a run with times, of which every `failed_share`-th has failed too."""
    results = many(n)
    loop, step = loop_of(results), results.run.steps[0]
    loop.started[:] = array("d", (1e-3 + k * 1e-5 for k in range(n)))
    loop.finished[:] = array("d", (2e-3 + k * 1e-5 for k in range(n)))
    loop.ended = loop.epoch + n * 1e-5 + 1
    step.started, step.finished = loop.began, loop.began + n * 1e-5 + 1
    column = loop.columns[0]
    for index in range(3, n, failed_share) if failed_share else ():
        loop.states[index], column.statuses[index], column.outputs[index] = FAILED, 2, None
        column.errors[index] = ErrorInfo("FUNCTION_ERROR", f"{index} is refused")
    loop.recount()
    return results


@pytest.fixture(scope="module")
def tables() -> dict[int, Results]:
    return {n: shown(n, 50) for n in (FEW, MANY)}


def test_what_a_page_waits_for_at_the_end_of_a_run_hardly_grows_with_the_rows() -> None:
    """The factor is 3; it was 40 when each part of the output searched all rows for inner loops."""
    final_bundle(Snapshot(), shown(100))  # imports
    few, much = (shown(n, 50) for n in (FEW, MANY))
    took = processor_seconds(lambda: final_bundle(Snapshot(), few))
    assert processor_seconds(lambda: final_bundle(Snapshot(), much)) < 12 * took


def test_a_table_of_which_every_row_failed_costs_a_few_passes_through_its_rows() -> None:
    """It took twenty when every failure was searched for in the states, in the errors and for the picture."""
    final_bundle(Snapshot(), shown(100, 1))  # imports
    results = shown(MANY, 1)
    a_pass = min(processor_seconds(lambda: [None for _ in range(MANY)]) for _ in range(3))
    assert processor_seconds(lambda: final_bundle(Snapshot(), results)) < 15 * a_pass


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["item 12 of 3", "007 is refused", "none", "v1.20.3"],
        ["item ٣ of 12", "item 4"],  # digits of another script
        ["a\x00b1", "c22"],  # the character that separates them
    ],
    ids=["nothing", "empty", "numbers", "other digits", "separator"],
)
def test_numbers_in_messages_are_replaced_as_in_each_message_alone(texts: list[str]) -> None:
    assert without_numbers(texts) == [re.sub(r"\d+", "0", text) for text in texts]


def outputs_of(*outputs: Any) -> Results:
    results = many(len(outputs))
    loop = loop_of(results)
    loop.columns[0].outputs[:] = outputs
    loop.columns[0].statuses[:] = bytes([STEP_OK]) * len(outputs)
    return results


@pytest.mark.parametrize(
    ("outputs", "columns"),
    [
        ([{"b": 1, "a": 2}] * 3, ["b", "a"]),
        ([{"b": 1, "a": 2}, {"a": 3, "b": 4}], ["b", "a"]),
        ([{"b": 1}] * 6_000 + [{"c": 1}], ["b", "c"]),
        ([None, {"b": 1}, None], ["b"]),
        ([{}, {"b": 1}], ["b"]),
        ([{}, {}], ["page"]),
        ([{1: 2}, {1: 3}], ["page"]),
        ([{"b": 1}, "text"], ["page"]),
        ([None, None], ["page"]),
        ([{str(key): key for key in range(MOST_KEYS + 1)}] * 2, ["page"]),
        ([{str(index): index} for index in range(MOST_KEYS + 1)], ["page"]),
        ([{str(index): index} for index in range(12_000)], ["page"]),
    ],
    ids=[
        "same",
        "order",
        "late",
        "none",
        "empty",
        "all empty",
        "not text",
        "mixed",
        "nothing",
        "many",
        "many together",
        "very many",
    ],
)
def test_the_columns_are_the_keys_of_all_outputs(outputs: list[Any], columns: list[str]) -> None:
    assert [name for name in outputs_of(*outputs).columns if name not in ("u", "status", "error")] == columns


@pytest.mark.parametrize("show", [lambda r: to_html(r.view), lambda r: to_text(r.view), repr])
def test_a_table_that_was_shown_once_is_shown_again_at_once(
    tables: dict[int, Results], show: Callable[[Results], str]
) -> None:
    for results in tables.values():
        show(results)
    few, much = (min(processor_seconds(lambda n=n: show(tables[n])) for _ in range(5)) for n in (FEW, MANY))
    assert much < 4 * few + 0.005


def test_only_visible_items_are_read(tables: dict[int, Results]) -> None:
    results = tables[MANY]
    items = loop_of(results).items = Counted(MANY)
    try:
        final_bundle(Snapshot(), results)
        ask = Asked(results)
        ask("open", **WINDOW)
        for at in (0, 500_000, MANY - 60):
            ask("rows", query={}, rows=[at, at + 60], columns=[0, 24])
        ask("rows", query={"states": ["failed"]}, **WINDOW)
    finally:
        loop_of(results).items = range(MANY)
    assert items.read < 1_000


def test_the_columns_are_looked_up_once_for_each_state_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    results = shown(1_000, 50)
    looked_up = 0
    source = type(results.view.source)
    layout = source.layout

    def counted(self: Any) -> Any:
        nonlocal looked_up
        looked_up += 1
        return layout(self)

    ask = Asked(results)
    ask("open", **WINDOW)
    monkeypatch.setattr(source, "layout", counted)
    for at in range(0, 900, 60):
        ask("rows", query={}, rows=[at, at + 60], columns=[0, 0])
    assert looked_up == 0


def test_the_types_of_a_column_are_determined_once() -> None:
    results = shown(1_000)
    items = loop_of(results).items = Counted(1_000)
    answers = [Asked(results)("types")["types"] for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert items.read == 1_000


def test_more_failures_than_are_grouped_are_said_to_be_so() -> None:
    n = GROUPED + 1_000
    results = shown(n, 1)
    groups, _ = error_groups(results.view)
    assert groups[0].count == GROUPED
    failed = loop_of(results).counts[FAILED]
    words = f"counted in the first {GROUPED:,} of {failed:,} failures"
    assert words in to_text(results.view)
    assert words in to_html(results.view)


def test_what_was_found_in_a_loop_is_found_again_after_it_has_changed() -> None:
    results = shown(100, 10)
    loop = loop_of(results)
    assert loops_in(loop, loop.columns[0]) == []
    inner = LoopRecord(("each", "page"), "x", range(3), ["leaf"], 1)
    loop.ended = 0.0  # as in a run that goes on
    loop.columns[0].outputs[0] = LoopOutput(inner)
    assert loops_in(loop, loop.columns[0]) == [(0, inner)]
    assert not all_complete(loop)


def test_what_was_found_in_a_loop_is_not_pickled() -> None:
    results = shown(20_000, 1)
    before = len(pickle.dumps(loop_of(results)))
    to_html(results.view)
    assert len(pickle.dumps(loop_of(results))) == before
    again = pickle.loads(pickle.dumps(results))
    assert to_html(again.view) == to_html(results.view)
