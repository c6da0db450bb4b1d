"""Waiting is a state of its own: what waits, why, for how long, and what is left of it in the end."""

from __future__ import annotations

import asyncio
import json
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from http_rig import RawServer, answer_of, raw_server
from hypothesis import given, settings
from hypothesis import strategies as st
from waits_rig import Watched, watch

from drawer_ipy import Results
from drawer_ipy.definition import DrawerModel
from drawer_ipy.display.progress import Snapshot
from drawer_ipy.record import waits as waits_module
from drawer_ipy.record.loop import PAUSED, RUNNING, STATE_NAMES, WAITING, LoopRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.waits import SHORT, Pause, Reason, Waits, Why, waited


async def quick(x: Any) -> Any:
    await asyncio.sleep(0.002)
    return x


async def slow(x: Any) -> Any:
    await asyncio.sleep(0.15)
    return x


def each(step: dict[str, Any] | None = None, n: int = 4, **fields: Any) -> dict[str, Any]:
    """A loop over numbers that presses `work`, or what `step` says."""
    step = {"id": "work", "button": "work", "args": {"x": "${x}"}, **(step or {})}
    loop = {"id": "each", "kind": "for_each", "over": list(range(n)), "as": "x", "parallelism": 4}
    return {**loop, "on_item_failure": "continue", "steps": [step], **fields}


def failing(times: int) -> Callable[[Any], Any]:
    """A function that fails that often for each value."""
    calls: dict[Any, int] = {}

    def work(x: Any) -> Any:
        calls[x] = calls.get(x, 0) + 1
        if calls[x] <= times:
            raise ValueError(f"call {calls[x]}")
        return x

    return work


RETRY = {"action": "retry", "max_attempts": 3, "backoff": {"strategy": "fixed", "initial_ms": 150}}
QUEUE = {"queue": {"name": "db", "concurrency": 1}}


# Every kind of wait inside a run


@dataclass(frozen=True)
class Case:
    """A drawer in which items wait, the reason, and the functions that it presses."""

    steps: list[dict[str, Any]]
    reason: Reason
    make: Callable[[], Callable[[Any], Any]] = lambda: quick
    fields: tuple[tuple[str, Any], ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    def drawer(self) -> dict[str, Any]:
        return {"name": "t", "steps": self.steps, **dict(self.fields)}


SCRIPT = (("buttons", {"work": {"runtime": "sh", "code": "sleep 0.15", "args": ["x"], **QUEUE}}),)
LIST_OF_RATES = ["100/s", {"limit": "20/s", "cost": 2}]


def many(step: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A loop that takes long enough to be cancelled."""
    return each(step, n=8, **fields)


CASES = {
    "a rate of a loop": Case([many(rate="10/s")], Reason(Why.RATE, "10/s")),
    "rates of a loop": Case([many(rate=LIST_OF_RATES)], Reason(Why.RATE, "20/s")),
    "a rate of a step": Case([many({"rate": "10/s"})], Reason(Why.RATE, "10/s")),
    "rates of a step": Case([many({"rate": LIST_OF_RATES})], Reason(Why.RATE, "20/s")),
    "a rate of a serial loop": Case([many(rate="10/s", parallelism=1)], Reason(Why.RATE, "10/s")),
    "a delay before a retry": Case([many({"on_failure": RETRY})], Reason(Why.BACKOFF), lambda: failing(1)),
    "a queue": Case([many()], Reason(Why.QUEUE, "db"), fields=SCRIPT),
    "the run's concurrency": Case([many()], Reason(Why.QUEUE), lambda: slow, options=(("concurrency", 1),)),
    "a wait step": Case([many({"kind": "wait", "duration": "150ms"})], Reason(Why.STEP, "work")),
    "a step in a branch": Case(
        [many({"kind": "switch", "cases": [{"when": True, "steps": [each({"rate": "10/s"})["steps"][0]]}]})],
        Reason(Why.RATE, "10/s"),
    ),
    "a loop in a loop": Case([many({**each(n=2, rate="10/s"), "id": "work"})], Reason(Why.RATE, "10/s")),
}
for _case in CASES.values():
    for _step in _case.steps[0]["steps"]:
        if _step.get("kind", "button") != "button":
            _step.pop("button", None), _step.pop("args", None)


def press(case: Case, cancel_when: Callable[[Snapshot], bool] | None = None) -> Watched:
    functions = {} if dict(case.fields).get("buttons") else {"work": case.make()}
    return asyncio.run(watch(case.drawer(), buttons=functions, cancel_when=cancel_when, **dict(case.options)))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_item_that_waits_is_paused_and_its_reason_is_known(case: Case) -> None:
    seen = press(case)
    assert seen.results is not None
    assert seen.results.status == "ok", seen.results.run.error
    assert seen.most_paused > 0
    assert case.reason in seen.reasons
    loop = seen.loops[0]
    kept = list(loop.waits or ())
    assert case.reason in {wait.reason for wait in kept}
    assert all(wait.end - wait.begin >= SHORT for wait in kept)
    index = kept[0].item
    assert "waited" in repr(seen.results.explain(index))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_cancelled_while_it_waits_nothing_stays_paused(case: Case) -> None:
    seen = press(case, cancel_when=lambda snapshot: snapshot.paused > 0)  # `watch` checks the loops
    assert seen.results is not None
    assert seen.results.status == "cancelled"
    assert set(seen.results["status"]) <= {"ok", "cancelled", "skipped"}
    loop = seen.loops[0]
    for index, state in enumerate(seen.results["status"]):
        assert (state == "cancelled") <= (loop.started[index] > 0), "what never began is skipped"


def test_an_item_that_waits_for_its_first_turn_has_not_begun() -> None:
    seen = press(CASES["a rate of a loop"], cancel_when=lambda snapshot: snapshot.paused == 3)
    assert seen.results is not None
    # Some of those that waited may have begun by the time at which the run is cancelled.
    begun = [seen.loops[0].started[index] > 0 for index in range(len(seen.results))]
    states = [state == "skipped" for state in seen.results["status"]]
    assert states == [not one for one in begun]
    assert not all(begun)


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_steps_without_a_loop_are_paused_themselves(mode: str) -> None:
    steps: list[dict[str, Any]] = [
        {"id": "nap", "kind": "wait", "duration": "150ms"},
        {"id": "again", "button": "flaky", "args": {"x": 1}, "on_failure": RETRY},
    ]
    seen = asyncio.run(watch({"name": "t", "steps": steps}, buttons={"flaky": failing(2)}, mode=mode))
    assert seen.results is not None
    for step in ("nap", "again"):
        assert {"paused", "ok"} <= seen.statuses[step]
        (result,) = (one for one in seen.results.run.steps if one.id == step)
        ((reason, (times, seconds)),) = waited(result.waits or ()).items()
        assert (reason.why, times) == ((Why.STEP, 1) if step == "nap" else (Why.BACKOFF, 2))
        assert seconds == pytest.approx(0.15 * times, abs=0.1)
    assert any("backoff before a retry, 2 times" in repr(row.explain()) for row in seen.results)


def test_a_step_waits_only_while_all_its_branches_do() -> None:
    nap = {"kind": "wait", "duration": "300ms"}
    split = {
        "id": "both",
        "kind": "split",
        "branches": {
            "a": [{"id": "nap", **nap}],
            "b": [{"id": "work", "button": "slow", "args": {"x": 1}}, {"id": "nap", **nap}],
        },
    }
    seen = asyncio.run(watch({"name": "t", "steps": [split]}, buttons={"slow": slow}))
    assert seen.results is not None
    waits = list(seen.results.run.steps[0].waits or ())
    assert waits[0].begin - seen.results.run.steps[0].started == pytest.approx(0.15, abs=0.08), (
        "b worked first"
    )
    seconds = sum(wait.end - wait.begin for wait in waits)
    assert seconds == pytest.approx(0.3, abs=0.1), "b still waited when a had ended"
    assert seen.statuses["both"] == {"running", "paused", "ok"}


def test_a_sub_drawer_that_waits_pauses_the_step_and_the_item_that_press_it() -> None:
    inner = DrawerModel.model_validate(
        {"name": "inner", "steps": [{"id": "nap", "kind": "wait", "duration": "150ms"}]}
    )
    step = {"id": "work", "kind": "drawer", "drawer": "inner"}
    drawer = {
        "name": "t",
        "steps": [{"id": "one", "kind": "drawer", "drawer": "inner"}, each(n=3, steps=[step])],
    }
    seen = asyncio.run(watch(drawer, drawers={"inner": inner}))
    assert seen.results is not None
    assert seen.results.status == "ok", seen.results.run.error
    assert {"paused", "ok"} <= seen.statuses["one"]
    assert seen.most_paused == 3
    assert {wait.item for wait in seen.loops[0].waits or ()} == {0, 1, 2}


def test_a_loop_is_paused_only_while_all_its_items_are() -> None:
    async def work(x: int) -> int:
        await asyncio.sleep(0.25 if x == 0 else 0.01)
        return x

    drawer = {"name": "t", "steps": [each({"rate": "10/s"}, n=8)]}
    seen = asyncio.run(watch(drawer, buttons={"work": work}))
    assert seen.results is not None
    assert seen.statuses["each"] == {"running", "paused", "ok"}
    (step,) = seen.results.run.steps
    loop = seen.loops[0]
    assert list(step.waits or ())
    for wait in step.waits or ():
        middle = (wait.begin + wait.end) / 2 - loop.began
        begun = {index for index in range(8) if loop.started[index] < middle < loop.finished[index]}
        held = {one.item for one in loop.waits or () if one.begin <= middle <= one.end}
        assert begun
        assert begun <= held


def test_items_that_never_wait_have_nothing_kept() -> None:
    seen = asyncio.run(watch({"name": "t", "steps": [each(n=50)]}, buttons={"work": quick}))
    assert seen.results is not None
    assert seen.loops[0].waits is None
    assert not seen.reasons
    assert "waited" not in repr(seen.results.explain(0))
    assert "waits" not in seen.results.run.to_dict()["steps"][0]


def test_a_fast_rate_is_no_waiting() -> None:
    seen = asyncio.run(watch({"name": "t", "steps": [each(n=100, rate="1000/s")]}, buttons={"work": quick}))
    assert not list(seen.loops[0].waits or ())


def test_presses_with_the_same_arguments_wait_for_the_first() -> None:
    button = {"runtime": "sh", "code": "sleep 0.2; echo 1", "args": ["x"], "cache": "1h"}
    drawer = {"name": "t", "buttons": {"work": button}, "steps": [each({"args": {"x": str(time.time())}})]}
    seen = asyncio.run(watch(drawer))
    assert Reason(Why.SHARED, "work") in seen.reasons
    assert "3 items wait for another to get work" in seen.lines


# Hosts


def sometimes(status: str, every: int, delay: float = 0.02, **headers: str) -> Callable[..., Any]:
    """Answers that refuse request number 3 and then every `every`-th."""
    count = 0

    async def answer(_server: RawServer, _target: str, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        refused = (count - 3) % every == 0
        await asyncio.sleep(delay)
        writer.write(answer_of(b"1", status, **headers) if refused else answer_of(b"1"))

    return answer


async def fetch(
    answer: Callable[..., Any], n: int = 8, watching: dict[str, Any] | None = None, **fields: Any
) -> Watched:
    async with raw_server(answer) as server:
        button = {"url": f"{server.url}/{{{{x}}}}", "args": ["x"], "allow_private_networks": True, **fields}
        drawer = {"name": "t", "buttons": {"work": button}, "steps": [each(n=n)]}
        return await watch(drawer, **(watching or {}))


def in_a_second() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize("retry_after", ["1", "date", ""])
def test_a_host_that_asks_to_wait_is_named_with_the_remaining_time(status: str, retry_after: str) -> None:
    headers = {"Retry_After": in_a_second() if retry_after == "date" else retry_after} if retry_after else {}
    seen = asyncio.run(fetch(sometimes(status, 100, **headers), retries=2))
    assert seen.results is not None
    assert seen.results.status == "ok", seen.results.run.error
    asked = [reason for reason in seen.reasons if reason.why == Why.ASKED]
    assert len(asked) == 1
    host = asked[0].subject
    assert host.startswith("127.0.0.1:")
    first = f"host {host} asks to wait 1 s"
    assert any(line.startswith((first, first.replace("1 s", "2 s"))) for line in seen.lines), seen.lines
    assert any("1 retry" in line for line in seen.lines)
    assert max(snapshot.retries for snapshot in seen.snapshots) == 1
    stories = [repr(seen.results.explain(index)) for index in range(8)]
    assert any(f"s: host asked to wait ({host})" in story for story in stories)


def test_a_step_that_retries_after_a_refusal_waits_for_the_host() -> None:
    async def run() -> Watched:
        async with raw_server(sometimes("429 Too Many", 100, Retry_After="1")) as server:
            button = {"url": f"{server.url}/{{{{x}}}}", "args": ["x"], "allow_private_networks": True}
            step = {"on_failure": {**RETRY, "backoff": {"strategy": "fixed", "initial_ms": 1}}}
            return await watch({"name": "t", "buttons": {"work": button}, "steps": [each(step, n=8)]})

    seen = asyncio.run(run())
    assert seen.results is not None
    assert seen.results.counts["ok"] == 8
    # After a refusal a host gets fewer requests at once, so that one may have to wait for another.
    assert Why.ASKED in {reason.why for reason in seen.reasons} <= {Why.ASKED, Why.BUSY}


def test_requests_over_the_limit_of_a_host_wait_for_it() -> None:
    seen = asyncio.run(fetch(sometimes("200 OK", 100, 0.1), per_host=1))
    (reason,) = seen.reasons
    assert reason.why == Why.BUSY
    assert f"host {reason.subject} is busy: 3 items wait" in seen.lines
    assert seen.most_paused == 3


def test_a_crawl_delay_is_waiting_for_the_host() -> None:
    async def answer(_server: RawServer, target: str, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        rules = b"User-agent: *\nCrawl-delay: 0.2\n" if target == "/robots.txt" else b"1"
        writer.write(answer_of(rules, Content_Type="text/plain"))

    seen = asyncio.run(fetch(answer, n=4, robots=True))
    assert seen.results is not None
    assert seen.results.counts["ok"] == 4
    assert {reason.why for reason in seen.reasons} == {Why.SHARED, Why.BUSY}
    assert any("wait for another to get robots.txt of 127.0.0.1" in line for line in seen.lines)


HOST_WAITS: dict[str, tuple[Callable[[], Callable[..., Any]], dict[str, Any]]] = {
    "Retry-After": (lambda: sometimes("429 Too Many", 100, Retry_After="30"), {"retries": 3}),
    "503": (lambda: sometimes("503 Busy", 1), {"retries": 5}),
    "the limit of a host": (lambda: sometimes("200 OK", 100, 0.3), {"per_host": 1}),
    "a delay before a retry": (lambda: sometimes("500 Broken", 1), {"retries": 5}),
}


@pytest.mark.parametrize("case", HOST_WAITS.values(), ids=HOST_WAITS.keys())
def test_requests_that_are_cancelled_while_they_wait_are_cancelled(case: Any) -> None:
    answer, fields = case
    seen = asyncio.run(
        fetch(answer(), watching={"cancel_when": lambda snapshot: snapshot.paused >= 3}, **fields)
    )
    assert seen.results is not None
    assert seen.results.status == "cancelled"
    assert seen.results.counts["cancelled"] >= 3


def test_a_timeout_of_the_run_ends_waits() -> None:
    seen = asyncio.run(fetch(sometimes("429 No", 1, Retry_After="60"), watching={"timeout": 0.5}, retries=5))
    assert seen.results is not None
    assert seen.results.run.error is not None
    assert seen.results.run.error.code == "TIMEOUT"
    assert seen.results.counts["cancelled"] == 4


def test_a_secret_in_the_name_of_a_host_is_hidden() -> None:
    async def run() -> Watched:
        async with raw_server(sometimes("429 No", 100, Retry_After="1")) as server:
            port = server.url.rpartition(":")[2]
            button = {
                "url": "{{site}}/{{x}}",
                "args": ["site", "x"],
                "allow_private_networks": True,
                "retries": 2,
            }
            step = {"args": {"x": "${x}", "site": "http://127.0.0.1:${inputs.port}"}}
            inputs = {"port": {"type": "string", "secret": True}}
            drawer = {"name": "t", "inputs": inputs, "buttons": {"work": button}, "steps": [each(step)]}
            seen = await watch(drawer, {"port": port})
            shown = str(seen.lines) + str(seen.reasons) + repr([row.explain() for row in seen.results or ()])
            assert port not in shown
            return seen

    assert any(reason.why == Why.ASKED for reason in asyncio.run(run()).reasons)


# The record


def run_with_waits() -> Results:
    seen = asyncio.run(
        watch({"name": "t", "steps": [each({"on_failure": RETRY})]}, buttons={"work": failing(1)})
    )
    assert seen.results is not None
    return seen.results


def test_waits_are_in_the_json_of_a_run_and_survive_pickling() -> None:
    results = run_with_waits()
    (step,) = json.loads(json.dumps(results.run.to_dict()))["steps"]
    assert {"id", "status", "exit_code", "duration_ms", "output", "waits"} == set(step)
    assert set(step["output"]) == {"results", "total"}
    assert len(step["waits"]) == 4
    for wait in step["waits"]:
        assert wait.keys() == {"reason", "item", "step", "at_ms", "duration_ms"}
        assert (wait["reason"], wait["step"]) == ("backoff", "work")
        assert 100 <= wait["duration_ms"] <= 600
    again = pickle.loads(pickle.dumps(results))
    assert repr(again.explain(2)) == repr(results.explain(2))
    assert again.timeline().svg == results.timeline().svg
    assert "backoff before a retry" in repr(again.explain(2))


def test_after_a_retry_of_the_table_each_press_has_its_own_waits() -> None:
    results = run_with_waits()
    before = repr(results.explain(0))
    results.retry()
    assert repr(results.explain(0)) == before


def paused_loop(n: int = 4) -> LoopRecord:
    return LoopRecord(("each",), "x", range(n), ["a", "b"], 4)


def test_pauses_of_one_item_may_be_nested_and_end_in_any_order() -> None:
    loop = paused_loop()
    loop.move(1, RUNNING)
    outer, inner = Pause(Reason(Why.SHARED, "s")), Pause(Reason(Why.ASKED, "h"))
    assert loop.pause(1, outer, "b")
    assert loop.pause(1, inner, "b")
    assert (loop.states[1], loop.counts[PAUSED], loop.counts[RUNNING]) == (PAUSED, 1, 0)
    loop.resume(1, outer)
    assert loop.states[1] == PAUSED
    loop.resume(1, inner)
    assert (loop.states[1], loop.counts[RUNNING]) == (RUNNING, 1)
    loop.resume(1, inner)
    assert loop.states[1] == RUNNING


def test_what_has_ended_cannot_be_paused() -> None:
    loop = paused_loop()
    loop.move(0, RUNNING)
    pause = Pause(Reason(Why.BUSY, "h"))
    loop.pause(0, pause)
    loop.move(0, 4)
    loop.resume(0, pause)
    assert loop.states[0] == 4
    assert not loop.pause(0, pause)
    assert loop.states[0] == 4
    assert sum(loop.counts) == 4
    step = StepResult("s", status="ok", finished=1.0)
    step.pause(pause, 2.0)
    assert step.status == "ok"


def test_an_item_paused_before_it_begins_returns_to_waiting() -> None:
    loop = paused_loop()
    pause = Pause(Reason(Why.RATE, "1/s"))
    loop.pause(3, pause)
    assert not loop.has_begun(3)
    loop.resume(3, pause)
    assert loop.states[3] == WAITING
    assert loop.counts == [4, 0, 0, 0, 0, 0, 0]


def test_the_number_of_intervals_is_limited_and_the_longest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits_module, "MOST", 100)
    waits, now = Waits(), 0.0
    for index in range(5_000):
        pause = Pause(Reason(Why.RATE, "5/s"))
        waits.begin(index, pause, 0, now)
        now += 100.0 if index % 1000 == 7 else 0.1 + index / 1e5
        waits.end(index, pause, now)
    assert 50 <= len(waits) <= 100
    assert [wait.item for wait in waits if wait.end - wait.begin > 50] == [7, 1007, 2007, 3007, 4007]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["begin", "pause", "resume", "end"])), max_size=60)
)
def test_counts_always_add_up_to_the_items(actions: list[tuple[int, str]]) -> None:
    loop = paused_loop()
    pauses: dict[int, list[Pause]] = {}
    for index, action in actions:
        if action == "begin" and loop.states[index] == WAITING:
            loop.move(index, RUNNING)
        elif action == "pause":
            pause = Pause(Reason(Why.QUEUE, str(index)))
            loop.pause(index, pause)
            pauses.setdefault(index, []).append(pause)
        elif action == "resume" and pauses.get(index):
            loop.resume(index, pauses[index].pop(0))
        elif action == "end" and loop.states[index] == RUNNING:
            loop.move(index, 2)
        assert [loop.states.count(state) for state in range(len(STATE_NAMES))] == loop.counts
        assert all(bool(pauses.get(i)) for i in range(4) if loop.states[i] == PAUSED)
    for index, several in pauses.items():
        for pause in several:
            loop.resume(index, pause)
    assert loop.counts[PAUSED] == 0


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=12),
    st.integers(0, 6),
    st.sampled_from(["50/s", "20/s", ["40/s", "200/s"], None]),
    st.sampled_from([None, 1, 2]),
    st.one_of(st.none(), st.floats(0.0, 0.4)),
)
def test_whatever_waits_every_item_ends_in_one_state(
    rows: list[tuple[int, bool]], width: int, rate: Any, concurrency: int | None, cancel_after: float | None
) -> None:
    async def work(x: int) -> int:
        ticks, fails = rows[x]
        await asyncio.sleep(ticks * 0.02)
        if fails:
            raise ValueError(x)
        return x

    backoff = {"strategy": "fixed", "initial_ms": 40}
    step = {"on_failure": {"action": "retry", "max_attempts": 2, "backoff": backoff}}
    loop = each(step, n=len(rows), parallelism=width, **({} if rate is None else {"rate": rate}))
    seen = asyncio.run(
        watch(
            {"name": "t", "steps": [loop]},
            buttons={"work": work},
            concurrency=concurrency,
            cancel_when=None if cancel_after is None else lambda snapshot: snapshot.elapsed >= cancel_after,
        )
    )  # `watch` checks the sums all the time, and that nothing is left paused
    assert seen.results is not None
    for snapshot in seen.snapshots:
        states = (snapshot.left, snapshot.running, snapshot.paused, snapshot.ok, snapshot.failed)
        assert sum((*states, snapshot.cancelled, snapshot.skipped)) == snapshot.total
    assert sum(seen.results.counts.values()) == len(rows)
