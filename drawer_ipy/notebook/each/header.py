"""The line of an ``%%each`` cell: ``[VAR <<] TARGET in EXPRESSION [options]``."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.tracebacks import describe
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import did_you_mean
from drawer_ipy.notebook.each.text import EachText
from drawer_ipy.notebook.each.unpacking import plain_names
from drawer_ipy.pressing.each.loop import ITEM, label_for

_OPTION = re.compile(r"(?<=\s)-{1,2}[A-Za-z]")
_INTO = re.compile(r"\s*([^\s=<>!]+)\s*<<\s*")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_EXAMPLE = "write it like a loop: %%each url in urls -p 8"
_LONG = "assign the items to a variable in a cell above"
_AWAIT_BEFORE = "await it in a cell above: items = await ..."


@dataclass(frozen=True, slots=True)
class LoopTarget:
    """What stands left of ``in``.

    Attributes:
        name: the parameter that gets the item.
        names: all names that it binds.
        pattern: what the item is assigned to inside the body; ``None`` if the parameter is all.
    """

    name: str
    names: tuple[str, ...]
    pattern: ast.expr | None = None

    def unpacking(self, function: str = "", columns: Sequence[str] = ()) -> list[ast.stmt]:
        """Return the statement that unpacks the item, if there is something to unpack.

        Args:
            function: the name of :func:`~drawer_ipy.notebook.each.unpacking.unpacked`, whose
                result is unpacked.
            columns: the columns of a table's row whose values are unpacked instead.
        """
        if self.pattern is None:
            return []
        value: ast.expr = ast.Name(self.name, ast.Load())
        if function:
            names = ast.Tuple([ast.Constant(name) for name in plain_names(self.pattern)], ast.Load())
            value = ast.Call(ast.Name(function, ast.Load()), [value, names], [])
        elif columns:
            value = ast.Tuple(
                [ast.Subscript(value, ast.Constant(column), ast.Load()) for column in columns], ast.Load()
            )
        for node in ast.walk(value):
            if isinstance(node, ast.expr):
                ast.copy_location(node, self.pattern)
        return [ast.copy_location(ast.Assign([self.pattern], value), self.pattern)]


@dataclass(frozen=True, slots=True)
class Header:
    """A line that was read; nothing has been evaluated.

    Attributes:
        target: what each item is assigned to.
        over: the text of the expression that gives the items.
        over_at: where that text begins in the line.
        into: the variable before a ``<<``, ``""`` when there is none.
        options: the text of the options.
        options_at: where that text begins in the line.
    """

    target: LoopTarget
    over: str
    over_at: int
    into: str
    options: str
    options_at: int

    def items(self, text: EachText, namespace: Mapping[str, Any]) -> Any:
        """Evaluate the expression.

        Raises:
            DefinitionError: it raises an exception, or needs to be awaited.
        """
        column = text.column_of(self.over_at)
        try:
            found = eval(compile(f"({self.over}\n)", "<items>", "eval", dont_inherit=True), dict(namespace))
        except BaseException as error:
            pass_on_interrupt(error)
            message, hint = f"`{self.over}` cannot be evaluated: {describe(error)}", ""
            if isinstance(error, NameError) and error.name and error.name not in namespace:
                message = f"there is no name `{error.name}`"
                hint = did_you_mean(error.name, [name for name in namespace if not name.startswith("_")])
                column += max(0, self.over.find(error.name))
            elif isinstance(error, SyntaxError) and "await" in str(error.msg):
                message, hint = "`await` cannot stand in the line", _AWAIT_BEFORE
            raise text.error(message, hint, column=column) from error
        if hasattr(found, "__await__"):
            getattr(found, "close", lambda: None)()
            raise text.error(
                f"`{self.over}` must be awaited first",
                f"in a cell above: items = await {self.over}",
                column=column,
            )
        return found


def read_header(text: EachText) -> Header:
    """Read the line of a cell.

    Raises:
        DefinitionError: it is not of the form, with the place in the cell.
    """
    line = text.line
    into, start = "", 0
    if (found := _INTO.match(line)) is not None and " in " not in found[0]:
        into, start = found[1], found.end()
        if not into.isidentifier():
            raise text.error(
                "write `VAR << TARGET in ITEMS`: one variable before the <<", column=text.column_of(0)
            )
    end, comment, bracket = _ends(line, start)
    loop = line[start:end]
    if bracket or loop.rstrip().endswith("\\"):
        what = f"`{bracket}` is not closed" if bracket else "a backslash does not continue the line"
        column = text.column_of(start + len(loop.rstrip()) - (not bracket))
        raise text.error(f"{what}: the loop must be on one line", _LONG, column=column)
    target, over, over_at = _loop(text, loop, start)
    return Header(target, over, over_at, into, line[end:comment].rstrip(), end)


def _ends(line: str, start: int) -> tuple[int, int, str]:
    """Find where the loop and the options of a line end.

    Returns:
        Where the first option begins; where a comment begins; and the bracket that is still open at the end.
    """
    closing: list[tuple[str, str]] = []
    end, quote, at = -1, "", start
    while at < len(line):
        char = line[at]
        if quote:
            if char == "\\":
                at += 1
            elif line.startswith(quote, at):
                at += len(quote) - 1
                quote = ""
        elif char in "'\"":
            quote = char * 3 if line.startswith(char * 3, at) else char
            at += len(quote) - 1
        elif char in _CLOSING:
            closing.append((char, _CLOSING[char]))
        elif closing and char == closing[-1][1]:
            closing.pop()
        elif char == "#" and line[at - 1 : at].isspace():
            break
        elif not closing and end < 0 and _OPTION.match(line, at):
            end = at
        at += 1
    at = min(at, len(line))
    return (at if end < 0 else end), at, closing[-1][0] if closing else ""


def _loop(text: EachText, loop: str, start: int) -> tuple[LoopTarget, str, int]:
    begin = text.column_of(start)
    stripped = loop.strip()
    if not stripped:
        raise text.error("what to loop over is missing", _EXAMPLE, column=begin)
    if re.match(r"for\s", stripped):
        lead = len(loop) - len(loop.lstrip())
        hint = f"leave it out: %%each {stripped[4:].strip().rstrip(':')}"
        raise text.error("`for` is understood", hint, column=begin + lead)
    if stripped.endswith(":"):
        raise text.error("the line has no colon at its end", _EXAMPLE, column=begin + len(loop.rstrip()) - 1)
    source = f"for {loop.rstrip()} : pass"
    try:
        statement = ast.parse(source).body[0]
    except (SyntaxError, ValueError) as error:
        column = begin + max(0, (getattr(error, "offset", None) or 5) - 5)
        wrong = "the line is not of the form TARGET in ITEMS"
        if " in " in f" {loop} ":
            wrong += f": {getattr(error, 'msg', error)}"
        raise text.error(wrong, _EXAMPLE, column=min(column, text.column_of(len(text.line)))) from None
    assert isinstance(statement, ast.For)
    offset = statement.iter.col_offset - 4
    # A tuple without brackets begins at its first entry, and an expression in brackets inside of them.
    between = loop[: len(loop.encode()[:offset].decode(errors="ignore"))]
    over_at = start + between.rindex("in") + 2
    over = loop[over_at - start :]
    over_at += len(over) - len(over.lstrip())
    return _target(text, statement.target, start), over.strip(), over_at


def _target(text: EachText, target: ast.expr, start: int) -> LoopTarget:
    column = text.column_of(start + target.col_offset - 4)
    for node in ast.walk(target):
        if isinstance(node, ast.Attribute | ast.Subscript):
            raise text.error(
                f"`{ast.unparse(node)}` is shared by all items, which run at once",
                "assign each item to a name of its own: %%each item in ...",
                column=text.column_of(start + node.col_offset - 4),
            )
    if isinstance(target, ast.Name) and label_for(target.id) == target.id:
        return LoopTarget(target.id, (target.id,))
    names = tuple(node.id for node in ast.walk(target) if isinstance(node, ast.Name))
    if not names:
        raise text.error("the target has no name", _EXAMPLE, column=column)
    for node in ast.walk(target):
        if isinstance(node, ast.expr):  # tracebacks show the place in the cell
            node.lineno = node.end_lineno = 1
            node.col_offset = node.end_col_offset = column - 1
    free = ITEM
    while free in names:
        free += "_"
    return LoopTarget(free, (*names, free), target)
