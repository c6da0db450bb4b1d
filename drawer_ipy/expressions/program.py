"""Syntax trees to programs: plain closures over a scope, built once and run often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import functions, macros, operators, paths
from drawer_ipy.expressions import nodes as ast
from drawer_ipy.expressions.parser import MAX_DEPTH, parse, too_deep
from drawer_ipy.expressions.paths import Missing, PathReader, PathStep, Resplit, Scope
from drawer_ipy.expressions.text import to_text
from drawer_ipy.expressions.types import TYPES

_MAX_SPLITS = 20


class Program:
    """One expression, compiled.

    Attributes:
        tree: its syntax tree, with every hyphenated name taken whole.
        text: the expression as written, without the ``${}``.
        execute: its closure, which raises Missing and Resplit too; see :meth:`recover`.
        end: offset in the compiled text just behind the expression and its brace.
    """

    __slots__ = ("_embedded", "_source", "_start", "_variants", "end", "execute", "text", "tree")

    def __init__(self, source: str, start: int = 0, *, embedded: bool) -> None:
        self._source = source
        self._start = start
        self._embedded = embedded
        try:
            self.tree, self.end = parse(source, start, embedded=embedded)
            self.text = source[start : self.end - embedded].strip()
            self.execute = compile_tree(self.tree, source)
        except RecursionError:  # called from code that is nested deeply itself
            raise too_deep(start) from None
        # The programs with some hyphens read as minus, by which ones.
        self._variants: dict[tuple[tuple[int, int], ...], PathReader] = {}

    def run(self, scope: Scope) -> Any:
        """The value of the expression in `scope`.

        Raises:
            ResolveError: something it names is missing, or it cannot be computed.
        """
        try:
            return self.execute(scope)
        except BaseException as error:
            pass_on_interrupt(error)
            caught = error
        return self.recover(scope, caught)

    def recover(self, scope: Scope, error: BaseException) -> Any:
        """What follows when :attr:`execute` raised `error`: another reading, or an error for people.

        Raises:
            ResolveError: there is no other reading that works.
        """
        if isinstance(error, Missing):
            return self._subtract(scope, error)
        if isinstance(error, Resplit):
            return self._subtract(scope, error.missing)
        if isinstance(error, ResolveError):
            raise self._located(error) from error.__cause__
        if isinstance(error, RecursionError):
            raise self._located(ResolveError("nested too deeply")) from None
        # An object of the user's raised; its own words may hold values, so they stay in the cause.
        raise self._located(ResolveError(f"a {type(error).__name__} was raised")) from error

    def _located(self, error: ResolveError) -> ResolveError:
        """`error`, its message beginning with the expression."""
        shown = self.text if len(self.text) <= 200 else self.text[:197] + "..."
        return ResolveError(f"${{{shown}}}: {error.message}", code=error.code, remediation=error.remediation)

    def _subtract(self, scope: Scope, first: Missing) -> Any:
        """Try again with hyphens as minus signs, where a name's first part is known.

        Raises:
            ResolveError: that fails as well; the error is the one about the whole name.
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
            run = self._variants[key] = compile_tree(self.split_tree(splits), self._source)
        return run

    def split_tree(self, splits: dict[int, int]) -> ast.Node:
        """The syntax tree with the names at those offsets cut to so many parts."""
        tree, _ = parse(self._source, self._start, embedded=self._embedded, splits=splits)
        return tree


def compile_tree(tree: ast.Node, source: str) -> PathReader:
    """The program of `tree`; `source` is the text its offsets point into.

    Raises:
        ResolveError: it is nested too deeply.
    """
    return _Compiler(source).run_of(tree)


def static_steps(node: ast.Node) -> tuple[ast.Name, list[PathStep]] | None:
    """The root and steps of a path with nothing to compute in it; ``None`` for anything else."""
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
    """The key that a literal index stands for; ``None`` when it is to be computed."""
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
        return lambda scope: value

    def name(self, node: ast.Name) -> PathReader:
        root = paths.root(node.name, node.start)
        kind = TYPES.get(node.name)
        if kind is None:
            return root

        def run(scope: Scope) -> Any:
            # `string` in type(x) == string, unless a step or variable is called so.
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
                return lambda scope: kind
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
        member = node.receiver is not None
        args = ([node.receiver] if node.receiver is not None else []) + list(node.args)
        runs = [self.run_of(arg) for arg in args]
        name, call = node.name, functions.call
        if len(runs) == 1:
            (only,) = runs
            return lambda scope: call(name, member, (only(scope),))
        return lambda scope: call(name, member, [run(scope) for run in runs])

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
                chosen = operators.truth(chosen, "what stands before ?")
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
    """A computed index; unhashable ones cannot be keys."""
    if isinstance(value, list | dict | set):
        raise ResolveError("an index must be text or a number")
    return value


def _map_key(value: Any) -> str:
    """A map's keys are text, as in JSON.

    Raises:
        ResolveError: the key is neither text, a number nor a bool.
    """
    if isinstance(value, str | int | bool) or (isinstance(value, float) and value.is_integer()):
        return to_text(value)
    raise ResolveError("a map's key must be text", remediation="turn it into text with string()")


def absorb(missing: Missing) -> None:
    """Let a missing value pass, unless its name was a subtraction after all.

    Raises:
        Resplit: it was.
    """
    if missing.at is not None and "-" in str(missing.key) and missing.kept_parts():
        raise Resplit(missing) from None


def _coalesce(left: PathReader, right: PathReader) -> PathReader:
    """``left ?? right``: `right` where `left` is null or something it names is missing."""

    def run(scope: Scope) -> Any:
        try:
            value = left(scope)
        except Missing as missing:
            absorb(missing)
            value = None
        return right(scope) if value is None else value

    return run


def _logic(op: str, left: PathReader, right: PathReader) -> PathReader:
    """``&&`` and ``||``: an error on one side does not matter if the other decides."""
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
