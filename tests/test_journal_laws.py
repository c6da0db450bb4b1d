"""Laws of resumed runs: with any edits of the list between presses, the end result is that of a new run."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import Results, UsageError, press
from drawer_ipy.journal.folder import files

ITEMS = st.lists(
    st.one_of(
        st.integers(0, 12),
        st.sampled_from(["a", "b", None, True, 1.0, float("nan"), (1, 2), b"x"]),
        st.builds(lambda n: {"id": n}, st.integers(0, 3)),
    ),
    max_size=14,
)
PRESSES = st.lists(st.tuples(ITEMS, st.sets(st.integers(0, 12), max_size=4), st.integers(0, 20)), max_size=4)


MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""A folder in memory, where many small files are written quickly."""


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A workspace folder of the test's own."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        os.environ["BUTTONS_HOME"] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ["BUTTONS_HOME"]


class Ledger:
    """What was pressed, and which items ended ok in all presses so far."""

    def __init__(self) -> None:
        self.bad: set[Any] = set()
        self.pressed: list[str] = []
        self.most = 0

    def work(self, x: Any) -> str:
        if len(self.pressed) >= self.most:
            raise RuntimeError("stopped early")
        self.pressed.append(repr(x))
        if type(x) is int and x in self.bad:
            raise ValueError(x)
        return f"made of {x!r}"


def go(work: Callable[[Any], str], items: list[Any], stop: str, key: str, **options: Any) -> Results:
    step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
    loop = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "steps": [step]}
    loop |= {"on_item_failure": stop, **({"key": key} if key else {})}
    total = {"id": "total", "kind": "aggregate", "from": "${each.output.results}", "pluck": "${item.index}"}
    text = {"name": "law", "inputs": ["xs"], "steps": [loop, total]}
    buttons = {"work": work}
    return press(text, {"xs": items}, buttons=buttons, check=False, quiet=True, durable="on", **options)


@settings(max_examples=25, deadline=None)
@given(presses=PRESSES, last=ITEMS, stop=st.sampled_from(["stop", "continue"]))
def test_law_resumed_equals_uninterrupted(
    presses: list[tuple[list[Any], set[int], int]], last: list[Any], stop: str
) -> None:
    with workspace() as home:
        ledger = Ledger()
        kept: Counter[str] = Counter()
        for items, bad, most in presses:
            ledger.bad, ledger.most = bad, most
            ledger.pressed.clear()
            results = go(ledger.work, items, stop, "", resume=True)
            _no_more_than(ledger, items, kept)
            kept = Counter(repr(row["x"]) for row in results.ok)
        ledger.bad, ledger.most = set(), 1000
        ledger.pressed.clear()
        results = go(ledger.work, last, stop, "", resume=True)
        _no_more_than(ledger, last, kept)
        assert [row["work"] for row in results] == [f"made of {x!r}" for x in last]
        assert results.run.status == "ok"
        assert results.run.step("total").output["count"] == len(last)
        assert len(files(home / "runs")) == 1


def _no_more_than(ledger: Ledger, items: list[Any], kept: Counter[str]) -> None:
    """Check that nothing was pressed that the press before had kept."""
    new = Counter(map(repr, items)) - kept
    assert not Counter(ledger.pressed) - new


KEYED = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=12, unique_by=lambda pair: pair[0])
"""Items as (id, version): each id occurs once, and an item may change."""

EDITS = st.lists(st.tuples(KEYED, st.sets(st.integers(0, 9), max_size=3)), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None)
@given(edits=EDITS)
def test_law_an_item_with_a_key_is_pressed_until_it_ends_ok_once(
    edits: list[tuple[list[tuple[int, int]], set[int]]],
) -> None:
    """Items are inserted, removed, moved and changed: what ended ok is kept as long as its key is listed."""
    with workspace():
        pressed: list[int] = []
        bad: set[int] = set()
        made: dict[int, str] = {}

        def work(x: Any) -> str:
            pressed.append(x["id"])
            if x["id"] in bad:
                raise ValueError(x["id"])
            return f"{x['id']} of version {x['version']}"

        for items, failing in [*edits, (edits[-1][0], set[int]())]:
            bad = failing
            pressed.clear()
            rows = [{"id": number, "version": version} for number, version in items]
            results = go(work, rows, "continue", "${x.id}", resume=True)
            assert sorted(pressed) == sorted(row["id"] for row in rows if row["id"] not in made)
            made = {
                row["id"]: made.get(row["id"], f"{row['id']} of version {row['version']}")
                for row in rows
                if row["id"] in made or row["id"] not in bad
            }
            assert [row["work"] for row in results] == [made.get(row["id"]) for row in rows]
        assert results.run.status == "ok"


@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.tuples(ITEMS, st.integers(0, 13)), min_size=1, max_size=3), last=ITEMS)
def test_law_a_run_that_was_cut_off_anywhere_goes_on(
    cuts: list[tuple[list[Any], int]], last: list[Any]
) -> None:
    """The disk is put back to its state at some moment of a press, as if the process had been killed then."""
    with workspace() as home:
        runs, copy = home / "runs", home / "copy"
        ledger = Ledger()
        ledger.most, at = 1000, -1

        def work(x: Any) -> str:
            found = ledger.work(x)
            if len(ledger.pressed) == at + 1:
                time.sleep(0.25)  # until what ended before is on disk
                shutil.copytree(runs, copy, ignore=shutil.ignore_patterns("*.lock"))
            return found

        for items, moment in cuts:
            kept, at = _kept(), moment
            ledger.pressed.clear()
            go(work, items, "continue", "", resume=True)
            _no_more_than(ledger, items, kept)
            if copy.exists():
                shutil.rmtree(runs)
                copy.rename(runs)
                assert sum(_kept().values()) >= moment, "what had ended before is there"
        kept, at = _kept(), -1
        ledger.pressed.clear()
        results = go(work, last, "continue", "", resume=True)
        _no_more_than(ledger, last, kept)
        assert [row["work"] for row in results] == [f"made of {x!r}" for x in last]
        assert results.run.status == "ok"


def _kept() -> Counter[str]:
    """Return the items that are ok on disk."""
    try:
        return Counter(repr(row["x"]) for row in Results.open("law").ok)
    except UsageError:
        return Counter()
