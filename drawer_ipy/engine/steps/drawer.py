"""``kind: drawer``: press another drawer; its ``return`` is the output."""

from __future__ import annotations

from drawer_ipy.definition.steps.drawer import DrawerStep
from drawer_ipy.engine.context import Context, new_run_id
from drawer_ipy.engine.drawers import MAX_DEPTH, press_plan, too_deep
from drawer_ipy.engine.pausing import OneByOne
from drawer_ipy.engine.plan import Compiler, roots_of
from drawer_ipy.engine.step import StepRunner, fail_with
from drawer_ipy.errors import Code, DrawerNotFound, ErrorInfo, ResolveError
from drawer_ipy.expressions import compile_value
from drawer_ipy.record.failures import failures_of
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult


class DrawerRunner(StepRunner):
    """The child's inputs are the resolved args and nothing else."""

    def __init__(self, model: DrawerStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._name = model.drawer
        self._args = compile_value(model.args)
        self._plans, self._backend = compiler.plans, compiler.backend
        self.roots: frozenset[str] = roots_of(self._args)

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Press the child, which has its own run id, record and ``on_error``."""
        if not self._name:
            result.fail(Code.VALIDATION_ERROR, f"step {self.id!r} names no drawer")
            return
        plan = self._plans.named(self._name, self._backend)
        if plan is None:
            fail_with(result, DrawerNotFound(f"no drawer {self._name!r}"))
            return
        depth = ctx.depth + 1
        if depth > MAX_DEPTH:
            result.status, result.error = "failed", too_deep(self._name)
            return
        try:
            args = self._args.resolve(ctx.scope)
        except ResolveError as error:
            fail_with(result, error)
            return
        result.args = ctx.session.redactor.value(args)
        child = RunRecord(new_run_id(), plan.name or self._name)
        try:
            place = ctx.inside(self.id, child.run_id)
            part_of = OneByOne(ctx, result)
            inner = await press_plan(
                plan, args, ctx.session, child, ctx.stop, depth=depth, place=place, part_of=part_of
            )
        finally:
            if ctx.session.on_child is not None:
                ctx.session.on_child(child)
        if child.error is not None:
            result.status = "failed"
            result.error = ErrorInfo(
                Code.SUBDRAWER_FAILED,
                f"drawer {child.drawer!r} (run {child.run_id}) failed: {child.error}",
                child.error.remediation,
                exception=child.error.exception,
            )
            return
        result.inside = failures_of(child)
        if plan.returns is None:
            result.output = {}
            return
        try:
            result.output = plan.returns.resolve(inner.scope)
        except ResolveError as error:
            result.fail(Code.RETURN_ERROR, f"`return` of drawer {child.drawer!r}: {error.message}")
