"""Parts of expressions that read nothing: their values, and those that cannot be computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import nodes as ast
from drawer_ipy.expressions.paths import Missing
from drawer_ipy.expressions.program import Program, compile_tree
from drawer_ipy.expressions.template import Spliced, Template, Whole
from drawer_ipy.expressions.types import OutOfRange

_MOST_WORK = 2_000
"""The largest number of operations that are computed to check a constant."""

_TOO_MUCH = _MOST_WORK + 1


@dataclass(frozen=True, slots=True)
class ConstantFault:
    """A constant part of an expression that has no value.

    Attributes:
        message, remediation: what is wrong, and how to fix it.
        offset: where the part begins in the compiled text.
        certain: whether the expression is a mistake: every evaluation fails because of it, and not only
            because of a value: a division by zero, a key that a map does not have.
    """

    message: str
    remediation: str
    offset: int
    certain: bool


def constant_faults(template: Template) -> Iterator[ConstantFault]:
    """The constant parts of `template` (of one string) that have no value, in the order of the text."""
    if isinstance(template, Spliced):
        for part in template.parts:
            if isinstance(part, Template):
                yield from constant_faults(part)
    elif isinstance(template, Whole):
        yield from _faults(template.program.tree, template.program, certain=True)


def constant_value(template: Template) -> tuple[Any, ...]:
    """Return the value of a template that reads nothing, as a 1-tuple; ``()`` if it reads or has none."""
    if template.is_constant:
        return (template.resolve({}),)
    if not isinstance(template, Whole) or _work(template.program.tree, frozenset()) > _MOST_WORK:
        return ()
    try:
        return (template.resolve({}),)
    except ResolveError:
        return ()


def _faults(
    node: ast.Node, program: Program, *, certain: bool, may_miss: bool = False
) -> Iterator[ConstantFault]:
    """The faults in `node`.

    Args:
        certain: whether every evaluation of the expression evaluates the node.
        may_miss: whether a missing member is allowed, as on the left of ``??``.
    """
    if _work(node, frozenset()) <= _MOST_WORK:
        error = _error(node, program)
        if error is not None and not (may_miss and isinstance(error, Missing)):
            yield _located(node, error, program, certain)
        return
    for child, always, missable in _children(node):
        yield from _faults(child, program, certain=certain and always, may_miss=missable)


def _located(node: ast.Node, error: ResolveError | Missing, program: Program, certain: bool) -> ConstantFault:
    """The fault of the smallest part of `node` that fails."""
    for child in ast.children(node):
        if _work(child, frozenset()) <= _MOST_WORK and (inner := _error(child, program)) is not None:
            return _located(child, inner, program, certain)
    certain = certain and not _depends_on_data(error)
    text = program.source[node.start : node.end]
    if isinstance(error, Missing):
        error = error.error(text)
    else:
        error = ResolveError(f"${{{text}}}: {error.message}", remediation=error.remediation)
    return ConstantFault(error.message, error.remediation, node.start, certain)


def _depends_on_data(error: ResolveError | Missing) -> bool:
    """Whether other values of the same types would do; the original fails such a step when it runs."""
    if isinstance(error, Missing):
        return isinstance(error.container, Mapping | list)
    return isinstance(error, OutOfRange)


def _error(node: ast.Node, program: Program) -> ResolveError | Missing | None:
    """Why the constant `node` has no value; ``None`` if it has one."""
    if isinstance(node, ast.Literal):
        return None
    try:
        compile_tree(node, program.source)({})
    except (ResolveError, Missing) as error:
        return error
    except BaseException as error:
        pass_on_interrupt(error)
        return ResolveError(f"it raises {type(error).__name__}")
    return None


def _work(node: ast.Node, bound: frozenset[str]) -> int:
    """How many operations it takes to compute `node`; more than the limit if it reads something.

    Args:
        bound: the variables of loops around it.
    """
    if isinstance(node, ast.Literal):
        return 1
    if isinstance(node, ast.Name):
        return 1 if node.name in bound else _TOO_MUCH
    if isinstance(node, ast.Macro):
        rounds = _length(node.source)
        if rounds is None:
            return _TOO_MUCH
        parts = [part for part in (node.condition, node.body) if part is not None]
        inner = bound | {node.variable}
        return _sum([node.source], bound) + max(1, rounds) * _sum(parts, inner)
    return 1 + _sum(ast.children(node), bound)


def _sum(nodes: Sequence[ast.Node], bound: frozenset[str]) -> int:
    total = 0
    for node in nodes:
        total += _work(node, bound)
        if total > _MOST_WORK:
            return _TOO_MUCH
    return total


def _length(source: ast.Node) -> int | None:
    """The number of rounds of a loop over `source`; ``None`` if that is not known."""
    if isinstance(source, ast.ListLiteral):
        return len(source.items)
    if isinstance(source, ast.MapLiteral):
        return len(source.entries)
    return 0 if isinstance(source, ast.Literal) else None


def _children(node: ast.Node) -> list[tuple[ast.Node, bool, bool]]:
    """The parts of `node`, whether each is always evaluated, and whether a member in it may be missing."""
    if isinstance(node, ast.Has):
        return _children(node.path)
    if isinstance(node, ast.Binary) and node.op == "??":
        return [(node.left, True, True), (node.right, False, False)]
    if isinstance(node, ast.Binary) and node.op in ("&&", "||"):
        return [(node.left, False, False), (node.right, False, False)]
    parts = ast.children(node)
    first_only = isinstance(node, ast.Macro | ast.Ternary)
    return [(part, position == 0 or not first_only, False) for position, part in enumerate(parts)]
