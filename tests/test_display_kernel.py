"""The widget display in a real kernel: what a front end receives, and what a click on Cancel does."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kernel_rig import VIEW, VIEW_MODEL, Cell, Kernel, kernel_in

from drawer_ipy.record.loop import FAILED, OK

SETUP = """
import asyncio, sys, threading, time
from ipywidgets.widgets.widget import _instances
from drawer_ipy.display import kept
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

# The model that all runs share is opened by the first.
kept.keep_output("another run", "", {"text/html": "<b>another</b>", "text/plain": "another"})
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
            began = time.thread_time()
            update(snapshot)
            costs.append(time.thread_time() - began)
        display.update = timed
        await play(display, 1.2, [])
        during = len(_instances)
        display.close(Results())
        assert (during > before) and len(_instances) == before, (before, during, len(_instances))
        print(sys.executable, min(costs))
        """
    )


def test_the_kernel_is_the_interpreter_under_test(finished: Cell) -> None:
    assert finished.stdout.split()[0] == sys.executable


def place_of(cell: Cell) -> str:
    """Where the cell's view is shown."""
    return next(
        str(o["data"]["state"]["place"]) for o in cell.of("comm_open") if "place" in o["data"]["state"]
    )


def test_the_output_is_html_with_a_place_for_the_view(finished: Cell) -> None:
    (shown,) = finished.of("display_data")
    assert re.match(r"drawer pages: 0/1 steps, as of [\d:]{8} on [\d-]{10}$", shown["data"]["text/plain"])
    assert set(shown["data"]) == {"text/html", "text/plain"}
    assert shown["data"]["text/html"].startswith(f'<div class="drawer-mount drawer-{place_of(finished)} ')


def test_at_most_ten_updates_a_second_arrive(finished: Cell) -> None:
    times, states = zip(*finished.states(VIEW_MODEL), strict=True)
    assert 4 <= len(states) <= 10 * (times[-1] - times[0]) + 4
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


def test_an_update_costs_little_processor_time(finished: Cell) -> None:
    assert float(finished.stdout.split()[1]) < 0.003, "0.5 ms is usual, also on a busy machine"


def test_errors_arrive_as_text_and_html_escaped(finished: Cell) -> None:
    errors, _ = (state["errors"] for _, state in finished.states(VIEW_MODEL) if "errors" in state)
    (error,) = errors
    assert error["text"] == "SCRIPT_ERROR: <script>alert(1)</script><img src=x onerror=alert(2)>"
    assert (error["index"], error["step"]) == (10, "page")
    html = "".join(m["data"]["text/html"] for m in finished.of("display_data"))
    assert "<script" not in html


def test_the_results_replace_the_view_and_the_widgets_are_closed(finished: Cell) -> None:
    (shown,) = finished.of("display_data")
    final = finished.of("update_display_data")[-1]
    assert final["transient"] == shown["transient"]
    classes = f"drawer-mount drawer-{place_of(finished)} drawer-ended mathjax_ignore tex2jax_ignore"
    html = f'<div class="{classes}"><table>final</table></div>'
    assert final["data"] == {"text/html": html, "text/plain": "final table"}
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
    final = updates(cell)[-1]
    assert "cancelled" in final["text/plain"]
    assert "⊘" in final["text/html"]


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


PLAY = """
    display = choose_display(get_ipython())
    await play(display, {seconds}, [])
    display.close(Results())
"""


def test_if_no_page_draws_the_view_the_snapshot_is_shown_anew_twice_a_second(kernel: Kernel) -> None:
    cell = kernel.run(PLAY.format(seconds=1.8))
    *progress, last = updates(cell)
    assert 2 <= len(progress) <= 4
    assert all("progressbar" in data["text/html"] and "as of" in data["text/html"] for data in progress)
    assert last["text/plain"] == "final table"


def test_if_a_page_draws_the_view_the_snapshot_is_shown_anew_less_and_less_often(kernel: Kernel) -> None:
    cell = kernel.run(PLAY.format(seconds=2.6), act=hello, when=opened)
    *progress, last = updates(cell)
    assert len(progress) == 1
    assert last["text/plain"] == "final table"


IN_OUTPUT = """
    get_ipython().user_ns["__vsc_ipynb_file__"] = "a.ipynb"
    display = choose_display(get_ipython())
    display._pauses._last += {patience} - display.patience
    await play(display, {seconds}, [])
    display.close(Results())
    del get_ipython().user_ns["__vsc_ipynb_file__"]
"""


def test_where_widgets_are_loaded_only_for_outputs_the_output_has_the_model(kernel: Kernel) -> None:
    cell = kernel.run(IN_OUTPUT.format(patience=0.4, seconds=1.4), act=hello, when=opened)
    (shown,) = cell.of("display_data")
    assert shown["data"][VIEW]["model_id"] == cell.comm_of(VIEW_MODEL)
    (final,) = updates(cell)
    assert VIEW not in final


def test_and_html_in_its_place_until_a_page_draws_it(kernel: Kernel) -> None:
    cell = kernel.run(
        IN_OUTPUT.format(patience=-0.3, seconds=1.6),
        act=hello,
        when=lambda cell: bool(cell.of("update_display_data")),
    )
    html, view, last = updates(cell)
    assert VIEW not in html
    assert view[VIEW] == cell.of("display_data")[0]["data"][VIEW]
    assert last["text/plain"] == "final table"


def test_the_final_output_is_kept_for_pages_that_missed_it(kernel: Kernel) -> None:
    cell = kernel.run(PLAY.format(seconds=0.2))
    place = place_of(cell)
    comm, state = next(
        (m["comm_id"], m["data"]["state"])
        for m in cell.of("comm_msg")
        if "ended" in m["data"].get("state", {})
    )
    assert state["ended"][-1] == place
    assert place not in json.dumps(state["ended"][:-1])

    def asks(kernel: Kernel, _: Cell) -> None:
        for asked in (place, "unknown", None, ["x"]):
            kernel.tell(comm, {"kind": "ask", "id": asked})

    later = kernel.run("await asyncio.sleep(0.5)", act=asks)
    answers = [m["data"]["content"] for m in later.of("comm_msg") if m["data"]["method"] == "custom"]
    assert answers == [{"kind": "final", "id": place, "data": updates(cell)[-1]}]


def test_only_the_last_outputs_are_kept(kernel: Kernel) -> None:
    kernel.run(
        "[kept.keep_output(f'{n}', '', {'text/html': '', 'text/plain': ''}) for n in range(100)]; None"
    )
    found = kernel.value(
        "[list(m._bundles) == m.ended and m.ended for m in [get_ipython().meta[kept._KEPT]]]"
    )
    assert found == [[str(n) for n in range(70, 100)]]


def request_information(kernel: Kernel, _: Cell) -> None:
    """Ask on the control channel, which the kernel answers while a cell runs."""
    kernel.client.control_channel.send(kernel.client.session.msg("kernel_info_request", {}))


def test_the_kernel_is_reported_as_busy_again_after_another_message(kernel: Kernel) -> None:
    cell = kernel.run(PLAY.format(seconds=1.5), act=request_information, when=opened)
    said = [m["content"]["execution_state"] for m in sorted_by_date(cell) if m["msg_type"] == "status"]
    assert said.count("idle") == 2, said
    assert "busy" in said[said.index("idle") + 1 :]
    assert said[-1] == "idle"


def sorted_by_date(cell: Cell) -> list[dict[str, Any]]:
    return sorted([*(m for _, m in cell.messages), *cell.others], key=lambda m: m["header"]["date"])


@pytest.mark.parametrize("start", ["await asyncio.sleep(0.2)", ""])
def test_a_run_that_outlives_its_cell_does_not_report_the_kernel_as_busy(kernel: Kernel, start: str) -> None:
    kernel.run(
        f"""
        display = choose_display(get_ipython())
        task = asyncio.create_task(play(display, 1.2, []))
        {start}
        """
    )
    time.sleep(0.8)
    late = kernel.run("print(len(task.get_stack()) > 0)")
    assert late.stdout == "True\n"
    said = [m["content"]["execution_state"] for m in late.others if m["msg_type"] == "status"]
    assert said == []
    kernel.run("await task; display.close(Results())")


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
    assert updates(cell)[-1]["text/plain"] == "final table"


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
