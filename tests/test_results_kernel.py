"""Retries, explanations and pictures in a real notebook kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernel_rig import Kernel, interrupt, kernel_in, once_ok

CELL = """%%drawer pages --out pages --no-raise
steps:
  - id: each
    kind: for_each
    over: "${[0, 1, 2, 3, 4, 5]}"
    as: x
    on_item_failure: continue
    steps: [{id: work, button: work, args: {x: "${x}"}}]
"""

WORK = """
import asyncio
home = asyncio.get_running_loop()
pressed, bad, slow = [], {1, 3}, set()
async def work(x: int) -> dict:
    pressed.append((x, asyncio.get_running_loop() is home))
    if x in slow:
        await asyncio.sleep(30)
    if x in bad:
        raise ValueError(f"no {x}")
    return {"value": x * 10}
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), "%load_ext drawer_ipy") as kernel:
        yield kernel


@pytest.fixture(autouse=True)
def _pressed(kernel: Kernel) -> None:
    kernel.run(WORK)
    kernel.run(CELL)
    kernel.run("pressed.clear()")


def test_retry_shows_the_merged_table(kernel: Kernel) -> None:
    cell = kernel.run("bad.clear(); pages.retry()")
    assert cell.shown.startswith("✔ finished · 6 ok · ")
    assert kernel.value("sorted(x for x, _ in pressed)") == [1, 3]
    assert kernel.value("list(pages['value'])") == [0, 10, 20, 30, 40, 50]
    assert kernel.value("_drawer is pages and _drawer.counts['ok']") == 6


def test_aretry_runs_on_the_event_loop_of_the_notebook(kernel: Kernel) -> None:
    kernel.run("bad.clear()\nawait pages.aretry()")
    assert kernel.value("sorted(pressed)") == [(1, True), (3, True)]


def test_a_retry_uses_a_function_redefined_in_a_later_cell(kernel: Kernel) -> None:
    kernel.run("def work(x: int) -> dict:\n    return {'value': -x}")
    kernel.run("pages.retry(quiet=True)")
    assert kernel.value("list(pages['value'])") == [0, -1, 20, -3, 40, 50]


@pytest.mark.parametrize("code", ["pages.retry()", "await pages.aretry()"])
def test_an_interrupted_retry_keeps_finished_items(kernel: Kernel, code: str) -> None:
    kernel.run("bad.clear(); slow.add(3)")
    waiting = kernel.follow(kernel.client.execute(code), interrupt, once_ok(1))
    assert waiting.took < 10
    assert kernel.value("dict(pages.counts)")["ok"] == 5
    assert kernel.value("[row.status for row in pages]") == ["ok", "ok", "ok", "cancelled", "ok", "ok"]
    kernel.run("slow.clear(); pressed.clear(); pages.retry(quiet=True)")
    assert kernel.value("[x for x, _ in pressed]") == [3]
    assert kernel.value("pages.run.status") == "ok"


def test_explanations_and_pictures_are_displayed(kernel: Kernel) -> None:
    (story,) = kernel.run("pages.explain(1)").of("execute_result")
    assert "<details" in story["data"]["text/html"]
    assert story["data"]["text/plain"].startswith("✘ item 1 of 6 in each: failed")
    (picture,) = kernel.run("pages.timeline()").of("execute_result")
    assert picture["data"]["image/svg+xml"].startswith("<svg")
    assert "<svg" in picture["data"]["text/html"]
    assert "4 ok, 2 failed" in picture["data"]["text/plain"]


def test_the_magic_shows_the_graph_of_a_drawer(kernel: Kernel) -> None:
    kernel.run("%%drawer shop --define\nsteps:\n  - {id: first, kind: wait, duration: 1s}\n")
    cell = kernel.run("%drawer shop")
    (shown,) = cell.of("display_data")
    assert ">first</text>" in shown["data"]["text/html"]
    assert "first: wait 1s" in cell.stdout
    drawn = kernel.run("from drawer_ipy import Drawer\nDrawer.load({'name': 'x', 'steps': []}).graph()")
    assert "graph of x: 0 steps" in drawn.shown
