"""The whole story of one row: what each press made of it, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.run import LoopOutput, RunRecord
from drawer_ipy.results.loop_source import LoopSource
from drawer_ipy.results.row import StepCell
from drawer_ipy.results.source import Source
from drawer_ipy.results.step_source import StepSource

if TYPE_CHECKING:
    from drawer_ipy.results.origin import Origin


@dataclass(frozen=True, slots=True)
class Press:
    """What one press of the drawer made of a row.

    Attributes:
        number: 1 for the first press of the drawer, 2 for its first retry.
        run_id: of that press.
        status: as of a row.
        started: seconds since the epoch, ``None`` when the row was never begun; `offset` is the same since
            the press began, `seconds` how long the row took.
        error: id of the step that decided, and why; ``None`` when it is ok or was never begun.
        steps: what each nested step did, by id; those not run included.
    """

    number: int
    run_id: str
    status: str
    started: float | None
    offset: float | None
    seconds: float | None
    error: tuple[str, ErrorInfo] | None
    steps: Mapping[str, StepCell]


@dataclass(frozen=True, slots=True, repr=False)
class Story:
    """What :meth:`Results.explain` tells; its repr is for people, as text and as HTML.

    Attributes:
        index: the row's place in the input; `count` is how many rows there are.
        where: the loop's id, ``""`` for a run without a loop.
        label: the loop variable's name.
        item: the item.
        drawer: the drawer's name.
        inputs: what the run was given, secrets redacted.
        presses: those that came to this row, the earliest first; the last one is what the table shows.
    """

    index: int
    count: int
    where: str
    label: str
    item: Any
    drawer: str
    inputs: Mapping[str, Any]
    presses: list[Press] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The row's status now."""
        return self.presses[-1].status

    @property
    def error(self) -> ErrorInfo | None:
        """Why the row failed, ``None`` when it did not."""
        found = self.presses[-1].error
        return None if found is None else found[1]

    @property
    def steps(self) -> Mapping[str, StepCell]:
        """What each step did for the row, by id."""
        return self.presses[-1].steps

    def __repr__(self) -> str:
        from drawer_ipy.results.shown.story import story_text

        return story_text(self)

    def _repr_html_(self) -> str:
        from drawer_ipy.results.shown.story import story_html

        return story_html(self)


def story_of(origin: Origin, source: Source, index: int) -> Story:
    """The story of the row `index` of `source`."""
    presses: list[Press] = []
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


def _at(run: RunRecord, source: Source, index: int) -> tuple[Source, int] | None:
    """Where `run` tells of the row; ``None`` where it does not."""
    if source.loop is not None:
        for step in run.steps:
            if step.id == source.loop.path[0] and isinstance(step.output, LoopOutput):
                loop = step.output.record
                return (LoopSource(loop), index) if index < len(loop.states) else None
        return None
    ids = [step.id for step in run.steps]
    wanted = source.item(index)
    return (StepSource(run), ids.index(wanted)) if wanted in ids else None


def _came_to(run: RunRecord, source: Source, index: int) -> bool:
    """Whether `run` itself pressed the row, and did not only take it over from the one before."""
    if source.loop is not None:
        return source.loop.started[index] > 0
    started = source.started(index)
    return started is not None and started >= run.started


def _press(number: int, run: RunRecord, source: Source, index: int) -> Press:
    started = source.started(index)
    return Press(
        number,
        run.run_id,
        source.status(index),
        started,
        None if started is None or not run.started else max(0.0, started - run.started),
        source.duration(index),
        source.error(index),
        source.steps(index),
    )
