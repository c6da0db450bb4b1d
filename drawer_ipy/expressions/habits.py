"""What people write out of habit from Python and its relatives, and what an expression has instead.

All of it is data; the lexer, the parser and the validation look their words up here.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

IN_A_BUTTON = "compute it in a function button"

SIGNS: Mapping[str, str] = {
    "===": "compare with ==",
    "!==": "compare with !=",
    "<>": "write !=",
    "**": f"write x * x; for other powers {IN_A_BUTTON}",
    "//": "write x / y, which of two whole numbers is whole; for decimal ones int(x / y)",
    ":=": "an expression assigns nothing; give the value to a transform step",
    "=>": "write items.map(x, x.name), items.filter(x, x.ok), or a function button",
    "->": "write items.map(x, x.name), items.filter(x, x.ok), or a function button",
    "?.": "write x.name ?? null",
    "<<": IN_A_BUTTON,
    ">>": IN_A_BUTTON,
}
"""Operators of several characters, which are no operators here."""

CHARACTERS: Mapping[str, str] = {
    "=": "compare with ==; nothing is assigned in an expression, and arguments have no names",
    "&": "write && for and",
    "|": "write || for or; there are no filters such as x | upper: use a function button",
    "^": IN_A_BUTTON,
    "~": f"join texts with +; for bits {IN_A_BUTTON}",
    "@": IN_A_BUTTON,
    "$": "inside an expression a name stands alone, without ${}",
    "`": "put text in ' or \"",
    "“": 'put text in straight quotes: "text"',
    "”": 'put text in straight quotes: "text"',
    "„": 'put text in straight quotes: "text"',
    "‘": "put text in straight quotes: 'text'",
    "’": "put text in straight quotes: 'text'",
    "«": 'put text in straight quotes: "text"',
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "×": "write *",
    "÷": "write /",
    "−": "write an ordinary minus sign, -",
    "–": "write an ordinary minus sign, -",
}
"""Characters that mean nothing."""

_INFIX: Mapping[str, str] = {
    "and": "write x && y",
    "or": "write x || y; for a value in place of one that is null or missing, x ?? y",
    "is": "write x == y; for None x == null",
    "is not": "write x != y; for None x != null",
    "not in": "write !(x in y)",
    "if": "write condition ? x : y for x if condition else y",
    "else": "write condition ? x : y for x if condition else y",
    "for": "write items.map(x, x.name) for a list of what the loop gives, items.filter(x, x.ok) to choose",
    "instanceof": "write type(x) == string",
    "mod": "write x % y",
    "div": "write x / y",
}
"""Words between two values."""

_PREFIX: Mapping[str, str] = {
    "not": "write !x; around more than a name, !(x == y)",
    "if": "write condition ? x : y",
    "for": _INFIX["for"],
    "lambda": "write items.map(x, x.name) or items.filter(x, x.ok); else write a function button",
    "await": "an async function is a button: press it in a step",
    "typeof": "write type(x)",
    "new": "use a function button",
    "function": "use a function button",
    "def": "use a function button",
    "return": "an expression is the value itself, without return",
    "yield": "use a function button",
}
"""Words before a value."""

_FORMATTED = 'join with +: "page " + string(n); or write ${} within the text: page ${n}'

_NAMES: Mapping[str, str] = {
    "None": "write null",
    "nil": "write null",
    "undefined": "write null; has(x.name) asks whether there is one",
    "NULL": "write null",
    "Null": "write null",
    "True": "write true",
    "TRUE": "write true",
    "False": "write false",
    "FALSE": "write false",
    "NaN": "there is no such number in an expression",
    "os": "a variable of the environment is ${env.NAME}; for anything else use a function button",
    "steps": "a step is named directly: ${ID.output}",
    "secrets": "write ${batteries.NAME} or ${env.NAME}",
}
"""Names that are nothing here."""

_MODULES = frozenset(
    [
        "asyncio",
        "datetime",
        "functools",
        "httpx",
        "itertools",
        "math",
        "np",
        "numpy",
        "pandas",
        "pathlib",
        "pd",
        "re",
        "requests",
        "sys",
        "urllib",
    ]
)
_OF_A_MODULE = "expressions see no modules; use a function button"

_FUNCTIONS: Mapping[str, str] = {
    "len": "write size(x)",
    "length": "write size(x)",
    "count": "write size(x)",
    "str": "write string(x)",
    "String": "write string(x)",
    "repr": "write string(x)",
    "float": "write double(x)",
    "Number": "write double(x)",
    "parseFloat": "write double(x)",
    "parseInt": "write int(x)",
    "Boolean": "write bool(x)",
    "isinstance": "write type(x) == string",
    "not": _PREFIX["not"],
    "if": _PREFIX["if"],
    "map": "write items.map(x, x.name)",
    "filter": "write items.filter(x, x.ok)",
    "all": "write items.all(x, x.ok)",
    "any": "write items.exists(x, x.ok)",
    "exists": "write items.exists(x, x.ok)",
    "list": "write items.map(x, x)",
    "dict": 'write {"key": value}',
    "tuple": "write [a, b]",
    "hasattr": "write has(x.name)",
    "defined": "write has(x.name)",
    "getattr": 'write x.name, or x["name"] ?? other',
    "coalesce": "write x ?? y",
    "round": f"write int(x + 0.5) for numbers above 0; else {IN_A_BUTTON}",
    "min": f"write x < y ? x : y; of a list, {IN_A_BUTTON}",
    "max": f"write x > y ? x : y; of a list, {IN_A_BUTTON}",
    "abs": "write x < 0 ? -x : x",
    "range": "write the numbers as a list, [0, 1, 2], or give them from a function button",
    "env": "write ${env.NAME}",
    "getenv": "write ${env.NAME}",
}
"""Functions called as ``f(x)``."""

_METHODS: Mapping[str, str] = {
    "get": 'write x.name ?? other, or x["name"] ?? other',
    "setdefault": 'write x["name"] ?? other',
    "items": "write x.map(key, x[key]), which goes through the keys",
    "entries": "write x.map(key, x[key]), which goes through the keys",
    "keys": "write x.map(key, key)",
    "values": "write x.map(key, x[key])",
    "format": 'join with +: "page " + string(n)',
    "format_map": 'join with +: "page " + string(n)',
    "startswith": 'write x.startsWith("a")',
    "endswith": 'write x.endsWith("a")',
    "includes": 'write x.contains("a"); for an entry of a list, a in x',
    "has_key": "write key in x",
    "find": 'write x.contains("a") to ask whether it is there; for its place use a function button',
    "indexOf": 'write x.contains("a") to ask whether it is there; for its place use a function button',
    "length": "write size(x)",
    "len": "write size(x)",
    "count": f"write size(items.filter(x, x == y)); in a text, {IN_A_BUTTON}",
    "any": "write items.exists(x, x.ok)",
    "some": "write items.exists(x, x.ok)",
    "every": "write items.all(x, x.ok)",
    "isdigit": 'write x.matches("^[0-9]+$")',
    "isdecimal": 'write x.matches("^[0-9]+$")',
    "isnumeric": 'write x.matches("^[0-9]+$")',
    "isalpha": 'write x.matches("^[A-Za-z]+$")',
    "isalnum": 'write x.matches("^[A-Za-z0-9]+$")',
    "encode": "write bytes(x)",
    "decode": "write string(x)",
    "isoformat": "write string(x)",
    "toString": "write string(x)",
    "match": 'write x.matches("^a")',
    "test": 'write x.matches("^a")',
}
"""Functions called as ``x.f()``."""

_OTHER_METHODS = frozenset(
    [
        "toUpperCase",
        "toLowerCase",
        "trim",
        "slice",
        "substring",
        "push",
        "concat",
        "forEach",
        "reduce",
        "flat",
        "toFixed",
        "head",
        "tail",
        "mean",
        "tolist",
        "to_dict",
        "json",
        "strftime",
        "now",
        "today",
        "loads",
        "dumps",
        "contains_key",
        "first",
        "last",
        "sum",
        "max",
        "min",
        "avg",
        "sorted",
        "unique",
    ]
)
_TYPES = (str, bytes, list, dict, set, tuple, int, float)


def around(before: str, found: str, after: str) -> tuple[str, bool] | None:
    """What to write instead of `found`, a token that cannot stand where it is.

    Args:
        before, after: the tokens on both sides, ``""`` for none.

    Returns:
        The hint, and whether it is about `before` instead of `found`; ``None`` for no habit.
    """
    word, following = found.lower(), after.lower()
    if word in ("is", "not") and f"{word} {following}" in _INFIX:
        word = f"{word} {following}"
    hint = SIGNS.get(found) or _INFIX.get(word)
    if hint is not None:
        return hint, False
    hint = _PREFIX.get(before.lower())
    if hint is None and found[:1] in ("'", '"') and before.lower() in ("f", "fr", "rf"):
        hint = _FORMATTED
    return (hint, True) if hint is not None else None


def of_name(name: str) -> str:
    """What to write instead of a name that stands for nothing; ``""`` when it is not a habit."""
    return _NAMES.get(name) or (_OF_A_MODULE if name in _MODULES else "")


def of_call(name: str, member: bool, receiver: str = "") -> str:
    """What to write instead of calling `name`; ``""`` when that is not a habit.

    Args:
        member: it is called as ``x.name()``.
        receiver: that ``x``, where it is a bare name.
    """
    if member:
        if receiver in _MODULES or receiver == "os":
            return of_name(receiver)
        known = name in _OTHER_METHODS or any(hasattr(kind, name) for kind in _TYPES)
        return _METHODS.get(name) or (IN_A_BUTTON if known else "")
    return _FUNCTIONS.get(name) or (IN_A_BUTTON if is_builtin(name) else "")


def is_builtin(name: str) -> bool:
    """Whether `name` is a function or type that Python has built in."""
    found: Any = getattr(builtins, name, None)
    return not name.startswith("_") and callable(found)
