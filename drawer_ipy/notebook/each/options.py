"""The options of ``%%each``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.definition.rates import parse_rate
from drawer_ipy.definition.values import parse_lasting, parse_tolerance
from drawer_ipy.display.choose import KINDS
from drawer_ipy.errors import UsageError
from drawer_ipy.notebook.each.header import Header
from drawer_ipy.notebook.each.text import MAGIC
from drawer_ipy.notebook.line import OptionParser, result_variable, seconds
from drawer_ipy.notebook.words import LineWord, unquote, words_of
from drawer_ipy.pressing.each.loop import EachOptions
from drawer_ipy.verbs.values import whole_number, width

T = TypeVar("T")

OF_EVERY_CELL = ("parallelism", "out", "quiet", "no_raise", "display")
"""Options whose defaults ``%config DrawerMagics`` sets."""


def each_parser() -> OptionParser:
    """Return the parser of the options; also the source of the magic's help."""
    parser = OptionParser(prog=MAGIC, add_help=False, allow_abbrev=False)
    add = parser.add_argument
    add("--out", "-o", metavar="VAR", default="", help="variable that gets the Results")
    add("--parallelism", "-p", metavar="N", type=width, help="most items at once, or auto; default 1")
    add("--stop", action="store_true", help="end at the first failed item, and cancel what is in flight")
    add("--tolerate", metavar="N", type=_tolerance, help="most failures, a count or a share such as 2%%")
    add("--retry", metavar="N", type=whole_number(0), default=0, help="most further tries of a failed item")
    add("--timeout", metavar="SECONDS", type=seconds, help="most seconds of one attempt of an item")
    add("--rate", metavar="RATE", type=_rate, help="most starts per time: 5/s, 100/min")
    add("--cache", metavar="TIME", type=_lasting, help="use outputs again for this long: 1h, 7d, forever")
    add("--name", metavar="NAME", default="", help="the run's name; the variable's name when left out")
    add("--save", metavar="FILE", help="write the table to a .parquet, .csv, .jsonl or .json file at the end")
    add("--background", action="store_true", help="run in the background; returns a handle of the run")
    add("--dry-run", action="store_true", help="check and show what would run; press nothing")
    add("--define", action="store_true", help="check and remember the body by its name; press nothing")
    add("--as-drawer", action="store_true", help="print an equal %%%%drawer cell and its function")
    add("--quiet", "-q", action="store_true", help="show no progress and no table")
    add("--no-raise", action="store_true", help="return normally when the run fails")
    add("--display", choices=KINDS, default="auto", help="how progress is shown")
    return parser


def read_options(
    header: Header, namespace: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[argparse.Namespace, str]:
    """Return the options of a line, and the variable that gets the Results.

    Raises:
        UsageError: an option is invalid; its column counts in the line.
    """
    parser = each_parser()
    tokens = [LineWord(word, word.start + header.options_at) for word in words_of(header.options)]
    flags = [LineWord(unquote(word), word.start) for word in tokens]
    options, words = parser.read(flags, namespace, defaults)
    if words:
        wrong = UsageError(
            f"{MAGIC}: {words[0]!r} stands behind the options",
            remediation=f"what to loop over comes first: {MAGIC} TARGET in ITEMS --option ...",
        )
        raise wrong.pointing_at("", words[0].start + 1)
    return options, result_variable(header.into, options.out, defaults, flags)


def each_options(options: argparse.Namespace) -> EachOptions:
    """Return the parsed options as those of the loop.

    Raises:
        UsageError: two contradict each other.
    """
    return EachOptions(
        parallelism=options.parallelism or 0,
        stop=options.stop,
        retry=options.retry,
        timeout=options.timeout,
        rate=options.rate,
        cache=options.cache,
        tolerate=options.tolerate,
    )


def _rate(text: str) -> str:
    return _checked(parse_rate, text)


def _lasting(text: str) -> str:
    return _checked(parse_lasting, text)


def _tolerance(text: str) -> str | int:
    return _checked(parse_tolerance, int(text) if text.isascii() and text.isdecimal() else text)


def _checked(parse: Callable[[T], Any], value: T) -> T:
    try:
        parse(value)
    except BadValue as error:
        raise argparse.ArgumentTypeError(f"{error.message}; {error.hint}") from None
    return value
