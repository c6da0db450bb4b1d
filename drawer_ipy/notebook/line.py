"""The magic's line: options, ``name=value`` inputs, ``VAR <<``, and the drawer's name."""

from __future__ import annotations

import argparse
import keyword
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from drawer_ipy.common.durations import parse_duration
from drawer_ipy.display.choose import KINDS
from drawer_ipy.errors import UsageError, did_you_mean
from drawer_ipy.verbs.values import json_or, value_of, whole_number, width

_ASSIGNMENT = re.compile(r"([A-Za-z_][\w-]*)=(.*)", re.DOTALL)
_NO_BLANKS = "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029"
"""White space in Python that users do not type between words, so it belongs to a value."""

_SHOWN = 200
"""Most characters of an expression in a message."""

_ONLY_ONE = ("define", "dry_run", "background", "as_drawer")
"""Options that exclude one another."""

_CLOSING = {"{": "}", "[": "]", "(": ")"}


@dataclass(slots=True)
class Line:
    """The parsed line of a magic.

    Attributes:
        options: the parsed options (argparse namespace).
        words: words that are neither options nor inputs (a drawer's name, a verb).
        inputs: input name -> value, with expressions and variables evaluated.
        out: the variable that receives the results, or ``""``.
    """

    options: argparse.Namespace
    words: list[str] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    out: str = ""


class OptionParser(argparse.ArgumentParser):
    """argparse that raises a UsageError instead of leaving the program; `prog` is the magic."""

    def error(self, message: str) -> NoReturn:
        """Refuse the options."""
        raise UsageError(f"{self.prog}: {message}", remediation=f"{self.prog}? shows all options")

    def options(self, flags: list[str], defaults: Mapping[str, Any]) -> tuple[argparse.Namespace, list[str]]:
        """Return the options in `flags`, and the words that are none.

        Raises:
            UsageError: an option is unknown or has an invalid value, or two exclude each other.
        """
        self.set_defaults(**defaults)
        options, words = self.parse_known_args(flags)
        for word in words:
            if word.startswith("-"):
                known = [s for action in self._actions for s in action.option_strings]
                hint = did_you_mean(word.split("=")[0], known)
                raise UsageError(
                    f"{self.prog}: there is no option {word}",
                    remediation=f"{hint} {self.prog}? shows all options".strip(),
                )
        only_one = [name for name in _ONLY_ONE if getattr(options, name, False)]
        if len(only_one) > 1:
            first, second = (name.replace("_", "-") for name in only_one[:2])
            raise UsageError(f"write --{first} or --{second}, not both")
        return options, words


def option_parser() -> OptionParser:
    """The options of ``%%drawer``; also the source of its help."""
    parser = OptionParser(prog="%%drawer", add_help=False, allow_abbrev=False)
    add = parser.add_argument
    add("--out", "-o", metavar="VAR", default="", help="variable that receives the Results")
    add("--parallelism", "-p", metavar="N", type=width, help="items at once in the outermost loops, or auto")
    add(
        "--mode",
        choices=("sequential", "parallel"),
        default="sequential",
        help="parallel: a step starts as soon as the steps it refers to have ended",
    )
    add("--concurrency", metavar="N", type=whole_number(1), help="most buttons at once in the whole run")
    add(
        "--on-failure",
        choices=("stop", "continue"),
        default="stop",
        help="in parallel mode, what to do with steps that do not depend on the failed one",
    )
    add("--timeout", metavar="SECONDS", type=seconds, help="most seconds that the whole run may take")
    add("--background", action="store_true", help="run in the background; returns a handle of the run")
    add("--dry-run", action="store_true", help="check and show what would run; press nothing")
    add("--define", action="store_true", help="check and remember the drawer by its name; press nothing")
    add("--quiet", "-q", action="store_true", help="show no progress and no table")
    add("--no-raise", action="store_true", help="return normally when the run fails")
    add(
        "--display",
        choices=KINDS,
        default="auto",
        help="how progress is shown",
    )
    return parser


def seconds(text: str) -> float:
    """An argparse type: seconds, or a duration."""
    try:
        found = float(text) if text.isascii() else 0.0
    except ValueError:
        try:
            found = parse_duration(text)
        except ValueError:
            found = 0.0
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"must be seconds, or a duration such as 2m, not {text!r}")
    return found


def parse_line(line: str, namespace: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Line:
    """Parse `line`, evaluating ``$name`` and ``{expression}`` in `namespace`.

    Args:
        line: the text after the magic's name.
        namespace: the user's variables.
        defaults: option name -> default value.

    Raises:
        UsageError: an option or an input is invalid, with a hint.
    """
    tokens = list(split(line))
    before, tokens = _target(tokens)
    given = [m for t in tokens if (m := _ASSIGNMENT.fullmatch(t))]
    flags = [unquote(t) for t in tokens if not _ASSIGNMENT.fullmatch(t)]
    options, words = option_parser().options(flags, defaults or {})
    inputs: dict[str, Any] = {}
    for match in given:
        name, text = match.groups()
        if name in inputs:
            raise UsageError(f"input {name} is given twice")
        inputs[name] = input_value(name, text, namespace)
    return Line(options, words, inputs, target_variable(before, options.out, defaults or {}))


def target_variable(before: str, option: str, defaults: Mapping[str, Any]) -> str:
    """Return the variable that gets the Results: the one `before` a ``<<``, or that of ``--out``.

    Raises:
        UsageError: both are given, or it is not a variable's name.
    """
    if before and option and option != defaults.get("out"):
        raise UsageError(f"write `{before} <<` or --out {option}, not both")
    out = before or option
    if out and (not out.isidentifier() or keyword.iskeyword(out)):
        raise UsageError(f"--out needs a variable's name, not {out!r}")
    return out


def _target(tokens: list[str]) -> tuple[str, list[str]]:
    """The variable before ``<<`` (or ``""``), and the words after it."""
    if "<<" not in tokens:
        return "", tokens
    name = tokens[0]
    if tokens.index("<<") != 1 or not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError("write `VAR << NAME`: one variable before the <<")
    return name, tokens[2:]


def input_value(name: str, text: str, namespace: Mapping[str, Any]) -> Any:
    """The value of input `name` as written after its ``=``.

    It is ``$variable``, ``{expression}``, ``@file``, JSON, or text.

    Raises:
        UsageError: the variable or the file does not exist, the expression fails, or a number is too large.
    """
    if text.startswith("$"):
        variable = text[1:]
        if variable in namespace:
            return namespace[variable]
        hint = did_you_mean(variable, [n for n in namespace if not n.startswith("_")])
        if not variable.isidentifier():
            hint = f"$ must be followed by one name; write an expression as {name}={{...}}"
        raise UsageError(f"input {name}: there is no variable {variable!r}", remediation=hint)
    if text.startswith("{") and text.endswith("}"):
        return _braced(name, text, namespace)
    if text.startswith("@"):
        return value_of(name, text)
    return json_or(text, unquote(text))


def _braced(name: str, text: str, namespace: Mapping[str, Any]) -> Any:
    """Read ``{...}`` as JSON if it is valid JSON, else as a Python expression."""
    found = json_or(text, None)  # text in braces is never JSON's null
    if found is not None:
        return found
    try:
        return eval(text[1:-1].strip(), dict(namespace))
    except Exception as error:
        cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        raise UsageError(
            f"input {name}: {cut} cannot be evaluated: {type(error).__name__}: {error}"
        ) from None


def unquote(text: str) -> str:
    """`text` without the quotes around it, if any."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def split(line: str) -> Iterator[str]:
    """Split `line` into words; blanks inside quotes and brackets do not separate words.

    Raises:
        UsageError: a quote or bracket is not closed.
    """
    word, quote, escaped = "", "", False
    closing: list[str] = []
    for char in line:
        if quote:
            quote = "" if char == quote and not escaped else quote
            escaped = char == "\\" and not escaped
        elif char in "'\"" and (closing or not word or word[-1] in "=,:"):
            quote = char
        elif char in _CLOSING and (closing or word.endswith("=")):
            closing.append(_CLOSING[char])
        elif closing and char == closing[-1]:
            closing.pop()
        elif char.isspace() and char not in _NO_BLANKS and not closing:
            if word:
                yield word
            word = ""
            continue
        word += char
    if quote or closing:
        missing = quote or closing[-1]
        raise UsageError(f"a closing {missing} is missing in: {line.strip()}")
    if word:
        yield word


__all__ = [
    "Line",
    "OptionParser",
    "input_value",
    "option_parser",
    "parse_line",
    "seconds",
    "split",
    "target_variable",
    "unquote",
]
