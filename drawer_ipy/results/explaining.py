"""The story of one row: its result in each press, step by step."""

from __future__ import annotations

from collections.abc import Sequence

from drawer_ipy.record.loop import LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results.loop_source import LoopSource
from drawer_ipy.results.origin import Origin
from drawer_ipy.results.shown.story import PressStory, Story
from drawer_ipy.results.source import RowSource
from drawer_ipy.results.step_source import StepSource


def story_of(origin: Origin, source: RowSource, index: int) -> Story:
    """Return the story of the row `index` of `source`."""
    presses: list[PressStory] = []
    runs = [*origin.earlier, origin.run]
    for number, (run, place) in enumerate(zip(runs, _places(runs, source, index), strict=True), 1):
        found = None if place is None else _at(run, source, place)
        if found is not None and _came_to(run, *found):
            presses.append(_press(number, run, *found))
    if not presses:
        presses.append(_press(len(origin.earlier) + 1, origin.run, source, index))
    loop = source.loop
    return Story(
        index,
        len(source),
        loop.path[-1] if loop is not None else "",
        loop.label if loop is not None else "step",
        source.item(index),
        origin.run.drawer,
        origin.run.inputs,
        presses,
    )


def _places(runs: Sequence[RunRecord], source: RowSource, index: int) -> list[int | None]:
    """Return the index of the row in each of `runs`; ``None`` in those that did not have its item."""
    places: list[int | None] = [index]
    for run in reversed(runs[1:]):
        place = places[-1]
        loop = None if source.loop is None else _loop(run, source.loop.path[0])
        if place is not None and loop is not None and loop.places is not None:
            known = loop.places
            place = known[place] if place < len(known) and known[place] >= 0 else None
        places.append(place)
    return places[::-1]


def _loop(run: RunRecord, step_id: str) -> LoopRecord | None:
    for step in run.steps:
        if step.id == step_id and isinstance(step.output, LoopOutput):
            return step.output.record
    return None


def _at(run: RunRecord, source: RowSource, index: int) -> tuple[RowSource, int] | None:
    """Return the source and index of the row in `run`; ``None`` if `run` does not have it."""
    if source.loop is not None:
        loop = _loop(run, source.loop.path[0])
        return (LoopSource(loop), index) if loop is not None and index < len(loop.states) else None
    ids = [step.id for step in run.steps]
    wanted = source.item(index)
    return (StepSource(run), ids.index(wanted)) if wanted in ids else None


def _came_to(run: RunRecord, source: RowSource, index: int) -> bool:
    """Whether `run` pressed the row itself and did not only take it from the previous run."""
    if source.loop is not None:
        return source.loop.started[index] > 0
    started = source.started(index)
    return started is not None and started >= run.started


def _press(number: int, run: RunRecord, source: RowSource, index: int) -> PressStory:
    started = source.started(index)
    return PressStory(
        number,
        run.run_id,
        source.status(index),
        started,
        None if started is None or not run.started else max(0.0, started - run.started),
        source.duration(index),
        source.error(index),
        source.steps(index),
        source.waited(index),
    )
