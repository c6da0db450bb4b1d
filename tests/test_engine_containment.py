"""A button can end only its own item, whatever it does; a cancelled run starts nothing further."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import DrawerCancelled, Results, apress, press
from drawer_ipy.buttons.function.containment import refusing
from drawer_ipy.common import cancellation
from drawer_ipy.display.live import NullDisplay
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons


def each(n: int = 4, parallelism: int = 2, **fields: Any) -> dict[str, Any]:
    """A drawer that presses ``work`` for each of `n` numbers and continues after failures."""
    step = {"id": "w", "button": "work", "args": {"x": "${x}"}, **fields}
    loop = {"over": list(range(n)), "as": "x", "parallelism": parallelism, "on_item_failure": "continue"}
    return {"name": "t", "steps": [{"id": "each", "kind": "for_each", **loop, "steps": [step]}]}


def run(drawer: dict[str, Any], work: Callable[..., Any], **options: Any) -> Job:
    """Press `drawer` on a separate event loop, which is not closed afterwards."""
    job = prepare(drawer, {}, Options(**options), Surroundings(named_buttons({"work": work})))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(job.run.execute())
    ZOMBIES.append(loop)
    return job


ZOMBIES: list[asyncio.AbstractEventLoop] = []
"""Event loops with abandoned tasks, kept so that nothing warns about tasks that never end."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Abandon functions that ignore their cancellation after a moment."""
    monkeypatch.setattr(cancellation, "PATIENCE", 0.1)


async def ignoring(x: int) -> str:
    """Wait until the event loop ends, ignoring every cancellation."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)


@given(
    n=st.integers(1, 40),
    parallelism=st.integers(1, 6),
    after=st.integers(1, 12),
    swallow=st.lists(st.booleans(), min_size=1, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_after_a_cancellation_no_further_item_starts(
    n: int, parallelism: int, after: int, swallow: list[bool]
) -> None:
    started: list[int] = []
    in_flight = peak = 0

    async def work(x: int) -> str:
        nonlocal in_flight, peak
        started.append(x)
        in_flight += 1
        peak = max(peak, in_flight)
        try:
            if len(started) >= after:
                asyncio.get_running_loop().call_soon(job.run.cancel)
            for _ in range(3):
                try:
                    await asyncio.sleep(0.001)
                except BaseException:
                    if not swallow[x % len(swallow)]:
                        raise
            return "done"
        finally:
            in_flight -= 1

    around = Surroundings(named_buttons({"work": work}))
    job = prepare(each(n, parallelism), {}, Options(), around)
    asyncio.run(job.run.execute())
    results = job.results
    assert peak <= parallelism
    assert sum(results.counts.values()) == n
    assert results.counts["failed"] == 0
    # The items that had ended, and at most one for each worker when the cancellation came.
    assert len(started) <= max(after, 1) + parallelism
    assert results.status == ("cancelled" if n >= after else "ok")
    for row in results:
        assert (row.index in started) == (row.status != "skipped")
        assert row.status in ("ok", "cancelled", "skipped")
        assert (row.output == "done") == (row.status == "ok")


@pytest.mark.parametrize("parallelism", [1, 3])
def test_a_function_that_ignores_its_cancellation_is_abandoned(impatient: None, parallelism: int) -> None:
    began = time.monotonic()
    job = run(each(20, parallelism), ignoring, timeout=0.2)
    assert time.monotonic() - began < 10
    assert job.results.counts == {"ok": 0, "failed": 0, "cancelled": parallelism, "skipped": 20 - parallelism}
    assert job.run.record.error is not None
    assert job.run.record.error.code == "TIMEOUT"
    assert len(job.run.notes) == 1
    assert "'work' ignored its cancellation" in job.run.notes[0]
    assert [row.error.code for row in job.results.cancelled] == ["CANCELLED"] * parallelism
    assert all(step.status != "running" for step in job.run.record.steps)


def test_a_timeout_ends_a_function_that_ignores_it_with_a_note(impatient: None) -> None:
    job = run(each(3, 2, timeout_seconds=0.1), ignoring)
    assert job.results.counts["failed"] == 3
    for row in job.results:
        assert row.error is not None
        assert row.error.code == "TIMEOUT"
        assert "abandoned" in row.error.message


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_timeout_of_the_loop_ends_such_a_function_too(impatient: None, parallelism: int) -> None:
    drawer = each(6, parallelism)
    drawer["steps"][0]["timeout_seconds"] = 0.1
    job = run(drawer, ignoring)
    step = job.run.record.steps[0]
    assert step.status == "timeout"
    assert step.error is not None
    assert step.error.code == "TIMEOUT"
    assert job.results.counts["cancelled"] == parallelism
    assert job.run.notes


@pytest.mark.parametrize("kind", ["graph", "split"])
def test_concurrent_steps_that_ignore_the_failure_of_another_are_abandoned(
    impatient: None, kind: str
) -> None:
    async def work(x: int) -> str:
        if x == 0:
            await asyncio.sleep(0.05)
            raise ValueError("no")
        return await ignoring(x)

    steps = [{"id": f"s{x}", "button": "work", "args": {"x": x}} for x in range(3)]
    if kind == "graph":
        job = run({"name": "t", "steps": steps}, work, mode="parallel")
        assert [step.status for step in job.run.record.steps] == ["error", "cancelled", "cancelled"]
    else:
        branches = {f"b{i}": [step] for i, step in enumerate(steps)}
        job = run({"name": "t", "steps": [{"id": "s", "kind": "split", "branches": branches}]}, work)
        assert job.run.record.steps[0].status == "failed"
    assert job.run.record.status == "failed"
    assert job.run.notes


def test_press_returns_although_tasks_of_a_button_continue() -> None:
    left: list[asyncio.Task[str]] = []

    async def work(x: int) -> int:
        if x == 1:
            left.append(asyncio.create_task(ignoring(x)))
        return x

    began = time.monotonic()
    results = press(each(), buttons={"work": work}, quiet=True)
    assert results.counts["ok"] == 4
    assert time.monotonic() - began < 8


class Unsayable(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


class NoText(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307 - the fault under test


RAISED: dict[str, Callable[[], BaseException]] = {
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "SystemExit": lambda: SystemExit(3),
    "StopIteration": StopIteration,
    "StopAsyncIteration": StopAsyncIteration,
    "CancelledError": asyncio.CancelledError,
    "a __str__ that raises": Unsayable,
    "a __str__ that gives no text": NoText,
    "BaseExceptionGroup": lambda: BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError(1)]),
}


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("where", ["sync", "async", "task"])
@pytest.mark.parametrize("made", RAISED.values(), ids=RAISED)
def test_any_exception_of_a_button_fails_only_its_item(
    made: Callable[[], BaseException], where: str, parallelism: int
) -> None:
    def sync(x: int) -> int:
        if x == 1:
            raise made()
        return x

    async def direct(x: int) -> int:
        return sync(x)

    async def in_task(x: int) -> int:
        return await asyncio.create_task(direct(x))

    work = {"sync": sync, "async": direct, "task": in_task}[where]
    for results in (
        press(each(4, parallelism), buttons={"work": work}, quiet=True),
        asyncio.run(apress(each(4, parallelism), buttons={"work": work}, quiet=True)),
    ):
        assert results.counts == {"ok": 3, "failed": 1, "cancelled": 0, "skipped": 0}
        error = results[1].error
        assert error is not None
        assert error.code == "FUNCTION_ERROR"
        assert error.message


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, MemoryError])
def test_a_value_that_raises_when_inspected_fails_only_its_item(raised: type[BaseException]) -> None:
    class Odd:
        @property
        def a(self) -> int:
            raise raised

        def __repr__(self) -> str:
            raise raised

    drawer = each()
    drawer["steps"][0]["steps"].append({"id": "z", "button": "same", "args": {"v": "${w.output.a}"}})

    class Even:
        a = 2

    buttons = {"work": lambda x: Odd() if x == 1 else Even(), "same": lambda v: v}
    results = press(drawer, buttons=buttons, quiet=True)
    assert results.counts == {"ok": 3, "failed": 1, "cancelled": 0, "skipped": 0}
    assert results[1].status == "failed"


@pytest.mark.parametrize(
    "end",
    [
        lambda: asyncio.get_running_loop().stop(),
        lambda: asyncio.get_running_loop().close(),
        lambda: sys.exit(1),
    ],
    ids=["stop", "close", "exit"],
)
@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_button_cannot_end_the_event_loop(end: Callable[[], None], parallelism: int) -> None:
    async def work(x: int) -> int:
        if x == 1:
            end()
        await asyncio.sleep(0.001)
        return x

    async def twice() -> list[Results]:
        return [await apress(each(4, parallelism), buttons={"work": work}, quiet=True) for _ in range(2)]

    for results in (*asyncio.run(twice()), press(each(4, parallelism), buttons={"work": work}, quiet=True)):
        assert results.counts == {"ok": 3, "failed": 1, "cancelled": 0, "skipped": 0}


def test_the_loop_can_be_stopped_after_a_run() -> None:
    async def work(x: int) -> int:
        return x

    loop = asyncio.new_event_loop()
    try:
        before = loop.get_task_factory()
        loop.run_until_complete(apress(each(), buttons={"work": work}, quiet=True))
        assert loop.get_task_factory() is before
        assert "stop" not in vars(loop)
        loop.call_soon(loop.stop)
        loop.run_forever()
    finally:
        loop.close()


def test_a_stop_of_the_event_loop_from_another_thread_does_not_end_the_press() -> None:
    async def work(x: int) -> int:
        loop = asyncio.get_running_loop()
        if x == 1:
            thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(loop.stop))
            thread.start()
            await asyncio.sleep(0.05)
        return x

    assert press(each(), buttons={"work": work}, quiet=True).counts["ok"] == 4


@pytest.mark.parametrize("how", ["soon", "in a function", "from its thread", "a task that is not awaited"])
def test_an_exception_in_a_task_of_a_button_fails_its_item(how: str) -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    tasks: list[asyncio.Task[None]] = []

    async def leave() -> None:
        raise SystemExit

    async def later(x: int) -> int:
        loop = asyncio.get_running_loop()
        if x == 1:
            if how == "soon":
                loop.call_soon(loop.stop)
            elif how == "in a function":
                loop.call_soon(lambda: loop.stop())  # noqa: PLW0108 - the call is made within it
            else:
                tasks.append(asyncio.create_task(leave()))
            await asyncio.sleep(0.02)
        return x

    def in_thread(x: int) -> int:
        if x == 1:
            loops[0].call_soon_threadsafe(loops[0].stop)
        return x

    async def main() -> Results:
        loops.append(asyncio.get_running_loop())
        work = in_thread if how == "from its thread" else later
        return await apress(each(), buttons={"work": work}, quiet=True)

    results = asyncio.run(main())
    assert results.counts == {"ok": 3, "failed": 1, "cancelled": 0, "skipped": 0}
    assert results[1].error is not None
    assert "Refused" in results[1].error.message
    for task in tasks:
        task.exception()


def test_a_callback_that_raises_system_exit_does_not_end_the_press() -> None:
    async def work(x: int) -> int:
        if x == 1:
            asyncio.get_running_loop().call_soon(sys.exit, 3)
            await asyncio.sleep(0.02)
        return x

    job = prepare(each(), {}, Options(), Surroundings(named_buttons({"work": work})))
    results = job.press_blocking(NullDisplay())
    assert results.counts["ok"] == 4
    assert job.run.notes == ["a callback on the event loop raised SystemExit: 3; the run continued"]


def test_a_real_interrupt_cancels_the_run_and_leaves_no_keyboard_interrupt() -> None:
    async def work(x: int) -> int:
        if x == 1:
            import _thread

            _thread.interrupt_main()
        await asyncio.sleep(0.5)
        return x

    async def main() -> Results:
        try:
            return await apress(each(10, 2), buttons={"work": work}, quiet=True)
        except DrawerCancelled as error:
            return error.results  # type: ignore[no-any-return]

    loop = asyncio.new_event_loop()
    try:
        results = loop.run_until_complete(main())
    finally:
        loop.close()
    assert results.status == "cancelled"
    assert results.counts["failed"] == 0


def test_an_object_without_the_method_needs_no_guard() -> None:
    shell = SimpleNamespace()
    with refusing(shell, "ask_exit", lambda: RuntimeError("refused")):
        assert not vars(shell)
    assert not vars(shell)
