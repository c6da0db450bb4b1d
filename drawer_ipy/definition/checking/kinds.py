"""What each kind of step needs, beside its references (docs/original.md#7-validation)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.durations import parse_duration, parse_time
from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition import models
from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.values import AUTO, parse_rate, parse_tolerance
from drawer_ipy.errors import Code, did_you_mean
from drawer_ipy.scrape.spec import Trouble, read_extraction, read_manner

_CODES = frozenset(value for name, value in vars(Code).items() if name.isupper())
_CLASS_NAME = re.compile(r"(\w+\.)*[A-Z]\w*[a-z]\w*")


def check_kind(
    step: models.StepBase, where: Where, report: Report, *, as_original: bool = False, on_disk: bool = False
) -> None:
    """Check the fields of one step that only concern itself.

    Args:
        as_original: let pass what the original runs although its own report calls it an error: a
            switch without cases, which matches nothing.
        on_disk: let pass steps of the kinds that the original only reserves without what ours need.
    """
    if as_original and isinstance(step, models.SwitchStep) and not step.cases and not step.steps:
        report.warn(where, "this switch step has no cases, so it matches nothing")
        return
    if isinstance(step, models.ButtonStep | models.ForEachStep | models.BatchStep):
        check_rate(step.rate, where, report)
    if step.kind in _OURS and getattr(step, "extract", None) is None:
        _ours(step, where, report, on_disk=on_disk)
    check = _CHECKS.get(step.kind)
    if check is not None:
        check(step, where, report)
    if step.on_failure is not None:
        _policy(step.on_failure, where.at("on_failure", arg="on_failure"), report)


def is_absent(value: Any) -> bool:
    """Whether a field says nothing; values that only compare oddly (arrays) do say something."""
    return value is None or (isinstance(value, str) and not value)


def check_rate(rate: str | None, owner: Where, report: Report) -> None:
    """Check the ``rate`` of the step or button at `owner`."""
    if rate is None:
        return
    try:
        parse_rate(rate)
    except BadValue as error:
        report.error(owner.at("rate", arg="rate"), error.message, error.hint)


def _policy(policy: models.Policy, where: Where, report: Report) -> None:
    for i, code in enumerate(policy.retry_on):
        if code in _CODES or _CLASS_NAME.fullmatch(code):
            continue
        hint = did_you_mean(code.upper(), _CODES)
        report.warn(where.at("retry_on", i), f"retry_on: there is no error code {shown(code)}", hint)
    if policy.action == "retry" and policy.max_attempts < 2:
        message = "retry with fewer than 2 max_attempts never tries again"
        report.warn(where, message, "say how often: `max_attempts: 3`")


def _for_each(step: models.ForEachStep | models.BatchStep, where: Where, report: Report) -> None:
    over = where.at("over", arg="over")
    if is_absent(step.over):
        if step.kind == "for_each" and report.misses(where, "over"):
            hint = "give a list, or a reference to one: `over: ${inputs.urls}`"
            report.error(over, "a for_each step needs `over`", hint)
    else:
        _list_or_expression(step.over, over, report)
    if not step.steps and report.misses(where, "steps"):
        report.warn(where.at("steps", arg="steps"), f"this {step.kind} step has no steps, so it does nothing")
    if "max_parallelism" in step.model_fields_set and step.parallelism != AUTO:
        message = "max_parallelism bounds `parallelism: auto` only"
        bound = where.at("max_parallelism", arg="max_parallelism")
        report.warn(bound, message, "give one of the two", key=True)
    _tolerance(step.tolerated_failures, where.at("tolerated_failures", arg="tolerated_failures"), report)


def _list_or_expression(value: Any, where: Where, report: Report) -> None:
    if not isinstance(value, str | list | tuple):
        message = f"`{where.arg}` must be a list or an expression that gives one, not {shown(value)}"
        report.error(where, message)


def _tolerance(limit: int | str | None, where: Where, report: Report) -> None:
    if limit is None:
        return
    try:
        parse_tolerance(limit)
    except BadValue as error:
        report.error(where, error.message, error.hint)


def _switch(step: models.SwitchStep, where: Where, report: Report) -> None:
    if not step.cases and not step.steps and report.misses(where, "cases", "steps"):
        report.error(where.at("cases", arg="cases"), "a switch step needs `cases`, or `steps` as the default")
    for i, case in enumerate(step.cases):
        when = where.at("cases", i, "when", arg="when")
        name = repr(case.id) if case.id else f"number {i}"
        if is_absent(case.when):
            if not report.misses(where.at("cases", i), "when"):
                continue
            report.error(when, f"case {name} has no `when`", "give an expression that is true or false")
        elif not isinstance(case.when, str | bool):
            report.error(when, f"`when` of case {name} must be an expression, not {shown(case.when)}")


def _aggregate(step: models.AggregateStep, where: Where, report: Report) -> None:
    source = where.at("from", arg="from")
    if not is_absent(step.from_):
        _list_or_expression(step.from_, source, report)
    elif report.misses(where, "from"):
        hint = "give the list to pluck from: `from: ${each.output.results}`"
        report.error(source, "an aggregate step needs `from`", hint)
    if is_absent(step.pluck) and report.misses(where, "pluck"):
        hint = "say what to take from each entry: `pluck: ${item.steps.page.output}`"
        report.error(where.at("pluck", arg="pluck"), "an aggregate step needs `pluck`", hint)


def _merge(step: models.MergeStep, where: Where, report: Report) -> None:
    if not is_absent(step.from_):
        _list_or_expression(step.from_, where.at("from", arg="from"), report)


def _transform(step: models.TransformStep, where: Where, report: Report) -> None:
    if step.extract is None:
        idle = {"from": step.from_, "url": step.url}
        idle |= {"namespaces": step.namespaces or None, "decimal": step.decimal or None}
        for key, value in idle.items():
            if value is not None:
                message = f"`{key}` says nothing without `extract`"
                report.warn(where.at(key, arg=key), message, "did you mean `expression`?", key=True)
        return
    if step.expression is not None:
        message = "a transform step has `expression` or `extract`, not both"
        report.error(where.at("expression", arg="expression"), message, "make two steps of it", key=True)
    if is_absent(step.from_) and report.misses(where, "from"):
        hint = "give the page: `from: page.output`"
        report.error(where.at("from", arg="from"), "`extract` in a step needs `from`", hint)
    manner, troubles = read_manner(step.namespaces, step.decimal)
    tell_troubles(troubles, where, report)
    tell_troubles(read_extraction(step.extract, manner)[1], where.at("extract", arg="extract"), report)


def tell_troubles(troubles: Iterable[Trouble], where: Where, report: Report) -> None:
    """Report what is wrong with the selectors below `where`."""
    for one in troubles:
        at = where.at(*one.path)
        if one.soft:
            report.warn(at, one.message, one.remediation, offset=one.offset)
        else:
            report.error(at, one.message, one.remediation, offset=one.offset)


def _split(step: models.SplitStep, where: Where, report: Report) -> None:
    for name, steps in step.branches.items():
        if not steps and report.misses(where.at("branches"), name):
            report.warn(where.at("branches", name, arg="branches"), f"branch {name!r} has no steps")


def _wait(step: models.WaitStep, where: Where, report: Report) -> None:
    if not step.duration and not step.until:
        if report.misses(where, "duration", "until"):
            report.error(where, "a wait step needs `duration` or `until`", "`duration: 2s`")
        return
    if step.duration and step.until:
        report.warn(where.at("until", arg="until"), "`until` is ignored: `duration` is given as well")
    _moment(step.duration, parse_duration, where.at("duration", arg="duration"), report)
    if not step.duration:
        _moment(step.until, parse_time, where.at("until", arg="until"), report)


def _moment(text: str, parse: Callable[[str], object], where: Where, report: Report) -> None:
    if not text or "${" in text or "$ENV{" in text:
        return
    try:
        parse(text)
    except BadValue as error:
        report.error(where, error.message, error.hint, strict=False)


# The kinds that the original only reserves: what each needs, and how that is written.
_OURS: dict[str, dict[str, str]] = {
    "merge": {"from": "what to merge: `from: [a.output, b.output]`"},
    "split": {"branches": "named lists of steps: `branches: {left: [...], right: [...]}`"},
    "transform": {"expression": "what the output is: `expression: size(a.output)`"},
    "batch": {"over": "a list, or a reference to one: `over: ${inputs.urls}`", "size": "`size: 100`"},
}


def _ours(step: models.StepBase, where: Where, report: Report, *, on_disk: bool) -> None:
    """Without what it needs, such a step is inert on disk, as it is in the original; else it is wrong."""
    for name, hint in _OURS[step.kind].items():
        value = getattr(step, "from_" if name == "from" else name)
        # Any literal is an expression's value; an empty list or a size of 0 leaves nothing to do.
        empty = isinstance(value, list | dict | int) and not value and name not in ("expression", "over")
        unread = report.lost.within((*where.path, name)) or not report.misses(where, name)
        if unread or not (is_absent(value) or empty):
            continue
        at = where.at(name, arg=name)
        least = " of at least 1" if name == "size" else ""
        if on_disk:
            report.warn(at, f"a {step.kind} step does nothing without `{name}`{least}", hint)
        else:
            report.error(at, f"a {step.kind} step needs `{name}`{least}", hint)


_CHECKS: dict[str, Callable[[Any, Where, Report], None]] = {
    "for_each": _for_each,
    "batch": _for_each,
    "merge": _merge,
    "split": _split,
    "switch": _switch,
    "aggregate": _aggregate,
    "wait": _wait,
    "transform": _transform,
}
