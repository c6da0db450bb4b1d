"""Cancel on the installed kernel: repeatedly, in time, and never affecting the next cell.

`.ci/kernels` runs this on several versions of ipykernel.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from kernel_rig import MANY, Cell, Kernel, click_cancel, each, interrupt, kernel_in, once_ok

LEFT_ALONE = 5.0
"""Seconds that an undisturbed run takes."""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), MANY) as kernel:
        yield kernel


began = once_ok(8)


def checked(kernel: Kernel, cell: Cell) -> None:
    """Check that the run ended early and kept its finished items in order."""
    assert cell.took < LEFT_ALONE / 2
    assert "DrawerCancelled: drawer 't' was cancelled (" in cell.traceback
    assert kernel.value("[row['x'] for row in _drawer] == many")
    counts = kernel.value("_drawer.counts")
    assert counts["ok"] > 0
    assert counts["skipped"] > 100


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("button", ["nap", "snooze"])
def test_a_click_on_cancel_ends_an_awaited_cell_repeatedly(kernel: Kernel, button: str, turn: int) -> None:
    cell = kernel.run(each(button), fails=True, act=click_cancel, when=began)
    checked(kernel, cell)
    if kernel.value("__import__('ipykernel').version_info[0]") > 6:
        assert cell.answered, "older kernels handle no message before the cell has ended"


@pytest.mark.parametrize("turn", range(2))
def test_an_interrupt_ends_an_awaited_cell(kernel: Kernel, turn: int) -> None:
    checked(kernel, kernel.run(each(), fails=True, act=interrupt, when=began))


@pytest.mark.parametrize("turn", range(2))
def test_a_click_on_cancel_ends_a_cell_that_blocks_the_kernel(kernel: Kernel, turn: int) -> None:
    cell = kernel.run(each(head="%%time\n%%drawer t"), fails=True, act=click_cancel, when=began)
    checked(kernel, cell)


def test_a_click_on_cancel_ends_a_background_run(kernel: Kernel) -> None:
    cell = kernel.run(each(head="%%drawer t --background -o run"))
    kernel.run("await asyncio.sleep(0.4)")
    click_cancel(kernel, cell)
    ended = kernel.run("await run", fails=True)
    assert ended.ended_at < LEFT_ALONE / 2
    assert kernel.value("run.results.counts['skipped'] > 100")


@pytest.mark.parametrize(
    "following", ["await asyncio.sleep(0.8)", "time.sleep(0.8)", each(items="{range(60)}")]
)
def test_a_late_click_does_not_affect_the_next_cell(kernel: Kernel, following: str) -> None:
    first = kernel.run(each(items="{range(8)}"))
    queued = kernel.client.execute(following)
    kernel.client.execute("after = 1")
    click_cancel(kernel, first)
    time.sleep(0.2)
    click_cancel(kernel, first)
    assert kernel.follow(queued).reply["status"] == "ok"
    assert kernel.run("print(await nap(1))").stdout == "10\n"


def test_a_click_on_one_run_does_not_affect_the_next_queued_cell(kernel: Kernel) -> None:
    first = kernel.client.execute(each(), stop_on_error=False)
    queued = kernel.client.execute(each(items="{range(8)}", head="%%drawer next"))
    cell = kernel.follow(first, act=click_cancel, when=began)
    assert cell.reply["status"] == "error"
    assert cell.took < LEFT_ALONE / 2
    assert kernel.follow(queued).reply["status"] == "ok"
    assert kernel.value("len(_drawer.ok)") == 8
