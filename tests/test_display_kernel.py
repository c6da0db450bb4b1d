"""The widget display in a real kernel: what a front end receives, and what a click on Cancel does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator

import pytest
from kernel_rig import VIEW, VIEW_MODEL, Cell, Kernel, kernel_in

from drawer_ipy.record.loop import FAILED, OK

SETUP = """
import asyncio, sys, threading, time
from ipywidgets.widgets.widget import _instances
from drawer_ipy.display.choose import choose_display
from drawer_ipy.engine.events import *
from drawer_ipy.errors import *
from drawer_ipy.record.loop import *
from drawer_ipy.record.run import *
from drawer_ipy.record.step import *

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"

class Results:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": "<table>final</table>", "text/plain": "final table"}

async def play(display, seconds, cancelled):
    listeners = Listeners()
    display.attach(listeners, lambda: cancelled.append(threading.get_ident()))
    run = RunRecord("0" * 16, "pages")
    listeners.emit(RunStarted(run, ("each",)))
    step = StepResult("each")
    listeners.emit(StepStarted(run, step))
    n = int(seconds / 0.01)
    loop = LoopRecord(("each",), "u", range(n), ["page"], 8)
    step.output = LoopOutput(loop)
    listeners.emit(LoopStarted(loop))
    for index in range(n):
        if cancelled:
            break
        loop.move(index, RUNNING)
        await asyncio.sleep(0.01)
        result = StepResult("page", status="ok")
        if index == 10:
            result.fail("SCRIPT_ERROR", HOSTILE)
        loop.columns[0].put(index, result)
        loop.move(index, FAILED if result.error else OK)
    loop.close()
    listeners.emit(LoopFinished(loop))
    listeners.emit(StepFinished(run, step))
    run.status = "cancelled" if cancelled else "ok"
    listeners.emit(RunFinished(run))
    assert not listeners.errors, listeners.errors
    return loop
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


@pytest.fixture(scope="module")
def finished(kernel: Kernel) -> Cell:
    """A cell that awaited a run of 1.2 seconds to its end."""
    return kernel.run(
        """
        before = len(_instances)
        display = choose_display(get_ipython())
        costs = []
        update = display.update
        def timed(snapshot):
            began = time.perf_counter()
            update(snapshot)
            costs.append(time.perf_counter() - began)
        display.update = timed
        await play(display, 1.2, [])
        during = len(_instances)
        display.close(Results())
        assert (during > before) and len(_instances) == before, (before, during, len(_instances))
        print(sys.executable, sorted(costs)[len(costs) // 2])
        """
    )


def test_the_kernel_is_the_interpreter_under_test(finished: Cell) -> None:
    assert finished.stdout.split()[0] == sys.executable


def test_the_view_comes_first_with_words_beside_it(finished: Cell) -> None:
    (shown,) = finished.of("display_data")
    assert shown["data"]["text/plain"].startswith("drawer pages: running since ")
    assert shown["data"][VIEW]["model_id"] == finished.comm_of(VIEW_MODEL)


def test_at_most_ten_updates_a_second_arrive(finished: Cell) -> None:
    times, states = zip(*finished.states(VIEW_MODEL), strict=True)
    assert 4 <= len(states) <= 10 * (times[-1] - times[0]) + 4
    assert len(finished.of("comm_msg")) == len(states), "one message a tick"
    assert states[-2]["head"]["counts"][FAILED] == 1
    assert states[-2]["over"] is True


def test_only_what_has_changed_is_sent(finished: Cell) -> None:
    *states, emptied = (state for _, state in finished.states(VIEW_MODEL))
    assert sum("errors" in state for state in states) == 1
    assert sum("over" in state for state in states) == 1
    assert not any("_esm" in state or "_css" in state for state in states)
    assert len(json.dumps(states)) < 1_000 * len(states)
    assert len(json.dumps(emptied)) < 300, "what an executed notebook keeps of a closed view"


def test_the_picture_is_a_byte_an_item_and_whole_at_the_end(finished: Cell) -> None:
    pictures = [
        bytes(m["buffers"][0])
        for _, m in finished.messages
        if m["msg_type"] == "comm_msg" and m["content"]["data"].get("buffer_paths")
    ]
    assert {len(picture) for picture in pictures} == {120}
    assert pictures[0].count(OK) < pictures[-1].count(OK) == 119
    assert pictures[-1][10] == FAILED


def test_an_update_costs_less_than_a_millisecond_or_so(finished: Cell) -> None:
    assert float(finished.stdout.split()[1]) < 0.003, "0.5 ms is usual; the machine may be busy"


def test_errors_arrive_as_text_and_html_escaped(finished: Cell) -> None:
    errors, _ = (state["errors"] for _, state in finished.states(VIEW_MODEL) if "errors" in state)
    (error,) = errors
    assert error["text"] == "SCRIPT_ERROR: <script>alert(1)</script><img src=x onerror=alert(2)>"
    assert (error["index"], error["step"]) == (10, "page")
    html = "".join(m["data"]["text/html"] for m in finished.of("display_data"))
    assert "<script" not in html


def test_the_results_replace_the_view_and_the_widgets_are_closed(finished: Cell) -> None:
    (shown,) = finished.of("display_data")
    (final,) = finished.of("update_display_data")
    assert final["transient"] == shown["transient"]
    assert final["data"] == {"text/html": "<table>final</table>", "text/plain": "final table"}
    opened = {m["comm_id"] for m in finished.of("comm_open")}
    assert opened == {m["comm_id"] for m in finished.of("comm_close")}


def test_a_click_cancels_while_the_cell_is_awaited(kernel: Kernel) -> None:
    cell = kernel.run(
        """
        display, cancelled = choose_display(get_ipython()), []
        loop = await play(display, 10, cancelled)
        display.close(None)
        print(len(cancelled), loop.counts[SKIPPED] > 500)
        """,
        click_after=0.4,
    )
    assert cell.stdout == "1 True\n"
    assert cell.messages[-1][0] < 5
    answers = [m["data"]["content"] for m in cell.of("comm_msg") if m["data"]["method"] == "custom"]
    assert answers == [{"kind": "ack"}]
    assert any(state.get("cancelling") for _, state in cell.states(VIEW_MODEL))
    (final,) = cell.of("update_display_data")
    assert "cancelled" in final["data"]["text/plain"]
    assert "⊘" in final["data"]["text/html"]


def ask(row: object, cell: object) -> Callable[[Kernel, Cell], None]:
    """Point at a cell of a row."""
    return lambda kernel, shown: kernel.tell(
        shown.comm_of(VIEW_MODEL), {"kind": "ask", "row": row, "cell": cell}
    )


@pytest.mark.parametrize(
    ("row", "cell", "lines"),
    [
        (
            "r0",
            10,
            [
                "item 10 · failed · ",
                "u = 10",
                "page: SCRIPT_ERROR: <script>alert(1)</script><img src=x onerror",
            ],
        ),
        ("r0", 3, ["item 3 · ok · ", "u = 3"]),
        ("r0", 10**6, []),
        ("r0", -1, []),
        ("r1", 0, None),
        (None, 0, None),
        (["r0"], 0, None),
        ("r0", "3", None),
    ],
)
def test_pointing_at_a_cell_shows_its_item(
    kernel: Kernel, row: object, cell: object, lines: list[str] | None
) -> None:
    shown = kernel.run(
        "display = choose_display(get_ipython()); await play(display, 0.6, []); display.close(None)",
        act=ask(row, cell),
        when=lambda shown: any("errors" in state for _, state in shown.states(VIEW_MODEL)),
    )
    answers = [m["data"]["content"] for m in shown.of("comm_msg") if m["data"]["method"] == "custom"]
    if lines is None:
        assert answers == []
        return
    (answer,) = answers
    assert (answer["row"], answer["cell"]) == (row, cell)
    assert len(answer["lines"]) == len(lines)
    assert all(told.startswith(line) for told, line in zip(answer["lines"], lines, strict=True))


def hello(kernel: Kernel, cell: Cell) -> None:
    """Say what the script says when a page has loaded it."""
    kernel.tell(cell.comm_of(VIEW_MODEL), {"kind": "hello"})


def opened(cell: Cell) -> bool:
    """Whether the view is there."""
    return bool(cell.of("display_data"))


def updates(cell: Cell) -> list[dict[str, str]]:
    return [m["data"] for m in cell.of("update_display_data")]


PATIENT = """
    display = choose_display(get_ipython())
    display.patience = {patience}
    await play(display, {seconds}, [])
    display.close(Results())
"""


def test_if_no_page_draws_the_view_html_is_shown_and_updated(kernel: Kernel) -> None:
    cell = kernel.run(PATIENT.format(patience=0.2, seconds=1.5))
    *progress, last = updates(cell)
    assert 2 <= len(progress) <= 4
    assert all("progressbar" in data["text/html"] and VIEW not in data for data in progress)
    assert last["text/plain"] == "final table"


def test_a_page_that_says_hello_keeps_the_view(kernel: Kernel) -> None:
    cell = kernel.run(PATIENT.format(patience=0.4, seconds=1.0), act=hello, when=opened)
    assert [data["text/plain"] for data in updates(cell)] == ["final table"]


def test_a_page_that_is_late_gets_the_view_back(kernel: Kernel) -> None:
    cell = kernel.run(
        PATIENT.format(patience=0.1, seconds=1.2),
        act=hello,
        when=lambda cell: bool(cell.of("update_display_data")),
    )
    html, view, last = updates(cell)
    assert VIEW not in html
    assert view[VIEW] == cell.of("display_data")[0]["data"][VIEW]
    assert last["text/plain"] == "final table"


def test_a_run_on_a_thread_of_its_own_is_shown_below_the_same_cell(kernel: Kernel) -> None:
    cell = kernel.run(
        """
        display = choose_display(get_ipython())
        thread = threading.Thread(target=lambda: asyncio.run(play(display, 0.5, [])))
        thread.start(); thread.join()
        display.close(Results())
        """
    )
    assert len(cell.of("display_data")) == 1
    assert len(cell.of("comm_msg")) >= 3
    assert cell.of("update_display_data")[0]["data"]["text/plain"] == "final table"


def test_a_background_run_is_shown_in_its_own_cell(kernel: Kernel) -> None:
    first = kernel.run(
        """
        display = choose_display(get_ipython(), kind="html")
        task = asyncio.create_task(play(display, 0.8, []))
        await asyncio.sleep(0)
        """
    )
    second = kernel.run("await task; display.close(Results())")
    (shown,) = first.of("display_data")
    assert second.of("update_display_data") == []
    parent = first.messages[0][1]["parent_header"]["msg_id"]
    late = [m for m in second.others if m["parent_header"].get("msg_id") == parent]
    updates = [m["content"] for m in late if m["msg_type"] == "update_display_data"]
    assert len(updates) >= 3
    assert {m["transient"]["display_id"] for m in updates} == {shown["transient"]["display_id"]}
    assert updates[-1]["data"]["text/plain"] == "final table"
