"""Loops over iterators, generators and async generators, whose items are pulled as slots become free."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import pytest
from engine_rig import Meter, loop
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import apress, press


async def later(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item


class OnlyIter:
    def __init__(self, items: Iterable[Any]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        yield from self._items


class OnlyAiter:
    def __init__(self, items: Iterable[Any]) -> None:
        self._items = items

    def __aiter__(self) -> AsyncIterator[Any]:
        return later(self._items)


class OwnAsync:
    def __init__(self, items: Iterable[Any]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> OwnAsync:
        return self

    async def __anext__(self) -> Any:
        await asyncio.sleep(0)
        for item in self._items:
            return item
        raise StopAsyncIteration


SOURCES: dict[str, Callable[[Iterable[Any]], Any]] = {
    "an iterator": iter,
    "a generator": lambda items: (item for item in items),
    "an async generator": later,
    "a chain": itertools.chain,
    "an iterable without a length": OnlyIter,
    "an async iterable": OnlyAiter,
    "an async iterator": OwnAsync,
}
FORMS: list[dict[str, Any]] = [
    {},
    {"parallelism": 3},
    {"parallelism": 3, "on_item_failure": "continue"},
    {"parallelism": "auto"},
    {"parallelism": 4, "rate": "2000/s"},
    {"parallelism": 2, "tolerated_failures": "5%"},
]


async def tenfold(x: int) -> int:
    await asyncio.sleep(0.0005 * (x % 3))
    return x * 10


@pytest.mark.parametrize("fields", FORMS, ids=str)
@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_items_keep_their_order_and_the_total_is_known_at_the_end(
    make: Callable[[Iterable[Any]], Any], fields: dict[str, Any]
) -> None:
    results = loop(make(range(13)), tenfold, check=True, **fields)
    assert [row.item for row in results] == list(range(13))
    assert results["work"] == [x * 10 for x in range(13)]
    assert results.run.step("each").output["total"] == 13


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_an_empty_source_is_a_successful_loop_of_zero_items(make: Callable[[Iterable[Any]], Any]) -> None:
    results = loop(make([]), tenfold, check=True, parallelism=3)
    assert len(results) == 0
    assert "0 items" in str(results)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4), max_size=25),
    st.integers(0, 6),
    st.sampled_from(["generator", "async generator"]),
    st.booleans(),
)
def test_no_more_items_are_pulled_than_slots_are_free(
    ticks: list[int], width: int, kind: str, adaptive: bool
) -> None:
    meter = Meter()
    ended = pulled = 0
    ahead: list[int] = []

    def taken(x: int) -> int:
        nonlocal pulled
        pulled += 1
        ahead.append(pulled - ended)
        return x

    async def work(x: int) -> int:
        nonlocal ended
        try:
            await meter.during(x, x * 0.0005)
            return x
        finally:
            ended += 1

    async def generator() -> AsyncIterator[int]:
        for x in ticks:
            await asyncio.sleep(0.0002)
            yield taken(x)

    source = map(taken, ticks) if kind == "generator" else generator()
    fields = {"parallelism": "auto", "max_parallelism": max(1, width)} if adaptive else {"parallelism": width}
    results = loop(source, work, check=True, **fields)
    assert results["work"] == ticks
    assert meter.most <= max(1, width)
    assert max(ahead, default=0) <= max(1, width)


def test_files_csv_readers_and_cursors_can_be_looped_over() -> None:
    assert loop(io.StringIO("a\nb\n"), lambda x: x.strip(), check=True)["work"] == ["a", "b"]
    rows = csv.reader(io.StringIO("a,b\n1,2\n"))
    assert loop(rows, lambda x: x, check=True)["work"] == [["a", "b"], ["1", "2"]]
    with sqlite3.connect(":memory:", check_same_thread=False) as base:
        cursor = base.execute("values (1), (2)")
        assert loop(cursor, lambda x: x[0], check=True, parallelism=2)["work"] == [1, 2]


def test_a_database_bound_to_another_thread_causes_an_error_with_a_hint() -> None:
    with sqlite3.connect(":memory:") as base:
        results = loop(base.execute("values (1), (2)"), lambda x: x)
    assert results.run.error is not None
    assert "ProgrammingError" in results.run.error.message
    assert "check_same_thread=False" in results.run.error.remediation


def test_an_endless_iterator_stops_at_the_first_failure() -> None:
    results = loop(itertools.count(), lambda x: 1 / (5 - x))
    assert results.run.error is not None
    assert results.run.error.index == 5
    assert "(of 6 so far)" in results.run.error.message
    assert "5 ok · 1 failed · 6 items so far" in str(results)
    assert results.run.step("each").output["total"] is None


def test_a_count_of_tolerated_failures_stops_as_soon_as_it_is_exceeded() -> None:
    results = loop(itertools.count(), lambda x: 1 / 0, tolerated_failures=4)
    assert len(results) == len(results.failed) == 5


def test_a_percentage_of_tolerated_failures_is_checked_at_the_end() -> None:
    def work(x: int) -> float:
        return 1 / (x % 10)

    ok = loop(iter(range(100)), work, tolerated_failures="10%", parallelism=4)
    assert (ok.run.status, len(ok.failed)) == ("ok", 10)
    failed = loop(iter(range(100)), work, tolerated_failures="9%", parallelism=4)
    assert (failed.run.status, len(failed)) == ("failed", 100)
    assert failed.run.error is not None
    assert failed.run.error.code == "FOREACH_ITEM_FAILED"


def test_chunks_are_pulled_one_after_another() -> None:
    pulled = []
    drawer = batches()

    def source() -> Iterator[int]:
        for x in range(7):
            pulled.append(x)
            yield x

    def total(xs: list[int]) -> tuple[int, int]:
        return sum(xs), len(pulled)

    results = press(drawer, {"xs": source()}, buttons={"total": total}, quiet=True)
    assert results["done"] == [(3, 3), (12, 6), (6, 7)]
    again = press(drawer, {"xs": later(range(7))}, buttons={"total": lambda xs: xs}, quiet=True)
    assert again["done"] == [[0, 1, 2], [3, 4, 5], [6]]


def batches() -> dict[str, Any]:
    step = {"id": "done", "button": "total", "args": {"xs": "${chunk}"}}
    each = {"id": "each", "kind": "batch", "size": 3, "as": "chunk", "over": "${inputs.xs}", "steps": [step]}
    return {"name": "t", "inputs": ["xs"], "steps": [each]}


@pytest.mark.parametrize("make", [iter, later], ids=["sync", "async"])
def test_a_chunk_cut_short_by_an_exception_is_kept(make: Callable[[Iterable[int]], Any]) -> None:
    buttons = {"total": lambda xs: xs}
    results = press(batches(), {"xs": make(broken(7, 5))}, buttons=buttons, quiet=True, check=False)
    assert results["done"] == [[0, 1, 2], [3, 4]]
    assert results.run.error is not None
    assert "ValueError: broke when item 5 was pulled" in results.run.error.message


def broken(n: int, at: int) -> Iterator[int]:
    for x in range(n):
        if x == at:
            raise ValueError("broke")
        yield x


@pytest.mark.parametrize("at", [0, 5])
@pytest.mark.parametrize("make", [lambda items: items, later], ids=["sync", "async"])
def test_an_iterator_that_raises_fails_the_loop_and_keeps_the_items_before(
    make: Callable[[Iterable[int]], Any], at: int
) -> None:
    for fields in ({}, {"parallelism": 3, "on_item_failure": "continue"}):
        results = loop(make(broken(9, at)), tenfold, **fields)
        error = results.run.error
        assert results.run.status == "failed"
        assert error is not None
        assert f"raised ValueError: broke when item {at} was pulled" in error.message
        assert (error.code, type(error.exception)) == ("FUNCTION_ERROR", ValueError)
        assert results["work"] == [x * 10 for x in range(at)]
        assert "ValueError: broke" in results.run.step("each").stderr
        assert f"when item {at}" in str(error)
        assert "raised ValueError" in " ".join(str(results).split()) or at


def test_the_exception_of_an_iterator_is_shown_together_with_failed_items() -> None:
    results = loop(broken(9, 5), lambda x: 1 / x, on_item_failure="continue")
    assert "FUNCTION_ERROR: `over` of step 'each'" in str(results)
    assert len(results.failed) == 1


def test_items_in_flight_end_under_continue_and_are_cancelled_under_stop() -> None:
    async def slow(x: int) -> int:
        await asyncio.sleep(0.05 * (x + 1))
        return x

    for policy, states in (("continue", ["ok", "ok"]), ("stop", ["cancelled", "cancelled"])):
        results = loop(broken(3, 2), slow, parallelism=3, on_item_failure=policy)
        assert [row.status for row in results] == states
        assert results.run.status == "failed"


class Raises:
    """An iterator whose third item is an exception, once."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.count = 0

    def __iter__(self) -> Raises:
        return self

    def __next__(self) -> int:
        self.count += 1
        if self.count == 3:
            raise self.error
        if self.count > 5:
            raise StopIteration
        return self.count


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt("mine"), SystemExit(3), GeneratorExit(), asyncio.CancelledError()], ids=repr
)
def test_exceptions_that_would_end_a_program_only_fail_the_loop(error: BaseException) -> None:
    results = loop(Raises(error), lambda x: x, parallelism=2, on_item_failure="continue")
    assert results.run.status == "failed"
    assert results["work"] == [1, 2]
    assert results.run.error is not None
    assert type(error).__name__ in results.run.error.message
    results.retry()
    assert results.run.status == "ok"
    assert results["work"] == [1, 2, 4, 5]


def test_generators_that_misuse_the_protocol_are_reported() -> None:
    def stops() -> Iterator[int]:
        yield 1
        raise StopIteration

    def returns() -> Iterator[int]:
        yield 1
        return 5

    def reenters() -> Iterator[int]:
        yield 1
        yield next(made)

    made = reenters()
    for source, words in ((stops(), "generator raised StopIteration"), (made, "generator already executing")):
        results = loop(source, lambda x: x)
        assert results.run.error is not None
        assert words in results.run.error.message
        assert results["work"] == [1]
    assert loop(returns(), lambda x: x, check=True)["work"] == [1]


def test_exceptions_may_be_items() -> None:
    items = [ValueError("a"), KeyboardInterrupt(), StopIteration()]

    def shown(x: BaseException) -> str:
        return repr(x)

    for source in (iter(items), later(items)):
        assert [row.item for row in loop(source, shown, check=True)] == items


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_million_items_can_be_looped_over(kind: str) -> None:
    many = 1_000_000 if kind == "sync" else 30_000
    source = iter(range(many)) if kind == "sync" else later_at_once(many)

    async def nothing(x: int) -> None:
        return None

    results = loop(source, nothing, check=True, parallelism=50)
    assert len(results) == many
    assert results[many - 1].item == many - 1


async def later_at_once(n: int) -> AsyncIterator[int]:
    for x in range(n):
        yield x


def test_a_second_press_of_a_used_iterator_is_reported() -> None:
    async def both() -> None:
        for make in SOURCES.values():
            source = make(range(3))
            first = await apress(one(), {"xs": source}, buttons={"work": tenfold}, quiet=True)
            assert len(first) == 3
            second = await apress(one(), {"xs": source}, buttons={"work": tenfold}, quiet=True, check=False)
            if isinstance(source, OnlyIter | OnlyAiter):  # each loop gets an iterator of its own
                assert second.run.status == "ok"
                continue
            assert second.run.error is not None
            assert "is used up: an earlier loop took all of it (3 items)" in second.run.error.message

    asyncio.run(both())


def one(**fields: Any) -> dict[str, Any]:
    step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
    each = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "steps": [step], **fields}
    return {"name": "t", "inputs": ["xs"], "steps": [each]}


def test_empty_iterators_can_be_pressed_again() -> None:
    empty: Iterator[int] = iter([])
    for _ in range(2):
        assert len(loop(empty, tenfold, check=True)) == 0


def test_a_generator_used_up_before_the_press_causes_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    source = broken(3, 9)
    assert list(source) == [0, 1, 2]
    press(one(), {"xs": source}, buttons={"work": tenfold})
    assert "had been used up before the loop began" in capsys.readouterr().err


def test_two_loops_do_not_share_an_iterator() -> None:
    drawer = {
        "name": "t",
        "inputs": ["xs"],
        "steps": [
            {**one()["steps"][0], "id": "first", "parallelism": 2},
            {**one()["steps"][0], "id": "second", "parallelism": 2},
        ],
    }
    for mode, words in (("sequential", "is used up"), ("parallel", "is being used by another loop")):
        source = (x for x in range(6))
        results = press(drawer, {"xs": source}, buttons={"work": tenfold}, mode=mode, check=False, quiet=True)
        assert results.run.error is not None
        assert words in results.run.error.message
        if mode == "sequential":
            assert results.step("first")["work"] == [0, 10, 20, 30, 40, 50]


def test_a_new_attempt_of_the_loop_starts_with_the_items_pulled_so_far() -> None:
    failures = iter([True])

    def work(x: int) -> int:
        if x == 2 and next(failures, False):
            raise ValueError("once")
        return x

    policy = {"action": "retry", "max_attempts": 2}
    results = loop(broken(5, 9), work, check=True, on_failure=policy)
    assert results["work"] == [0, 1, 2, 3, 4]


def test_a_generator_that_blocks_does_not_block_the_event_loop() -> None:
    ticks = 0
    meanwhile: list[int] = []  # ticks of the event loop while an item was taken

    def blocks() -> Iterator[int]:
        for x in range(6):
            before, until = ticks, time.perf_counter() + 5
            time.sleep(0.05)
            while x > 0 and ticks == before and time.perf_counter() < until:
                time.sleep(0.005)
            meanwhile.append(ticks - before)
            yield x

    async def watched() -> None:
        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        results = await apress(one(parallelism=2), {"xs": blocks()}, buttons={"work": tenfold}, quiet=True)
        ticking.cancel()
        assert results["work"] == [x * 10 for x in range(6)]

    asyncio.run(watched())
    assert meanwhile[0] == 0  # it shows that the iterator blocks
    assert min(meanwhile[1:]) > 0


def test_a_generator_returns_to_the_event_loop_when_it_is_fast() -> None:
    import threading

    threads: list[str] = []

    def source() -> Iterator[int]:
        for x in range(3_000):
            if x == 0:
                time.sleep(0.03)
            threads.append(threading.current_thread().name)
            yield x

    async def main() -> None:
        await apress(one(parallelism=8), {"xs": source()}, buttons={"work": later_nothing}, quiet=True)

    asyncio.run(main())
    assert threads[0] == threads[-1] == threading.main_thread().name
    assert len(set(threads[1:900])) == 1
    assert threads[1] != threads[0]


async def later_nothing(x: int) -> None:
    """Do nothing."""


def test_sqlite_rows_are_read_in_one_thread() -> None:
    def rows() -> Iterator[Any]:
        with sqlite3.connect(":memory:") as base:
            for (value,) in base.execute("values (1), (2), (3)"):
                time.sleep(0.03)
                yield value

    assert loop(rows(), lambda x: x, check=True)["work"] == [1, 2, 3]


def test_an_async_generator_runs_in_one_task() -> None:
    async def bounded() -> AsyncIterator[int]:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))
            for x in range(6):
                await asyncio.sleep(0.001)
                yield x

    assert loop(bounded(), tenfold, check=True, parallelism=3)["work"] == [x * 10 for x in range(6)]


def test_cancelling_every_task_neither_loses_nor_repeats_an_item() -> None:
    async def work(x: int) -> int:
        for task in asyncio.all_tasks():
            if task.get_name().startswith("items of"):
                task.cancel()
        await asyncio.sleep(0.002)
        return x

    async def at_once() -> AsyncIterator[int]:
        for x in range(6):
            yield x

    for width in (1, 3):
        assert loop(at_once(), work, check=True, parallelism=width)["work"] == [0, 1, 2, 3, 4, 5]


def test_nested_loops_use_their_own_iterators() -> None:
    drawer = {
        "name": "t",
        "inputs": ["xs"],
        "steps": [
            {
                "id": "out",
                "kind": "for_each",
                "over": "${inputs.xs}",
                "as": "ys",
                "parallelism": 2,
                "steps": [{**one()["steps"][0], "over": "${ys}", "parallelism": 2}],
            }
        ],
    }
    source = (broken(n, 9) for n in range(4))
    results = press(drawer, {"xs": source}, buttons={"work": tenfold}, quiet=True)
    found = [[entry["item"] for entry in row.output["results"]] for row in results]
    assert found == [[], [0], [0, 1], [0, 1, 2]]


@pytest.mark.parametrize("kind", ["merge", "aggregate"])
def test_steps_that_need_all_items_require_a_list(kind: str) -> None:
    step = {"id": "s", "kind": kind, "from": "${inputs.xs}", "pluck": "${item}"}
    step = step if kind == "aggregate" else {k: v for k, v in step.items() if k != "pluck"}
    drawer = {"name": "t", "inputs": ["xs"], "steps": [step]}
    source = iter([1, 2])
    results = press(drawer, {"xs": source}, quiet=True, check=False)
    assert results.run.error is not None
    assert "list(items)" in str(results.run.error) + results.run.error.remediation
    assert next(source) == 1  # nothing was pulled
