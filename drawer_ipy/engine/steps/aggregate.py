"""``kind: aggregate``: evaluate one expression for each entry of a list."""

from __future__ import annotations

import asyncio
import time

from drawer_ipy.definition.steps.aggregate import AggregateStep
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.plan import Compiler, roots_of
from drawer_ipy.engine.pool import GIVE_WAY
from drawer_ipy.engine.step import StepRunner
from drawer_ipy.engine.steps.for_each import compile_over, resolve_list
from drawer_ipy.errors import Code, ResolveError
from drawer_ipy.record.step import StepResult


class AggregateRunner(StepRunner):
    """Its output is ``{values, count}``; in ``pluck``, ``item`` is the entry."""

    def __init__(self, model: AggregateStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._from = compile_over(model.from_)
        self._pluck = compile_over(model.pluck)
        self._complete = model.from_ not in (None, "") and model.pluck not in (None, "")
        self.roots: frozenset[str] = roots_of(self._from) | (roots_of(self._pluck) - {"item"})

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Evaluate ``pluck`` for every entry; the first failure fails the step."""
        if not self._complete:
            result.fail(Code.VALIDATION_ERROR, f"step {self.id!r} needs both `from` and `pluck`")
            return
        entries = resolve_list(self._from, "from", ctx, result)
        if entries is None:
            return
        scope = dict(ctx.scope)
        values = []
        gave_way = time.perf_counter()
        for index, entry in enumerate(entries):
            if index % 100 == 0 and time.perf_counter() - gave_way > GIVE_WAY:
                await asyncio.sleep(0)
                gave_way = time.perf_counter()
            scope["item"] = entry
            try:
                values.append(self._pluck.resolve(scope))
            except ResolveError as error:
                result.fail(
                    error.code, f"`pluck` failed at entry {index}: {error.message}", error.remediation
                )
                return
        result.output = {"values": values, "count": len(values)}
