"""Compile syntax trees into programs: closures over a scope, built once and run many times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import macros, operators, paths
from drawer_ipy.expressions import nodes as ast
from drawer_ipy.expressions.functions import FUNCTIONS
from drawer_ipy.expressions.parser import MAX_DEPTH, parse, too_deep
from drawer_ipy.expressions.paths import Missing, PathReader, PathStep, Resplit, Scope
from drawer_ipy.expressions.text import to_text
from drawer_ipy.expressions.types import TYPES

_MAX_SPLITS = 20


class Program:
    """A compiled expression.

    Attributes:
        tree: its syntax tree, in which every hyphenated name is one name.
        source: the text that it was compiled from.
        text: the expression as written, without the ``${}``.
        execute: its closure, which may also raise Missing and Resplit; see :meth:`recover`.
        end: offset in the compiled text after the expression and its brace.
    """

    __slots__ = ("_embedded", "_start", "_variants", "end", "execute", "source", "text", "tree")

    def __init__(self, source: str, start: int = 0, *, embedded: bool) -> None:
        self.source: str = source
        self._start = start
        self._embedded = embedded
        try:
            self.tree, self.end = parse(source, start, embedded=embedded)
            self.text: str = source[start : self.end - embedded].strip()
            self.execute: Callable[[Mapping[str, Any]], Any] = compile_tree(self.tree, source)
        except RecursionError:  # the caller is deeply nested itself
            raise too_deep(start) from None
        # Variants of the program with some hyphens read as minus signs, by the positions of these hyphens.
        self._variants: dict[tuple[tuple[int, int], ...], PathReader] = {}

    def run(self, scope: Scope) -> Any:
        """Return the value of the expression in `scope`.

        Raises:
            ResolveError: a name or member is missing, or the value cannot be computed.
        """
        try:
            return self.execute(scope)
        except BaseException as error:
            pass_on_interrupt(error)
            caught = error
        return self.recover(scope, caught)

    def recover(self, scope: Scope, error: BaseException) -> Any:
        """Handle an `error` of :attr:`execute`: try another reading of the hyphens, or raise a clear error.

        Raises:
            ResolveError: no other reading works.
        """
        if isinstance(error, Missing):
            return self._subtract(scope, error)
        if isinstance(error, Resplit):
            return self._subtract(scope, error.missing)
        if isinstance(error, ResolveError):
            raise self._located(error) from error.__cause__
        if isinstance(error, RecursionError):
            raise self._located(ResolveError("nested too deeply")) from None
        # A user's object raised. Its message may contain values, so it is kept in the cause only.
        raise self._located(ResolveError(f"a {type(error).__name__} was raised")) from error

    def _located(self, error: ResolveError) -> ResolveError:
        """Return `error` with the expression at the beginning of its message."""
        shown = self.text if len(self.text) <= 200 else self.text[:197] + "..."
        return ResolveError(f"${{{shown}}}: {error.message}", code=error.code, remediation=error.remediation)

    def _subtract(self, scope: Scope, first: Missing) -> Any:
        """Run a variant that reads hyphens as minus signs if the first part of a name is known.

        Raises:
            ResolveError: that fails too; the error is about the whole name.
        """
        splits: dict[int, int] = {}
        missing = first
        for _ in range(_MAX_SPLITS):
            kept = missing.kept_parts()
            if kept == 0 or missing.at is None:
                break
            splits[missing.at] = kept
            try:
                return self._variant(splits)(scope)
            except Missing as next_missing:
                missing = next_missing
            except Resplit as resplit:
                missing = resplit.missing
            except ResolveError:
                break
        raise first.error(self.text) from None

    def _variant(self, splits: dict[int, int]) -> PathReader:
        key = tuple(sorted(splits.items()))
        run = self._variants.get(key)
        if run is None:
            run = self._variants[key] = compile_tree(self.split_tree(splits), self.source)
        return run

    def split_tree(self, splits: dict[int, int]) -> ast.Node:
        """Return the syntax tree with the names at these offsets cut to the given number of parts."""
        tree, _ = parse(self.source, self._start, embedded=self._embedded, splits=splits)
        return tree


def compile_tree(tree: ast.Node, source: str) -> PathReader:
    """Compile `tree`; its offsets refer to the text `source`.

    Raises:
        ResolveError: it is nested too deeply.
    """
    return _Compiler(source).run_of(tree)


def static_steps(node: ast.Node) -> tuple[ast.Name, list[PathStep]] | None:
    """Return the root and steps of a path without computed parts; ``None`` for anything else."""
    steps: list[PathStep] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Member):
            steps.append(PathStep(node.key, node.at, node.end, True))
        elif isinstance(node, ast.Index) and (key := literal_key(node.index)) is not None:
            steps.append(PathStep(key, node.index.start, node.end, False))
        else:
            return None
        node = node.operand
    return node, steps[::-1]


def literal_key(node: ast.Node) -> str | int | None:
    """Return the key of a literal index; ``None`` if it must be computed."""
    if not isinstance(node, ast.Literal) or isinstance(node.value, bool):
        return None
    if isinstance(node.value, float) and node.value.is_integer():
        return int(node.value)
    return node.value if isinstance(node.value, str | int) else None


class _Compiler:
    def __init__(self, source: str) -> None:
        self.source = source
        self.depth = 0

    def run_of(self, node: ast.Node) -> PathReader:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise too_deep(node.start)
        build = _BUILDERS[type(node)]
        run: PathReader = build(self, node)
        self.depth -= 1
        return run

    def literal(self, node: ast.Literal) -> PathReader:
        value = node.value
        return lambda _scope: value

    def name(self, node: ast.Name) -> PathReader:
        root = paths.root(node.name, node.start)
        kind = TYPES.get(node.name)
        if kind is None:
            return root

        def run(scope: Scope) -> Any:
            # `string` in type(x) == string, unless a step or variable has this name.
            try:
                return root(scope)
            except Missing:
                return kind

        return run

    def path(self, node: ast.Member | ast.Index) -> PathReader:
        static = static_steps(node)
        if static is not None:
            root, steps = static
            kind = TYPES.get(self.source[node.start : node.end])
            if kind is not None:
                return lambda _scope: kind
            return paths.static_path(root.name, root.start, steps, self.source, node.start)
        operand, start, source = self.run_of(node.operand), node.start, self.source
        if isinstance(node, ast.Member):
            step = PathStep(node.key, node.at, node.end, True)
            return lambda scope: paths.step_into(operand(scope), step, source, start)
        index, at, end = self.run_of(node.index), node.index.start, node.end

        def run(scope: Scope) -> Any:
            step = PathStep(_key(index(scope)), at, end, False)
            return paths.step_into(operand(scope), step, source, start)

        return run

    def has(self, node: ast.Has) -> PathReader:
        operand = self.run_of(node.path.operand)
        if isinstance(node.path, ast.Member):
            key = node.path.key
            return lambda scope: paths.has_member(operand(scope), key, True)
        index = self.run_of(node.path.index)
        return lambda scope: paths.has_member(operand(scope), _key(index(scope)), False)

    def call(self, node: ast.FunctionCall) -> PathReader:
        args = ([node.receiver] if node.receiver is not None else []) + list(node.args)
        runs = [self.run_of(arg) for arg in args]
        call = FUNCTIONS[node.name].run
        if len(runs) == 1:
            (only,) = runs
            return lambda scope: call(only(scope))
        return lambda scope: call(*[run(scope) for run in runs])

    def macro(self, node: ast.Macro) -> PathReader:
        source, body = self.run_of(node.source), self.run_of(node.body)
        condition = None if node.condition is None else self.run_of(node.condition)
        return macros.build(node.kind, source, node.variable, condition, body)

    def unary(self, node: ast.Unary) -> PathReader:
        operand = self.run_of(node.operand)
        compute: Callable[[Any], Any]
        compute = operators.negation if node.op == "!" else operators.negate
        return lambda scope: compute(operand(scope))

    def binary(self, node: ast.Binary) -> PathReader:
        left, right = self.run_of(node.left), self.run_of(node.right)
        if node.op == "??":
            return _coalesce(left, right)
        if node.op in ("&&", "||"):
            return _logic(node.op, left, right)
        compute = operators.BINARY[node.op]
        return lambda scope: compute(left(scope), right(scope))

    def ternary(self, node: ast.Ternary) -> PathReader:
        condition = self.run_of(node.condition)
        yes, no = self.run_of(node.yes), self.run_of(node.no)

        def run(scope: Scope) -> Any:
            chosen = condition(scope)
            if chosen is not True and chosen is not False:
                chosen = operators.truth(chosen, "the condition before ?")
            return yes(scope) if chosen else no(scope)

        return run

    def list(self, node: ast.ListLiteral) -> PathReader:
        runs = [self.run_of(item) for item in node.items]
        return lambda scope: [run(scope) for run in runs]

    def map(self, node: ast.MapLiteral) -> PathReader:
        runs = [(self.run_of(key), self.run_of(value)) for key, value in node.entries]
        return lambda scope: {_map_key(key(scope)): value(scope) for key, value in runs}


_BUILDERS: dict[type[ast.Node], Callable[..., PathReader]] = {
    ast.Literal: _Compiler.literal,
    ast.Name: _Compiler.name,
    ast.Member: _Compiler.path,
    ast.Index: _Compiler.path,
    ast.Has: _Compiler.has,
    ast.FunctionCall: _Compiler.call,
    ast.Macro: _Compiler.macro,
    ast.Unary: _Compiler.unary,
    ast.Binary: _Compiler.binary,
    ast.Ternary: _Compiler.ternary,
    ast.ListLiteral: _Compiler.list,
    ast.MapLiteral: _Compiler.map,
}


def _key(value: Any) -> Any:
    """Check a computed index, which must be hashable to be a key."""
    if isinstance(value, list | dict | set):
        raise ResolveError("an index must be text or a number")
    return value


def _map_key(value: Any) -> str:
    """Convert a map's key to text, as in JSON.

    Raises:
        ResolveError: the key is neither text, a number nor a bool.
    """
    if isinstance(value, str | int | bool) or (isinstance(value, float) and value.is_integer()):
        return to_text(value)
    raise ResolveError("a map's key must be text", remediation="convert it to text with string()")


def absorb(missing: Missing) -> None:
    """Ignore a missing value, unless its name was meant as a subtraction.

    Raises:
        Resplit: it was meant as a subtraction.
    """
    if missing.at is not None and "-" in str(missing.key) and missing.kept_parts():
        raise Resplit(missing) from None


def _coalesce(left: PathReader, right: PathReader) -> PathReader:
    """Build ``left ?? right``: `right` is used if `left` is null or something in it is missing."""

    def run(scope: Scope) -> Any:
        try:
            value = left(scope)
        except Missing as missing:
            absorb(missing)
            value = None
        return right(scope) if value is None else value

    return run


def _logic(op: str, left: PathReader, right: PathReader) -> PathReader:
    """Build ``&&`` or ``||``: an error on one side is ignored if the other side decides."""
    decisive = op == "||"
    where = f"each side of {op}"

    def side(run: PathReader, scope: Scope) -> bool:
        value = run(scope)
        return value if value is True or value is False else operators.truth(value, where)

    def run(scope: Scope) -> bool:
        try:
            if side(left, scope) is decisive:
                return decisive
        except (Missing, ResolveError) as error:
            if isinstance(error, Missing):
                absorb(error)
            if side(right, scope) is decisive:
                return decisive
            raise
        return side(right, scope)

    return run
