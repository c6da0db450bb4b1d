"""Reports the faults that a step finds in itself (docs/original.md#7-validation)."""

from __future__ import annotations

from collections.abc import Iterable

from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.declared import declaration_problems, faults_of
from drawer_ipy.definition.faults import Fault
from drawer_ipy.definition.models import StepBase
from drawer_ipy.scrape.spec import Trouble


def check_kind(
    step: StepBase, where: Where, report: Report, *, as_original: bool = False, on_disk: bool = False
) -> None:
    """Check the fields of one step that concern only that step.

    Args:
        as_original: accept what the original runs, even if its own report calls it an error.
        on_disk: accept incomplete steps of the kinds that the original only reserves.
    """
    for problem, is_text in declaration_problems(step):
        say = report.warn if is_text else report.error
        say(where, problem, "report it to the authors of the step kind")
    for fault in faults_of(step):
        instead = (fault.pressed if as_original else "") or (fault.on_disk if on_disk else "")
        report_fault(fault, where, report, instead)


def report_fault(fault: Fault, where: Where, report: Report, instead: str = "") -> None:
    """Report `fault` of what is at `where`.

    Args:
        instead: the warning to report instead, or ``""``.
    """
    first = next((str(part) for part in fault.path), "")
    at = where.at(*fault.path, arg=fault.arg or first)
    if fault.missing:
        owner = where.at(*fault.path[:-1])
        if (fault.path and report.lost.within(at.path)) or not report.misses(owner, *fault.missing):
            return  # it could not be read, which is already reported
    if instead or fault.soft:
        report.warn(at, instead or fault.message, fault.remediation, offset=fault.offset, key=fault.on_key)
    else:
        report.error(
            at, fault.message, fault.remediation, offset=fault.offset, key=fault.on_key, strict=fault.strict
        )


def report_troubles(troubles: Iterable[Trouble], where: Where, report: Report) -> None:
    """Report the problems with the selectors below `where`."""
    for one in troubles:
        at = where.at(*one.path)
        if one.soft:
            report.warn(at, one.message, one.remediation, offset=one.offset)
        else:
            report.error(at, one.message, one.remediation, offset=one.offset)
