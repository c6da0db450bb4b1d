"""Graph mode: each step starts the moment the steps its references name have ended, with no waves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from drawer_ipy.engine.context import Context
from drawer_ipy.engine.group import Enough, run_group
from drawer_ipy.engine.step import Step
from drawer_ipy.errors import Code, DrawerError
from drawer_ipy.expressions import alias_of
from drawer_ipy.record.step import StepResult


def dependencies(steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    """Step id -> ids of the steps its references name, its own left out."""
    ids = frozenset(step.id for step in steps)
    return {
        step.id: frozenset(named for root in step.roots if (named := _named(root, ids))) - {step.id}
        for step in steps
    }


def _named(root: str, ids: frozenset[str]) -> str | None:
    """The step that the first name of a reference stands for, ``None`` when it is not a step.

    ``a-1`` may be the step ``a`` and a minus, and ``my_step`` may stand for ``my-step``.
    """
    if root in ids:
        return root
    if (alias := alias_of(root, ids)) in ids:
        return alias
    parts = root.split("-")
    heads = ("-".join(parts[:n]) for n in range(len(parts) - 1, 0, -1))
    return next((head for head in heads if head in ids), None)


def find_cycle(needs: Mapping[str, frozenset[str]]) -> list[str]:
    """Ids on one cycle, in order, or ``[]`` when there is none."""
    done: set[str] = set()
    for start in needs:
        path: list[str] = []
        stack = [(start, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                path.pop()
                done.add(node)
            elif node in path:
                return path[path.index(node) :]
            elif node not in done:
                path.append(node)
                stack.append((node, True))
                stack.extend((need, False) for need in sorted(needs[node]))
    return []


async def press_graph(
    steps: Sequence[Step],
    ctx: Context,
    begun: Callable[[StepResult], None],
    ended: Callable[[StepResult], None],
    *,
    go_on: bool = False,
) -> StepResult | None:
    """Press `steps` by their references.

    Args:
        go_on: after a failure run what does not depend on it; otherwise cancel what is in flight.

    Returns:
        The first step in the order of the definition that really failed, ``None`` when none did.

    Raises:
        DrawerError: PARALLEL_DEADLOCK, when steps wait for one another; nothing has run then.
    """
    needs = dependencies(steps)
    cycle = find_cycle(needs)
    if cycle:
        ring = " -> ".join([*cycle, cycle[0]])
        raise DrawerError(
            f"steps wait for one another: {ring}",
            code=Code.PARALLEL_DEADLOCK,
            remediation="take one of these references out",
        )
    order = [step.id for step in steps]
    ready = {step: asyncio.Event() for step in order}
    usable: set[str] = set()
    failed: dict[str, StepResult] = {}

    async def press(step: Step, ctx: Context) -> None:
        for need in needs[step.id]:
            await ready[need].wait()
        if failed and not go_on:
            raise Enough  # another has just failed; this one must not even begin
        result = StepResult(step.id)
        begun(result)
        try:
            if lacking := needs[step.id] - usable:
                skip(result, min(lacking, key=order.index))
            elif await step.press(ctx, result):
                usable.add(step.id)
            else:
                failed[step.id] = result
        finally:
            ended(result)
        if failed and not go_on:
            raise Enough
        ready[step.id].set()

    with ctx.stop.inner() as stop:
        inner = ctx.under(stop)
        await run_group((press(step, inner) for step in steps), stop)
    return next((failed[step] for step in order if step in failed), None)


def skip(result: StepResult, need: str) -> None:
    """Record that a step did not run, since the step `need` that it refers to gave nothing."""
    result.fail(
        Code.SKIPPED,
        f"not run: it refers to step {need!r}, which did not end ok",
        f"give {need!r} `on_failure: continue` if this step can do without it",
        status="skipped",
    )
