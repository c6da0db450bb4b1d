"""``%%drawer`` cells in a real kernel: progress, Cancel, interrupts, and that no process is left."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
import pytest
from kernel_rig import MANY, Action, Cell, Kernel, click_cancel, each, interrupt, kernel_in, once_ok

SETUP = (
    MANY
    + """
from drawer_ipy.demo import DemoSite
site = DemoSite.start()

def parse(html: str) -> dict:
    return {"length": len(html)}

def stuck(x):
    hang() if x == 25 else time.sleep(0.02)
    return x * 10

async def stuck_loop(x):
    await asyncio.sleep(0)
    hang() if x == 25 else time.sleep(0.02)
    return x * 10

def stuck_after_interrupt(turns):
    async def stuck(x):
        if x >= 20:
            await asyncio.sleep(0.05)
            if x == 20:
                os.kill(os.getpid(), signal.SIGINT)
            for _ in range(turns):
                await asyncio.sleep(0)
            time.sleep(30)
        return x * 10
    return stuck

async def stuck_cleaning_up(x):
    try:
        await asyncio.sleep(0.02 if x < 20 else 60)
    except asyncio.CancelledError:
        if x == 21:
            hang()
        raise
    return x * 10

async def asleep(x):
    open(f"asleep{x}", "w").close()
    await asyncio.sleep(60)
"""
)

SCRIPTS = """buttons:
  quick: {runtime: sh, code: "sleep 0.05; echo $((BUTTONS_ARG_X * 10))", args: [x]}
  deaf:
    runtime: bash
    args: [x]
    code: |
      trap '' TERM
      test $BUTTONS_ARG_X -lt 20 && { echo $((BUTTONS_ARG_X * 10)); exit; }
      touch deaf$BUTTONS_ARG_X
      sleep 60 & (sleep 61 & sleep 62) &
      wait; sleep 63
"""

SOON = 3.0
"""Seconds; a run must end within one, but the machine may be busy. An undisturbed run takes five."""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


ASLEEP = [f"asleep{x}" for x in range(4)]
DEAF = [f"deaf{x}" for x in range(20, 24)]
HANGS = ["hangs"]
"""The files that show that buttons have come to where they do not end."""


def partial_counts(kernel: Kernel, name: str = "_drawer") -> dict[str, int]:
    """Check that partial Results are in order and only ended items have outputs; return their counts."""
    assert kernel.value(f"[row['x'] for row in {name}] == many")
    assert kernel.value(f"all(row['y'] == row['x'] * 10 for row in {name}.ok)")
    assert kernel.value(f"all(row['y'] is None for row in {name} if row.status != 'ok')")
    counts: dict[str, int] = kernel.value(f"{name}.counts")
    assert sum(counts.values()) == 400
    return counts


def left_behind(kernel: Kernel) -> list[psutil.Process]:
    """Children of the kernel, after a moment in which the system can remove ended ones."""
    until = time.monotonic() + 2
    while (left := kernel.children()) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def test_scraping_returns_an_ordered_table(kernel: Kernel) -> None:
    cell = kernel.run(
        """%%drawer scrape --out pages urls={site.page_urls[:60]}
        buttons:
          fetch: {url: "{{url}}", args: [url]}
        steps:
          - id: each
            kind: for_each
            over: ${inputs.urls}
            as: url
            parallelism: 8
            steps:
              - {id: page, button: fetch, args: {url: "${url}"}}
              - {id: parsed, button: parse, args: {html: "${page.output}"}}
        """
    )
    assert cell.shown.startswith("✔ finished · 60 ok")
    assert kernel.value("list(pages['url']) == site.page_urls[:60]")
    assert kernel.value("all(n > 500 for n in pages['length'])")
    assert kernel.value("pages is _drawer")


@pytest.mark.parametrize("display", ["auto", "html"])
def test_progress_is_shown_while_the_cell_runs(kernel: Kernel, display: str) -> None:
    cell = kernel.run(each("nap", f"%%drawer t -p 5 --display {display}"))
    kinds = ("comm_msg", "update_display_data")
    at = [seconds for seconds, message in cell.messages if message["msg_type"] in kinds]
    assert len([seconds for seconds in at if seconds < cell.ended_at * 0.9]) >= 2
    assert cell.shown.startswith("✔ finished · 400 ok")


@pytest.mark.parametrize("act", [click_cancel, interrupt])
@pytest.mark.parametrize("button", ["nap", "snooze", "quick"])
def test_stopping_a_run_keeps_finished_items(kernel: Kernel, act: Action, button: str) -> None:
    cell = kernel.run(each(button, "%%drawer t -o kept", SCRIPTS), fails=True, act=act, when=once_ok(8))
    assert cell.took < SOON
    assert cell.traceback.startswith("DrawerCancelled: drawer 't' was cancelled (")
    assert len(cell.traceback.splitlines()) == 1
    counts = partial_counts(kernel, "kept")
    assert counts["ok"] > 0
    assert counts["failed"] == 0
    assert counts["cancelled"] <= 4
    assert counts["skipped"] > 200
    assert cell.shown.startswith(f"⊘ cancelled · {counts['ok']} ok")
    assert left_behind(kernel) == []


def interrupt_twice(kernel: Kernel, cell: Cell) -> None:
    kernel.interrupt()
    time.sleep(0.1)
    kernel.interrupt()


@pytest.mark.parametrize("act", [interrupt, interrupt_twice])
@pytest.mark.parametrize(("button", "files"), [("stuck", HANGS), ("stuck_loop", HANGS), ("deaf", DEAF)])
def test_an_interrupt_does_not_wait_for_functions_that_do_not_end(
    kernel: Kernel, act: Action, button: str, files: list[str]
) -> None:
    """Tested with a sleeping thread, a coroutine that blocks the loop, and scripts that ignore SIGTERM."""
    cell = kernel.run(each(button, extra=SCRIPTS), fails=True, act=act, when=kernel.touched(*files))
    assert cell.took < SOON
    counts = partial_counts(kernel)
    assert counts["ok"] >= 10
    assert counts["failed"] == 0
    assert left_behind(kernel) == []
    assert kernel.run("await asyncio.sleep(0.01); print('alive')").stdout == "alive\n"


@pytest.mark.parametrize("turns", range(1, 7))
def test_functions_cannot_block_the_event_loop_once_the_run_was_interrupted(
    kernel: Kernel, turns: int
) -> None:
    """They begin to block a few turns of the event loop after the interrupt, which one of them sends."""
    kernel.run(f"late = stuck_after_interrupt({turns})")
    cell = kernel.run(each("late"), fails=True)
    assert cell.ended_at < SOON
    assert partial_counts(kernel) == {"ok": 20, "failed": 0, "cancelled": 4, "skipped": 376}


def test_another_interrupt_ends_a_clean_up_that_blocks_the_event_loop(kernel: Kernel) -> None:
    hangs = kernel.touched("hangs")

    def act(kernel: Kernel, cell: Cell) -> None:
        kernel.interrupt()
        until = time.monotonic() + 20
        while not hangs(cell) and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.5)  # one interrupt leaves the clean-up alone
        kernel.interrupt()

    cell = kernel.run(each("stuck_cleaning_up"), fails=True, act=act, when=once_ok(16))
    assert 0.5 < cell.took < SOON
    counts = partial_counts(kernel)
    assert counts == {"ok": 20, "failed": 0, "cancelled": 4, "skipped": 376}


def test_an_interrupt_ends_a_quiet_apress(kernel: Kernel) -> None:
    kernel.run("from drawer_ipy import apress")
    text = each("asleep").partition("\n")[2]
    code = f"await apress({text!r}, {{'xs': many}}, quiet=True)"
    cell = kernel.run(code, fails=True, act=interrupt, when=kernel.touched(*ASLEEP))
    assert cell.took < SOON


@pytest.mark.parametrize("head", ["%%drawer t --quiet xs=$many", "%drawer quiet press xs=$many"])
def test_an_interrupt_wakes_an_idle_kernel(kernel: Kernel, head: str) -> None:
    body = each("asleep", "%%drawer quiet --define").partition("\n")[2]
    kernel.run(f"%%drawer quiet --define xs=$many\n{body}")
    code = f"{head}\n{body}" if head.startswith("%%") else head
    cell = kernel.run(code, fails=True, act=interrupt, when=kernel.touched(*ASLEEP))
    assert cell.took < SOON
    assert kernel.value("_drawer.counts['cancelled']") == 4


@pytest.mark.parametrize("act", [interrupt, interrupt_twice])
@pytest.mark.parametrize(("button", "files"), [("nap", []), ("deaf", DEAF)])
def test_an_interrupt_ends_a_cell_that_cannot_be_awaited(
    kernel: Kernel, act: Action, button: str, files: list[str]
) -> None:
    stuck = kernel.touched(*files)
    cell = kernel.run(
        each(button, "%%time\n%%drawer t", SCRIPTS),
        fails=True,
        act=act,
        when=lambda cell: once_ok(10)(cell) and stuck(cell),
    )
    assert cell.took < SOON
    assert partial_counts(kernel)["ok"] >= 10
    assert left_behind(kernel) == []


def test_top_level_await_works_after_a_cancelled_cell(kernel: Kernel) -> None:
    kernel.run(each("nap"), fails=True, act=interrupt, when=once_ok(4))
    assert kernel.run("print(await nap(7), asyncio.current_task().cancelling())").stdout == "70 0\n"


def test_objects_bound_to_the_event_loop_by_earlier_cells_work_in_async_buttons(kernel: Kernel) -> None:
    kernel.run(
        """
        import aiohttp
        session, lock = aiohttp.ClientSession(), asyncio.Lock()
        inside = [0, 0]
        async def get(x):
            async with lock:
                inside[0] += 1
                inside[1] = max(inside)
                async with session.get(site.page_urls[x % 5]) as answer:
                    await answer.read()
                inside[0] -= 1
            return x * 10
        """
    )
    cell = kernel.run(each("get", "%%drawer t --out got"))
    assert cell.shown.startswith("✔ finished · 400 ok")
    assert kernel.value("inside") == [0, 1]
    assert partial_counts(kernel, "got")["ok"] == 400
    kernel.run("await session.close()")


def test_a_timeout_ends_the_run_and_keeps_finished_items(kernel: Kernel) -> None:
    cell = kernel.run(each("quick", "%%drawer t --timeout 1.5", SCRIPTS), fails=True)
    assert cell.traceback.splitlines() == [
        "DrawerFailed: drawer 't' failed: TIMEOUT: the run timed out after 1.5 s",
        "  the results contain what had ended by then; raise the timeout to finish the rest",
    ]
    assert cell.ended_at < 1.5 + SOON
    counts = partial_counts(kernel)
    assert counts["ok"] > 0
    assert counts["failed"] == 0
    assert left_behind(kernel) == []
    assert kernel.value("(_drawer.run.status, _drawer.run.error.code)") == ("failed", "TIMEOUT")


def test_a_failed_cell_ends_with_a_short_error_that_contains_the_results(kernel: Kernel) -> None:
    kernel.run(
        """
        def picky(x):
            if x == 8:
                raise KeyError("no such thing")
            return x * 10
        """
    )
    cell = kernel.run(each("picky"), fails=True)
    assert len(cell.traceback.splitlines()) <= 4
    assert "drawer 't' failed at step 'each': FOREACH_ITEM_FAILED: " in cell.traceback
    assert "drawer_ipy" not in cell.traceback
    assert "KeyError" in cell.traceback
    held = kernel.run(
        """
        import sys
        error = sys.last_value
        print(type(error).__name__, error.results is _drawer, len(error.results))
        """
    )
    assert held.stdout == "DrawerFailed True 400\n"
    assert kernel.value("all(row['y'] == row['x'] * 10 for row in _drawer.ok)")
    assert kernel.value("[row['x'] for row in _drawer.failed]") == [8]
    kernel.run(each("picky", "%%drawer t --no-raise"))


@pytest.mark.parametrize("loop", ["thread", "nested"])
def test_the_event_loop_of_a_cell_can_be_configured(kernel: Kernel, loop: str) -> None:
    kernel.run(f"%config DrawerMagics.loop = {loop!r}")
    try:
        kernel.run(
            "async def where(x): return id(asyncio.get_running_loop())\nhere = asyncio.get_event_loop()"
        )
        kernel.run(each("where"))
        assert kernel.value("{row['y'] for row in _drawer} == {id(here)}") is (loop == "nested")
        cell = kernel.run(each("nap"), fails=True, act=interrupt, when=once_ok(8))
        assert cell.took < SOON
        assert partial_counts(kernel)["ok"] > 0
    finally:
        kernel.run("%config DrawerMagics.loop = 'awaited'")
    assert kernel.run("print(await nap(1))").stdout == "10\n"


def test_shutting_down_the_kernel_ends_its_scripts(tmp_path_factory: pytest.TempPathFactory) -> None:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        message = kernel.client.execute(each("deaf", extra=SCRIPTS))
        until = time.monotonic() + 20
        while len(kernel.children()) < 8 and time.monotonic() < until:
            time.sleep(0.05)
        processes = kernel.children()
        assert len(processes) >= 8, message
        kernel.manager.shutdown_kernel(now=False)
    gone, alive = psutil.wait_procs(processes, timeout=5)
    for process in alive:
        process.kill()
    assert alive == []
    assert len(gone) == len(processes)
