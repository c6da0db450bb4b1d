"""Graph mode: each step starts as soon as the steps it refers to have ended; there are no waves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from drawer_ipy.engine.context import Context
from drawer_ipy.engine.group import Enough, run_group
from drawer_ipy.engine.step import StepRunner
from drawer_ipy.errors import Code, DrawerError
from drawer_ipy.expressions import alias_of
from drawer_ipy.record.step import StepResult


def dependencies(steps: Sequence[StepRunner]) -> dict[str, frozenset[str]]:
    """Return step id -> ids of the steps that its references name, without its own."""
    ids = frozenset(step.id for step in steps)
    return {
        step.id: frozenset(named for root in step.roots if (named := _named(root, ids))) - {step.id}
        for step in steps
    }


def inner_dependencies(steps: Sequence[StepRunner]) -> dict[str, frozenset[str]]:
    """Return the id of each loop -> ids of the steps that the steps inside it refer to."""
    ids = frozenset(step.id for step in steps)
    return {
        step.id: frozenset(named for root in step.inner_roots if (named := _named(root, ids)))
        for step in steps
        if step.inner_roots is not None
    }


def _named(root: str, ids: frozenset[str]) -> str | None:
    """Return the step that the first name of a reference means; ``None`` if it is not a step.

    ``a-1`` may mean the step ``a`` minus 1, and ``my_step`` may mean ``my-step``.
    """
    if root in ids:
        return root
    if (alias := alias_of(root, ids)) in ids:
        return alias
    parts = root.split("-")
    heads = ("-".join(parts[:n]) for n in range(len(parts) - 1, 0, -1))
    return next((head for head in heads if head in ids), None)


def find_cycle(needs: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the ids on one cycle, in order, or ``[]`` if there is none."""
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


def _refuse_cycle(needs: Mapping[str, frozenset[str]]) -> None:
    cycle = find_cycle(needs)
    if cycle:
        ring = " -> ".join([*cycle, cycle[0]])
        raise DrawerError(
            f"steps wait for one another: {ring}",
            code=Code.PARALLEL_DEADLOCK,
            remediation="remove one of these references",
        )


async def press_graph(
    steps: Sequence[StepRunner],
    ctx: Context,
    started: Callable[[StepResult], None],
    ended: Callable[[StepResult], None],
    *,
    go_on: bool = False,
) -> StepResult | None:
    """Press `steps` in the order that their references require.

    Args:
        go_on: after a failure, run the steps that do not depend on it; otherwise cancel running steps.

    Returns:
        The first step, in the order of the definition, that failed by itself; ``None`` if none did.

    Raises:
        DrawerError: PARALLEL_DEADLOCK: steps wait for one another; nothing has run.
    """
    needs = dependencies(steps)
    _refuse_cycle(needs)
    order = [step.id for step in steps]
    ready = {step: asyncio.Event() for step in order}
    usable: set[str] = set()
    failed: dict[str, StepResult] = {}

    async def press(step: StepRunner, ctx: Context) -> None:
        for need in needs[step.id]:
            await ready[need].wait()
        if failed and not go_on:
            raise Enough  # another step has just failed; this one must not start
        result = StepResult(step.id)
        started(result)
        try:
            if lacking := needs[step.id] - usable:
                skip(result, min(lacking, key=order.index))
            elif await step.press(ctx.under(stop), result):  # a context of its own: steps run at once
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
    """Record that a step did not run, since the step `need` that it refers to did not end ok."""
    result.fail(
        Code.SKIPPED,
        f"not run: it refers to step {need!r}, which did not end ok",
        f"set `on_failure: continue` on step {need!r} if this step can run without its output",
        status="skipped",
    )
