"""Parse tokens into a syntax tree: CEL's grammar, plus ``??`` between the ternary and ``||``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import habits
from drawer_ipy.expressions import nodes as ast
from drawer_ipy.expressions.functions import invalid_pattern, signature_problem
from drawer_ipy.expressions.lexer import ESCAPE_HINT, Token, TokenKind, tokenize
from drawer_ipy.expressions.regex import compile_pattern
from drawer_ipy.expressions.regex_program import InvalidPattern

# The precedence of each operator; all but ?? group to the left.
_BINDING = {
    "??": 1,
    "||": 2,
    "&&": 3,
    "==": 4,
    "!=": 4,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "in": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
}
_CONSTANTS = {"true": True, "false": False, "null": None}
_MACROS = {"map": (2, 3), "filter": (2,), "all": (2,), "exists": (2,), "exists_one": (2,)}
_EMBEDDED_PATH = re.compile(r"\s*([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*){0,20})\s*\}", re.ASCII)
_BARE_PATH = re.compile(r"\s*([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*){0,20})\s*\Z", re.ASCII)
_MEMBER = re.compile(r"\.(\w+)", re.ASCII)
# Deep trees need Python frames to compile and run; a notebook has about 900 left.
MAX_DEPTH = 100


def parse(
    text: str, start: int = 0, *, embedded: bool, splits: Mapping[int, int] | None = None
) -> tuple[ast.Node, int]:
    """Return the tree of the expression at `start` and the offset after it.

    The arguments are those of :func:`~drawer_ipy.expressions.lexer.tokenize`.

    Raises:
        ResolveError: the syntax is invalid; the error has the offset.
    """
    if found := _plain_path(text, start, embedded):
        return found
    tokens, end = tokenize(text, start, embedded=embedded, splits=splits)
    if len(tokens) == 1:
        raise ResolveError(
            "there is no expression here",
            remediation=f"name a value, e.g. ${{inputs.name}}, or {ESCAPE_HINT}",
            offset=max(start - 2, 0) if embedded else start,
        )
    return _Parser(tokens).whole(), end


def _plain_path(text: str, start: int, embedded: bool) -> tuple[ast.Node, int] | None:
    """Parse ``a.b.c``, the form of most expressions, as :func:`parse` does; ``None`` for any other form."""
    found = (_EMBEDDED_PATH if embedded else _BARE_PATH).match(text, start)
    if found is None or found[1] in _CONSTANTS:
        return None
    at = found.start(1)
    node: ast.Node = ast.Name(at, found.end(1), found[1])
    for member in _MEMBER.finditer(text, found.end(1), found.end(2)):
        node = ast.Member(at, member.end(), node, member[1], member.start(1))
    return node, found.end()


def too_deep(offset: int) -> ResolveError:
    """Return the error for an expression that would need too much of Python's stack."""
    return ResolveError(
        "this expression is nested too deeply",
        remediation="split it into transform steps, or move it into a function button",
        offset=offset,
    )


def _foreign(token: Token, hint: str) -> ResolveError:
    message = f"{token.text!r} is invalid in an expression"
    return ResolveError(message, remediation=hint, offset=token.start)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.nesting = 0

    # -- tokens ------------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def _next(self) -> Token:
        token = self.tokens[self.at]
        if token.kind is not TokenKind.END:
            self.at += 1
        return token

    def _is(self, op: str) -> bool:
        return self.token.kind is TokenKind.OP and self.token.text == op

    def _take(self, op: str) -> bool:
        if self._is(op):
            self.at += 1
            return True
        return False

    def _expect(self, op: str, what: str) -> Token:
        if not self._is(op):
            raise self._unexpected(f"{op} {what}")
        return self._next()

    def _unexpected(self, wanted: str) -> ResolveError:
        token = self.token
        if (habit := self._habit()) is not None:
            return habit
        found = "the expression ends" if token.kind is TokenKind.END else f"found {token.text!r}"
        return ResolveError(
            f"expected {wanted}, but {found}",
            remediation=f"correct the expression, or {ESCAPE_HINT}",
            offset=token.start,
        )

    def _instead(self, message: str, hint: str) -> ResolveError:
        return ResolveError(message, remediation=hint, offset=self.token.start)

    def _habit(self) -> ResolveError | None:
        """Return the error for a Python word or operator at this place, with a hint; ``None`` for others."""
        at = self.at
        before = self.tokens[at - 1] if at else None
        after = self.tokens[at + 1].text if at + 1 < len(self.tokens) else ""
        found = habits.around(before.text if before else "", self.token.text, after)
        if found is None:
            return None
        hint, is_before = found
        token = before if before is not None and is_before else self.token
        return _foreign(token, hint)

    # -- grammar ----------------------------------------------------------------------------

    def whole(self) -> ast.Node:
        node = self._expression()
        if self.token.kind is not TokenKind.END:
            raise self._unexpected("an operator or the end of the expression")
        return node

    def _expression(self) -> ast.Node:
        self.nesting += 1
        if self.nesting > MAX_DEPTH // 4:
            raise too_deep(self.token.start)
        node = self._binary(1)
        if self._take("?"):
            yes = self._expression()
            self._expect(":", "of the condition ? yes : no")
            no = self._expression()
            node = ast.Ternary(node.start, no.end, node, yes, no)
        self.nesting -= 1
        return node

    def _operator(self) -> str | None:
        token = self.token
        if token.kind is TokenKind.OP or (token.kind is TokenKind.NAME and token.text == "in"):
            return token.text if token.text in _BINDING else None
        return None

    def _binary(self, least: int) -> ast.Node:
        left = self._unary()
        length = 0
        while (op := self._operator()) is not None and _BINDING[op] >= least:
            length += 1
            if length > MAX_DEPTH:
                raise too_deep(self.token.start)
            if op == "??":
                return self._coalescing(left)
            self._next()
            right = self._binary(_BINDING[op] + 1)
            left = ast.Binary(left.start, right.end, op, left, right)
        return left

    def _coalescing(self, first: ast.Node) -> ast.Node:
        """Parse ``a ?? b ?? c``, grouped to the right, in a loop, so that a long chain needs no recursion."""
        operands = [first]
        while self._take("??"):
            if len(operands) > MAX_DEPTH // 2:
                raise too_deep(self.token.start)
            operands.append(self._binary(_BINDING["??"] + 1))
        node = operands.pop()
        while operands:
            left = operands.pop()
            node = ast.Binary(left.start, node.end, "??", left, node)
        return node

    def _unary(self) -> ast.Node:
        signs: list[Token] = []
        while self._is("!") or self._is("-"):
            signs.append(self._next())
            if len(signs) > MAX_DEPTH:
                raise too_deep(signs[-1].start)
        if signs and signs[-1].text == "-" and self.token.kind in (TokenKind.INT, TokenKind.FLOAT):
            minus, number = signs.pop(), self._next()
            literal = ast.Literal(minus.start, number.end, -number.value)
            node = self._suffixes(literal)
        else:
            node = self._suffixes(self._primary())
        for sign in reversed(signs):
            node = ast.Unary(sign.start, node.end, sign.text, node)
        return node

    def _primary(self) -> ast.Node:
        token = self.token
        if token.kind in (TokenKind.INT, TokenKind.FLOAT, TokenKind.TEXT):
            if token.kind is TokenKind.INT and token.value >= 2**63:
                raise ResolveError("this whole number does not fit in 64 bits", offset=token.start)
            self._next()
            return ast.Literal(token.start, token.end, token.value)
        if token.kind is TokenKind.NAME:
            self._next()
            return self._named(token)
        if self._take("("):
            inner = self._expression()
            if self._is(","):
                raise self._instead("these parentheses contain more than one value", "write a list as [a, b]")
            self._expect(")", "of these parentheses")
            return inner
        if self._is("["):
            return self._list()
        if self._is("{"):
            return self._map()
        raise self._unexpected("a value")

    def _named(self, token: Token) -> ast.Node:
        if self._is("("):
            return self._call(token, None)
        if token.text in _CONSTANTS:
            return ast.Literal(token.start, token.end, _CONSTANTS[token.text])
        return ast.Name(token.start, token.end, token.text)

    def _suffixes(self, node: ast.Node) -> ast.Node:
        length = 0
        while True:
            length += 1
            if length > MAX_DEPTH:
                raise ResolveError("this path is too long", offset=self.token.start)
            if self._take("."):
                key = self.token
                if key.kind not in (TokenKind.NAME, TokenKind.INT):
                    raise self._unexpected("the name of a member")
                self._next()
                if key.kind is TokenKind.NAME and self._is("("):
                    node = self._call(key, node)
                else:
                    node = ast.Member(node.start, key.end, node, key.value, key.start)
            elif self._take("["):
                index = self._index()
                close = self._expect("]", "of this index")
                node = ast.Index(node.start, close.end, node, index)
            else:
                return node

    def _index(self) -> ast.Node:
        index = None if self._is(":") else self._expression()
        if index is None or self._is(":"):
            hint = "take one entry, x[0], or take the slice in a function button"
            raise self._instead("expressions have no slices", hint)
        return index

    def _items(self, closer: str, what: str) -> tuple[tuple[ast.Node, ...], Token]:
        items: list[ast.Node] = []
        while not self._is(closer):
            items.append(self._expression())
            if not self._take(","):
                break
        return tuple(items), self._expect(closer, what)

    def _list(self) -> ast.Node:
        start = self._next().start
        items, close = self._items("]", "of this list")
        return ast.ListLiteral(start, close.end, items)

    def _map(self) -> ast.Node:
        start = self._next().start
        entries: list[tuple[ast.Node, ast.Node]] = []
        while not self._is("}"):
            key = self._expression()
            if self._is("}") or self._is(","):
                hint = 'write a reference with one brace, ${x}, a map as {"key": x}, a list as [x, y]'
                raise self._instead("this map has a key without a value", hint)
            self._expect(":", "between a key and its value")
            entries.append((key, self._expression()))
            if not self._take(","):
                break
        close = self._expect("}", "of this map")
        return ast.MapLiteral(start, close.end, tuple(entries))

    # -- calls ------------------------------------------------------------------------------

    def _call(self, name: Token, receiver: ast.Node | None) -> ast.Node:
        self._next()
        args, close = self._items(")", f"of {name.text}(")
        start = name.start if receiver is None else receiver.start
        if receiver is None and name.text == "has":
            return self._has(name, args, close)
        if receiver is not None and name.text in _MACROS:
            return self._macro(name, receiver, args, close)
        owner = receiver.name if isinstance(receiver, ast.Name) else ""
        if problem := signature_problem(name.text, receiver is not None, len(args), owner):
            raise ResolveError(problem[0], remediation=problem[1], offset=name.start)
        if name.text == "matches" and isinstance(pattern := args[-1], ast.Literal):
            _check_pattern(pattern)
        return ast.FunctionCall(start, close.end, name.text, receiver, args)

    def _has(self, name: Token, args: tuple[ast.Node, ...], close: Token) -> ast.Node:
        if len(args) != 1 or not isinstance(args[0], ast.Member | ast.Index):
            raise ResolveError(
                "has() needs one path with a member",
                remediation="e.g. has(inputs.name)",
                offset=name.start,
            )
        return ast.Has(name.start, close.end, args[0])

    def _macro(self, name: Token, source: ast.Node, args: tuple[ast.Node, ...], close: Token) -> ast.Node:
        if len(args) not in _MACROS[name.text] or not isinstance(args[0], ast.Name):
            raise ResolveError(
                f"{name.text}() needs the name of a variable and an expression",
                remediation=f"e.g. inputs.list.{name.text}(x, x.ok)",
                offset=name.start,
            )
        condition = args[1] if len(args) == 3 else None
        return ast.Macro(source.start, close.end, name.text, source, args[0].name, condition, args[-1])


def _check_pattern(pattern: ast.Literal) -> None:
    """Refuse a constant pattern that is invalid before anything runs."""
    try:
        if isinstance(pattern.value, str):
            compile_pattern(pattern.value)
    except InvalidPattern as error:
        raise ResolveError(
            invalid_pattern(error),
            remediation="a backslash in text is written twice, or the text as r'...'",
            offset=pattern.start,
        ) from None
