"""``NAME``, ``NAME validate`` and ``NAME logs``: show a drawer without changing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.common.counted import number_of
from drawer_ipy.definition import Loaded
from drawer_ipy.definition.button_runtimes import buttons_in_words
from drawer_ipy.definition.in_words import steps_as_data, steps_in_words
from drawer_ipy.definition.models import InputSpec
from drawer_ipy.engine.secrets.redactor import Redactor, secrets_of
from drawer_ipy.errors import Code, DefinitionError, DrawerError, ErrorInfo, Problem
from drawer_ipy.pictures.graph import Graph
from drawer_ipy.verbs.base import FAILED, VerbContext, VerbParser, VerbResult
from drawer_ipy.verbs.earlier_runs import earlier_runs
from drawer_ipy.verbs.target import Target, find_target
from drawer_ipy.verbs.values import whole_number
from drawer_ipy.workspace.history import KEPT, head_in

_RECENT = 5


def summary(name: str, words: Sequence[str], context: VerbContext) -> VerbResult:
    """``NAME``: its inputs and steps, its problems, its last runs; also for a drawer with errors.

    Raises:
        VerbError: NOT_FOUND.
    """
    VerbParser("NAME", "Show its steps, its problems and its last runs.").dry().read(words)
    target = find_target(name, context)
    loaded, problems = _examined(target, context)
    runs, refused = earlier_runs(target, limit=_RECENT)
    data: dict[str, Any] = {
        "name": target.name,
        "path": None if target.folder is None else str(target.folder / "drawer.json"),
        "validation": report(problems),
        "runs": [_brief(run) for run in runs],
    }
    lines = [f"drawer {target.name}  {data['path'] or 'of a cell'}"]
    if loaded is not None:
        drawer = loaded.drawer
        data |= {
            "drawer_kind": drawer.drawer_kind or "action",
            "description": drawer.description,
            "inputs": [spec.model_dump(exclude_defaults=True) for spec in drawer.inputs],
            "steps": steps_as_data(drawer.steps),
        }
        lines += _described(loaded)
    lines += ["", report_text(problems)]
    if runs:
        lines += ["", "last runs:", *(f"  {_run_line(run)}" for run in runs)]
    if refused:
        data["refused"] = refused
        lines += ["", *refused]
    if loaded is None:
        return VerbResult(data, "\n".join(lines))
    redactor = redactor_of(loaded, {spec.name: spec.default for spec in loaded.drawer.inputs}, context)
    outcome = VerbResult(redactor.value(data), redactor.text("\n".join(lines)))
    if drawer.steps:
        outcome.picture = lambda: Graph(drawer, redactor.text)
    return outcome


def validation(name: str, words: Sequence[str], context: VerbContext) -> VerbResult:
    """``NAME validate``: all its problems; the exit code is 1 if one of them is an error.

    Raises:
        VerbError: NOT_FOUND.
    """
    VerbParser("NAME validate", "Show its problems; the exit code is 1 if there is an error.").dry().read(
        words
    )
    _, problems = _examined(find_target(name, context), context)
    errors = sum(p.severity == "error" for p in problems)
    outcome = VerbResult(report(problems), report_text(problems))
    if errors:
        outcome.exit_code = FAILED
        count = number_of(errors, "problem")
        outcome.error = ErrorInfo(Code.VALIDATION_ERROR, f"drawer {name!r} has {count}")
    return outcome


def logs(name: str, words: Sequence[str], context: VerbContext) -> VerbResult:
    """``NAME logs``: its runs, newest first: those that are stored, and the summaries of others.

    A drawer that is defined in a cell has no summaries.

    Raises:
        VerbError: NOT_FOUND.
    """
    parser = VerbParser("NAME logs", f"Show its last runs, newest first; {KEPT} are kept.")
    parser.add_argument("--failed", action="store_true", help="only runs in which something failed")
    parser.add_argument("--limit", metavar="N", type=whole_number(1), default=20, help="how many (20)")
    options = parser.read(words)
    target = find_target(name, context)
    runs, refused = earlier_runs(target, failed=options.failed, limit=options.limit)
    data: dict[str, Any] = {"drawer": target.name, "runs": runs}
    lines = [_run_line(run) for run in runs]
    if not runs:
        none = "no failed runs" if options.failed else "no runs yet"
        short = "only drawers on disk have summaries of runs that are not stored"
        lines = [none if target.folder else f"{none}: {short}"]
    if refused:
        data["refused"] = refused
    return VerbResult(data, "\n".join([*lines, *refused]))


def examine(loaded: Loaded, context: VerbContext, given: Sequence[str] = ()) -> list[Problem]:
    """Validate a drawer; `given` are names of inputs that count as declared."""
    return context.surroundings().problems(loaded, given=given)


def redactor_of(loaded: Loaded, inputs: Mapping[str, Any], context: VerbContext) -> Redactor:
    """The redactor for a drawer's secret `inputs` and the workspace's batteries."""
    secrets = secrets_of(loaded.drawer.inputs, inputs)
    try:
        batteries = context.workspace.batteries()
    except DrawerError:  # a press reports the error in the file; showing a drawer does not need batteries
        batteries = {}
    return Redactor([*secrets, *batteries.values()])


def report(problems: Sequence[Problem]) -> dict[str, Any]:
    """The validation report in the original's format (docs/original.md#7-validation)."""
    errors = [p.to_dict() for p in problems if p.severity == "error"]
    warnings = [p.to_dict() for p in problems if p.severity == "warning"]
    return {"ok": not errors, "errors": errors, "warnings": warnings}


def report_text(problems: Sequence[Problem]) -> str:
    """The same as text."""
    if not problems:
        return "no problems"
    ordered = sorted(problems, key=lambda p: p.severity != "error")
    return "\n".join(f"{problem.severity}: {problem}" for problem in ordered)


def _examined(target: Target, context: VerbContext) -> tuple[Loaded | None, list[Problem]]:
    try:
        loaded = target.load()
    except DefinitionError as error:
        return None, error.problems
    return loaded, examine(loaded, context)


def _described(loaded: Loaded) -> list[str]:
    drawer = loaded.drawer
    lines = [drawer.description] if drawer.description else []
    if drawer.inputs:
        inputs = (f"{spec.name}: {spec.type}{_marks(spec)}" for spec in drawer.inputs)
        lines.append("inputs: " + ", ".join(inputs))
    if drawer.flow is not None:
        return [*lines, "a flow, which is stored and checked here, but not run"]
    steps = [f"  {line}" for line in steps_in_words(drawer.steps, buttons_in_words(drawer.buttons))]
    return [*lines, "", *(steps or ["  no steps yet; `add` makes one"])]


def _marks(spec: InputSpec) -> str:
    return ("" if spec.required else " (optional)") + (" (secret)" if spec.secret else "")


def _brief(run: dict[str, Any]) -> dict[str, Any]:
    keys = (
        "run_id",
        "status",
        "started_at",
        "duration_ms",
        "failed_step",
        "error_type",
        "failed_items",
        "failed_steps",
        "stored",
    )
    return {key: run[key] for key in keys if run.get(key) not in (None, "")}


def _run_line(run: dict[str, Any]) -> str:
    # Histories of other programs are also read, so any field may be missing.
    started = str(run.get("started_at", ""))[:19].replace("T", " ")
    took = run.get("duration_ms")
    seconds = f"{took / 1000:.1f} s" if isinstance(took, int | float) else ""
    error = run.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    why = " ".join(str(word) for word in (run.get("failed_step"), code or run.get("error_type")) if word)
    stored = f"runs open {run['stored'][:8]}" if "stored" in run else ""
    how = " · ".join(filter(None, [str(head_in(run)), why, stored]))
    return f"{started}  {seconds:>9}  {run.get('run_id', '')}  {how}"
