"""Values of a line's options: variables of the notebook among them, and the places of wrong ones."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drawer_ipy.common.short_repr import shown
from drawer_ipy.errors import UsageError
from drawer_ipy.notebook.line_values import input_value, variable
from drawer_ipy.notebook.words import LineWord

_CONCERNS = re.compile(r"argument (-[^:\s]+): ")
_OPTION = re.compile(r"(?:(-[\w-]+)=|(-\w)(?=\$))(.*)", re.DOTALL)


def option_names(parser: argparse.ArgumentParser) -> list[str]:
    """The options that `parser` knows, short and long."""
    actions = parser._actions  # noqa: SLF001 - argparse lists its options nowhere else
    return [name for action in actions for name in action.option_strings]


def value_taker(parser: argparse.ArgumentParser) -> Callable[[str], bool]:
    """Return a function that says whether a word is an option whose value is the next word."""
    actions = parser._actions  # noqa: SLF001 - as above
    taking = {name for action in actions if action.nargs != 0 for name in action.option_strings}
    return taking.__contains__


def with_variables(
    flags: Sequence[LineWord], namespace: Mapping[str, Any], takes_value: Callable[[str], bool]
) -> list[LineWord]:
    """`flags` with ``$name`` and ``{expression}`` as values of options replaced by what they stand for.

    Raises:
        UsageError: there is no such variable, or its value is neither text nor a number; the column counts in
            the line.
    """
    out: list[LineWord] = []
    for flag in flags:
        joined = _OPTION.fullmatch(flag)
        name = "" if joined is None else joined[1] or joined[2]
        if joined is not None and takes_value(name) and _looked_up(joined[3]):
            start = flag.start + joined.start(3)
            out.append(LineWord(f"{name}={_text_of(name, joined[3], start, namespace)}", flag.start))
        elif out and takes_value(out[-1]) and _looked_up(flag):
            option = out.pop()
            text = _text_of(option, flag, flag.start, namespace)
            # In one word, since a value such as -1 would be taken for an option.
            out.append(LineWord(f"{option}{'=' if option.startswith('--') else ''}{text}", option.start))
        else:
            out.append(flag)
    return out


def _looked_up(text: str) -> bool:
    return text.startswith("$") or (text.startswith("{") and text.endswith("}"))


def _text_of(option: str, text: str, start: int, namespace: Mapping[str, Any]) -> str:
    try:
        if text.startswith("$"):
            value = variable(option, f"{option} ", text, namespace)
        else:
            value = input_value(option, text, namespace)
    except UsageError as error:
        raise error.pointing_at("", start + 1) from None
    if isinstance(value, str):
        return value
    if not isinstance(value, bool) and (hasattr(value, "__index__") or hasattr(value, "__float__")):
        return shown(value.__index__() if hasattr(value, "__index__") else float(value))
    kind = "null" if value is None else type(value).__name__
    wrong = UsageError(f"{option} takes a number or a text; {text} is {kind}")
    raise wrong.pointing_at("", start + 1)


def placed(error: UsageError, flags: Sequence[LineWord], namespace: Mapping[str, Any]) -> UsageError:
    """Let `error` of argparse point at the option that it concerns; propose a variable for its value."""
    concerned = _CONCERNS.search(error.message)
    names = concerned[1].split("/") if concerned is not None else []
    for at, flag in enumerate(flags):
        option, _, value = flag.partition("=")
        short = next((n for n in names if not n.startswith("--") and flag.startswith(n)), "")
        if option not in names and not (short and not flag.startswith("--")):
            continue
        if option in names and not value:
            value = flags[at + 1] if at + 1 < len(flags) else ""
        if value.isidentifier() and value in namespace:
            error.remediation = f"for the notebook's variable write {option} ${value}"
        return error.pointing_at("", flag.start + 1)
    return error
