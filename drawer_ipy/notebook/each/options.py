"""The options of ``%%each``."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.definition.rates import parse_rate
from drawer_ipy.definition.values import parse_lasting, parse_tolerance
from drawer_ipy.errors import UsageError
from drawer_ipy.notebook.each.header import Header, LoopTarget
from drawer_ipy.notebook.each.text import MAGIC
from drawer_ipy.notebook.line import OptionParser, result_variable, seconds
from drawer_ipy.notebook.words import LineWord, unquote, words_of
from drawer_ipy.pressing.each.loop import EachOptions
from drawer_ipy.verbs.values import whole_number, width

T = TypeVar("T")

OF_EVERY_CELL = ("parallelism", "out", "quiet", "no_raise", "display", "durable", "backend")
"""Options whose defaults ``%config DrawerMagics`` sets."""


def _checked(parse: Callable[[Any], Any], convert: Callable[[str], T]) -> Callable[[str], T]:
    """Return an argparse type: the text, converted, if the parser of the language accepts that."""

    def value(text: str) -> T:
        found = convert(text)
        try:
            parse(found)
        except BadValue as error:
            raise argparse.ArgumentTypeError(f"{error.message}; {error.hint}") from None
        return found

    return value


def _count_or_text(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() else text


_rate = _checked(parse_rate, str)
_lasting = _checked(parse_lasting, str)
_tolerance = _checked(parse_tolerance, _count_or_text)


def each_parser() -> OptionParser:
    """Return the parser of the options; also the source of the magic's help."""
    parser = OptionParser(MAGIC)
    add = parser.add_argument
    add("--parallelism", "-p", metavar="N", type=width, help="most items at once, or auto; default 1")
    add("--stop", action="store_true", help="end at the first failed item, and cancel what is in flight")
    add("--tolerate", metavar="N", type=_tolerance, help="most failures, a count or a share such as 2%%")
    add("--retry", metavar="N", type=whole_number(0), default=0, help="most further tries of a failed item")
    add("--timeout", metavar="SECONDS", type=seconds, help="most seconds of one attempt of an item")
    add("--rate", metavar="RATE", type=_rate, help="most starts per time: 5/s, 100/min")
    add("--cache", metavar="TIME", type=_lasting, help="use outputs again for this long: 1h, 7d, forever")
    add("--key", metavar="FIELD", help="field that identifies an item in a later run; default: its value")
    add("--keep", choices=("disk",), help="hold outputs on disk only: results larger than the memory")
    add("--name", metavar="NAME", default="", help="the run's name; the variable's name when left out")
    parser.add_press_options("body")
    add("--as-drawer", action="store_true", help="print an equal %%%%drawer cell and its function")
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


def each_options(options: argparse.Namespace, target: LoopTarget) -> EachOptions:
    """Return the parsed options as those of the loop; a key may be one of the names that `target` binds.

    Raises:
        UsageError: two contradict each other.
    """
    return EachOptions(
        parallelism=options.parallelism,
        stop=options.stop,
        retry=options.retry,
        timeout=options.timeout,
        rate=options.rate,
        cache=options.cache,
        tolerate=options.tolerate,
        key=None if options.key is None else _key(options.key, target),
        backend=options.backend or None,
        keep=options.keep,
    )


def _key(key: str, target: LoopTarget) -> str:
    place = None if target.pattern is None else _place_of(key, target.pattern)
    return key if place is None else f"${{{target.name}{place}}}"


def _place_of(name: str, pattern: ast.expr) -> str | None:
    """Return the indices that lead to `name` in a pattern such as ``i, (url, title)``."""
    if isinstance(pattern, ast.Name):
        return "" if pattern.id == name else None
    for index, part in enumerate(pattern.elts if isinstance(pattern, ast.Tuple | ast.List) else ()):
        if isinstance(part, ast.Starred):
            return None
        found = _place_of(name, part)
        if found is not None:
            return f"[{index}]{found}"
    return None
