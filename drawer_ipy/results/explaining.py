"""The story of one row: its result in each press, step by step."""

from __future__ import annotations

from drawer_ipy.record.loop import LoopOutput
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results.loop_source import LoopSource
from drawer_ipy.results.origin import Origin
from drawer_ipy.results.shown.story import PressStory, Story
from drawer_ipy.results.source import RowSource
from drawer_ipy.results.step_source import StepSource


def story_of(origin: Origin, source: RowSource, index: int) -> Story:
    """Return the story of the row `index` of `source`."""
    presses: list[PressStory] = []
    for number, run in enumerate([*origin.earlier, origin.run], 1):
        found = _at(run, source, index)
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


def _at(run: RunRecord, source: RowSource, index: int) -> tuple[RowSource, int] | None:
    """Return the source and index of the row in `run`; ``None`` if `run` does not have it."""
    if source.loop is not None:
        for step in run.steps:
            if step.id == source.loop.path[0] and isinstance(step.output, LoopOutput):
                loop = step.output.record
                return (LoopSource(loop), index) if index < len(loop.states) else None
        return None
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
    )
