"""``kind: switch``: run the first case whose ``when`` is true, or else the default steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawer_ipy.definition.steps.switch import SwitchStep
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.plan import Compiler, outer_roots, roots_of
from drawer_ipy.engine.step import StepRunner, fail_with, press_in_order
from drawer_ipy.errors import Code, ResolveError
from drawer_ipy.expressions import compile_expression, compile_value
from drawer_ipy.record.step import StepResult


class SwitchRunner(StepRunner):
    """Its output is ``{matched, steps}``; cases after the first match are not evaluated."""

    def __init__(self, model: SwitchStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._cases = [
            (
                case.id or f"case-{i}",
                compile_expression(case.when) if isinstance(case.when, str) else compile_value(case.when),
                compiler.steps(case.steps),
            )
            for i, case in enumerate(model.cases)
        ]
        self._default = compiler.steps(model.steps)
        self.roots: frozenset[str] = outer_roots(self._default).union(
            *(roots_of(when) | outer_roots(steps) for _, when, steps in self._cases)
        )

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Choose a branch and run it; if it fails, this step fails with the same error."""
        branch = self._choose(ctx, result)
        if branch is None:
            return
        matched, steps = branch
        done: dict[str, dict[str, Any]] = {}
        result.output = {"matched": matched, "steps": done}
        started: list[StepResult] = []
        # Steps outside see a branch's results only through this step's output.
        inner = ctx.within(result)
        try:
            failed = await press_in_order(steps, inner, started.append)
        finally:
            done.update((r.id, nested_entry(r, inner.scope)) for r in started)
        if failed is not None:
            result.status = "failed"
            result.error = failed.error

    def _choose(self, ctx: Context, result: StepResult) -> tuple[str, list[StepRunner]] | None:
        for case_id, when, steps in self._cases:
            try:
                value = when.resolve(ctx.scope)
            except ResolveError as error:
                fail_with(result, error)
                return None
            if not isinstance(value, bool):
                result.fail(
                    Code.VALIDATION_ERROR,
                    f"`when` of case {case_id!r} must be true or false, not {type(value).__name__}",
                    "compare it with something, e.g. ${inputs.n > 0}",
                )
                return None
            if value:
                return case_id, steps
        return ("default", self._default) if self._default else ("", [])


def nested_entry(result: StepResult, scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a nested step in its parent's output: ``{status, output, error}``.

    The output comes from the `scope` it ran in, since secrets are redacted in the result's copy.
    """
    ended = result.status not in ("running", "paused", "cancelled")
    return {
        "status": result.status,
        "output": scope[result.id]["output"] if ended else result.output,
        "error": None if result.error is None else result.error.to_record(),
    }
