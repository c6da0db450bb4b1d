"""The magic's line: options, ``name=value`` inputs, ``VAR <<``, and the drawer's name."""

from __future__ import annotations

import argparse
import keyword
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.durations import parse_duration
from drawer_ipy.definition.backends import parse_backend
from drawer_ipy.display.choose import KINDS
from drawer_ipy.errors import UsageError, did_you_mean
from drawer_ipy.notebook.line_values import input_value
from drawer_ipy.notebook.option_values import option_names, placed, value_taker, with_variables
from drawer_ipy.notebook.words import ASSIGNMENT, LineWord, check_words, unquote, words_of
from drawer_ipy.verbs.resuming import add_options
from drawer_ipy.verbs.values import whole_number, width

CELL = "%%drawer"
_ONLY_ONE = ("define", "dry_run", "background", "as_drawer")
"""Options that exclude one another."""


@dataclass(frozen=True, slots=True)
class Given:
    """One ``name=value`` of a line.

    Attributes:
        name: of the input.
        text: the value as written.
        value: what it means without a declared type.
        column: 1-based place of the value in the line.
    """

    name: str
    text: str
    value: Any
    column: int


@dataclass(slots=True)
class Line:
    """What a magic's line says.

    Attributes:
        options: the parsed options (argparse namespace).
        words: words that are neither options nor inputs (a drawer's name, a verb).
        given: input name -> what is given, expressions and variables already looked up.
        out: variable that gets the results, ``""`` when none is named.
        text: the line as typed.
    """

    options: argparse.Namespace
    words: list[LineWord] = field(default_factory=list)
    given: dict[str, Given] = field(default_factory=dict)
    out: str = ""
    text: str = ""

    @property
    def inputs(self) -> dict[str, Any]:
        """Input name -> value."""
        return {name: given.value for name, given in self.given.items()}


class OptionParser(argparse.ArgumentParser):
    """argparse for a magic that presses: it raises UsageError instead of ending the process.

    Args:
        magic: the magic with its percent signs.
    """

    def __init__(self, magic: str) -> None:
        super().__init__(prog=magic, add_help=False, allow_abbrev=False)
        self.add_argument("--out", "-o", metavar="VAR", default="", help="variable that gets the Results")

    def add_press_options(self, defined: str) -> None:
        """Add the options of every magic that presses; `defined` is what ``--define`` remembers."""
        add = self.add_argument
        add("--backend", metavar="NAME", type=backend, default="", help=_BACKEND)
        save = "write the table to a .parquet, .csv, .jsonl or .json file at the end"
        add("--save", metavar="FILE", help=save)
        add_options(self)
        add("--background", action="store_true", help="run in the background; returns a handle of the run")
        add("--dry-run", action="store_true", help="check and show what would run; press nothing")
        define = f"check and remember the {defined} by its name; press nothing"
        add("--define", action="store_true", help=define)
        add("--quiet", "-q", action="store_true", help="show no progress and no table")
        add("--no-raise", action="store_true", help="return normally when the run fails")
        add("--display", choices=KINDS, default="auto", help="how progress is shown")

    def error(self, message: str) -> NoReturn:
        """Refuse the options."""
        raise UsageError(f"{self.prog}: {message}", remediation=f"{self.prog}? shows all options")

    def read(
        self, flags: list[LineWord], namespace: Mapping[str, Any], defaults: Mapping[str, Any]
    ) -> tuple[argparse.Namespace, list[LineWord]]:
        """Return the options in `flags`, and the words that are none.

        Args:
            flags: the words of the line that are not inputs.
            namespace: the user's variables, for ``--option $name``.
            defaults: option name -> value if the line does not give it.

        Raises:
            UsageError: an option is unknown or invalid, or two exclude each other; its column counts in the
                line.
        """
        self.set_defaults(**defaults)
        flags = with_variables(flags, namespace, value_taker(self))
        try:
            options, words = self.parse_known_args(flags)
        except UsageError as error:
            raise placed(error, flags, namespace) from None
        for word in words:
            if word.startswith("-"):
                hint = did_you_mean(word.split("=")[0], option_names(self))
                unknown = UsageError(
                    f"{self.prog}: unknown option {word}",
                    remediation=f"{hint} {self.prog}? shows all options".strip(),
                )
                raise unknown.pointing_at("", _start(word, flags) + 1)
        only_one = [name for name in _ONLY_ONE if getattr(options, name, False)]
        if len(only_one) > 1:
            first, second = (name.replace("_", "-") for name in only_one[:2])
            raise at_option(UsageError(f"write --{first} or --{second}, not both"), flags, second)
        return options, [LineWord(word, _start(word, flags)) for word in words]


def option_parser() -> OptionParser:
    """The options of ``%%drawer``; also the source of its help."""
    parser = OptionParser(CELL)
    add = parser.add_argument
    add("--parallelism", "-p", metavar="N", type=width, help="items at once in the outermost loops, or auto")
    add(
        "--mode",
        choices=("sequential", "parallel"),
        default="sequential",
        help="parallel: a step starts as soon as the steps it refers to have ended",
    )
    add("--concurrency", metavar="N", type=whole_number(1), help="most buttons in flight in the whole run")
    add(
        "--on-failure",
        choices=("stop", "continue"),
        default="stop",
        help="in parallel mode, what happens to steps that do not depend on the failed one",
    )
    add("--timeout", metavar="SECONDS", type=seconds, help="most seconds that the whole run may take")
    parser.add_press_options("drawer")
    return parser


_BACKEND = "where Python functions run: threads of the kernel, processes, dask or dask:ADDRESS"


def backend(text: str) -> str:
    """An argparse type: the name of a backend, ``""`` for none."""
    try:
        return str(parse_backend(text)) if text else ""
    except BadValue as error:
        raise argparse.ArgumentTypeError(f"{error.message} ({error.hint})") from None


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
    """What `line` says, with ``$name`` and ``{expression}`` looked up in `namespace`.

    Args:
        line: the text after the magic's name.
        namespace: the user's variables.
        defaults: option name -> value where the line does not say.

    Raises:
        UsageError: an option or an input that cannot be read, with what would do; it shows the line.
    """
    try:
        return _parsed(line, namespace, defaults or {})
    except UsageError as error:
        raise shown_in(error, line, CELL) from None


def shown_in(error: UsageError, line: str, magic: str) -> UsageError:
    """Let `error`, whose column counts in `line`, show the line with the magic's name before it."""
    before = f"{magic} " if line.strip() else magic
    blanks = len(line) - len(line.lstrip())
    if error.column is None:
        return error
    return error.pointing_at(before + line.strip(), error.column + len(before) - blanks)


def _parsed(line: str, namespace: Mapping[str, Any], defaults: Mapping[str, Any]) -> Line:
    before, tokens = _target(words_of(line))
    parser = option_parser()
    check_words(tokens, value_taker(parser))
    assigned = [t for t in tokens if ASSIGNMENT.fullmatch(t)]
    flags = [LineWord(unquote(t), t.start) for t in tokens if not ASSIGNMENT.fullmatch(t)]
    options, words = parser.read(flags, namespace, defaults)
    given: dict[str, Given] = {}
    for word in assigned:
        one = given_by(word, namespace)
        if one.name in given:
            raise UsageError(f"input {one.name} is given twice").pointing_at("", word.start + 1)
        given[one.name] = one
    return Line(options, words, given, result_variable(before, options.out, defaults, flags), line)


def result_variable(before: str, option: str, defaults: Mapping[str, Any], flags: Iterable[LineWord]) -> str:
    """Return the variable that gets the Results: the one `before` a ``<<``, or that of ``--out``.

    Raises:
        UsageError: both are given, or it is not a variable's name; its column counts in the line.
    """
    if before and option and option != defaults.get("out"):
        raise at_option(UsageError(f"write `{before} <<` or --out {option}, not both"), flags, "out")
    out = before or option
    if out and (not out.isidentifier() or keyword.iskeyword(out)):
        raise at_option(UsageError(f"--out needs a variable's name, not {out!r}"), flags, "out")
    return out


def at_option(error: UsageError, flags: Iterable[LineWord], name: str) -> UsageError:
    """Let `error` point at the option `name`, if it is on the line."""
    ways = (f"--{name}", f"-{name[0]}")
    for flag in flags:
        if flag.partition("=")[0] in ways:
            return error.pointing_at("", flag.start + 1)
    return error


def given_by(word: LineWord, namespace: Mapping[str, Any]) -> Given:
    """The input that `word`, a ``name=value``, gives.

    Raises:
        UsageError: as :func:`~drawer_ipy.notebook.line_values.input_value`; the column counts in the line.
    """
    name, _, text = word.partition("=")
    start = word.start + len(name) + 2
    try:
        return Given(name, text, input_value(name, text, namespace), start)
    except UsageError as error:
        raise error.pointing_at("", start + (error.column or 1) - 1) from None


def _target(tokens: list[LineWord]) -> tuple[str, list[LineWord]]:
    """The variable before a ``<<``, ``""`` when there is none, and the words after it."""
    if "<<" not in tokens:
        return "", tokens
    name = tokens[0]
    if name == "<<" or tokens[1] != "<<" or not name.isidentifier() or keyword.iskeyword(name):
        error = UsageError("write `VAR << NAME`: one variable before the <<")
        raise error.pointing_at("", name.start + 1)
    return str(name), tokens[2:]


def _start(word: str, flags: list[LineWord]) -> int:
    """Where `word`, which argparse hands back, stands in the line."""
    return next(flag.start for flag in flags if flag == word)


def split(line: str) -> Iterator[str]:
    """The words of `line`: blanks inside quotes and brackets do not separate.

    Raises:
        UsageError: a quote or bracket that is never closed.
    """
    yield from words_of(line)


__all__ = [
    "CELL",
    "Given",
    "Line",
    "OptionParser",
    "at_option",
    "given_by",
    "input_value",
    "option_parser",
    "parse_line",
    "result_variable",
    "seconds",
    "shown_in",
    "split",
    "unquote",
]
