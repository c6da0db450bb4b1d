"""``NAME press --dry-run``: what a press would do, if that is known in advance."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from drawer_ipy.definition import Loaded
from drawer_ipy.definition.button_runtimes import buttons_in_words
from drawer_ipy.definition.declared import branches_of
from drawer_ipy.definition.in_words import dry_run_in_words, head_as_data
from drawer_ipy.definition.models import StepBase
from drawer_ipy.engine.inputs import prepare_inputs
from drawer_ipy.engine.secrets.redactor import REDACTED, recorded_inputs
from drawer_ipy.errors import DrawerError
from drawer_ipy.expressions import compile_value
from drawer_ipy.record.jsonable import jsonable
from drawer_ipy.verbs.base import VerbContext, VerbResult
from drawer_ipy.verbs.looking import examine, redactor_of, report, report_text
from drawer_ipy.verbs.target import Target

_KNOWN = ("inputs", "env", "batteries")


def preview(
    target: Target, loaded: Loaded, inputs: Mapping[str, Any], context: VerbContext, backend: str = ""
) -> VerbResult:
    """The steps with their arguments resolved; values that are known only during a run are ``""``.

    This is ``--summary`` (docs/original.md#8-command-line). Nothing is pressed, and no secret is shown.

    Args:
        backend: the backend of the press, ``""`` for none.
    """
    drawer = loaded.drawer
    problems = examine(loaded, context, list(inputs))
    whole, refusal = prepare_inputs(drawer.inputs, inputs)
    redactor = redactor_of(loaded, whole, context)
    seen = recorded_inputs(drawer.inputs, whole, redactor)
    shown = {name: seen[name] for name in inputs}
    batteries = dict.fromkeys(context.workspace.batteries(), REDACTED)
    scope = {"inputs": seen, "env": os.environ, "batteries": batteries}
    data = {
        "executed": False,
        "drawer": target.name,
        "inputs": jsonable(shown),
        "steps": _steps(drawer.steps, scope),
        "validation": report(problems),
    }
    words = dry_run_in_words(target.name, shown, drawer.steps, buttons_in_words(drawer.buttons), backend)
    lines = [*words, report_text(problems)]
    if refusal is not None:
        data["error"] = refusal.to_dict()
        lines.append(f"it would not start: {refusal}")
    return VerbResult(redactor.value(data), redactor.text("\n".join(lines)))


def _steps(steps: Iterable[StepBase], scope: Mapping[str, Any]) -> list[dict[str, Any]]:
    out = []
    for step in steps:
        entry = head_as_data(step)
        if step.args:
            entry["args"] = {name: jsonable(_resolved(value, scope)) for name, value in step.args.items()}
        for branch in branches_of(step):
            if branch.steps:
                entry[".".join(map(str, branch.path))] = _steps(branch.steps, scope)
        out.append(entry)
    return out


def _resolved(value: Any, scope: Mapping[str, Any]) -> Any:
    """`value` with its references resolved, and ``""`` for a reference that only a run can resolve."""
    if isinstance(value, dict):
        return {key: _resolved(inner, scope) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, scope) for inner in value]
    try:
        template = compile_value(value)
        if all(reference.root in _KNOWN for reference in template.references):
            return template.resolve(scope)
    except DrawerError:
        pass  # validation reports the error
    return ""
