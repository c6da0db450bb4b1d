"""What a table knows of the run that it shows: its record, its story, and how to press it again."""

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
    """The part of a table that is about its run.

    Attributes:
        view: which rows and columns the table shows.
    """

    __slots__ = ("view",)

    view: TableView

    @classmethod
    def showing(cls, view: TableView) -> Self:
        """A table of the rows and columns of `view`."""
        table = object.__new__(cls)
        table.view = view
        return table

    @property
    def run(self) -> RunRecord:
        """The full record of the run; ``.run.to_dict()`` is fit for JSON."""
        return self.view.run

    @property
    def status(self) -> str:
        """The run's status: ``running``, ``ok``, ``failed`` or ``cancelled``."""
        return self.run.status

    @property
    def output(self) -> Any:
        """What the run's last step gave; ``None`` when no step ran."""
        return self.run.steps[-1].output if self.run.steps else None

    def step(self, step_id: str) -> Self:
        """The table of another loop of this run.

        Raises:
            UsageError: there is no such step, or it is not a ``for_each``.
        """
        for step in self.run.steps:
            if step.id == step_id:
                if isinstance(step.output, LoopOutput):
                    origin = self.view.origin
                    return self.showing(TableView(origin, origin.source(step.output.record)))
                raise UsageError(
                    f"step {step_id!r} looped over nothing, so there is no table of it",
                    remediation=f"its output is results.run.step({step_id!r}).output",
                )
        ids = [step.id for step in self.run.steps]
        near = did_you_mean(step_id, ids)
        raise UsageError(
            f"no step {step_id!r} in this run" + (f"; {near}" if near else ""),
            remediation=f"steps that ran: {', '.join(ids) or 'none'}",
        )

    def retry(self, *, dependents: bool = False, quiet: bool = False) -> Self:
        """Press again what did not end ok: rows that failed, were cancelled or skipped, and steps likewise.

        What ended ok is kept as it is; of an ok row whose inner loops went on over failures, the items that
        failed there are pressed. Rows that end ok now take their places, here and in every other
        table of this run; :meth:`explain` tells of the earlier presses. Of a part of the table, such as
        ``results.failed[:10]``, only these rows are pressed again. Definition, inputs and options are
        those of the first press; buttons are looked up again, so that a function mended since is used.
        Within an item, nested steps that ended ok are kept up to the first that is pressed again. An
        interrupt keeps what had ended, and what was not reached stays as it was. Nothing happens when all
        is ok.

        Args:
            dependents: also press later steps again that ended ok but used what has changed since.
            quiet: show no progress.

        Returns:
            This table.

        Raises:
            UsageError: the run was not pressed in this process, or still goes on.
            DefinitionError: what the drawer needs is not there any more; nothing has run.
        """
        wanted = self._wanted(dependents, quiet)
        if wanted is not None:
            self.view.origin.press(wanted)
            self.view = self.view.after_another_press()
        return self

    async def aretry(self, *, dependents: bool = False, quiet: bool = False) -> Self:
        """The twin of :meth:`retry` for code that awaits: it presses on the current event loop.

        Raises:
            asyncio.CancelledError: when the caller is cancelled; what had ended is in the table.
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
        """What is to be pressed again, ``None`` for nothing."""
        view = self.view
        loop = view.source.loop
        if view.rows is None or loop is None:
            return RetryRequest(None, dependents, quiet) if dependents or view.origin.unfinished() else None
        rows = frozenset(index for index in view.rows if not loop.complete(index))
        return RetryRequest({loop.path[0]: rows}, dependents, quiet) if rows or dependents else None

    def explain(self, position: int) -> Story:
        """The whole story of one row: its item, each step's arguments, attempts, output, captured text,
        error and times, and what earlier presses made of it. It shows itself as text and as HTML.

        Args:
            position: as in ``results[position]``; ``row.explain()`` is the same of a row.

        Raises:
            IndexError: there is no such row.
            TypeError: `position` is not a whole number.
        """
        try:
            place = operator.index(position)
        except TypeError:
            raise TypeError(
                f"explain() takes a row's position, such as 3 or -1, not {type(position).__name__}"
            ) from None
        return story_of(self.view.origin, self.view.source, self.view.index_at(place))

    def timeline(self, *, width: int = 800) -> Picture:
        """What ran when, in the whole run: a picture that shows itself; ``.svg`` and ``.save(path)``.

        Args:
            width: pixels.
        """
        from drawer_ipy.pictures.timeline import timeline

        return timeline(self.run, width=width)
