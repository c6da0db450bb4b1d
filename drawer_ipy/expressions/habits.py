"""Syntax that people write out of habit from Python and similar languages, and its equivalent in expressions.

All of it is data, for the lexer, the parser and the validation.
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
    "//": "write x / y, which drops the fraction between whole numbers; for decimal numbers write int(x / y)",
    ":=": "an expression cannot assign; compute the value in a transform step",
    "=>": "write items.map(x, x.name), items.filter(x, x.ok), or a function button",
    "->": "write items.map(x, x.name), items.filter(x, x.ok), or a function button",
    "?.": "write x.name ?? null",
    "<<": IN_A_BUTTON,
    ">>": IN_A_BUTTON,
}
"""Invalid operators of several characters."""

CHARACTERS: Mapping[str, str] = {
    "=": "compare with ==; an expression cannot assign, and arguments have no names",
    "&": "write && for and",
    "|": "write || for or; there are no filters such as x | upper: use a function button",
    "^": IN_A_BUTTON,
    "~": f"join texts with +; for bits {IN_A_BUTTON}",
    "@": IN_A_BUTTON,
    "$": "inside an expression, write a name without ${}",
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
"""Invalid characters."""

_INFIX: Mapping[str, str] = {
    "and": "write x && y",
    "or": "write x || y; to replace a null or missing value, write x ?? y",
    "is": "write x == y; for None, write x == null",
    "is not": "write x != y; for None, write x != null",
    "not in": "write !(x in y)",
    "if": "write condition ? x : y for x if condition else y",
    "else": "write condition ? x : y for x if condition else y",
    "for": "write items.map(x, x.name) to compute a list, or items.filter(x, x.ok) to select entries",
    "instanceof": "write type(x) == string",
    "mod": "write x % y",
    "div": "write x / y",
}
"""Words between two values."""

_PREFIX: Mapping[str, str] = {
    "not": "write !x, or !(x == y) for more than a name",
    "if": "write condition ? x : y",
    "for": _INFIX["for"],
    "lambda": "write items.map(x, x.name) or items.filter(x, x.ok), or use a function button",
    "await": "an async function is a button: press it in a step",
    "typeof": "write type(x)",
    "new": "use a function button",
    "function": "use a function button",
    "def": "use a function button",
    "return": "write the value alone, without return",
    "yield": "use a function button",
}
"""Words before a value."""

_FORMATTED = 'join with +: "page " + string(n); or write ${} inside the text: page ${n}'

_NAMES: Mapping[str, str] = {
    "None": "write null",
    "nil": "write null",
    "undefined": "write null; has(x.name) tests whether a member exists",
    "NULL": "write null",
    "Null": "write null",
    "True": "write true",
    "TRUE": "write true",
    "False": "write false",
    "FALSE": "write false",
    "NaN": "expressions have no NaN",
    "os": "write ${env.NAME} for an environment variable; use a function button for anything else",
    "steps": "refer to a step by its id: ${ID.output}",
    "secrets": "write ${batteries.NAME} or ${env.NAME}",
}
"""Names that do not exist in expressions."""

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
_OF_A_MODULE = "expressions cannot use modules; use a function button"

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
    "round": f"write int(x + 0.5) for positive numbers; otherwise {IN_A_BUTTON}",
    "min": f"write x < y ? x : y; for a list, {IN_A_BUTTON}",
    "max": f"write x > y ? x : y; for a list, {IN_A_BUTTON}",
    "abs": "write x < 0 ? -x : x",
    "range": "write the numbers as a list, [0, 1, 2], or return them from a function button",
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
    "includes": 'write x.contains("a"), or a in x for a list',
    "has_key": "write key in x",
    "find": 'write x.contains("a") to ask whether it is there; for its place use a function button',
    "indexOf": 'write x.contains("a") to ask whether it is there; for its place use a function button',
    "length": "write size(x)",
    "len": "write size(x)",
    "count": f"write size(items.filter(x, x == y)); for text, {IN_A_BUTTON}",
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
    """Return what to write instead of `found`, a token that is invalid in its place.

    Args:
        before, after: the tokens on both sides, or ``""``.

    Returns:
        The hint, and whether it is about `before` instead of `found`; ``None`` if there is no hint.
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
    """Return what to write instead of an unknown name; ``""`` if there is no hint."""
    return _NAMES.get(name) or (_OF_A_MODULE if name in _MODULES else "")


def of_call(name: str, member: bool, receiver: str = "") -> str:
    """Return what to write instead of a call of `name`; ``""`` if there is no hint.

    Args:
        member: whether the call is ``x.name()``.
        receiver: that ``x`` if it is a bare name.
    """
    if member:
        if receiver in _MODULES or receiver == "os":
            return of_name(receiver)
        known = name in _OTHER_METHODS or any(hasattr(kind, name) for kind in _TYPES)
        return _METHODS.get(name) or (IN_A_BUTTON if known else "")
    return _FUNCTIONS.get(name) or (IN_A_BUTTON if is_builtin(name) else "")


def is_builtin(name: str) -> bool:
    """Whether `name` is a built-in function or type of Python."""
    found: Any = getattr(builtins, name, None)
    return not name.startswith("_") and callable(found)
