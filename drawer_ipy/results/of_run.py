"""A table's connection to its run: the record, the story of rows, and retries."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Self

from drawer_ipy.errors import UsageError, did_you_mean
from drawer_ipy.record.loop import LoopOutput
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results.explaining import story_of
from drawer_ipy.results.origin import RetryRequest
from drawer_ipy.results.shown.story import Story
from drawer_ipy.results.table_view import TableView

if TYPE_CHECKING:
    from drawer_ipy.pictures.picture import Picture


class OfRun:
    """The methods of a table that concern its run.

    Attributes:
        view: the rows and columns of the table.
    """

    __slots__ = ("view",)

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
        wanted = self._wanted(dependents, quiet)
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
        wanted = self._wanted(dependents, quiet)
        if wanted is not None:
            try:
                await self.view.origin.apress(wanted)
            finally:
                self.view = self.view.after_another_press()
        return self

    def _wanted(self, dependents: bool, quiet: bool) -> RetryRequest | None:
        """Return what is to be pressed again; ``None`` for nothing."""
        view = self.view
        loop = view.source.loop
        if view.rows is None or loop is None:
            return RetryRequest(None, dependents, quiet) if dependents or view.origin.unfinished() else None
        rows = frozenset(index for index in view.rows if not loop.complete(index))
        return RetryRequest({loop.path[0]: rows}, dependents, quiet) if rows or dependents else None

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

    def timeline(self, *, width: int = 800) -> Picture:
        """Draw when each part of the run ran. A notebook displays it; see ``.svg`` and ``.save(path)``.

        Args:
            width: the width in pixels.
        """
        from drawer_ipy.pictures.timeline import timeline

        return timeline(self.run, width=width)
