"""A cancelled run starts nothing more, however its functions handle the cancellation."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import press
from drawer_ipy.buttons import Call, Outcome
from drawer_ipy.buttons.base import Button
from drawer_ipy.buttons.function.button import FunctionButton
from drawer_ipy.common import cancellation
from drawer_ipy.definition.models import Queue
from drawer_ipy.display.live import NullDisplay
from drawer_ipy.engine import drawers as engine_drawers
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons

WAYS = ("obey", "swallow", "uncancel", "raise", "again", "group", "shield")
LIMIT = 3.0
"""Seconds after which functions that ignore every cancellation end, so that no test leaves them running."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellation, "PATIENCE", 0.1)


def uncancel() -> None:
    task = asyncio.current_task()
    while task is not None and task.uncancel():
        pass


async def respond(way: str, seconds: float) -> str:
    """Wait for `seconds`, and handle a cancellation in the given way."""
    if way == "obey":
        await asyncio.sleep(seconds)
        return "slept"
    if way == "group":
        return (await asyncio.gather(respond("swallow", seconds), respond("uncancel", seconds)))[0]
    if way == "shield":
        inner = asyncio.ensure_future(asyncio.sleep(seconds))
        while not inner.done():
            try:
                await asyncio.shield(inner)
            except asyncio.CancelledError:
                uncancel()
        return "slept"
    try:
        await asyncio.sleep(seconds)
    except BaseException:
        if way == "raise":
            raise ValueError("the clean-up has failed") from None
        if way == "uncancel":
            uncancel()
        if way == "again":
            await asyncio.sleep(seconds)
        return "swallowed"
    return "slept"


def forever(uncancels: bool = True) -> Callable[[Any], Any]:
    async def work(x: Any = None) -> str:
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            try:
                await asyncio.sleep(0.02)
            except BaseException:
                if uncancels:
                    uncancel()
        return "late"

    return work


def loop(n: int, parallelism: int, **fields: Any) -> dict[str, Any]:
    step = {"id": "w", "button": "work", "args": {"x": "${x}"}}
    each = {"id": "each", "kind": "for_each", "over": list(range(n)), "as": "x", "steps": [step]}
    return {**each, "parallelism": parallelism, "on_item_failure": "continue", **fields}


def prepared(steps: Sequence[dict[str, Any]], options: Options | None = None, **buttons: Any) -> Job:
    drawer = {"name": "t", "steps": list(steps)}
    return prepare(drawer, {}, options, Surroundings(named_buttons(buttons)))


def press_seconds(job: Job, cancel_when: Callable[[], bool] | None = None) -> float:
    """Press the job on a new event loop; return the seconds that it took.

    Args:
        cancel_when: the run is cancelled, from another thread, soon after this has become true.
    """
    began = time.monotonic()
    over = threading.Event()

    def watch() -> None:
        while cancel_when is not None and not over.wait(0.01):
            if cancel_when():
                job.run.cancel()
                return

    watching = threading.Thread(target=watch)
    watching.start()
    job.press_blocking(NullDisplay())
    over.set()
    watching.join()
    return time.monotonic() - began


@given(
    n=st.integers(1, 30),
    parallelism=st.integers(1, 5),
    after=st.integers(1, 12),
    ways=st.lists(st.sampled_from(WAYS), min_size=1, max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_no_item_starts_after_a_cancellation(n: int, parallelism: int, after: int, ways: list[str]) -> None:
    started: list[int] = []
    at_cancel: list[int] = []
    now = most = 0

    async def work(x: int) -> str:
        nonlocal now, most
        started.append(x)
        now += 1
        most = max(most, now)
        if len(started) == after:
            asyncio.get_running_loop().call_soon(lambda: (job.run.cancel(), at_cancel.append(len(started))))
        try:
            return await respond(ways[x % len(ways)], 0.002)
        finally:
            now -= 1

    job = prepared([loop(n, parallelism)], work=work)
    asyncio.run(job.run.execute())
    results = job.results
    assert most <= parallelism
    assert sum(results.counts.values()) == n
    assert results.counts["failed"] == 0
    for row in results:
        assert (row.index in started) == (row.status != "skipped")
        assert row.output in ((None,) if row.status != "ok" else ("slept",))
    if at_cancel:
        # cancel() takes effect in the next turn of the loop, in which each worker may end and start an item.
        assert len(started) <= at_cancel[0] + parallelism


@pytest.mark.parametrize(("how", "nested"), [("cancel", False), ("cancel", True), ("failure", False)])
def test_a_function_that_was_about_to_continue_does_not_continue_after_a_stop(how: str, nested: bool) -> None:
    """The cancellation needs several turns of the event loop to reach it, which it could block meanwhile."""
    begun: list[int] = []
    all_begun = asyncio.Event()
    continued: list[int] = []
    cleaned_up: list[int] = []
    failed: list[int] = []

    async def work(x: int) -> None:
        begun.append(x)
        if len(begun) == 4:
            all_begun.set()
        try:
            while len(continued) < 100:
                await asyncio.sleep(0)
                if job.run.ending or failed:
                    continued.append(x)
        finally:
            cleaned_up.append(x)

    async def stop(x: int) -> None:
        await all_begun.wait()
        if how == "cancel":
            job.run.cancel()
            await asyncio.sleep(5)
        failed.append(x)
        raise ValueError("no")

    async def either(x: int) -> None:
        await (stop(x) if x == 2 else work(x))

    each = loop(5, 5, on_item_failure="stop")
    if nested:
        each["steps"] = [{**loop(1, 1), "id": "inner", "as": "y", "steps": each["steps"]}]
    job = prepared([each], work=either)
    press_seconds(job)
    assert continued == []
    assert sorted(cleaned_up) == [0, 1, 3, 4]
    counts = {"ok": 0, "failed": 0, "cancelled": 5, "skipped": 0}
    if how == "failure":
        counts |= {"failed": 1, "cancelled": 4}
    assert job.results.counts == counts
    assert job.run.notes == []


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("limit", ["concurrency", "queue", "rate", "retry", "cache"])
@pytest.mark.parametrize("depth", range(1, 5))
def test_no_press_that_waited_for_something_begins_after_a_stop(limit: str, depth: int) -> None:
    """The cancellation reaches a deeper loop some turns later than the presses that make room for its own."""
    late: list[bool] = []
    pressed = 0
    quick = limit in ("rate", "retry")

    def button(name: str) -> Button:
        made = FunctionButton(lambda x: x, name, cache="1h" if limit == "cache" else None)
        if limit == "queue":
            made.queue = Queue(name="both", concurrency=2)
        if limit == "rate":
            made.rate = "5000/s"

        async def press(bound: Any, call: Call) -> Outcome:
            nonlocal pressed
            late.append(call.stop.wanted or job.run.ending)
            pressed += 1
            if limit == "retry" and name == "deep":
                return Outcome(status="error", error=ErrorInfo("X", "again"), exit_code=1)
            if pressed >= {"concurrency": 2, "queue": 2, "cache": 1}.get(limit, 40):
                job.run.cancel()
            await asyncio.sleep(0 if quick else 30)
            return Outcome("done")

        made.press = press  # type: ignore[method-assign]
        return made

    deep, flat = loop(1000 if quick else 3, 3), {**loop(1000 if quick else 4, 2), "id": "flat"}
    if limit == "cache":  # one is pressed, and the others wait for its result
        deep["steps"][0]["args"] = flat["steps"][0]["args"] = {"x": 1}
    deep["steps"][0] |= {"button": "deep", "on_failure": {"action": "retry", "max_attempts": 1000,
                                                          "backoff": {"initial_ms": 0}}}  # fmt: skip
    for level in range(depth):
        deep = {**loop(2, 2), "id": f"level{level}", "as": f"y{level}", "steps": [deep]}
    options = Options(mode="parallel", concurrency=2 if limit == "concurrency" else None)
    around = Surroundings({"work": button("work"), "deep": button("deep")})
    job = prepare({"name": "t", "steps": [flat, deep]}, {}, options, around)
    press_seconds(job)
    assert late
    assert not any(late)


@pytest.mark.parametrize("parallelism", [1, 3])
@pytest.mark.parametrize("way", WAYS[1:])
def test_steps_after_one_that_hides_its_cancellation_do_not_start(way: str, parallelism: int) -> None:
    seen: list[str] = []

    async def work(x: int) -> str:
        seen.append("work")
        return await respond(way, 0.3)

    each = loop(9, parallelism)
    each["steps"].append({"id": "z", "button": "after"})
    job = prepared([each, {"id": "last", "button": "after"}], work=work, after=lambda: seen.append("after"))
    assert press_seconds(job, lambda: len(seen) == parallelism) < 3
    assert seen == ["work"] * parallelism
    assert job.results.run.status == "cancelled"
    assert job.results.counts["cancelled"] == parallelism


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_in_a_drawer_without_loops_no_step_starts_after_a_cancellation(mode: str) -> None:
    seen: list[int] = []

    async def work(x: int) -> str:
        seen.append(x)
        return await respond("uncancel", 3.0)

    steps = [{"id": "a", "button": "work", "args": {"x": 1}},
             {"id": "b", "button": "work", "args": {"x": "${a.output}"}}]  # fmt: skip
    job = prepared(steps, Options(mode=mode), work=work)
    press_seconds(job, lambda: seen == [1])
    assert seen == [1]
    assert job.run.record.status == "cancelled"


def test_no_further_attempt_starts_after_a_cancellation() -> None:
    seen: list[int] = []

    async def work(x: int) -> str:
        seen.append(x)
        return await respond("raise", 3.0)

    each = loop(4, 2)
    each["steps"][0]["on_failure"] = {"action": "retry", "max_attempts": 5, "backoff": {"initial_ms": 1}}
    job = prepared([each], work=work)
    press_seconds(job, lambda: len(seen) == 2)
    assert sorted(seen) == [0, 1]
    assert job.results.counts["cancelled"] == 2


@pytest.mark.parametrize("way", WAYS[1:])
def test_items_that_a_failure_cancels_never_count_as_failed(way: str) -> None:
    async def work(x: int) -> str:
        if x == 0:
            await asyncio.sleep(0.05)
            raise ValueError("no")
        return await respond(way, 0.3)

    job = prepared([loop(30, 3, on_item_failure="stop")], work=work)
    press_seconds(job)
    assert job.results.counts == {"ok": 0, "failed": 1, "cancelled": 2, "skipped": 27}


@pytest.mark.parametrize("where", ["step", "loop", "run"])
@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_time_limit_ends_functions_that_ignore_every_cancellation(where: str, parallelism: int) -> None:
    each = loop(4, parallelism)
    if where == "step":
        each["steps"][0]["timeout_seconds"] = 0.1
    if where == "loop":
        each["timeout_seconds"] = 0.1
    options = Options(timeout=0.1) if where == "run" else None
    job = prepared([each], options, work=forever())
    assert press_seconds(job) < LIMIT + 0.5
    assert any("abandoned" in note for note in job.run.notes)
    counts = job.results.counts
    if where == "step":
        assert counts["failed"] == 4
        assert all(row.error is not None and row.error.code == "TIMEOUT" for row in job.results)
        assert all(row.error is not None and "abandoned" in row.error.message for row in job.results)
    else:
        assert (counts["cancelled"], counts["skipped"]) == (parallelism, 4 - parallelism)
    if where == "run":
        assert job.run.record.error is not None
        assert job.run.record.error.code == "TIMEOUT"


def test_a_handler_that_ignores_its_limit_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_drawers, "HANDLER_LIMIT", 0.1)

    def fail() -> None:
        raise ValueError("no")

    from drawer_ipy.definition import load_drawer

    handler = load_drawer({"steps": [{"id": "h", "button": "work"}]}, name="h").drawer
    drawer = {"name": "t", "steps": [{"id": "a", "button": "fail"}], "on_error": {"drawer": "h"}}
    around = Surroundings(named_buttons({"fail": fail, "work": forever()}), drawers={"h": handler})
    job = prepare(drawer, {}, None, around)
    assert press_seconds(job) < LIMIT
    assert job.run.record.failed_step == "a"
    assert any("timed out after 0.1 s" in note for note in job.run.notes)


def test_an_abandoned_function_cannot_cancel_the_items_after_its_own() -> None:
    """It is still inside ``asyncio.timeout``, which cancels the task in which it was entered."""

    async def work(x: int) -> int:
        if x > 0:
            await asyncio.sleep(0.05)
            return x
        try:
            async with asyncio.timeout(0.5):
                await forever()()
        except TimeoutError:
            pass
        return x

    each = loop(12, 1)
    each["steps"][0]["timeout_seconds"] = 0.2
    job = prepared([each], work=work)
    press_seconds(job)
    assert job.results.counts == {"ok": 11, "failed": 1, "cancelled": 0, "skipped": 0}


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("parallelism", [1, 3])
def test_a_function_that_cancels_its_own_task_ends_no_other_item(parallelism: int, waits: bool) -> None:
    async def work(x: int) -> int:
        if x == 1:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            if waits:
                await asyncio.sleep(0.01)
        return x

    job = prepared([loop(6, parallelism)], work=work)
    press_seconds(job)
    assert job.run.record.status == "ok"
    assert job.results.counts["failed"] == int(waits)
    assert [row.output for row in job.results if row.index != 1] == [0, 2, 3, 4, 5]


def test_a_quick_clean_up_runs_in_the_task_of_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellation, "PATIENCE", 10.0)
    began: list[int] = []
    ended: list[bool] = []

    async def work(x: int) -> None:
        began_in = asyncio.current_task()
        began.append(x)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(5))
        finally:
            async with asyncio.timeout(1):
                await asyncio.sleep(0.02)
            ended.append(asyncio.current_task() is began_in)

    job = prepared([loop(4, 2)], work=work)
    press_seconds(job, lambda: len(began) == 2)
    assert ended == [True, True]
    assert job.run.notes == []


ODD = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, ValueError, BaseException)


class Odd:
    """An object all of whose methods raise."""

    def __init__(self, kind: type[BaseException]) -> None:
        self.kind = kind

    def _raise(self, *args: Any) -> Any:
        raise self.kind

    a = property(_raise)
    __str__ = __repr__ = __len__ = __iter__ = __eq__ = __hash__ = __bool__ = __getitem__ = __add__ = _raise


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize(
    "reference",
    ["${w.output.a}", "so ${w.output}", "${w.output == 1}", "${size(w.output)}", "${w.output ? 1 : 2}",
     "${w.output.map(q, q)}", "${w.output + 1}", "${w.output in [1]}"],
)  # fmt: skip
def test_a_reference_to_an_object_that_raises_fails_its_item_with_a_readable_error(
    reference: str, kind: type[BaseException]
) -> None:
    each = loop(3, 2)
    each["steps"].append({"id": "z", "button": "same", "args": {"v": reference}})
    buttons = {"work": lambda x: Odd(kind), "same": lambda v: v}
    results = press({"name": "t", "steps": [each]}, buttons=buttons, quiet=True)
    assert results.counts["failed"] == 3
    for row in results:
        assert row.error is not None
        assert row.error.code == "RESOLVE_ERROR"
    assert repr(results)
    assert results._repr_html_()
    assert repr(results.explain(1))
    assert results.to_json()
    assert results.to_csv()


class Holey(Sequence[int]):
    """A list whose second entry cannot be read."""

    def __init__(self, kind: type[BaseException]) -> None:
        self.kind = kind

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: Any) -> Any:
        if index == 1:
            raise self.kind
        return index


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("parallelism", [1, 2])
def test_an_item_that_cannot_be_read_from_the_list_fails_alone(
    kind: type[BaseException], parallelism: int
) -> None:
    each = {**loop(0, parallelism), "over": "${inputs.xs}"}
    drawer = {"name": "t", "inputs": ["xs"], "steps": [each]}
    results = press(drawer, {"xs": Holey(kind)}, buttons={"work": lambda x: x}, quiet=True)
    assert results.counts == {"ok": 3, "failed": 1, "cancelled": 0, "skipped": 0}
    assert results[1].error is not None
    assert "cannot read item 1 of the list" in results[1].error.message


@pytest.mark.parametrize("kind", ODD)
def test_a_list_that_cannot_be_read_fails_its_step(kind: type[BaseException]) -> None:
    steps = [{"id": "made", "button": "make"}, {**loop(0, 1), "over": "${made.output}"}]
    buttons = {"make": lambda: Odd(kind), "work": lambda x: x}
    results = press({"name": "t", "steps": steps}, buttons=buttons, quiet=True, check=False)
    error = results.run.error
    assert error is not None
    assert error.code == "VALIDATION_ERROR"
    assert "cannot be looped over" in error.message


def test_an_enormous_message_is_cut_with_a_note() -> None:
    def work(x: int) -> None:
        raise ValueError("x" * 5_000_000)

    results = press({"name": "t", "steps": [loop(1, 1)]}, buttons={"work": work}, quiet=True)
    error = results[0].error
    assert error is not None
    assert len(error.message) < 11_000
    assert "4,990,000 more characters" in error.message
