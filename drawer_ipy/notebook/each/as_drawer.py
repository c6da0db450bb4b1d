"""An ``%%each`` cell written as a function and a ``%%drawer`` cell, for those who outgrow it."""

from __future__ import annotations

import ast
import io
import json
import re
import textwrap
import tokenize
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from drawer_ipy.notebook.each.body import EachBody
from drawer_ipy.notebook.each.header import Header
from drawer_ipy.notebook.each.text import EachText
from drawer_ipy.pressing.each.loop import EachOptions
from drawer_ipy.style.html_frame import PRE, block

_INDENT = "    "
_PLAIN = re.compile(r"[A-Za-z_$][\w.${}/%]*")


class AsDrawer:
    """The two cells as text.

    Args:
        text: the cell.
        header: its line.
        body: its body.
        tree: the drawer that it makes.
        options: those of the loop.
        columns: the columns of a table's row whose values the target gets; none if the items are no rows.
    """

    def __init__(
        self,
        text: EachText,
        header: Header,
        body: EachBody,
        tree: dict[str, Any],
        options: EachOptions,
        columns: Sequence[str] = (),
    ) -> None:
        self._text = text
        self._header = header
        self._body = body
        self._tree = tree
        self._options = options
        self._columns = columns

    def __repr__(self) -> str:
        return f"{self.function}\n\n{self.cell}"

    def _repr_html_(self) -> str:
        return block(f"<pre {PRE}>{escape(repr(self))}</pre>")

    @property
    def function(self) -> str:
        """The cell that defines the function."""
        marks = [f"{key}={value!r}" for key in ("rate", "cache") if (value := getattr(self._options, key))]
        step = self._tree["steps"][0]["steps"][0]
        target = self._header.target
        lines = [f"@button({', '.join(marks)})"] if marks else []
        if marks:
            lines.insert(0, "from drawer_ipy import button\n\n")
        lines.append(f"{'async ' if self._body.is_async else ''}def {step['button']}({target.name}):")
        lines += [
            f"{_INDENT}{ast.unparse(statement)}" for statement in target.unpacking(columns=self._columns)
        ]
        return "\n".join([*lines, *_returning(self._text.body)])

    @property
    def cell(self) -> str:
        """The ``%%drawer`` cell."""
        source = self._tree["inputs"][0]["name"]
        over = self._header.over
        given = f"{source}=${source}" if over == source else f"{source}={{{over}}}"
        words = ["%%drawer", self._tree.get("name", ""), given]
        lines = [" ".join(word for word in words if word), f"inputs: [{source}]", "steps:"]
        return "\n".join([*lines, *_yaml(self._tree["steps"], "  ")])


def _yaml(value: Any, indent: str) -> Iterator[str]:
    """Lines of YAML in block style; small mappings stand on one line."""
    if isinstance(value, list):
        for entry in value:
            first, *rest = _yaml(entry, f"{indent}  ")
            yield f"{indent}- {first.lstrip()}"
            yield from rest
        return
    for key, inner in value.items():
        if isinstance(inner, list):
            yield f"{indent}{key}:"
            yield from _yaml(inner, f"{indent}  ")
        else:
            yield f"{indent}{key}: {_flow(inner)}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not value.startswith("${"):
        return value
    return json.dumps(value, ensure_ascii=False)


def _returning(body: str) -> list[str]:
    """The lines of the body inside a function: indented, with its last expression returned."""
    lines = textwrap.dedent(body).splitlines()
    source = "\n".join(lines)
    tree = ast.parse(source)
    # From the bottom up, so that the places above stay right.
    edits = [(node.lineno, node.col_offset, "return", len("continue")) for node in _continues(tree.body)]
    last = tree.body[-1]
    if isinstance(last, ast.Expr):
        edits.append((last.lineno, last.col_offset, "return ", 0))
    for number, offset, word, length in sorted(edits, reverse=True):
        line = lines[number - 1].encode()
        lines[number - 1] = (line[:offset] + word.encode() + line[offset + length :]).decode()
    inside = _inside_strings(source)
    return [line if number in inside or not line else _INDENT + line for number, line in enumerate(lines, 1)]


def _continues(statements: list[ast.stmt]) -> Iterator[ast.Continue]:
    """The ``continue`` statements that end the item."""
    for statement in statements:
        if isinstance(statement, ast.Continue):
            yield statement
        elif not isinstance(
            statement,
            ast.For | ast.AsyncFor | ast.While | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        ):
            for name in ("body", "orelse", "finalbody"):
                yield from _continues(getattr(statement, name, []))
            for name in ("handlers", "cases"):
                for part in getattr(statement, name, []):
                    yield from _continues(part.body)


def _inside_strings(source: str) -> set[int]:
    """The numbers of lines that begin inside a text of several lines, where a blank would be part of it."""
    found: set[int] = set()
    start = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "FSTRING_START":
            start = token.start[0]
        elif kind in ("STRING", "FSTRING_END"):
            first = token.start[0] if kind == "STRING" else start
            found.update(range(first + 1, token.end[0] + 1))
    return found
