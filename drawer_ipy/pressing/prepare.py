"""Prepare a job: load the drawer, look up its buttons, and check everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drawer_ipy.buttons import ButtonCatalog
from drawer_ipy.common.platform import has_threads, lacks
from drawer_ipy.definition import DrawerModel, Loaded
from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.step_base import STEP_KINDS
from drawer_ipy.definition.steps.for_each import ForEachStep
from drawer_ipy.definition.steps.loop_base import LoopStep
from drawer_ipy.engine.drawers import Mode
from drawer_ipy.engine.earlier import EarlierPress
from drawer_ipy.engine.graph import dependencies, inner_dependencies
from drawer_ipy.engine.inputs import prepare_inputs
from drawer_ipy.engine.plan import Plan, Plans
from drawer_ipy.engine.run import Run
from drawer_ipy.errors import DefinitionError, Problem, UsageError
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.kept_run import KeptRun
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


def _with_needs(earlier: EarlierPress | None, plan: Plan) -> EarlierPress | None:
    """Return a press from disk with the references of the steps of `plan`; another press unchanged."""
    if earlier is None or not earlier.resumed:
        return earlier
    needs, inside = dependencies(plan.steps), inner_dependencies(plan.steps)
    return replace(earlier, needs=needs, inside=inside)


def _checked(
    loaded: Loaded, inputs: dict[str, Any], options: Options, around: Surroundings, catalog: ButtonCatalog
) -> list[Problem]:
    """Return the warnings about a drawer.

    Raises:
        DefinitionError: it has errors.
    """
    in_order = options.mode == "sequential"
    problems = around.problems(loaded, given=inputs, pressing=True, ordered=in_order, catalog=catalog)
    if any(p.severity == "error" for p in problems):
        wrong = DefinitionError(problems, loaded.source.text, loaded.drawer.name)
        around.workspace.explain(wrong)
        raise wrong
    _check_storage(loaded, options)
    return problems


def _check_storage(loaded: Loaded, options: Options) -> None:
    """Check that outputs which are held on disk only can be stored.

    Raises:
        DefinitionError: the run is not to be stored.
    """
    if options.durable != "off":
        return
    report = Report(loaded.source)
    for i, step in enumerate(loaded.drawer.steps):
        if isinstance(step, LoopStep) and step.keep == "disk":
            why = lacks("threads")
            message = "keep: disk needs the file of the run, but the run is not "
            message += f"stored: {why}" if why else "to be stored (durable: off)"
            hint = "remove keep" if why else "set durable to auto or on, or remove keep"
            where = Where(("steps", i, "keep"), step.id, "keep")
            report.error(where, message, hint)
    if report.problems:
        raise DefinitionError(report.in_order(), loaded.source.text, loaded.drawer.name)


def _run(
    plan: Plan,
    inputs: Mapping[str, Any],
    options: Options,
    around: Surroundings,
    keeper: Keeper,
    earlier: EarlierPress | None,
) -> Run:
    """Return the run of `plan`, which has not begun."""
    workspace = around.workspace
    run = Run(
        plan,
        inputs,
        mode=Mode(options.mode == "parallel", options.on_failure == "continue"),
        concurrency=options.concurrency,
        timeout=options.timeout,
        batteries=workspace.batteries(),
        cache_folder=workspace.cache_folder,
        webhooks=dict.fromkeys((n.replace("-", "_") for n in workspace.drawer_names()), ""),
        on_child=keeper.child,
        earlier=earlier,
    )
    if workspace.refused:
        run.notes.append(workspace.refused)
    return run


def prepare(
    drawer: Pressable,
    inputs: Mapping[str, Any] | None = None,
    options: Options | None = None,
    around: Surroundings | None = None,
    earlier: EarlierPress | None = None,
    keep: KeptRun | None = None,
) -> Job:
    """Load, look up and check everything; nothing runs yet.

    Args:
        earlier: a press of the same drawer with the same inputs that this one continues.
        keep: the place on disk of the run that this one continues; ``None`` for a new run.

    Raises:
        DefinitionError: the drawer has errors; the exception contains every problem found.
        BackendError: a function or an argument cannot be sent to its backend.
        DrawerNotFound, UsageError: as :meth:`Surroundings.load`; or the run to resume cannot be resumed.
    """
    options = options or Options()
    if not has_threads():  # what writes a run is a thread
        options = replace(options, durable="off")
    around = around or Surroundings()
    keep = keep or KeptRun()
    inputs = _checked_inputs(inputs)
    loaded = around.load(drawer)
    catalog = around.catalog(loaded.drawer)
    warnings = _checked(loaded, inputs, options, around, catalog)
    keeper = Keeper(around.workspace, loaded.root, around.drawers)
    plans = Plans(
        STEP_KINDS, around.buttons_of(loaded.drawer, catalog), around.find_drawer, options.backend or ""
    )
    plan = plans.plan(_overridden(loaded.drawer, options))
    plans.backends.check(prepare_inputs(plan.inputs, inputs)[0])
    stored = keep.begin(loaded.drawer, inputs, catalog.find, around.workspace, options)
    earlier = _with_needs(stored.earlier if earlier is None else earlier, plan)
    run = _run(plan, inputs, options, around, keeper, earlier)
    run.notes += stored.notes
    retrier = Retrier(lambda earlier: prepare(loaded, inputs, options, around, earlier, keep), run.left)
    origin = Origin(run.record, retrier)
    origin.earlier += stored.history
    journaling = keep.journaling(run, options.durable, None if earlier is None else earlier.record)
    return Job(run, loaded, warnings, catalog, keeper, origin, options.save, journaling, bool(stored.history))
