"""A retry that a page asks for: what it presses, where it is shown, and what prevents it."""

from __future__ import annotations

import contextvars
import gc
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kernel_rig import Cell, Kernel, kernel_in

from drawer_ipy import Results, press
from drawer_ipy.display.tables.stage import Stage
from drawer_ipy.display.tables.tables import Tables
from drawer_ipy.engine.events import Listeners

DRAWER = {
    "name": "pages",
    "steps": [
        {
            "id": "each",
            "kind": "for_each",
            "over": "${inputs.n}",
            "as": "n",
            "on_item_failure": "continue",
            "steps": [{"id": "page", "button": "page", "args": {"n": "${n}"}}],
        }
    ],
}


class Shown:
    """A display that keeps what it was told.

    Attributes:
        closed: what was shown in the end: the numbers of rows by state, ``None`` for nothing.
        cancel: stops the run.
    """

    place = "the-place"

    def __init__(self) -> None:
        self.closed: list[Any] = []
        self.cancel: Callable[[], None] = lambda: None

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        self.cancel = cancel

    def detach(self) -> None:
        raise AssertionError("the context is that of the cell")

    def close(self, results: Any | None) -> None:
        self.closed.append(None if results is None else dict(results.counts))


class Page:
    """A page that shows one table, and hears what the kernel sends to all pages."""

    def __init__(self, tables: Tables, results: Results) -> None:
        self.tables = tables
        self.display = Shown()
        self.key = tables.open(results, Stage("the-key", contextvars.copy_context, lambda: self.display))
        self.news: list[dict[str, Any]] = []
        tables._model.send = lambda content, buffers=None: self.news.append(content)

    def ask(self, ask: str, **question: Any) -> dict[str, Any]:
        """The answer to a question, after at most five seconds."""
        found: list[dict[str, Any]] = []
        heard = threading.Event()

        def reply(content: dict[str, Any], _buffers: list[bytes]) -> None:
            found.append(content)
            heard.set()

        self.tables.ask({"table": self.key, "page": "p", "number": 1, "ask": ask, **question}, reply)
        assert heard.wait(5)
        return found[0]

    def left(self) -> Any:
        """The rows that the button names."""
        return self.ask("open", rows=[0, 1], columns=[0, 1])["retry"]

    def changed(self) -> dict[str, Any]:
        """What pages hear when a retry has ended."""
        until = time.monotonic() + 5
        while not self.news:
            assert time.monotonic() < until
            time.sleep(0.01)
        return self.news.pop()


@pytest.fixture
def tables() -> Iterator[Tables]:
    made = Tables(SimpleNamespace(kernel=SimpleNamespace()))
    yield made
    made.close()


class Buttons:
    """The function of the drawer: item 7 fails until it is mended, and waits at the gate from then on."""

    def __init__(self) -> None:
        self.mended = False
        self.gate = threading.Event()
        self.calls: list[int] = []

    def page(self, n: int) -> int:
        self.calls.append(n)
        if n == 7:
            if not self.mended:
                raise ValueError("seven is refused")
            assert self.gate.wait(10)
        return n * 10

    def press(self) -> Results:
        return press(DRAWER, {"n": range(10)}, buttons={"page": self.page}, quiet=True)


@pytest.fixture
def buttons() -> Buttons:
    return Buttons()


def test_a_retry_presses_what_failed_and_changes_the_users_results(tables: Tables, buttons: Buttons) -> None:
    results = buttons.press()
    page = Page(tables, results)
    assert page.left() == {"failed": 1}
    buttons.mended, buttons.calls = True, []
    buttons.gate.set()
    started = page.ask("retry")
    assert (started["started"], started["place"]) == (True, "the-place")
    assert page.changed() == {"changed": ["the-key"], "pressed": "the-key", "problem": ""}
    assert page.display.closed == [{"ok": 10, "failed": 0, "cancelled": 0, "skipped": 0}]
    assert results["page"][7] == 70
    assert buttons.calls == [7]
    assert page.left() is None
    assert "started" not in page.ask("retry"), "nothing is left"
    assert len(results.view.origin.earlier) == 1


def test_a_second_retry_in_the_meantime_is_refused_in_words(tables: Tables, buttons: Buttons) -> None:
    results = buttons.press()
    page = Page(tables, results)
    buttons.mended = True
    assert page.ask("retry")["started"]
    assert "still running" in page.ask("retry")["problem"]
    buttons.gate.set()
    page.changed()
    assert buttons.calls.count(7) == 2
    assert results.counts["ok"] == 10


def test_of_many_clicks_at_the_same_time_one_presses(tables: Tables, buttons: Buttons) -> None:
    results = buttons.press()
    page = Page(tables, results)
    buttons.mended = True
    answers: list[dict[str, Any]] = []
    clicks = [threading.Thread(target=lambda: answers.append(page.ask("retry"))) for _ in range(8)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    buttons.gate.set()
    page.changed()
    assert sum("started" in answer for answer in answers) == 1
    assert buttons.calls.count(7) == 2


def test_a_cancelled_retry_keeps_what_was_there(tables: Tables, buttons: Buttons) -> None:
    results = buttons.press()
    page = Page(tables, results)
    buttons.mended = True
    page.ask("retry")
    page.display.cancel()
    assert page.changed()["problem"] == ""
    buttons.gate.set()
    assert results.counts["ok"] == 9
    assert results["page"][3] == 30
    assert page.left() in ({"cancelled": 1}, {"failed": 1})


def test_a_retry_that_cannot_begin_says_why_and_changes_nothing(tables: Tables) -> None:
    names: dict[str, Any] = {"page": lambda n: 1 // n, "press": press, "drawer": DRAWER}
    exec("results = press(drawer, {'n': range(3)}, quiet=True)", names)
    results = names["results"]
    del names["page"]
    page = Page(tables, results)
    problem = page.ask("retry")["problem"]
    assert "page" in problem
    assert page.display.closed == [None]
    assert results.counts == {"ok": 2, "failed": 1, "cancelled": 0, "skipped": 0}
    names["page"] = lambda n: n
    assert page.ask("retry")["started"]
    page.changed()
    assert results.counts["ok"] == 3


def test_a_display_that_fails_ends_no_thread_in_silence(tables: Tables, buttons: Buttons) -> None:
    results = buttons.press()
    page = Page(tables, results)

    def broken() -> Any:
        raise RuntimeError("no display today")

    page.key = tables.open(results, Stage("other", contextvars.copy_context, broken))
    assert page.ask("retry")["problem"] == "RuntimeError: no display today"
    assert results.counts["failed"] == 1


def test_results_that_are_gone_are_not_pressed(tables: Tables, buttons: Buttons) -> None:
    results = buttons.press()
    page = Page(tables, results)
    del results
    gc.collect()
    assert page.ask("retry")["gone"] is True
    assert buttons.calls.count(7) == 1


def test_a_table_without_the_output_of_its_run_has_no_button(tables: Tables, buttons: Buttons) -> None:
    results = buttons.press()
    page = Page(tables, results)
    page.key = tables.open(results)
    assert page.left() is None
    assert "retry()" in page.ask("retry")["problem"]


def test_a_run_of_another_process_has_no_button(tables: Tables, buttons: Buttons) -> None:
    import pickle

    results = pickle.loads(pickle.dumps(buttons.press()))
    page = Page(tables, results)
    assert page.left() is None
    assert "not pressed in this process" in page.ask("retry")["problem"]


# A real kernel

SETUP = """
import asyncio
%load_ext drawer_ipy
mended = False
async def page(n):
    if n == 7:
        if not mended:
            raise ValueError("seven is refused")
        print("seven is mended")
    return n * 10
"""
RUN = """%%drawer t --out got --no-raise xs={range(10)}
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    on_item_failure: continue
    steps: [{id: y, button: page, args: {n: "${x}"}}]
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home")) as started:
        started.run(SETUP)
        yield started


def model_of(cell: Cell) -> tuple[str, str]:
    """The comm of the model of the tables, and the key of the table that was opened last."""
    keys = [
        (str(message["comm_id"]), message["data"]["state"]["tables"])
        for kind in ("comm_open", "comm_msg")
        for message in cell.of(kind)
        if "tables" in message["data"].get("state", {})
    ]
    comm, tables = keys[-1]
    return comm, str(tables[-1])


def test_the_retry_is_shown_in_the_output_of_the_run_even_while_a_cell_runs(kernel: Kernel) -> None:
    run = kernel.run(RUN)
    output = run.of("display_data")[0]["transient"]["display_id"]
    comm, key = model_of(run)
    assert "<button" not in str(run.of("update_display_data")[-1]["data"])
    kernel.run("mended = True")

    def click(kernel: Kernel, _cell: Cell) -> None:
        shell = kernel.subshell()
        question = {"ask": "retry", "table": key, "page": "p", "number": 1}
        kernel.tell(comm, question, "shell", {"subshell_id": shell} if shell else None)

    busy = kernel.run("await asyncio.sleep(2); print(got.counts['ok'])", act=click)
    assert busy.stdout.endswith("10\n")
    mine = [m for m in busy.others if m["msg_type"] == "update_display_data"]
    shown = [m["content"]["data"]["text/html"] for m in mine]
    assert {m["content"]["transient"]["display_id"] for m in mine} == {output}
    assert "drawer-ended" not in shown[0]
    assert "drawer-ended" in shown[-1]
    assert f"drawer-{key}" in shown[-1], "the grid stays the same"
    printed = [m for m in busy.others if m["msg_type"] == "stream"]
    assert "".join(m["content"]["text"] for m in printed) == "seven is mended\n"
    assert {m["parent_header"]["msg_id"] for m in printed} == {mine[-1]["parent_header"]["msg_id"]}
