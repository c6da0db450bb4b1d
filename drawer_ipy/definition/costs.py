"""The problems of a button's ``rate`` that can be known before it is pressed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.named_call import NamedCall
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.rates import RateLimit, parse_rates
from drawer_ipy.errors import ResolveError, did_you_mean
from drawer_ipy.expressions import compile_expression, constant_faults
from drawer_ipy.scrape.spec import Trouble


def rate_troubles(rate: Any, args: Collection[str] | None) -> Iterator[Trouble]:
    """The problems of the rates in `rate` and of their costs, by path below the button.

    Args:
        args: the arguments that a cost may read; ``None`` if they are not known.
    """
    try:
        limits = parse_rates(rate)
    except BadValue as error:
        yield Trouble(("rate",), error.message, error.hint)
        return
    for one in limits:
        if isinstance(one.cost, str):
            yield from _of_expression(one.cost, one, args)
        elif callable(one.cost):
            for name in NamedCall(one.cost).required:
                if args is not None and name not in args:
                    yield _unknown(name, one, args)


def declared(spec: ButtonSpec) -> list[str] | None:
    """The arguments that `spec` declares; ``None`` if it leaves that to its texts and its callers."""
    return [arg.name for arg in spec.args] or None


def names_read(limit: RateLimit) -> list[str]:
    """The arguments without which the cost under `limit` cannot be computed."""
    if callable(limit.cost):
        return list(NamedCall(limit.cost).required)
    if not isinstance(limit.cost, str):
        return []
    try:
        references = compile_expression(limit.cost).references
    except ResolveError:
        return []  # reported by rate_troubles
    return [ref.root for ref in references if ref.always and not ref.guarded]


def _of_expression(cost: str, limit: RateLimit, args: Collection[str] | None) -> Iterator[Trouble]:
    try:
        template = compile_expression(cost)
    except ResolveError as error:
        yield Trouble(("rate", *limit.path), error.message, error.remediation, error.offset)
        return
    for fault in constant_faults(template):
        path = ("rate", *limit.path)
        yield Trouble(path, fault.message, fault.remediation, fault.offset, soft=not fault.certain)
    if args is None:
        return

    def exists(path: tuple[str | int, ...]) -> bool:
        return path[0] in args

    for ref in template.references_given(exists):
        if ref.root not in args:
            yield _unknown(ref.root, limit, args, ref.offset)


def _unknown(name: str, limit: RateLimit, args: Collection[str], offset: int | None = None) -> Trouble:
    message = f"the cost under the rate {limit.text} reads {name!r}, which is not an argument of this button"
    known = f"its arguments are {', '.join(args)}" if args else "it has no arguments"
    return Trouble(("rate", *limit.path), message, did_you_mean(name, args) or known, offset)
