"""Loops over iterators that end early: cancelled, timed out or failed, and pressed again."""

from __future__ import annotations

import asyncio
import itertools
import pickle
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from engine_rig import loop

from drawer_ipy import apress, press
from drawer_ipy.common import cancellation
from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.display.cells import Cells
from drawer_ipy.display.live import NullDisplay
from drawer_ipy.display.outline import Outline
from drawer_ipy.display.progress import ProgressState, Snapshot
from drawer_ipy.display.progress_html import static_html
from drawer_ipy.display.wording import counts_words, progress_line
from drawer_ipy.engine.events import Listeners
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons
from drawer_ipy.record.loop import OK, RUNNING, LoopRecord


def one(**fields: Any) -> dict[str, Any]:
    step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
    each = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "steps": [step], **fields}
    return {"name": "t", "inputs": ["xs"], "steps": [each]}


class Endless:
    """An endless source that counts how often it was closed."""

    def __init__(self, pause: float = 0.002) -> None:
        self.closed = 0
        self.pause = pause

    def sync(self) -> Iterator[int]:
        try:
            for x in itertools.count():
                time.sleep(self.pause)
                yield x
        finally:
            self.closed += 1

    async def later(self) -> AsyncIterator[int]:
        try:
            for x in itertools.count():
                await asyncio.sleep(self.pause)
                yield x
        finally:
            self.closed += 1


async def same(x: Any) -> Any:
    await asyncio.sleep(0.001)
    return x


# A first item of a sync iterator that blocks cannot be ended from outside.
@pytest.mark.parametrize(
    ("kind", "pause"), [("sync", 0.002), ("sync", 0.1), ("later", 0.002), ("later", 0.1), ("later", 30.0)]
)
@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_an_endless_generator_runs_until_it_is_stopped_and_is_closed_once(
    kind: str, how: str, pause: float
) -> None:
    endless = Endless(pause)

    async def main() -> Any:
        fields = {"timeout_seconds": 0.5} if how == "timeout" else {}
        job = prepare(
            one(parallelism=3, **fields),
            {"xs": getattr(endless, kind)()},
            around=Surroundings(named_buttons({"work": same})),
        )
        if how == "cancel":
            asyncio.get_running_loop().call_later(0.5, job.run.cancel)
        return await job.press(NullDisplay())

    began = time.perf_counter()
    results = asyncio.run(main())
    assert time.perf_counter() - began < 3
    assert results.run.status == ("failed" if how == "timeout" else "cancelled")
    assert {row.status for row in results} <= {"ok", "cancelled", "skipped"}
    assert bool(results.ok) == (pause < 1)
    deadline = time.perf_counter() + 2
    while not endless.closed and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert endless.closed == 1
    assert results.run.step("each").output["total"] is None
    before = len(results)
    results.retry()
    assert results.run.error is not None
    assert "was closed when the loop over it was cancelled" in results.run.error.message
    assert [row.status for row in results] == ["ok"] * before
    assert endless.closed == 1


def test_an_async_generator_that_ignores_its_cancellation_is_abandoned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancellation, "PATIENCE", 0.1)
    over = threading.Event()

    async def stubborn() -> AsyncIterator[int]:
        yield 1
        while not over.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue

    job = prepare(
        one(timeout_seconds=0.2),
        {"xs": stubborn()},
        around=Surroundings(named_buttons({"work": same})),
    )

    async def main() -> Any:
        began = time.perf_counter()
        results = await job.press(NullDisplay())
        took = time.perf_counter() - began
        over.set()
        return results, took

    results, took = asyncio.run(main())
    assert took < 2
    assert results["work"] == [1]
    assert any("async generator ignored its cancellation" in note for note in job.run.notes)


def test_a_generator_that_refuses_to_close_causes_a_note() -> None:
    def stays() -> Iterator[int]:
        for x in itertools.count():
            try:
                yield x
            except GeneratorExit:
                yield -1

    job = prepare(
        one(timeout_seconds=0.2), {"xs": stays()}, around=Surroundings(named_buttons({"work": same}))
    )
    results = asyncio.run(job.press(NullDisplay()))
    assert results.run.error is not None
    assert results.run.error.code == "TIMEOUT"
    assert any("closing the generator raised RuntimeError" in note for note in job.run.notes)


def counted(n: int, pulled: list[int]) -> Iterator[int]:
    for x in range(n):
        pulled.append(x)
        yield x


class OwnIterator:
    def __init__(self, n: int, pulled: list[int]) -> None:
        self._left = iter(range(n))
        self._pulled = pulled

    def __iter__(self) -> OwnIterator:
        return self

    def __next__(self) -> int:
        x = next(self._left)
        self._pulled.append(x)
        return x


@pytest.mark.parametrize("make", [counted, OwnIterator])
@pytest.mark.parametrize("width", [0, 3])
def test_a_retry_presses_failed_items_and_continues_with_the_rest(
    make: Callable[..., Any], width: int
) -> None:
    pulled: list[int] = []
    seen: list[int] = []
    bad = {4}
    failed = threading.Event()

    def work(x: int) -> int:
        seen.append(x)
        if x in bad:
            failed.set()
            raise ValueError(x)
        if x > 4:  # so that the failure happens before all items are pulled, however busy the machine is
            failed.wait(10)
            time.sleep(0.05)
        return x * 10

    results = loop(make(12, pulled), work, parallelism=width)
    first = len(pulled)
    assert results.run.status == "failed"
    assert first < 12
    ok = {row.index for row in results.ok}
    bad.clear()
    seen.clear()
    results.retry()
    assert results.run.status == "ok"
    assert results["work"] == [x * 10 for x in range(12)]
    assert pulled == list(range(12))
    assert not ok & set(seen)
    results.retry()  # nothing is left, and nothing is pulled again
    assert len(results) == 12


def test_a_retry_of_some_rows_pulls_no_further_item() -> None:
    pulled: list[int] = []
    bad = {2}

    def work(x: int) -> int:
        if x in bad:
            raise ValueError(x)
        return x

    results = loop(counted(6, pulled), work)
    bad.clear()
    results.failed.retry()
    assert results["work"] == [0, 1, 2]
    assert results.run.error is not None
    assert "has not been pulled to its end" in results.run.error.message
    results.retry()
    assert results["work"] == [0, 1, 2, 3, 4, 5]
    assert results.run.status == "ok"


def test_a_retry_after_the_generator_raised_reports_the_exception_again() -> None:
    bad = {1}

    def source() -> Iterator[int]:
        yield from range(4)
        raise ValueError("broke")

    def work(x: int) -> int:
        if x in bad:
            raise ValueError(x)
        return x

    results = loop(source(), work, on_item_failure="continue")
    bad.clear()
    results.retry()
    assert results["work"] == [0, 1, 2, 3]
    assert results.run.status == "failed"
    assert results.run.error is not None
    assert "raised ValueError: broke when item 4 was pulled" in results.run.error.message


def test_an_item_that_arrives_after_a_cancellation_is_not_lost() -> None:
    class Slow(OwnIterator):
        def __next__(self) -> int:
            time.sleep(0.2)
            return super().__next__()

    async def main() -> Any:
        job = prepare(one(), {"xs": Slow(6, [])}, around=Surroundings(named_buttons({"work": same})))
        asyncio.get_running_loop().call_later(0.7, job.run.cancel)
        results = await job.press(NullDisplay())
        assert 2 <= len(results) <= 4
        await results.aretry()
        return results

    results = asyncio.run(main())
    assert results["work"] == [0, 1, 2, 3, 4, 5]
    assert results.run.status == "ok"


def test_a_retry_continues_an_async_generator_of_the_same_event_loop() -> None:
    bad = {3}

    async def source() -> AsyncIterator[int]:
        for x in range(8):
            yield x

    async def work(x: int) -> int:
        if x in bad:
            raise ValueError(x)
        return x

    async def main() -> Any:
        results = await apress(one(), {"xs": source()}, buttons={"work": work}, check=False, quiet=True)
        assert len(results) == 4
        bad.clear()
        await results.aretry()
        return results

    assert asyncio.run(main())["work"] == list(range(8))


def test_a_retry_reports_that_an_async_generator_was_closed_with_its_event_loop() -> None:
    bad = {3}

    async def source() -> AsyncIterator[int]:
        for x in range(8):
            yield x

    def work(x: int) -> int:
        if x in bad:
            raise ValueError(x)
        return x

    results = loop(source(), work)
    bad.clear()
    results.retry()
    assert results["work"] == [0, 1, 2, 3]
    assert results.run.error is not None
    assert "has been closed since" in results.run.error.message


def test_a_retry_of_nested_loops_continues_their_iterators() -> None:
    bad = {11}

    def work(x: int) -> int:
        if x in bad:
            raise ValueError(x)
        return x

    drawer = {
        "name": "t",
        "inputs": ["xs"],
        "steps": [
            {"id": "out", "kind": "for_each", "over": "${inputs.xs}", "as": "ys",
             "on_item_failure": "continue", "steps": [{**one()["steps"][0], "over": "${ys}"}]}
        ],
    }  # fmt: skip
    sources = [iter(range(10 * n, 10 * n + 3)) for n in range(3)]
    results = press(drawer, {"xs": iter(sources)}, buttons={"work": work}, quiet=True)
    assert [row.status for row in results] == ["ok", "failed", "ok"]
    bad.clear()
    results.retry()
    found = [[entry["steps"]["work"]["output"] for entry in row.output["results"]] for row in results]
    assert found == [[0, 1, 2], [10, 11, 12], [20, 21, 22]]


def secret_drawer() -> dict[str, Any]:
    drawer = one()
    drawer["inputs"] = ["xs", {"name": "key", "secret": True}]
    return drawer


def test_secrets_in_items_are_hidden_without_pulling_items_ahead() -> None:
    pulled: list[int] = []
    seen: list[Any] = []

    def source() -> Iterator[Any]:
        for x in range(6):
            pulled.append(x)
            yield {"n": x, "auth": f"token s3cr3t-{x % 2}-abcdef"} if x != 3 else x

    def work(x: Any) -> Any:
        seen.append(x)
        if len(seen) == 5:
            raise ValueError("enough")
        return x

    given = {"xs": source(), "key": ["s3cr3t-0-abcdef", "s3cr3t-1-abcdef"]}
    results = press(secret_drawer(), given, buttons={"work": work}, quiet=True, check=False)
    assert pulled == [0, 1, 2, 3, 4]
    assert "s3cr3t" not in str(results) + repr(results.to_dicts()) + repr(results.run.to_dict())
    assert [row.item for row in results][3] == 3
    assert seen[0]["auth"] == "token s3cr3t-0-abcdef"
    results.retry()
    assert results.run.status == "ok"
    assert len(results) == 6
    assert seen[-1]["auth"] == "token s3cr3t-1-abcdef"
    assert "s3cr3t" not in str(results) + repr(results.to_dicts())


def test_a_secret_that_becomes_known_during_the_loop_is_hidden_in_earlier_items() -> None:
    inner = {
        "name": "inner",
        "inputs": [{"name": "word", "secret": True}],
        "steps": [{"id": "w", "kind": "transform", "expression": "${inputs.word}"}],
    }
    drawer = {
        "name": "t",
        "inputs": ["xs"],
        "steps": [
            {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x",
             "steps": [{"id": "s", "kind": "drawer", "drawer": "inner", "args": {"word": "${x}"}}]}
        ],
    }  # fmt: skip
    job = prepare(
        drawer,
        {"xs": iter(["first-secret-word", "second-secret-word"])},
        around=Surroundings(drawers={"inner": DrawerModel.model_validate(inner)}),
    )
    results = asyncio.run(job.press(NullDisplay()))
    assert len(results) == 2
    assert "secret-word" not in str(results) + repr(results.to_dicts())


def test_results_of_unfinished_iterators_can_be_exported_and_pickled() -> None:
    results = loop(iter(range(8)), lambda x: {"n": 1 / (6 - x)})
    assert [row["x"] for row in results.to_dicts()] == list(range(7))
    assert results.to_pandas()["x"].tolist() == list(range(7))
    assert results.to_arrow().num_rows == 7
    assert len(results.to_csv().splitlines()) == 8
    assert "item 6" in str(results.explain(6))
    assert results.timeline().svg.startswith("<svg")
    assert results.run.to_dict()["steps"][0]["output"]["total"] is None
    assert "so far" in results._repr_html_()
    assert len(pickle.loads(pickle.dumps(results))) == 7
    generator = loop((x for x in range(3)), lambda x: x, check=True)
    again = pickle.loads(pickle.dumps(generator))
    assert again["work"] == [0, 1, 2]


# Displays while the number of items is unknown


class Watching(NullDisplay):
    """Keeps a snapshot of the progress at each item."""

    def __init__(self) -> None:
        self.state = ProgressState()
        self.outline = Outline()
        self.seen: list[Snapshot] = []

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        self.state.attach(listeners)
        self.outline.attach(listeners)

    def look(self) -> Snapshot:
        self.seen.append(self.state.snapshot(self.state.clock()))
        return self.seen[-1]


def test_displays_show_the_count_so_far_and_at_the_end_the_total() -> None:
    display = Watching()

    async def work(x: int) -> int:
        await asyncio.sleep(0.1)
        display.look()
        [row] = display.outline.rows()
        assert row.so_far or sum(row.counts) == 20
        return x

    async def main() -> None:
        job = prepare(
            one(parallelism=2), {"xs": iter(range(20))}, around=Surroundings(named_buttons({"work": work}))
        )
        await job.press(display)

    asyncio.run(main())
    going = display.seen[14]
    assert going.so_far
    assert going.eta is None
    assert going.rate > 0
    assert progress_line(going) == f"drawer t: {going.done} so far"
    assert counts_words(going)[-1][0] == f"{going.total} so far"
    html = static_html(going)
    assert "aria-valuemax" not in html
    assert f"{going.done} so far" in html
    last = display.look()
    assert (last.so_far, last.total, last.done) == (False, 20, 20)
    assert 'aria-valuemax="20"' in static_html(last)


def test_the_progress_of_zero_items_of_an_unknown_total_is_shown() -> None:
    display = Watching()

    async def none() -> AsyncIterator[int]:
        display.look()
        await asyncio.sleep(0.05)
        display.look()
        for _ in ():
            yield 1

    async def main() -> None:
        job = prepare(one(), {"xs": none()}, around=Surroundings(named_buttons({"work": same})))
        await job.press(display)

    asyncio.run(main())
    for snapshot in display.seen:
        assert snapshot.so_far
        assert progress_line(snapshot) == "drawer t: 0 so far"
        assert "0 so far" in static_html(snapshot)


def test_the_grid_of_a_growing_loop_never_has_too_many_cells() -> None:
    record = LoopRecord(("each",), "x", [], ["w"], 4, ends=False)
    cells = Cells(record, most=8)
    assert cells.read() == b""
    for index in range(200):
        record.append(index)
        record.move(index, RUNNING)
        if index % 7 == 0:
            picture = cells.read()
            assert len(picture) == -(-(index + 1) // cells.per) <= 8
            assert cells.span(len(picture) - 1)[-1] == index
        record.move(index, OK)
    fresh = Cells(record, most=8)
    assert cells.per == 32
    assert set(cells.read()) == set(fresh.read()) == {OK}
