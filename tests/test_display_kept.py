"""The view of a run that continues an earlier one: what was kept, what was in flight, what is to go."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from killed_drawer import DRAWER

from drawer_ipy import Results, press
from drawer_ipy.display.cell_lines import cell_lines
from drawer_ipy.display.cells import KEPT, Cells, counts_shown
from drawer_ipy.display.outline import Outline
from drawer_ipy.display.progress import ProgressState, Snapshot
from drawer_ipy.display.progress_html import bar_html, static_html
from drawer_ipy.display.terminal import TextDisplay, _postfix
from drawer_ipy.display.wording import counts_words, kept_line, progress_line
from drawer_ipy.engine.events import Listeners
from drawer_ipy.journal.reader import read_run
from drawer_ipy.record.continued import take_earlier, take_row
from drawer_ipy.record.loop import FAILED, OK, RUNNING, WAITING, LoopOutput, LoopRecord
from drawer_ipy.style.outcome import kept_text

PROGRAM = Path(__file__).parent / "support" / "killed_loop.py"


pytestmark = pytest.mark.usefixtures("runs_folder")


def record(n: int) -> LoopRecord:
    return LoopRecord(("each",), "x", range(n), ["s"], 4)


def ended(n: int, ok: int, failed: int = 0) -> LoopRecord:
    loop = record(n)
    for index in range(ok + failed):
        loop.move(index, RUNNING)
        loop.move(index, OK if index < ok else FAILED)
    return loop


def continued(n: int, ok: int, failed: int = 0) -> LoopRecord:
    """The record of a press that continues one of which `ok` items ended ok and `failed` failed."""
    loop = record(n)
    take_earlier(loop, ended(n, ok, failed), range(n), range(ok, n))
    return loop


# What is kept


def test_items_that_are_not_pressed_again_are_marked_and_counted() -> None:
    loop = continued(10, 4, 2)
    assert (loop.kept, loop.kept_ok, loop.counts[OK], loop.counts[WAITING]) == (4, 4, 4, 6)
    loop.move(4, RUNNING)
    loop.move(4, OK)
    assert (loop.kept_ok, loop.counts[OK]) == (4, 5)
    assert list(Cells(loop).read()) == [KEPT] * 4 + [OK] + [WAITING] * 5
    assert counts_shown(loop) == (5, 0, 1, 0, 0, 0, 0, 4)


def test_failed_items_that_are_not_pressed_again_look_failed() -> None:
    loop = record(6)
    take_earlier(loop, ended(6, 4, 2), range(6), [5])
    assert (loop.kept, loop.kept_ok) == (5, 4)
    assert list(Cells(loop).read()) == [KEPT] * 4 + [FAILED, WAITING]


def test_items_that_a_cancelled_press_did_not_reach_count_as_kept_again() -> None:
    loop = record(6)
    take_earlier(loop, ended(6, 4, 2), range(6), [0, 1, 5])  # two that were ok were to be pressed again
    loop.clear(0)
    loop.move(0, RUNNING)
    loop.move(0, OK)
    loop.close()
    assert list(Cells(loop).read()) == [OK, KEPT, KEPT, KEPT, FAILED, FAILED]
    assert (loop.kept, loop.kept_ok) == (5, 3)


def test_items_of_an_iterator_are_marked_as_they_come() -> None:
    before, loop = ended(3, 2, 1), LoopRecord(("each",), "x", [], ["s"], 4, ends=False)
    take_earlier(loop, before, [], [])
    for place, again in ((1, False), (-1, True), (2, True), (0, False)):
        index = loop.append("item")
        if place >= 0:
            take_row(loop, index, before, place, again)
    assert list(Cells(loop).read()) == [KEPT, WAITING, WAITING, KEPT]
    assert (loop.kept, loop.kept_ok) == (2, 2)


def test_a_loop_without_an_earlier_press_looks_as_before() -> None:
    loop = ended(4, 3, 1)
    assert Cells(loop).read() == bytes(loop.states)
    assert counts_shown(loop) == tuple(loop.counts)


def test_kept_items_that_share_a_cell_look_kept() -> None:
    loop = continued(1000, 700)
    for index in range(700, 1000):
        loop.move(index, RUNNING)
        loop.move(index, OK)
    picture = Cells(loop, most=10).read()
    assert [byte & 7 for byte in picture] == [KEPT] * 7 + [OK] * 3


def test_the_description_of_a_cell_says_that_it_was_kept() -> None:
    loop = continued(4, 2)
    assert cell_lines(Cells(loop), 0)[0].startswith("item 0 · ok, kept")
    assert "kept" not in cell_lines(Cells(loop), 3)[0]
    assert cell_lines(Cells(loop, most=1), 0)[1] == "2 waiting · 2 ok · 2 kept"


# Words


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((7703, 16, 12281), "7,703 kept · 16 in flight when it was cut off · 12,281 to go"),
        ((20000, 0, 0), "20,000 kept"),
        ((58, 0, 2), "58 kept · 2 to go"),
        ((0, 3, 0), "0 kept · 3 in flight when it was cut off"),
    ],
)
def test_the_line_about_what_is_kept(numbers: tuple[int, int, int], expected: str) -> None:
    assert kept_text(*numbers) == expected


RESUMED = Snapshot(
    "pages",
    loop="each",
    total=20_000,
    left=12_281,
    running=16,
    ok=7_703,
    kept=7_703,
    in_flight=16,
    to_go=12_281,
    resumed=True,
    steps=1,
)
LINE = "7,703 kept · 16 in flight when it was cut off · 12,281 to go"


def test_every_display_has_the_same_words() -> None:
    assert kept_line(RESUMED) == LINE
    assert LINE in static_html(RESUMED)
    assert "7703 kept" in progress_line(RESUMED)
    assert _postfix(RESUMED).startswith("kept=7703 ok=0 running=16")
    assert [words for words, _ in counts_words(RESUMED)][:2] == ["◣ 7,703 kept", "✔ 0 ok"]


def test_a_bar_shows_kept_items_apart() -> None:
    html = bar_html(RESUMED)
    assert 'title="7,703 kept"' in html
    assert "flex:0 0 38.52%" in html or "flex:0 0 38.51%" in html
    assert 'aria-valuenow="7703"' in html


def test_the_bar_of_a_terminal_is_preceded_by_the_line() -> None:
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    display = TextDisplay(stream)
    display.open(RESUMED)
    display.update(RESUMED)
    display.finish(RESUMED, None)
    assert stream.getvalue().count(LINE) == 1


# A run


LOOP = """
name: pages
inputs: [xs]
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    on_item_failure: continue
    steps: [{id: work, button: work, args: {x: "${x}"}}]
"""


class Watching:
    """A display that keeps a snapshot and the rows of the outline at each of its calls."""

    def __init__(self) -> None:
        self.state, self.outline = ProgressState(), Outline()

    def attach(self, listeners: Listeners, _cancel: Any) -> None:
        self.state.attach(listeners)
        self.outline.attach(listeners)

    def look(self) -> Snapshot:
        return self.state.snapshot(self.state.clock())


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watching:
    watching = Watching()
    attach = TextDisplay.attach

    def both(self: TextDisplay, listeners: Listeners, cancel: Any) -> None:
        watching.attach(listeners, cancel)
        attach(self, listeners, cancel)

    monkeypatch.setattr(TextDisplay, "attach", both)
    return watching


def test_the_rate_counts_only_what_is_pressed_now(watched: Watching) -> None:
    bad = set(range(100, 120))
    seen: list[Snapshot] = []

    async def work(x: int) -> int:
        if x in bad:
            raise ValueError(x)
        if seen or not bad:
            await asyncio.sleep(0.05)
            seen.append(watched.look())
        return x

    def go(**options: Any) -> Results:
        return press(LOOP, {"xs": list(range(120))}, buttons={"work": work}, check=False, **options)

    go(durable="on")
    bad.clear()
    results = go(resume=True)
    assert len(seen) == 20
    assert kept_line(seen[0]) == "100 kept · 20 to go"
    assert (seen[-1].kept, seen[-1].fresh, seen[-1].done) == (100, 19, 119)
    assert max(one.rate for one in seen) < 40, "items of 50 ms, one after the other"
    assert watched.outline.rows()[0].counts == (0, 0, 20, 0, 0, 0, 0, 100)
    assert kept_line(watched.look()) == "", "the run is over"
    assert repr(results).startswith("✔ finished · 120 ok · 100 kept · ")
    assert "100 kept" in results._repr_html_()
    assert "100 kept" in repr(Results.open("pages")).partition("\n")[0]


def test_a_retry_has_the_same_view(watched: Watching) -> None:
    bad = {1, 4}
    seen: list[str] = []

    def work(x: int) -> int:
        if x in bad:
            raise ValueError(x)
        seen.append(kept_line(watched.look()))
        return x

    results = press(LOOP, {"xs": list(range(6))}, buttons={"work": work}, check=False)
    assert set(seen) == {""}
    bad.clear()
    seen.clear()
    results.retry()
    assert seen == ["4 kept · 2 to go", "4 kept · 1 to go"]
    assert repr(results).startswith("✔ finished · 6 ok · 4 kept")


def test_nothing_to_do_says_how_many_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        results = press(LOOP, {"xs": list(range(2000))}, buttons={"work": same}, durable="on", resume=True)
    assert repr(results).startswith("✔ finished · 2,000 ok · 2,000 kept · ")
    assert "2,000 kept, nothing to do" in capsys.readouterr().err


def same(x: int) -> int:
    return x


def test_a_run_that_was_killed_says_what_was_in_flight(
    runs_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tmp_path / "ledger"
    process = subprocess.Popen([sys.executable, str(PROGRAM), str(ledger), "400", "0.2"])
    until = time.monotonic() + 60
    while time.monotonic() < until and not (ledger.exists() and len(ledger.read_text().split()) > 60):
        time.sleep(0.02)
    time.sleep(0.25)  # for the items that began last to be on disk
    process.kill()
    process.wait()
    [path] = runs_folder.glob("*.db")
    last = read_run(path, None)[-1]
    assert last.in_flight == {"each": 8}
    output = last.record.step("each").output
    assert isinstance(output, LoopOutput)
    done = output.record.counts[OK]
    buttons = {"before": lambda: "ready", "first": lambda x: {"x": x}, "second": same}
    press(DRAWER, {"xs": list(range(400))}, buttons=buttons, resume=True, check=False)
    note = f"{done:,} kept · 8 in flight when it was cut off · {400 - done - 8:,} to go"
    assert note in capsys.readouterr().err
