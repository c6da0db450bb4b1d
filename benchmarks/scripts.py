"""(b) Small shell scripts, beside what a shell user would type."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from benchmarks import ways
from benchmarks.measure import side_by_side
from benchmarks.report import Answer, Check, compared
from drawer_ipy import press

_WIDTH = 8
_SHELL = "/bin/sh"
_WITH_VARIABLE = "xargs, a variable per item"
_PLAIN = "xargs, the item as $0"

_MOST_BESIDE_PLAIN = 1.1
"""The highest ratio to `_PLAIN`, which does less than a button must: no variable, and no output apart."""


def answer(quick: bool) -> Answer:
    """Scripts that do nothing, and scripts that print their item."""
    count, rounds = (40, 2) if quick else (1_000, 9)
    found = Answer("b", f"sh scripts, P={_WIDTH}")
    xargs = shutil.which("xargs")
    if xargs is None:
        found.notes.append("left out: xargs is not installed here")
        return found
    _scripts(found, xargs, "that do nothing", (":", ":", ":"), count, rounds)
    printing = ('echo "$BUTTONS_ARG_X"', 'echo "$BUTTONS_ARG_X"', 'echo "$0"')
    _scripts(found, xargs, "that print their item", printing, count, rounds)
    found.notes.append(
        "xargs hands an item over in a variable only by way of `env`, a second program per item; "
        "with the item as $0 there is one program and no variable"
    )
    return found


def _scripts(
    found: Answer, xargs: str, title: str, codes: tuple[str, str, str], count: int, rounds: int
) -> None:
    """`codes` do the same for press, for xargs with a variable and for xargs with $0."""
    xs = [str(number) for number in range(count)]
    for_press, for_variable, for_plain = codes
    prints = for_press != ":"
    with_variable = [xargs, "-P", str(_WIDTH), "-I{}", "env", "BUTTONS_ARG_X={}", _SHELL, "-c", for_variable]
    plain = [xargs, "-P", str(_WIDTH), "-n", "1", _SHELL, "-c", for_plain]
    script = {"runtime": "sh", "code": for_press, "args": ["x"]}
    definition = ways.drawer("script", buttons={"script": script})

    def ours() -> None:
        results = press(definition, {"xs": xs}, parallelism=_WIDTH, quiet=True)
        expected = int(xs[-1]) if prints else None  # text that is a number becomes one
        if len(results) != count or results[count - 1].output != expected:
            raise AssertionError(f"the last script gave {results[count - 1].output!r}")

    jobs = {
        ways.OURS: ours,
        _WITH_VARIABLE: lambda: _run(with_variable, xs, prints),
        _PLAIN: lambda: _run(plain, xs, prints),
    }
    values = {name: v.times(1e6 / count) for name, v in side_by_side(jobs, rounds).items()}
    found.tables.append(compared(f"{count} scripts {title}", "us a script", values, ways.OURS))
    for other, most in ((_WITH_VARIABLE, 1.0), (_PLAIN, _MOST_BESIDE_PLAIN)):
        ratio = values[ways.OURS].over(values[other]).median
        found.checks.append(Check(f"press / {other}, scripts {title}", ratio, most))


def _run(command: Sequence[str], xs: Sequence[str], prints: bool) -> None:
    done = subprocess.run(command, input="\n".join(xs), stdout=subprocess.PIPE, text=True, check=True)
    if prints and len(done.stdout.split()) != len(xs):
        raise AssertionError(f"{len(done.stdout.split())} lines for {len(xs)} items")
