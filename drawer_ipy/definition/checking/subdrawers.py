"""Checks of the drawers that a drawer presses, directly or through others, each once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from drawer_ipy.definition.checking.callee import FindButton
from drawer_ipy.definition.checking.calls import Ground
from drawer_ipy.definition.checking.giving import Giving
from drawer_ipy.definition.checking.included import Drawers, Met
from drawer_ipy.definition.checking.reference_checks import References
from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.checking.steps import Check
from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.definition.reading.loading import Loaded
from drawer_ipy.definition.reading.recovery import Lost
from drawer_ipy.definition.reading.source import Source

ButtonsOf = Callable[[DrawerModel], FindButton]


def check_bodies(
    pending: deque[Met],
    top: str,
    ground: Ground,
    buttons_of: ButtonsOf | None,
    extra_roots: frozenset[str],
) -> None:
    """Check the drawers `pending` and the drawers that they press.

    Their errors are reported at the step of the top drawer that presses the first of the chain; their
    warnings are not reported here. A drawer that is pressed both by a step that continues after a failure and
    by one that does not is checked for both.

    Args:
        top: the name of the top drawer, which has been checked already.
        ground: the context of the top drawer.
    """
    seen: dict[str, list[Where]] = {}
    while pending:
        met = pending.popleft()
        before = seen.setdefault(met.name, [])
        if met.name == top or any(_as_strict(one, met.where) for one in before):
            continue
        before.append(met.where)
        report = _body_report(met, pending, ground, buttons_of, extra_roots)
        for problem in report.problems:
            step = f"step {problem.step_id!r} of " if problem.step_id else ""
            message = f"{step}drawer {met.name!r}: {problem.message}"
            if report.unmet.get(problem, False):
                ground.report.need(met.where, message, problem.remediation, ref=problem.ref)
            elif problem.severity == "error":
                ground.report.error(met.where, message, problem.remediation, ref=problem.ref, strict=False)


def _as_strict(one: Where, other: Where) -> bool:
    """Whether every error at `other` would also be an error at `one`."""
    return one.lax <= other.lax and one.unsure <= other.unsure


def _body_report(
    met: Met,
    pending: deque[Met],
    ground: Ground,
    buttons_of: ButtonsOf | None,
    extra_roots: frozenset[str],
) -> Report:
    # A drawer without its text comes from a workspace.
    drawer, on_disk, lost = (
        (met.found.drawer, met.found.lenient, met.found.lost)
        if isinstance(met.found, Loaded)
        else (met.found, True, Lost())
    )
    if buttons_of is None and drawer.buttons:
        lost = replace(lost, fields=lost.fields | {("buttons", name) for name in drawer.buttons})

    def meet(further: Met) -> None:
        lax = met.where.lax or further.where.lax
        unsure = met.where.unsure or further.where.unsure
        pending.append(replace(further, where=replace(met.where, lax=lax, unsure=unsure)))

    errors = list(met.found.errors) if isinstance(met.found, Loaded) else []
    report = Report(Source(), errors, lost, pressing=ground.pressing)
    inner = replace(
        ground,
        references=References(report, present=replace(ground.references.present, giving=Giving(form="args"))),
        drawers=Drawers(ground.drawers.find, ground.drawers.names, report, meet),
        find_button=buttons_of(drawer) if buttons_of is not None else ground.find_button,
        given=met.given,
        ordered=True,
        on_disk=on_disk,
        is_first=False,
    )
    Check(inner, drawer).run(extra_roots)
    return report
