"""The widget display in a real kernel: what a front end receives, and what a click on Cancel does."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from kernel_rig import VIEW, Cell, Kernel, kernel_in

SETUP = """
import asyncio, sys, threading, time
from ipywidgets.widgets.widget import _instances
from drawer_ipy.display.choose import choose_display
from drawer_ipy.engine.events import *
from drawer_ipy.errors import *
from drawer_ipy.record import *

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
    assert shown["data"][VIEW]["model_id"] == finished.comm_of("VBoxModel")
    assert finished.comm_of("ButtonModel")


def test_at_most_ten_updates_a_second_arrive(finished: Cell) -> None:
    head = [
        (at, m["content"]["data"]["state"]["value"])
        for at, m in finished.messages
        if m["msg_type"] == "comm_msg" and "progressbar" in m["content"]["data"]["state"].get("value", "")
    ]
    assert 6 <= len(head) <= 15
    assert "✖ 1 failed" in head[-1][1]
    everything = finished.of("comm_msg")
    assert len(everything) <= len(head) + 3, "errors and button are told only when they change"


def test_an_update_costs_less_than_a_millisecond_or_so(finished: Cell) -> None:
    assert float(finished.stdout.split()[1]) < 0.003, "0.5 ms is usual; the machine may be busy"


def test_hostile_errors_arrive_escaped(finished: Cell) -> None:
    told = "".join(str(m["data"]) for m in finished.of("comm_msg"))
    assert "&lt;script&gt;alert(1)" in told
    assert "<script" not in told
    assert "<img" not in told


def test_the_results_take_the_place_of_the_view_and_the_widgets_are_closed(finished: Cell) -> None:
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
    button = [m["data"]["state"] for m in cell.of("comm_msg") if m["comm_id"] == cell.comm_of("ButtonModel")]
    assert {"disabled": True, "description": "Cancelling…"} in button
    (final,) = cell.of("update_display_data")
    assert "cancelled" in final["data"]["text/plain"]
    assert "⊘" in final["data"]["text/html"]


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


def test_a_run_in_the_background_reports_to_its_own_cell(kernel: Kernel) -> None:
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
