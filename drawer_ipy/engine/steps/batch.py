"""``kind: batch`` (reserved in the original): a for_each over chunks of a list."""

from __future__ import annotations

from typing import Any

from drawer_ipy.definition.steps.batch import BatchStep
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.item_source import ItemSource
from drawer_ipy.engine.plan import Compiler
from drawer_ipy.engine.step import fail_bare
from drawer_ipy.engine.steps.for_each import ForEachRunner, Items, resolve_as
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
        earlier = self.take_up(ctx, result)
        size = self._size

        def convert(value: Any) -> Items | None:
            return self.items_of(value, ctx, earlier, size)

        items: Items | None = resolve_as(convert, self._over, "over", ctx, result)
        if items is None:
            return
        if isinstance(items, ItemSource):  # of chunks
            await self.loop(items, ctx, result)
            return
        chunks = [items[i : i + size] for i in range(0, len(items), size)]
        await self.loop(chunks, ctx, result)
