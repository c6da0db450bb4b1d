"""``python -m benchmarks [--only a,b] [--quick] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import (
    backends,
    cached,
    clusters,
    display,
    each,
    functions,
    http,
    iterators,
    loops,
    scripts,
    stored,
    timers,
    waits,
)
from benchmarks.report import Answer, as_json, heading, text

QUESTIONS: Mapping[str, Callable[[bool], Answer]] = {
    "a": loops.answer,
    "b": scripts.answer,
    "c": waits.answer,
    "d": functions.answer,
    "e": display.answer,
    "f": http.answer,
    "g": cached.answer,
    "h": iterators.answer,
    "i": each.answer,
    "j": stored.answer,
    "k": backends.answer,
    "l": timers.answer,
    "m": clusters.answer,
}


def main(
    argv: Sequence[str] | None = None, questions: Mapping[str, Callable[[bool], Answer]] = QUESTIONS
) -> int:
    """Measure and print; returns 1 when a target was missed."""
    options = _parser(questions).parse_args(argv)
    print(heading(options.quick), flush=True)
    answers = []
    for letter in options.only:
        answers.append(questions[letter](options.quick))
        print(f"\n{text(answers[-1], judged=not options.quick)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(as_json(answers, options.quick), indent=1) + "\n")
    missed = [check for found in answers for check in found.checks if not check.passed]
    if options.quick:
        return 0
    print(f"\n{len(missed)} missed" if missed else "\nall targets met")
    return 1 if missed else 0


def _parser(questions: Mapping[str, object]) -> argparse.ArgumentParser:
    known = ",".join(questions)

    def letters(given: str) -> list[str]:
        asked = [word.strip() for word in given.split(",") if word.strip()]
        strangers = [word for word in asked if word not in questions]
        if strangers or not asked:
            raise argparse.ArgumentTypeError(f"some of {known}, not {given!r}")
        return asked

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="What a press costs beside other tools, as ratios."
    )
    parser.add_argument("--only", type=letters, default=list(questions), help=f"some of {known}")
    parser.add_argument("--quick", action="store_true", help="few items and rounds; nothing is judged")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
