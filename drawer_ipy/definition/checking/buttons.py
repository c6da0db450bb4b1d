"""Checks of the buttons that a drawer defines in place, field by field."""

from __future__ import annotations

from collections.abc import Iterator

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.definition.backends import STAYS, parse_backend
from drawer_ipy.definition.button_runtimes import PROMPT, runtime_of
from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.checking.requests import request_troubles
from drawer_ipy.definition.checking.step_faults import report_fault, report_troubles
from drawer_ipy.definition.costs import declared, rate_troubles
from drawer_ipy.definition.extract import Asked, read_asked
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.own_texts import unread_references
from drawer_ipy.definition.trust import read_verify
from drawer_ipy.definition.values import parse_lasting
from drawer_ipy.scrape.spec import Trouble


def check_button(spec: ButtonSpec, where: Where, report: Report) -> bool:
    """Check `spec`, which is at `where`; return whether no error was found."""
    before = report.errors
    report_troubles(rate_troubles(spec.rate, declared(spec)), where.at(arg="rate"), report)
    _cache(spec, where, report)
    _verify(spec, where, report)
    asked, troubles = read_asked(spec)
    if not troubles:
        _backend(spec, asked, where, report)
    report_troubles([*troubles, *request_troubles(spec), *_unread(spec)], where, report)
    for fault in runtime_of(spec).faults(spec):
        report_fault(fault, where, report)
    return report.errors == before


def _unread(spec: ButtonSpec) -> Iterator[Trouble]:
    by_argument = "give the button an argument, {{argument}}, and pass the value to it in the step"
    for key in ("url", "body", "save"):
        yield from unread_references(getattr(spec, key), (key,), by_argument)
    hint = "a script has the notebook's variables, and batteries as BUTTONS_BAT_NAME, without `env`"
    yield from unread_references(spec.env, ("env",), hint)


def _cache(spec: ButtonSpec, where: Where, report: Report) -> None:
    at = where.at("cache", arg="cache")
    try:
        lasts = parse_lasting(spec.cache)
    except BadValue as error:
        report.error(at, error.message, error.hint)
        return
    if lasts is not None and spec.url and spec.cookies:
        message = "responses are not cached, since they depend on the cookies of earlier requests"
        report.warn(at, message, "remove `cache` or `cookies`", key=True)
    runtime = runtime_of(spec)
    if lasts is not None and not runtime.caches:
        message = f"results of {runtime.name} buttons are not cached"
        if runtime is PROMPT:
            message = "the result of a prompt is only its text, so there is nothing to cache"
        report.warn(at, message, "remove `cache`", key=True)


def _backend(spec: ButtonSpec, asked: Asked | None, where: Where, report: Report) -> None:
    if not spec.backend:
        return
    at, kind = where.at("backend", arg="backend"), runtime_of(spec).name
    has_part = asked is not None and asked.reader() is not None
    stays = "" if has_part or kind == "script" else STAYS.get(kind, "")
    try:
        parse_backend(spec.backend)
    except BadValue as error:
        report.error(at, error.message, error.hint)
        return
    if stays:
        message = f"presses of this {kind} button cannot run on a backend: {stays}"
        report.error(at, message, "remove `backend`", key=True)


def _verify(spec: ButtonSpec, where: Where, report: Report) -> None:
    try:
        read_verify(spec.verify)
    except BadValue as error:
        report.error(where.at("verify", arg="verify"), f"`verify`: {error.message}", error.hint)
