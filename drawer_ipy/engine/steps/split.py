"""``kind: split`` (reserved in the original): run named branches concurrently."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drawer_ipy.common.cancellation import Stop
from drawer_ipy.definition.steps.split import SplitStep
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.group import Enough, run_group
from drawer_ipy.engine.pausing import Branches
from drawer_ipy.engine.plan import Compiler, outer_roots
from drawer_ipy.engine.step import StepRunner, fail_bare, press_in_order
from drawer_ipy.record.step import StepResult


class SplitRunner(StepRunner):
    """Its output is ``{branch name: output of the branch's last step}``.

    The first branch that fails cancels the others and fails the step; the outputs of branches that have
    already finished are kept. Branches do not see each other's steps.
    """

    def __init__(self, model: SplitStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._branches = {name: compiler.steps(steps) for name, steps in model.branches.items()}
        self.roots: frozenset[str] = frozenset().union(
            *(outer_roots(steps) for steps in self._branches.values())
        )

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Run all branches until they finish or one fails."""
        if not self._branches:
            fail_bare(result, "`branches`")
            return
        ended: dict[str, Any] = {}
        failures: dict[str, StepResult] = {}
        branches = Branches(ctx, result, len(self._branches))

        async def branch(name: str, steps: list[StepRunner], stop: Stop) -> None:
            started: list[StepResult] = []
            inner = ctx.within(result, branches).under(stop)
            try:
                failed = await press_in_order(steps, inner, started.append)
            finally:
                branches.ended()
            if failed is not None:
                failures[name] = failed
                raise Enough
            # From the scope: secrets are redacted in the result's copy.
            ended[name] = inner.scope[started[-1].id]["output"] if started else None

        try:
            with ctx.stop.inner() as stop:
                members = (branch(name, steps, stop) for name, steps in self._branches.items())
                await run_group(members, stop)
        finally:
            # In the order of the definition, not in order of completion.
            result.output = {name: ended[name] for name in self._branches if name in ended}
        if failures:
            name = next(name for name in self._branches if name in failures)
            error = failures[name].error
            assert error is not None
            message = f"branch {name!r} failed at step {failures[name].id!r}: {error.message}"
            result.status = "failed"
            result.error = replace(error, message=message)
