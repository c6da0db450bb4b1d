"""Which names a body reads and binds, in the order in which Python would do so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NameUse:
    """One use of a name.

    Attributes:
        name: the name.
        node: where it is used.
        binds: whether it is bound here; otherwise it is read, or deleted.
        certain: whether every item comes here: not inside a branch, a loop or a handler.
        in_loop: whether an earlier round of a loop in the body may have bound it.
        augments: whether the read belongs to ``name += ...``.
    """

    name: str
    node: ast.AST
    binds: bool
    certain: bool
    in_loop: bool = False
    augments: bool = False


class NameUses(ast.NodeVisitor):
    """Collects the uses of names in a body. Bodies of nested functions run later and are left out."""

    def __init__(self) -> None:
        self.uses: list[NameUse] = []
        self._uncertain = 0
        self._loops = 0
        self._hidden: list[set[str]] = []  # names of comprehensions, which are theirs alone

    def _use(self, name: str, node: ast.AST, *, binds: bool, augments: bool = False) -> None:
        if any(name in names for names in self._hidden):
            return
        certain = not self._uncertain
        self.uses.append(NameUse(name, node, binds, certain, bool(self._loops), augments))

    def _maybe(self, *parts: ast.AST | list[ast.stmt] | list[ast.expr] | None) -> None:
        self._uncertain += 1
        for part in parts:
            self._all(part)
        self._uncertain -= 1

    def _all(self, part: ast.AST | list[ast.stmt] | list[ast.expr] | None) -> None:
        for node in part if isinstance(part, list) else [part]:
            if node is not None:
                self.visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self._use(node.id, node, binds=isinstance(node.ctx, ast.Store))

    def visit_Assign(self, node: ast.Assign) -> None:
        self._all(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._all(node.value)
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._use(node.target.id, node.target, binds=False, augments=True)
            self._all(node.value)
            self._use(node.target.id, node.target, binds=True, augments=True)
        else:
            self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._use(node.target.id, node.target, binds=True)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in ("globals", "locals", "exec", "eval"):
            self._uncertain += 1  # what follows may be defined by it
        self.generic_visit(node)

    def _visit_for(self, node: ast.For | ast.AsyncFor) -> None:
        self._all(node.iter)
        self._loops += 1
        self.visit(node.target)
        self._maybe(node.body)
        self._loops -= 1
        self._maybe(node.orelse)

    visit_For = visit_AsyncFor = _visit_for

    def visit_While(self, node: ast.While) -> None:
        self._loops += 1
        self.visit(node.test)
        self._maybe(node.body)
        self._loops -= 1
        self._maybe(node.orelse)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._maybe(node.body, node.orelse)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        self._maybe(node.body, node.orelse)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self.visit(node.values[0])
        self._maybe(node.values[1:])

    def _visit_try(self, node: ast.Try | ast.TryStar) -> None:
        self._maybe(node.body)
        for handler in node.handlers:
            self._maybe(handler)
        self._maybe(node.orelse)
        self._all(node.finalbody)

    visit_Try = visit_TryStar = _visit_try

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._all(node.type)
        if node.name:
            self._use(node.name, node, binds=True)
        self._all(node.body)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        for case in node.cases:
            self._maybe(case)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self._all(node.pattern)
        if node.name:
            self._use(node.name, node, binds=True)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._use(node.name, node, binds=True)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self._use(node.rest, node, binds=True)

    def _visit_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self._uncertain += 1
            self._use(alias.asname or alias.name.partition(".")[0], node, binds=True)

    visit_Import = visit_ImportFrom = _visit_import

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._all(node.decorator_list)
        self._all(node.args.defaults)
        self._all([default for default in node.args.kw_defaults if default is not None])
        self._use(node.name, node, binds=True)

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._all(node.decorator_list)
        self._all(node.bases)
        self._use(node.name, node, binds=True)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._all(node.args.defaults)

    def visit_Global(self, node: ast.Global) -> None:
        for name in node.names:
            self._use(name, node, binds=True)

    def _visit_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        self._all(node.generators[0].iter)
        own = {name.id for part in node.generators for name in _names_in(part.target)}
        self._hidden.append(own)
        for position, part in enumerate(node.generators):
            self._maybe(None if position == 0 else part.iter, list(part.ifs))
        result: list[ast.expr] = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._maybe(result)
        self._hidden.pop()

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _visit_comprehension


def _names_in(node: ast.AST) -> Iterator[ast.Name]:
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Name))


def uses_in(statements: list[ast.stmt]) -> list[NameUse]:
    """Return the uses of names in `statements`, in the order of evaluation."""
    found = NameUses()
    for statement in statements:
        found.visit(statement)
    return found.uses
