"""Runs in the background of a real kernel: their views, handles, prints, and how they end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context

import psutil
import pytest
from kernel_rig import MANY, Cell, Kernel, click_cancel, each, interrupt, kernel_in

from drawer_ipy.display.log import log_bundle
from drawer_ipy.notebook.prints import Log, Prints

SETUP = (
    MANY
    + """
def loud(x):
    print("from", x, flush=True)
    print("<b>err</b>", x, file=sys.stderr)
    time.sleep(0.02)
    return x * 10

def bad(x):
    if x == 8:
        raise ValueError("no")
    return x * 10
"""
)

DEAF = "buttons: {deaf: {runtime: bash, code: \"trap '' TERM; sleep 60 & wait; sleep 61\", args: [x]}}"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


def redrawn(first: Cell, number: int, later: Cell) -> list[dict[str, str]]:
    """The updates of output `number` of `first` that came while `later` ran, by mime type.

    They are found by the display's id, as in a front end: older kernels attribute them to the running cell.
    """
    place = first.of("display_data")[number]["transient"]
    contents = [m["content"] for _, m in later.messages] + [m["content"] for m in later.others]
    return [c["data"] for c in contents if c.get("transient") == place]


def test_the_cell_ends_at_once_and_its_view_is_updated_while_another_cell_blocks_the_kernel(
    kernel: Kernel,
) -> None:
    first = kernel.run(each("nap", "%%drawer t --background -o run", parallelism=8))
    assert first.ended_at < 1.5, "the run itself takes two and a half seconds"
    assert first.of("execute_result") == []
    second = kernel.run("time.sleep(1.2); print('mine')")
    assert second.stdout == "mine\n"
    assert len(second.of("comm_msg")) >= 3, "updates of the view"
    so_far = kernel.value(
        "[run.done, run.status, [row['x'] for row in run.results] == many, run.results.counts]"
    )
    assert so_far[:3] == [False, "running", True]
    assert 0 < so_far[3]["ok"] < 400
    last = kernel.run("got = await run\nprint(len(got), run.done, run.status, got['y'][7])")
    assert last.stdout == "400 True ok 70\n"
    assert redrawn(first, 0, last)[-1]["text/plain"].startswith("✔ finished · 400 ok")


def test_the_handle_is_the_value_of_the_cell_if_there_is_no_out_variable(kernel: Kernel) -> None:
    cell = kernel.run(each("nap", "%%drawer t --background", items="[1,2,3]"))
    (shown,) = cell.of("execute_result")
    assert shown["data"]["text/plain"].startswith("<run ")
    assert kernel.run("print(len(await _))").stdout == "3\n"


def cancel_by_handle(kernel: Kernel, cell: Cell) -> None:
    kernel.run("run.cancel(); run.cancel()")


@pytest.mark.parametrize("cancel", [cancel_by_handle, click_cancel])
def test_cancelling_one_run_keeps_its_finished_items_and_does_not_affect_other_runs(
    kernel: Kernel, cancel: Callable[[Kernel, Cell], None]
) -> None:
    kernel.run(each("nap", "%%drawer other --background -o other"))
    cell = kernel.run(each("nap", "%%drawer t --background -o run"))
    kernel.run("time.sleep(0.4)")
    cancel(kernel, cell)
    ended = kernel.run("await run", fails=True)
    assert ended.traceback.startswith("DrawerCancelled: drawer 't' was cancelled (")
    assert kernel.value("[run.results.counts['ok'] > 0, [row['x'] for row in run.results] == many]") == [
        True,
        True,
    ]
    assert kernel.value("[run.status, other.status]") == ["cancelled", "running"]
    kernel.run("other.cancel(); other.cancel()")
    kernel.run("await other", fails=True)


def test_several_background_runs_and_a_cell_do_not_affect_each_other(kernel: Kernel) -> None:
    kernel.run("runs = []")
    for offset in range(3):
        kernel.run(
            each(
                "nap", f"%%drawer t{offset} --background -o run", items=f"{{range({offset}, {offset} + 60)}}"
            )
        )
        kernel.run("runs.append(run)")
    cell = kernel.run(each("nap", "%%drawer front", items="{range(30)}"))
    shown = [one["data"]["text/plain"] for one in cell.of("update_display_data")]
    assert any(text.startswith("✔ finished · 30 ok") for text in shown), "beside the snapshots of the others"
    kernel.run("tables = [await run for run in runs]")
    assert (
        kernel.value("[list(t['y']) == [x * 10 for x in range(i, i + 60)] for i, t in enumerate(tables)]")
        == [True] * 3
    )
    assert kernel.value("list(_drawer['y']) == [x * 10 for x in range(30)]")


def test_output_of_buttons_is_shown_only_below_the_view_of_their_run(kernel: Kernel) -> None:
    first = kernel.run(each("loud", "%%drawer t --background -o run", items="{range(200)}"))
    second = kernel.run("for i in range(10): print('mine', i); time.sleep(0.1)")
    assert second.stdout == "".join(f"mine {i}\n" for i in range(10))
    assert second.printed("stderr") == ""
    third = kernel.run("await run; print('after')")
    assert third.stdout == "after\n"
    assert len(first.of("display_data")) == 2, "the view, and the output below it"
    logs = [*redrawn(first, 1, second), *redrawn(first, 1, third)]
    until = time.monotonic() + 10
    while not logs[-1]["text/plain"].startswith("printed: 400") and time.monotonic() < until:
        # The last update may come after the cell that awaited the run has continued.
        logs += redrawn(first, 1, kernel.run("time.sleep(0.05)"))
    assert len(logs) >= 2
    html, text = logs[-1]["text/html"], logs[-1]["text/plain"]
    assert text.startswith("printed: 400 lines, the last 100\n")
    assert "from 199" in text
    assert "&lt;b&gt;err&lt;/b&gt;" in html
    assert "<b>" not in html
    assert kernel.value("sorted(run.log)[-1].startswith('from ') and len(run.log)") == 400
    assert kernel.value("type(sys.stdout).__name__") == "OutStream"


def test_progress_lines_of_scripts_name_the_step_and_the_item(kernel: Kernel) -> None:
    script = 'buttons: {work: {runtime: sh, code: "echo working >&2; echo 7", args: [x]}}'
    kernel.run(each("work", "%%drawer t --background -o run", script, items="[5, 6]"))
    kernel.run("await run")
    assert kernel.value("sorted(run.log)") == ["y[0]: working", "y[1]: working"]


def test_awaiting_a_failed_run_raises(kernel: Kernel) -> None:
    kernel.run(each("bad", "%%drawer t --background -o run", items="{range(20)}"))
    for code in ("await run", "run.wait(10)"):
        cell = kernel.run(code, fails=True)
        assert cell.traceback.startswith("DrawerFailed: drawer 't' failed at step 'each': ")
    kernel.run(each("bad", "%%drawer t --background --no-raise -o run", items="{range(20)}"))
    assert kernel.run("print((await run).counts['failed'])").stdout == "1\n"


def test_interrupting_another_cell_does_not_affect_the_run(kernel: Kernel) -> None:
    kernel.run(each("nap", "%%drawer t --background -o run", parallelism=8))
    cell = kernel.run("await run", fails=True, act=interrupt, when=lambda cell: cell.now > 0.2)
    assert cell.took < 1.5, "the run itself takes more than two seconds"
    assert kernel.value("run.done") is False
    assert kernel.run("print((await run).counts['ok'])").stdout == "400\n"


def test_the_list_of_runs_contains_their_handles(kernel: Kernel) -> None:
    kernel.run(each("nap", "%%drawer listed --background -o run"))
    cell = kernel.run("%drawer runs")
    assert "drawer listed: " in cell.shown.splitlines()[-1]
    assert ", running for 0:0" in cell.shown.splitlines()[-1]
    kernel.run("found = %drawer runs\nfound[-1].cancel()")
    kernel.run("await run", fails=True)
    assert kernel.value("(found[-1] is run, run.done)") == (True, True)
    assert kernel.value("len(found) <= 11"), "ended runs are removed from the list"


def test_waiting_with_a_short_timeout_does_not_end_the_run(kernel: Kernel) -> None:
    kernel.run(each("nap", "%%drawer t --background -o run"))
    assert kernel.run("run.wait(0.05)", fails=True).reply["ename"] == "TimeoutError"
    assert kernel.value("run.done") is False
    kernel.run("run.cancel()")


@pytest.mark.parametrize("options", ["--dry-run", "--define"])
def test_background_is_refused_with_options_that_press_nothing(kernel: Kernel, options: str) -> None:
    cell = kernel.run(each("nap", f"%%drawer t --background {options}"), fails=True)
    assert "not both" in cell.traceback


def test_shutting_down_the_kernel_ends_the_scripts_of_background_runs(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        kernel.run(each("deaf", "%%drawer t --background -o run", DEAF))
        until = time.monotonic() + 20
        while len(kernel.children()) < 8 and time.monotonic() < until:
            time.sleep(0.05)
        processes = kernel.children()
        assert len(processes) >= 8
        kernel.manager.shutdown_kernel(now=False)
    _, alive = psutil.wait_procs(processes, timeout=5)
    for process in alive:
        process.kill()
    assert alive == []


def test_the_log_has_a_bounded_size() -> None:
    log = Log(keep=3)
    log.write("a\nb")
    assert log.lines == ["a", "b"]
    log.write("c\n\nd\ne\n")
    assert (log.lines, log.dropped) == (["", "d", "e"], 2)
    for _ in range(100):
        log.write("x" * 1_000)
    log.line("y" * 10_000)
    assert len("".join(log.lines)) < 5_000


def test_streams_are_separated_by_context_and_restored(capsys: pytest.CaptureFixture[str]) -> None:
    before, log, prints = sys.stdout, Log(), Prints()
    inside = copy_context()
    inside.run(log.bind)
    prints.begin()
    prints.begin()
    inside.run(print, "hidden")
    thread = threading.Thread(target=inside.run, args=(print, "too"))
    thread.start()
    thread.join()
    print("seen")
    prints.end()
    assert sys.stdout is not before
    assert sys.stdout.encoding == before.encoding
    prints.end()
    assert sys.stdout is before
    assert log.lines == ["hidden", "too"]
    assert capsys.readouterr().out == "seen\n"


def test_a_stream_that_was_replaced_in_the_meantime_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = Prints()
    prints.begin()
    theirs = sys.stderr
    monkeypatch.setattr(sys, "stdout", theirs)
    prints.end()
    assert sys.stdout is theirs


def test_an_empty_log_shows_nothing_and_a_short_log_shows_everything() -> None:
    assert log_bundle([], 0, live=True) == {"text/html": "", "text/plain": ""}
    assert log_bundle(["a"], 0, live=False)["text/plain"] == "printed: 1 line\na"
    assert "<details open>" in log_bundle(["a"], 0, live=True)["text/html"]
