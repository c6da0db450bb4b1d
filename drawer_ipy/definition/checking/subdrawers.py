"""Checks the drawers that a drawer presses, each once, whatever the way it is reached."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from drawer_ipy.definition.checking.calls import FindButton, Ground
from drawer_ipy.definition.checking.included import Drawers, Met
from drawer_ipy.definition.checking.references import References
from drawer_ipy.definition.checking.report import Report
from drawer_ipy.definition.checking.steps import Check
from drawer_ipy.definition.models import Drawer
from drawer_ipy.definition.reading.loading import Loaded
from drawer_ipy.definition.reading.recovery import Lost
from drawer_ipy.definition.reading.source import Source
from drawer_ipy.errors import Problem

ButtonsOf = Callable[[Drawer], FindButton]


def check_bodies(
    pending: deque[Met],
    seen: set[str],
    ground: Ground,
    buttons_of: ButtonsOf | None,
    extra_roots: frozenset[str],
) -> None:
    """Check the drawers `pending`, and those that they press in turn.

    Their errors are told where the top drawer presses the first of the chain; what is only odd in them
    is for whoever looks at them.

    Args:
        seen: names of drawers that are checked already.
        ground: of the top drawer.
    """
    while pending:
        met = pending.popleft()
        if met.name in seen:
            continue
        seen.add(met.name)
        for problem in _body_problems(met, pending, ground, buttons_of, extra_roots):
            if problem.severity == "error":
                step = f"step {problem.step_id!r} of " if problem.step_id else ""
                message = f"{step}drawer {met.name!r}: {problem.message}"
                ground.report.error(met.where, message, problem.remediation, ref=problem.ref, strict=False)


def _body_problems(
    met: Met,
    pending: deque[Met],
    ground: Ground,
    buttons_of: ButtonsOf | None,
    extra_roots: frozenset[str],
) -> list[Problem]:
    # Found without its text, a drawer comes from a workspace.
    drawer, on_disk, lost = (
        (met.found.drawer, met.found.lenient, met.found.lost)
        if isinstance(met.found, Loaded)
        else (met.found, True, Lost())
    )
    if buttons_of is None and drawer.buttons:
        lost = replace(lost, fields=lost.fields | {("buttons", name) for name in drawer.buttons})

    def meet(further: Met) -> None:
        lax = met.where.lax or further.where.lax
        pending.append(replace(further, where=replace(met.where, lax=lax)))

    report = Report(Source(), list(met.found.errors) if isinstance(met.found, Loaded) else [], lost)
    inner = replace(
        ground,
        references=References(report),
        drawers=Drawers(ground.drawers.find, ground.drawers.names, report, meet),
        find_button=buttons_of(drawer) if buttons_of is not None else ground.find_button,
        given=met.given,
        ordered=True,
        on_disk=on_disk,
    )
    Check(inner, drawer).run(extra_roots)
    return report.problems
