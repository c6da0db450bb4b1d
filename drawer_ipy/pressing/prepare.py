"""Prepare a job: load the drawer, look up its buttons, and check everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawer_ipy.definition import DrawerModel
from drawer_ipy.definition.step_base import STEP_KINDS
from drawer_ipy.definition.steps.for_each import ForEachStep
from drawer_ipy.engine.drawers import Mode
from drawer_ipy.engine.earlier import EarlierPress
from drawer_ipy.engine.plan import Plans
from drawer_ipy.engine.run import Run
from drawer_ipy.errors import (
    DefinitionError,
    UsageError,
)
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.retry import Retrier
from drawer_ipy.pressing.surroundings import Pressable, Surroundings
from drawer_ipy.results.origin import Origin
from drawer_ipy.workspace.history import Keeper


def _checked_inputs(inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        raise UsageError(f"inputs must be a mapping of names to values, not {type(inputs).__name__}")
    return {str(name): value for name, value in inputs.items()}


def _overridden(drawer: DrawerModel, options: Options) -> DrawerModel:
    """Return `drawer` with the parallelism of the press in its outermost loops."""
    if options.parallelism is None:
        return drawer
    steps = [
        step.model_copy(update={"parallelism": options.parallelism})
        if isinstance(step, ForEachStep)
        else step
        for step in drawer.steps
    ]
    return drawer.model_copy(update={"steps": steps})


def prepare(
    drawer: Pressable,
    inputs: Mapping[str, Any] | None = None,
    options: Options | None = None,
    around: Surroundings | None = None,
    earlier: EarlierPress | None = None,
) -> Job:
    """Load, look up and check everything; nothing runs yet.

    Args:
        earlier: a press of the same drawer with the same inputs that this one continues.

    Raises:
        DefinitionError: the drawer has errors; the exception contains every problem found.
        DrawerNotFound, UsageError: as :meth:`Surroundings.load`.
    """
    options = options or Options()
    around = around or Surroundings()
    inputs = _checked_inputs(inputs)
    loaded = around.load(drawer)
    catalog = around.catalog(loaded.drawer)
    in_order = options.mode == "sequential"
    problems = around.problems(loaded, given=inputs, pressing=True, ordered=in_order, catalog=catalog)
    if any(p.severity == "error" for p in problems):
        wrong = DefinitionError(problems, loaded.source.text, loaded.drawer.name)
        around.workspace.explain(wrong)
        raise wrong
    keeper = Keeper(around.workspace, loaded.root, around.drawers)
    plans = Plans(STEP_KINDS, around.buttons_of(loaded.drawer, catalog), around.find_drawer)
    run = Run(
        plans.plan(_overridden(loaded.drawer, options)),
        inputs,
        mode=Mode(options.mode == "parallel", options.on_failure == "continue"),
        concurrency=options.concurrency,
        timeout=options.timeout,
        batteries=around.workspace.batteries(),
        cache_folder=around.workspace.cache_folder,
        webhooks=dict.fromkeys((n.replace("-", "_") for n in around.workspace.drawer_names()), ""),
        on_child=keeper.child,
        earlier=earlier,
    )
    if around.workspace.refused:
        run.notes.append(around.workspace.refused)
    retrier = Retrier(lambda earlier: prepare(loaded, inputs, options, around, earlier), run.left)
    warnings = [p for p in problems if p.severity != "error"]
    return Job(run, loaded, warnings, catalog, keeper, Origin(run.record, retrier), options.save)
