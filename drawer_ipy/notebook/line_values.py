"""What is written after the ``=`` of an input: a variable, an expression, a file, a literal, or text."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from typing import Any

from drawer_ipy.common.short_repr import shown
from drawer_ipy.errors import UsageError, did_you_mean
from drawer_ipy.notebook.words import unquote
from drawer_ipy.verbs.values import json_or, value_of

_SHOWN = 200
"""Characters of an expression that a message shows."""

_CONSTANTS = {"None": None, "True": True, "False": False}
_LITERAL = re.compile(r"(?:[bBrRuU]{0,2}['\"]|[\[(])")
_FORMATTED = re.compile(r"(?:[fF][rR]?|[rR][fF])['\"]")
_TYPOGRAPHIC = "“”„‟‘’‚‛"
_NAME = re.compile(r"[^\W\d]\w*")
_VALUE = re.compile(r"-?\d+(?:\.\d+)?|[$]\w+|'[^']*'|\"[^\"]*\"|[\[{(].*[\]})]")
_SEPARATED = re.compile(r"[,;](?:[^\W\d][\w-]*=.*)?", re.DOTALL)


def input_value(name: str, text: str, namespace: Mapping[str, Any]) -> Any:
    """The value of input `name` as written after its ``=``.

    It is ``$variable``, ``{expression}``, ``@file``, JSON, a Python literal, or text.

    Raises:
        UsageError: the variable or the file is not there, the expression fails, a literal is invalid, or a
            number is too large; its ``column`` is the 1-based place in `text`.
    """
    try:
        return _value(name, text, namespace)
    except UsageError as error:
        error.about = name
        error.column = error.column or 1
        raise


def is_bare(text: str, value: Any) -> bool:
    """Whether `text`, whose value is `value`, is a text without quotes."""
    return isinstance(value, str) and value == text and text[:1] not in ("'", '"')


def _value(name: str, text: str, namespace: Mapping[str, Any]) -> Any:
    _check_end(name, text)
    if text.startswith("$"):
        return variable(f"input {name}", f"{name}=", text, namespace)
    if text.startswith("{") and text.endswith("}"):
        return _braced(name, text, namespace)
    if text.startswith("@"):
        return value_of(name, f"@{unquote(text[1:])}")
    missing = object()
    found = json_or(text, missing)
    if found is not missing:
        return found
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    return _literal(name, text) if _LITERAL.match(text) else _text(name, text)


def variable(what: str, before: str, text: str, namespace: Mapping[str, Any]) -> Any:
    """The value of the variable that `text`, ``$name``, names.

    Args:
        what: what gets the value, for messages.
        before: what stands before `text` on the line, for hints.

    Raises:
        UsageError: there is no such variable.
    """
    name = text[1:]
    if name in namespace:
        return namespace[name]
    if not name:
        raise UsageError(f"{what}: a variable's name is missing after $", remediation=f"write {before}$name")
    if name.isidentifier():
        hint = did_you_mean(name, [n for n in namespace if not n.startswith("_")])
    elif name.startswith("{") and name.endswith("}") and _NAME.fullmatch(name[1:-1]):
        hint = f"write {before}${name[1:-1]}"
    else:
        hint = f"$ must be followed by one name; write an expression as {before}{{{name}}}"
    raise UsageError(f"{what}: there is no variable {name!r}", remediation=hint)


def _check_end(name: str, text: str) -> None:
    """Refuse what was meant to end before its last character: ``x=1,`` and ``x=1,y=2``."""
    first = _VALUE.match(text)
    after = _SEPARATED.fullmatch(text, first.end()) if first is not None else None
    if first is not None and after is not None:
        end, plain = first.end(), first[0]
    elif text.endswith(","):
        end, plain = len(text) - 1, text[:-1]
    else:
        return
    raise UsageError(
        f"input {name}: inputs are separated by blanks, not by {text[end]!r}",
        remediation=f"write {name}={_cut(plain)}; a text with {text[end]!r} in it is quoted",
    ).pointing_at("", end + 1)


def _literal(name: str, text: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of "\d", which keeps its backslash
            return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        why = f": {error.msg}" if isinstance(error, SyntaxError) else ""
    if text[0] in "[(":
        hint = f"an expression is written {name}={{{_cut(text)}}}, a text in quotes"
        what = "neither JSON nor a Python literal"
    else:
        hint = f"the quotes must be around all of the text; with backslashes write {name}=r'...'"
        what = "not a text in quotes"
    raise UsageError(f"input {name}: {shown(text)} is {what}{why}", remediation=hint)


def _text(name: str, text: str) -> str:
    """The text without quotes, unless it looks like something else."""
    if text.startswith("="):
        raise UsageError(f"input {name}: `==` compares", remediation=f"write {name}={text.lstrip('=')}")
    if _FORMATTED.match(text):
        raise UsageError(
            f"input {name}: an f-string is an expression", remediation=f"write {name}={{{_cut(text)}}}"
        )
    if text[:1] in _TYPOGRAPHIC and text:
        raise UsageError(
            f"input {name}: {text[0]} is not a quote that Python or JSON know",
            remediation=f"write {name}='...' or {name}=\"...\"",
        )
    return text


def _braced(name: str, text: str, namespace: Mapping[str, Any]) -> Any:
    """``{...}``: JSON when it is JSON, a dict when it is one, else a Python expression."""
    found = json_or(text, None)  # no text in braces is JSON's null
    if found is not None:
        return found
    source = text if _is_dict(text) else text[1:-1].strip()
    try:
        return eval(source, dict(namespace))
    except Exception as error:
        failed = UsageError(
            f"input {name}: {_cut(text)} cannot be evaluated: {type(error).__name__}: {error}"
        )
        if isinstance(error, SyntaxError) and error.offset and error.lineno == 1:
            failed.pointing_at("", min(text.find(source) + error.offset, len(text)))
        raise failed from None


def _is_dict(text: str) -> bool:
    try:
        return isinstance(ast.parse(text, mode="eval").body, ast.Dict | ast.DictComp)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
