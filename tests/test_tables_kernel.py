"""The tables of a kernel: which are open, who answers, and what remains when they are gone."""

from __future__ import annotations

import gc
import re
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from kernel_rig import Cell, Kernel, kernel_in
from tables_rig import table

from drawer_ipy.display.tables.registered import register, tables_of, unregister
from drawer_ipy.display.tables.tables import MOST_OPEN, Tables

KEY = re.compile(r'class="drawer-mount drawer-(\w{32})(?! drawer-ended)')


class Loop:
    """An event loop that does at once what it is asked to do soon."""

    def is_closed(self) -> bool:
        return False

    def call_soon_threadsafe(self, action: Callable[[], None]) -> None:
        action()


@pytest.fixture
def tables() -> Iterator[Tables]:
    made = Tables(SimpleNamespace(kernel=SimpleNamespace(io_loop=SimpleNamespace(asyncio_loop=Loop()))))
    yield made
    made.close()


def replies(tables: Tables, **question: Any) -> list[dict[str, Any]]:
    """The answers to one question, after at most five seconds."""
    found: list[dict[str, Any]] = []
    heard = threading.Event()

    def reply(content: dict[str, Any], _buffers: list[bytes]) -> None:
        found.append(content)
        heard.set()

    tables.ask(question, reply)
    heard.wait(5)
    return found


def test_an_open_table_answers_by_its_key(tables: Tables) -> None:
    results = table([1, 2, 3])
    key = tables.open(results)
    assert tables._model.tables == [key]
    question = {"ask": "rows", "query": {}, "rows": [0, 5], "columns": [0, 1]}
    (answer,) = replies(tables, table=key, page="p", number=7, **question)
    assert (answer["table"], answer["page"], answer["number"], answer["count"]) == (key, "p", 7, 3)


def test_a_table_that_was_dropped_is_closed(tables: Tables) -> None:
    results = table([1])
    other = table([2])
    key, kept = tables.open(results), tables.open(other)
    del results
    gc.collect()
    assert tables._model.tables == [kept]
    assert replies(tables, table=key, page="p", number=1, ask="types")[0]["gone"] is True


def test_only_a_bounded_number_of_tables_is_open(tables: Tables) -> None:
    results = [table([n]) for n in range(MOST_OPEN + 5)]
    keys = [tables.open(one) for one in results]
    assert tables._model.tables == keys[5:]


@pytest.mark.parametrize("question", [None, [], "x", {}, {"table": 7}, {"table": ["x"]}])
def test_a_message_that_is_no_question_is_ignored(tables: Tables, question: Any) -> None:
    tables.ask(question, lambda *_: pytest.fail("answered"))


@pytest.mark.parametrize("ask", ["rows", "nothing", None, ["rows"]])
def test_a_bad_question_is_answered_with_a_problem(tables: Tables, ask: Any) -> None:
    results = table([1])
    (answer,) = replies(tables, table=tables.open(results), page="p", number=1, ask=ask)
    assert answer["problem"]


def test_long_work_is_done_in_a_thread_and_the_newest_question_wins(tables: Tables) -> None:
    results = table([None] * 200_000, items=[f"{n * 7919 % 200_003}" for n in range(200_000)])
    key = tables.open(results)
    answers: list[dict[str, Any]] = []
    began = time.perf_counter()
    for number, text in enumerate(["1", "12", "123"]):
        query = {"text": text, "sort": 0}
        question = {"ask": "rows", "query": query, "rows": [0, 5], "columns": [0, 1]}
        tables.ask(
            {"table": key, "page": "p", "number": number, **question},
            lambda content, _: answers.append(content),
        )
    assert time.perf_counter() - began < 0.5
    while len(answers) < 3 and time.perf_counter() < began + 30:
        time.sleep(0.01)
    assert [answer.get("superseded", False) for answer in answers] == [True, True, False]
    assert answers[-1]["count"] == sum("123" in item for item in results["u"])


def test_a_shell_without_a_kernel_has_no_tables() -> None:
    shell = InteractiveShell()
    register(shell)
    assert tables_of(shell) is None
    assert shell.display_formatter.format(table([1]))[0]["text/html"] == table([1])._repr_html_()
    unregister(shell)


# A real kernel

SETUP = """
%load_ext drawer_ipy
from drawer_ipy import press
async def ten(x):
    return x * 10
"""
RUN = """%%drawer t --out got xs={range(30)}
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    steps: [{id: y, button: ten, args: {x: "${x}"}}]
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home")) as started:
        started.run(SETUP)
        yield started


def html_of(cell: Cell) -> str:
    shown = [*cell.of("execute_result"), *cell.of("display_data"), *cell.of("update_display_data")]
    return str(shown[-1]["data"]["text/html"])


def test_the_final_table_and_later_ones_have_elements_for_the_grid(kernel: Kernel) -> None:
    keys = [KEY.findall(html_of(kernel.run(source))) for source in (RUN, "got", "got[:5]", "got.sort('y')")]
    assert [len(found) for found in keys] == [1] * 4
    assert len({key for found in keys for key in found}) == 4


@pytest.mark.parametrize("source", ["got[99:]", "got[0]", "got.errors", "got.explain(0)"])
def test_other_things_have_none(kernel: Kernel, source: str) -> None:
    assert not KEY.findall(html_of(kernel.run(source)))


def test_the_representations_of_an_object_are_static(kernel: Kernel) -> None:
    cell = kernel.run("print('drawer-mount' in got._repr_html_() + str(got._repr_mimebundle_()))")
    assert "".join(stream["text"] for stream in cell.of("stream")) == "False\n"


def test_all_tables_have_one_model(kernel: Kernel) -> None:
    cell = kernel.run("got.tail(3)")
    assert not cell.of("comm_open")


def test_an_unloaded_extension_shows_static_tables(kernel: Kernel) -> None:
    kernel.run("%unload_ext drawer_ipy")
    assert not KEY.findall(html_of(kernel.run("got")))
    kernel.run("%load_ext drawer_ipy")
    assert KEY.findall(html_of(kernel.run("got")))
