"""The options about stored runs: ``--resume``, ``--changed``, ``--max-age`` and ``--durable``."""

from __future__ import annotations

import argparse
import math
from typing import Any

from drawer_ipy.definition.values import parse_length
from drawer_ipy.errors import UsageError
from drawer_ipy.journal.folder import LEAST_ID, is_run_id, is_short_id
from drawer_ipy.pressing.job import check_needs
from drawer_ipy.pressing.journaling import DURABLE


def add_options(parser: argparse.ArgumentParser, durable: str = "auto") -> None:
    """Add the options to `parser`."""
    add = parser.add_argument
    add(
        "--resume",
        metavar="RUN",
        nargs="?",
        const="",
        help="go on with the latest stored run of this name (or the one with this id), else begin one",
    )
    add("--changed", action="store_true", help="with --resume: press again what steps made that have changed")
    add("--max-age", metavar="TIME", type=age, help="with --resume: press again what is older, such as 1d")
    add(
        "--durable",
        choices=DURABLE,
        default=durable,
        help="keep the run on disk: auto (if it takes over two seconds), on, strict (nothing counts as "
        "begun or ended before it is on disk) or off",
    )


def age(text: str) -> float:
    """An argparse type: seconds from a duration such as ``90m``, ``12h`` or ``1d``."""
    try:
        found = parse_length(text)
    except ValueError:
        found = 0.0
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"must be a length of time such as 90m, 12h or 1d, not {text!r}")
    return found


def chosen(options: argparse.Namespace) -> dict[str, Any]:
    """Return the parsed options as arguments of :class:`~drawer_ipy.pressing.job.Options`.

    Raises:
        UsageError: the value of ``--resume`` is not an id, or an option needs ``--resume``.
    """
    if options.resume and not is_run_id(options.resume):
        short = f", of at least {LEAST_ID} characters" if is_short_id(options.resume) else ""
        raise UsageError(
            f"--resume takes the id of a run{short}, not {options.resume!r}",
            remediation="without an id, it goes on with the latest run; drawer_ipy.runs() lists the ids",
        )
    resume = False if options.resume is None else options.resume or True
    if resume is False:
        given = {"--changed": options.changed, "--max-age": options.max_age is not None}
        check_needs(given, "--resume", "--resume")
    return {
        "durable": options.durable,
        "resume": resume,
        "changed": options.changed,
        "max_age": options.max_age,
    }
