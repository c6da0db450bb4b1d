"""A top-level step of a run that is recorded ahead (:mod:`~drawer_ipy.engine.ledger`)."""

from __future__ import annotations

from drawer_ipy.engine.context import Context
from drawer_ipy.engine.ledger import Ledger
from drawer_ipy.engine.step import StepRunner
from drawer_ipy.record.step import StepResult


class RecordedStep(StepRunner):
    """Presses a step once it is recorded that the step has begun, and waits until its result is recorded.

    Args:
        step: the step.
        ledger: the ledger of the run.
    """

    def __init__(self, step: StepRunner, ledger: Ledger) -> None:
        self.id: str = step.id
        self.roots: frozenset[str] = step.roots
        self.inner_roots: frozenset[str] | None = step.inner_roots
        self._step = step
        self._ledger = ledger

    async def press(self, ctx: Context, result: StepResult) -> bool:
        """See :meth:`StepRunner.press`."""
        await self._ledger.step_begins()
        try:
            return await self._step.press(ctx, result)
        finally:
            await self._ledger.step_ended(result)
