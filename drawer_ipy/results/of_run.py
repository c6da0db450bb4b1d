"""A table's connection to its run: the record, the story of rows, and retries."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Self

from drawer_ipy.common.short_repr import shown
from drawer_ipy.errors import UsageError, did_you_mean
from drawer_ipy.record.loop import LoopOutput
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results.explaining import story_of
from drawer_ipy.results.retrying import request_of
from drawer_ipy.results.shown.story import Story
from drawer_ipy.results.table_view import TableView

if TYPE_CHECKING:
    from drawer_ipy.pictures.picture import Picture


class OfRun:
    """The methods of a table that concern its run.

    Attributes:
        view: the rows and columns of the table.
    """

    # Displays hold tables weakly.
    __slots__ = ("__weakref__", "view")

    view: TableView

    @classmethod
    def showing(cls, view: TableView) -> Self:
        """Return a table of the rows and columns of `view`."""
        table = object.__new__(cls)
        table.view = view
        return table

    @property
    def run(self) -> RunRecord:
        """The full record of the run; ``.run.to_dict()`` returns it as JSON values."""
        return self.view.run

    @property
    def status(self) -> str:
        """The run's status: ``running``, ``ok``, ``failed`` or ``cancelled``."""
        return self.run.status

    @property
    def output(self) -> Any:
        """The output of the run's last step; ``None`` if no step ran."""
        return self.run.steps[-1].output if self.run.steps else None

    def step(self, step_id: str) -> Self:
        """Return the table of another loop of this run.

        Raises:
            UsageError: there is no such step, or it is not a ``for_each``.
        """
        for step in self.run.steps:
            if step.id == step_id:
                if isinstance(step.output, LoopOutput):
                    origin = self.view.origin
                    return self.showing(TableView(origin, origin.source(step.output.record)))
                raise UsageError(
                    f"step {step_id!r} has no table: it is not a for_each, or its loop did not start",
                    remediation=f"read its output with results.run.step({step_id!r}).output",
                )
        ids = [step.id for step in self.run.steps]
        near = did_you_mean(step_id, ids)
        raise UsageError(
            f"there is no step {step_id!r} in this run" + (f"; {near}" if near else ""),
            remediation=f"steps that ran: {', '.join(ids) or 'none'}",
        )

    def retry(self, *, dependents: bool = False, quiet: bool = False) -> Self:
        """Press again the rows and steps that did not end ok: failed, cancelled and skipped ones.

        Results that are ok are kept; in an ok row whose nested loops tolerated failures, the failed items are
        pressed. New results replace the old ones in this and every other table of the run; :meth:`explain`
        shows the earlier presses. For a part of the table, such as ``results.failed[:10]``, only these rows
        are pressed again. Definition, inputs and options are those of the first press; buttons are looked up
        again, so that a function fixed in the meantime is used.
        In an item, nested steps that ended ok are kept up to the first that is pressed again. After an
        interrupt, what had ended is kept, and what was not reached is unchanged. If everything is ok, nothing
        happens.

        Args:
            dependents: also repeat later steps that ended ok but used values that have changed.
            quiet: do not show progress.

        Returns:
            This table.

        Raises:
            UsageError: the run was not pressed in this process, or is still running.
            DefinitionError: something that the drawer needs no longer exists; nothing has run.
        """
        wanted = request_of(self.view, dependents=dependents, quiet=quiet)
        if wanted is not None:
            self.view.origin.press(wanted)
            self.view = self.view.after_another_press()
        return self

    async def aretry(self, *, dependents: bool = False, quiet: bool = False) -> Self:
        """Retry on the current event loop; the async counterpart of :meth:`retry`.

        Raises:
            asyncio.CancelledError: the caller was cancelled; the table contains what had ended.
            DrawerError: as :meth:`retry`.
        """
        wanted = request_of(self.view, dependents=dependents, quiet=quiet)
        if wanted is not None:
            try:
                await self.view.origin.apress(wanted)
            finally:
                self.view = self.view.after_another_press()
        return self

    def explain(self, position: int) -> Story:
        """Return the story of one row: its item, each step's arguments, attempts, output, captured text,
        error and times, and the results of earlier presses. It is displayed as text or HTML.

        Args:
            position: as in ``results[position]``. ``row.explain()`` does the same for a row.

        Raises:
            IndexError: there is no such row.
            TypeError: `position` is not an integer.
        """
        try:
            place = operator.index(position)
        except TypeError:
            raise TypeError(
                f"explain() needs a row's position, such as 3 or -1, not {type(position).__name__}"
            ) from None
        return story_of(self.view.origin, self.view.source, self.view.index_at(place))

    def timeline(self, *, width: int = 800, axis: Any = None) -> Picture:
        """Draw when each part of the run ran. A notebook displays it; see ``.svg`` and ``.save(path)``.

        A bar is solid while its item or step worked, and an outline while it waited.

        Args:
            width: the width in pixels; less than 320 is drawn as 320.
            axis: another table, or a list of tables, whose runs are drawn below this one with the same number
                of pixels per second. Each run starts at 0.

        Raises:
            UsageError: `width` is not a number of pixels, or `axis` is not a table.
        """
        from drawer_ipy.pictures.timeline import timeline

        return timeline(self.run, *_runs_of(axis), width=_pixels(width))


_WIDEST = 20_000
_MOST_RUNS = 20


def _pixels(width: Any) -> int:
    """Return `width` as a whole number of pixels. Raises UsageError if it is not a number, or too large."""
    number = None if isinstance(width, bool | str | bytes) else width
    try:
        pixels = round(float(number))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise UsageError(
            f"timeline(width=...) must be a number of pixels, not {shown(width)}",
            remediation="for example timeline(width=1200)",
        ) from None
    if not 0 < pixels <= _WIDEST:
        raise UsageError(
            f"timeline(width=...) must be a number of pixels from 1 to {_WIDEST:,}, not {shown(width)}",
            remediation="for example timeline(width=1200)",
        )
    return pixels


def _runs_of(axis: Any) -> list[RunRecord]:
    """Return the runs of the table `axis`, or of a list of tables. Raises UsageError."""
    if axis is None:
        return []
    found = _run_of(axis)
    if found is not None:
        return [found]
    given = list(axis) if isinstance(axis, list | tuple) else [axis]
    runs = [_run_of(one) for one in given]
    for place, (one, run) in enumerate(zip(given, runs, strict=True)):
        if run is None:
            entry = f": entry {place}" if isinstance(axis, list | tuple) else ""
            raise UsageError(
                f"timeline(axis=...){entry} must be a table of results, not {shown(one)}",
                remediation="give the results of another run, as in timeline(axis=before), or a list of them",
            )
    if len(runs) > _MOST_RUNS:
        raise UsageError(f"timeline(axis=...) takes up to {_MOST_RUNS} tables, not {len(runs):,}")
    return [run for run in runs if run is not None]


def _run_of(value: Any) -> RunRecord | None:
    """Return the run of a table, or of what has one: a background run, an error of a failed run."""
    if isinstance(value, RunRecord):
        return value
    if not isinstance(value, OfRun):
        value = getattr(value, "results", None)
    return value.run if isinstance(value, OfRun) else None
