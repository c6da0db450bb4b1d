"""Presses drawers and watches what waits meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy import Results
from drawer_ipy.display.outline import Outline
from drawer_ipy.display.progress import ProgressState, Snapshot
from drawer_ipy.display.wording import waits_text
from drawer_ipy.engine.events import Listeners, LoopStarted
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons
from drawer_ipy.record.loop import LoopRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.waits import Pause, Reason


@dataclass
class Watched:
    """What was seen during a run.

    Attributes:
        results: its table.
        snapshots: the progress, some hundred times a second.
        reasons: the reasons that items and steps waited for at any time.
        statuses: the statuses of the steps by id, at any time.
        most_paused: most items paused at once.
        loops: all loops, in the order in which they began.
    """

    results: Results | None = None
    snapshots: list[Snapshot] = field(default_factory=list)
    reasons: set[Reason] = field(default_factory=set)
    statuses: dict[str, set[str]] = field(default_factory=dict)
    most_paused: int = 0
    loops: list[LoopRecord] = field(default_factory=list)

    @property
    def lines(self) -> set[str]:
        """The lines about waiting that a display would have shown."""
        return {waits_text(snapshot) for snapshot in self.snapshots} - {""}


class _Display:
    def __init__(self, seen: Watched) -> None:
        self.state, self.outline, self.seen = ProgressState(), Outline(), seen

    def attach(self, listeners: Listeners, _cancel: Callable[[], None]) -> None:
        self.state.attach(listeners)
        self.outline.attach(listeners)
        listeners.on(LoopStarted, lambda event: self.seen.loops.append(event.loop))

    def detach(self) -> None: ...
    def close(self, results: Any) -> None: ...


async def watch(
    drawer: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    *,
    cancel_when: Callable[[Snapshot], bool] | None = None,
    **options: Any,
) -> Watched:
    """Press `drawer` on this event loop and watch it.

    Args:
        cancel_when: cancels the run as soon as it is true of a snapshot.
        options: ``buttons``, functions by name; ``drawers``, models by name; and options of a press.
    """
    seen = Watched()
    display = _Display(seen)
    buttons, drawers = options.pop("buttons", None), options.pop("drawers", {})
    around = Surroundings(registered=named_buttons(buttons), drawers=drawers)
    job = prepare(dict(drawer), dict(inputs or {}), Options(**options), around)
    pressing = asyncio.ensure_future(job.press(display))
    cancelled = False
    while not pressing.done():
        await asyncio.sleep(0.004)
        snapshot = display.state.snapshot(display.state.clock())
        seen.snapshots.append(snapshot)
        seen.most_paused = max(seen.most_paused, snapshot.paused)
        for row in display.outline.rows():
            seen.statuses.setdefault(row.name, set()).add(row.status)
        for loop in seen.loops:
            assert sum(loop.counts) == len(loop.states)
            assert [loop.states.count(state) for state in range(len(loop.counts))] == loop.counts
            seen.reasons |= {
                pause.reason for _, pause in (loop.waits.now() if loop.waits is not None else ())
            }
        for step in job.run.record.steps:
            seen.reasons |= {
                pause.reason for _, pause in (step.waits.now() if step.waits is not None else ())
            }
        if cancel_when is not None and not cancelled and cancel_when(snapshot):
            cancelled = True
            job.run.cancel()
    await pressing
    seen.results = job.results
    assert_at_rest(seen)
    return seen


def assert_at_rest(seen: Watched) -> None:
    """Nothing waits any more, and every item is in one of the states in which items end."""
    assert seen.results is not None
    for loop in seen.loops:
        waiting, running, *_, paused = loop.counts
        assert waiting == running == paused == 0
        assert sum(loop.counts) == len(loop.states)
        assert not _pauses(loop)
        for wait in loop.waits or ():
            assert 0 <= wait.begin <= wait.end
            assert 0 <= wait.item < len(loop)
    for step in seen.results.run.steps:
        assert step.status not in ("running", "paused")
        assert not _pauses(step)


def _pauses(of: LoopRecord | StepResult) -> list[Pause]:
    return [] if of.waits is None else [pause for _, pause in of.waits.now()]
