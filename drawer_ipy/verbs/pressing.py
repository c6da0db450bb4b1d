"""``NAME press [name=value...]``: run a drawer and keep the run in its history."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.display.choose import choose_display
from drawer_ipy.errors import ErrorInfo, UsageError
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.record.jsonable import jsonable
from drawer_ipy.results import Results
from drawer_ipy.results.verdict import brief_error
from drawer_ipy.verbs import resuming
from drawer_ipy.verbs.base import FAILED, INTERRUPTED, VerbContext, VerbParser, VerbResult
from drawer_ipy.verbs.press_preview import preview
from drawer_ipy.verbs.target import find_target
from drawer_ipy.verbs.typed_inputs import TypedInputs
from drawer_ipy.verbs.values import assignment, whole_number, width

_HELP = """Run the drawer. Inputs are name=value: JSON if it is JSON, else text, read as the declared type.
name=@FILE reads a file (csv, jsonl, json, parquet or txt, also .gz), name=@- standard input.
The exit code is 0 if it ended ok, 1 if it failed, 130 if it was interrupted."""


def run(name: str, words: Sequence[str], context: VerbContext) -> VerbResult:
    """See the module. A run that fails is an outcome, not an error.

    Raises:
        VerbError: NOT_FOUND.
        UsageError: an input or option that cannot be read; nothing has run.
        DefinitionError: the drawer has errors; it contains every problem, and nothing has run.
    """
    options = _parser().read(words)
    target = find_target(name, context)
    loaded = target.load()
    given: dict[str, str] = {}
    for word in options.inputs:
        key, text = assignment(word, "urls=@urls.json")
        if key in given:
            raise UsageError(f"input {key} is given twice")
        given[key] = text
    typed = TypedInputs(loaded.drawer, context.namespace)
    inputs = _from_namespace(loaded.drawer, context)
    inputs |= {key: _settled(key, text, typed, context) for key, text in given.items()}
    chosen = Options(
        options.parallelism,
        options.mode,
        options.on_failure,
        options.concurrency,
        backend=options.backend,
        **resuming.chosen(options),
    )
    if options.dry_run:
        return preview(target, loaded, inputs, context, options.backend)
    job = prepare(loaded, inputs, chosen, context.surroundings())
    job.run.notes += typed.notes
    results = (context.press or press_with_bar)(job)
    return _outcome(job, results)


def _settled(name: str, text: str, typed: TypedInputs, context: VerbContext) -> Any:
    try:
        return typed.settle(name, text, context.value(name, text))
    except UsageError as error:
        error.about = name
        raise


def press_with_bar(job: Job) -> Results:
    """Run `job` while this thread waits, with a bar on standard error if that is a terminal."""
    display = choose_display(None)
    try:
        return job.press_blocking(display)
    finally:
        display.close(None)


def _outcome(job: Job, results: Results) -> VerbResult:
    run = results.run
    warnings = [problem.to_dict() for problem in job.warnings]
    listed = [
        *(f"warning: {problem}" for problem in job.warnings),
        *(f"note: {note}" for note in job.run.notes),
    ]

    def data() -> Any:
        extra = {"notes": job.run.notes} if job.run.notes else {}
        return jsonable(run.to_dict() | extra | ({"warnings": warnings} if warnings else {}))

    text = "\n".join([str(results), *listed])
    if run.status == "ok":
        return VerbResult(data, text, results=results, notes=listed)
    error = run.error or ErrorInfo("INTERNAL", f"the run is {run.status}")
    where = f" at step {run.failed_step!r}" if run.failed_step else ""
    what = "was cancelled" if run.status == "cancelled" else f"failed{where}: {error.message}"
    whole = replace(error, message=f"drawer {run.drawer!r} {what}", exception=None)
    code = INTERRUPTED if run.status == "cancelled" else FAILED
    brief = brief_error(results, " ".join(text.split())) if len(results) else ""
    return VerbResult(data, text, code, whole, results, brief, listed)


def _from_namespace(drawer: DrawerModel, context: VerbContext) -> dict[str, Any]:
    """The declared inputs that have the names of user variables, as in a cell."""
    names = [spec.name for spec in drawer.inputs]
    return {name: context.namespace[name] for name in names if name in context.namespace}


def _parser() -> VerbParser:
    parser = VerbParser("NAME press", _HELP).dry()
    add = parser.add_argument
    add("inputs", metavar="name=value", nargs="*")
    add(
        "--mode",
        choices=("sequential", "parallel"),
        default="sequential",
        help="parallel: a step starts as soon as the steps it refers to have ended",
    )
    add(
        "--on-failure",
        choices=("stop", "continue"),
        default="stop",
        help="in parallel mode, what to do with steps that do not depend on the failed one",
    )
    add("--concurrency", metavar="N", type=_cap, help="most buttons at once in the whole run; 0: no limit")
    add("--parallelism", metavar="N", type=width, help="items at once in the outermost loops, or auto")
    add(
        "--backend",
        metavar="NAME",
        default="",
        help="where functions run: threads, processes, dask[:ADDRESS]",
    )
    resuming.add_options(parser)
    return parser


def _cap(text: str) -> int | None:
    try:
        return whole_number(0)(text) or None
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
