"""Cells that loop over generators in a real kernel: interrupts, Cancel, background runs and saved outputs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernel_rig import MANY, Kernel, click_cancel, each, interrupt, kernel_in, once_ok

SETUP = (
    MANY
    + """
closed = []

def counting(pause=0.0, n=10**9):
    try:
        for x in range(n):
            time.sleep(pause)
            yield x
    finally:
        closed.append("sync")

async def counting_later(pause=0.01, stuck=10**9):
    try:
        for x in range(10**9):
            await asyncio.sleep(60 if x >= stuck else pause)
            yield x
    finally:
        closed.append("async")

def stuck():
    yield from range(3)
    hang()

async def at_once(x):
    return x * 10

async def stuck_later(turns):
    for x in range(5):
        yield x
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(turns):
        await asyncio.sleep(0)
    hang()
"""
)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


going = once_ok(3)


@pytest.mark.parametrize("act", [click_cancel, interrupt])
@pytest.mark.parametrize(
    "source", ["counting()", "counting(0.1)", "counting_later()", "counting_later(stuck=5)"]
)
def test_an_endless_generator_is_closed_when_the_cell_is_stopped(
    kernel: Kernel, source: str, act: object
) -> None:
    kernel.run("closed.clear()")
    cell = kernel.run(each(items=f"{{{source}}}"), fails=True, act=act, when=going)  # type: ignore[arg-type]
    assert cell.took < 2
    assert kernel.value("_drawer.counts['ok'] > 0")
    kernel.run("await asyncio.sleep(0.3)")
    assert kernel.value("len(closed)") == 1


def test_an_interrupt_ends_a_generator_that_blocks_the_event_loop(kernel: Kernel) -> None:
    cell = kernel.run(
        each("at_once", items="{stuck()}"), fails=True, act=interrupt, when=kernel.touched("hangs")
    )
    assert cell.took < 3
    assert kernel.value("_drawer.counts['ok']") == 3


@pytest.mark.parametrize("turns", range(7))
def test_an_async_generator_cannot_block_the_event_loop_once_the_run_was_interrupted(
    kernel: Kernel, turns: int
) -> None:
    """It begins to block a few turns of the event loop after the interrupt, which it sends itself."""
    cell = kernel.run(each("at_once", items=f"{{stuck_later({turns})}}"), fails=True)
    assert cell.ended_at < 3
    assert "DrawerCancelled" in cell.traceback
    assert kernel.value("_drawer.counts['ok']") == 5


def test_the_saved_output_has_no_invented_total(kernel: Kernel) -> None:
    cell = kernel.run(each(items="{counting()}"), fails=True, act=interrupt, when=going)
    html = [message["data"]["text/html"] for message in cell.of("update_display_data")][-1]
    assert "items so far" in html
    assert "aria-valuemax" not in html
    finished = kernel.run(each(items="{counting(n=7)}"))
    html = [message["data"]["text/html"] for message in finished.of("update_display_data")][-1]
    assert 'aria-valuemax="7"' in html
    assert "7 ok" in html


def test_the_live_view_shows_the_count_so_far(kernel: Kernel) -> None:
    cell = kernel.run(each(items="{counting(0.05)}"), fails=True, act=click_cancel, when=going)
    heads = [
        message["data"]["state"]["head"]
        for message in cell.of("comm_msg")
        if message["data"].get("method") == "update" and "head" in message["data"].get("state", {})
    ]
    assert any(head["so_far"] and head["eta"] is None and head["rate"] > 0 for head in heads)


def test_results_of_a_background_run_can_be_read_while_they_grow(kernel: Kernel) -> None:
    kernel.run("async def quick(x): return {'x': x}")
    kernel.run(each("quick", items="{counting()}", head="%%drawer t --background -o run"))
    kernel.run(
        "await asyncio.sleep(0.3)\n"
        "sizes = []\n"
        "for _ in range(8):\n"
        "    sizes.append(len(run.results)); len(run.results.ok); run.results.to_dicts(); repr(run.results)\n"
    )
    assert kernel.value("0 < sizes[0] < sizes[-1]")
    kernel.run("run.cancel()\ntry:\n    await run\nexcept Exception as error:\n    print(error)")
    assert kernel.value("run.results.counts['ok'] > 0")
    assert "so far" in kernel.run("run.results").of("execute_result")[0]["data"]["text/plain"]


def test_a_dry_run_pulls_no_item(kernel: Kernel) -> None:
    kernel.run("source = counting(n=5)")
    kernel.run(each(items="$source", head="%%drawer t --dry-run"))
    kernel.run(each(items="$source", head="%%drawer kept"))
    assert kernel.value("len(_drawer.ok)") == 5
