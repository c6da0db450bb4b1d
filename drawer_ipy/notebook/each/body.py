"""The body of an ``%%each`` cell as a function of one item."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from drawer_ipy.errors import DefinitionError, Problem, did_you_mean
from drawer_ipy.notebook.each.header import LoopTarget
from drawer_ipy.notebook.each.names import NameUse, uses_in
from drawer_ipy.notebook.each.text import EachText, problem
from drawer_ipy.notebook.each.unpacking import unpacked

_UNPACK = "_unpacked"
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_ASYNC = (ast.Await, ast.AsyncFor, ast.AsyncWith)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_SHELL = {
    "system": "!",
    "getoutput": "!",
    "run_line_magic": "%",
    "run_cell_magic": "%%",
    "set_next_input": "?",
}
_GIVEN = frozenset({"__name__", "__file__", "__builtins__", "__annotations__", "__class__", *vars(builtins)})


@dataclass(frozen=True, slots=True)
class EachBody:
    """A body that was read and checked.

    Attributes:
        statements: what it does, with line numbers of the cell; ``continue`` is a ``return`` already.
        is_async: whether it awaits.
        reads: the names that it reads, those of nested functions included.
        warnings: what is odd about it.
    """

    statements: list[ast.stmt]
    is_async: bool
    reads: frozenset[str]
    warnings: list[Problem]

    def function(
        self, name: str, target: LoopTarget, namespace: dict[str, Any], file: str, flags: int
    ) -> Any:
        """Return the function that does this for one item.

        Args:
            name: the function's name.
            target: what the item is assigned to.
            namespace: the notebook's variables: the function's globals.
            file: the name under which tracebacks find the cell's lines.
            flags: of the compiler, from ``from __future__`` imports of the notebook.
        """
        unpack = _free(_UNPACK, {*target.names, *self.reads})
        inner = f"{'async ' if self.is_async else ''}def {name}({target.name}): pass"
        # The outer function gives the inner one a variable that the notebook does not have.
        module = ast.parse(f"def outer({unpack}):\n {inner}\n return {name}" if target.pattern else inner)
        made = next(node for node in ast.walk(module) if getattr(node, "name", "") == name)
        assert isinstance(made, ast.FunctionDef | ast.AsyncFunctionDef)
        made.body = [*target.unpacking(unpack), *self.statements]
        last = made.body[-1]
        if isinstance(last, ast.Expr):
            made.body[-1] = ast.copy_location(ast.Return(last.value), last)
        holder: dict[str, Any] = {}
        code = compile(ast.fix_missing_locations(module), file, "exec", flags, dont_inherit=True)
        exec(code, namespace, holder)
        if not target.pattern:
            return holder[name]
        return holder["outer"](unpacked)


def _free(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name


def read_body(text: EachText, target: LoopTarget, namespace: Mapping[str, Any]) -> EachBody:
    """Read and check the body of a cell.

    Raises:
        DefinitionError: it is not Python, or does what an item cannot do, with the place in the cell.
    """
    statements = _parse(text)
    if not statements:
        raise text.error("the body is empty", "write below the line what to do with each item", line=1)
    checker = _Checker(text)
    for at, statement in enumerate(statements):
        statements[at] = checker.visit(statement)
    reads = frozenset(
        node.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )
    body = EachBody(statements, checker.is_async, reads, [])
    if not checker.problems:
        try:
            function = body.function("body", target, {}, "<body>", 0)
        except SyntaxError as error:  # what only the compiler finds, such as `await` in a nested function
            raise _syntax_error(text, error) from None
        found = [*_names_wrong(statements, function, target, namespace)]
        checker.problems += [one for one in found if one.severity == "error"]
        body.warnings.extend(one for one in found if one.severity != "error")
        body.warnings.extend(_without_output(statements[-1]))
    if checker.problems:
        raise text.errors(sorted(checker.problems, key=lambda p: (p.line or 0, p.column or 0)))
    return body


def _parse(text: EachText) -> list[ast.stmt]:
    source, shift = text.body, text.body_line - 1
    first = next((line for line in source.splitlines() if line.strip() and line.strip()[0] != "#"), "")
    indented = first[:1] in " \t" and bool(first)
    if indented:  # a loop's body pasted as it was
        source, shift = f"if True:\n{source}", shift - 1
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        refused = _shell_line(text)
        raise refused or _syntax_error(text, error, shift) from None
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL, or nesting without end
        raise text.error(f"the body cannot be read as Python: {error}", line=text.body_line) from None
    statements = tree.body
    if indented:
        outer = statements[0]
        assert isinstance(outer, ast.If)
        statements = [*outer.body, *statements[1:]]
    for statement in statements:
        ast.increment_lineno(statement, shift)
    return statements


def _syntax_error(text: EachText, error: SyntaxError, shift: int = 0) -> DefinitionError:
    line = (error.lineno or 1) + shift
    message = f"the body is not Python: {error.msg}"
    return text.error(message, line=max(line, 1), column=max(error.offset or 1, 1))


def _shell_line(text: EachText) -> DefinitionError | None:
    """The refusal of the first line that only IPython understands; ``None`` when the fault is another."""
    for number, line in enumerate(text.body.splitlines(), start=text.body_line):
        said = re.match(r"\s*(?:[\w.,\s\[\]]+=\s*)?(!{1,2}|%{1,2}(?=\w)|\?{1,2}(?=\w))\s*([\w./-]*)", line)
        if said is None or said[1].startswith("?") or not _is_for_shell(line):
            continue
        sign, word = said.groups()
        column = said.start(1) + 1
        if sign.startswith("!"):
            message, hint = (
                f"`{sign}{word}` runs a program, which a body cannot do this way",
                ("call subprocess.run([...]), or make it a step of its own: %%button NAME sh"),
            )
        else:
            message = f"the magic {sign}{word} cannot stand in the body of {text.head.split()[0]}"
            hint = "put it into a cell of its own"
        return text.error(message, hint, line=number, column=column)
    return None


def _is_for_shell(line: str) -> bool:
    try:
        return bool(TransformerManager().transform_cell(line.strip() + "\n").strip() != line.strip())
    except SyntaxError:
        return False


class _Checker(ast.NodeTransformer):
    """Finds what an item cannot do, and turns ``continue`` into the item's end."""

    def __init__(self, text: EachText) -> None:
        self.problems: list[Problem] = []
        self.is_async = False
        self._text = text
        self._loops = 0

    def _wrong(self, node: ast.AST, message: str, hint: str) -> None:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
        self.problems.append(problem(message, hint, line=line, column=column))

    def visit(self, node: ast.AST) -> Any:
        """Look at `node`; the bodies of nested functions and classes are Python's own business."""
        if isinstance(node, _NESTED):
            return node
        if isinstance(node, _ASYNC) or (isinstance(node, ast.comprehension) and node.is_async):
            self.is_async = True
        if isinstance(node, ast.Yield | ast.YieldFrom):
            self._wrong(node, "an item has one output and cannot yield", "end the body with a list")
        inside = isinstance(node, _LOOPS)
        self._loops += inside
        result = super().visit(node)
        self._loops -= inside
        return result

    def visit_Continue(self, node: ast.Continue) -> ast.stmt:
        if self._loops:
            return node
        return ast.copy_location(ast.Return(None), node)

    def visit_Break(self, node: ast.Break) -> ast.stmt:
        if not self._loops:
            message = "`break` cannot end the loop: other items are under way"
            self._wrong(
                node, message, "with --stop, the first item that raises ends it; `continue` ends this item"
            )
        return node


def _names_wrong(
    statements: list[ast.stmt], function: FunctionType, target: LoopTarget, namespace: Mapping[str, Any]
) -> Iterator[Problem]:
    code = function.__code__
    own = {*code.co_varnames, *code.co_cellvars} - set(target.names)
    uses = uses_in(statements)
    bound: set[str] = set()
    seen: set[str] = set()
    for use in uses:
        if use.binds:
            bound.add(use.name)
        elif use.name not in seen and use.name not in bound:
            found = None
            if use.name in own:
                found = _unbound(use, uses, namespace)
            elif use.name not in namespace and use.name not in _GIVEN and use.name not in target.names:
                if not use.certain and any(other.certain and other.name == use.name for other in uses):
                    continue  # reported there, as an error
                found = _unknown(use, [*namespace, *target.names, *bound])
            if found is not None:
                seen.add(use.name)
                yield found


def _unbound(use: NameUse, uses: Iterable[NameUse], namespace: Mapping[str, Any]) -> Problem | None:
    """The problem of a name that the body assigns, and reads before."""
    name = use.name
    if use.in_loop and any(other.binds and not other.augments for other in uses if other.name == name):
        return None  # bound in an earlier round
    if name not in namespace:
        message = f"`{name}` has no value yet here: the body assigns it, which makes it the item's own"
        return _at(use, message, "assign it before")
    message = f"`{name}` is a variable of the notebook, which an item cannot assign: items run at once"
    if use.augments:
        hint = f"end the body with what each item adds, and add up afterwards: {name} += sum(...)"
    else:
        hint = "inside the body, give it another name"
    return _at(use, message, hint)


def _unknown(use: NameUse, known: Iterable[str]) -> Problem:
    hint = did_you_mean(use.name, [name for name in known if not name.startswith("_")])
    hint = hint or "define it in a cell above"
    severity = "error" if use.certain else "warning"
    return _at(use, f"there is no name `{use.name}`", hint, severity)


def _at(use: NameUse, message: str, hint: str, severity: str = "error") -> Problem:
    line, column = getattr(use.node, "lineno", 1), getattr(use.node, "col_offset", 0) + 1
    return problem(message, hint, line=line, column=column, severity=severity)


def _without_output(last: ast.stmt) -> Iterator[Problem]:
    """A warning if the last line assigns a variable and the table would be empty."""
    target = last.targets[0] if isinstance(last, ast.Assign) else getattr(last, "target", None)
    if isinstance(last, ast.Assign | ast.AnnAssign | ast.AugAssign) and isinstance(target, ast.Name):
        message = f"the rows have no output: the last line assigns `{target.id}`"
        hint = f"to have it in the table, end the body with `{target.id}`"
        yield problem(message, hint, line=last.lineno, column=last.col_offset + 1, severity="warning")
