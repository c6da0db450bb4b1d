"""``kind: batch`` (reserved in the original): a for_each over chunks of a list."""

from __future__ import annotations

from drawer_ipy.definition.steps.batch import BatchStep
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.plan import Compiler
from drawer_ipy.engine.step import fail_bare
from drawer_ipy.engine.steps.for_each import ForEachRunner, resolve_list
from drawer_ipy.record.step import StepResult


class BatchRunner(ForEachRunner):
    """Binds each chunk of ``size`` entries, a list, to ``as``; the last chunk may be shorter."""

    def __init__(self, model: BatchStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._size = model.size
        self._given = model.over is not None

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Loop over the chunks; output and failures are like those of a ``for_each``."""
        if not self._given or self._size < 1:
            fail_bare(result, "`over` and a `size` from 1 up")
            return
        self.take_up(ctx, result)
        items = resolve_list(self._over, "over", ctx, result)
        if items is None:
            return
        chunks = [items[i : i + self._size] for i in range(0, len(items), self._size)]
        await self.loop(chunks, ctx, result)
