"""What a benchmark found: rows and checks, as text and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure import Values


@dataclass(frozen=True, slots=True)
class Row:
    """One way of doing the job.

    Attributes:
        name: what it is.
        values: what the rounds gave, in the unit of its table.
        ratio: ours over this one, round by round; ``None`` for ours.
    """

    name: str
    values: Values
    ratio: Values | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The ways of doing one job.

    Attributes:
        title: the job.
        unit: of the values.
        rows: ours first.
    """

    title: str
    unit: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Check:
    """A figure that must not be above its limit."""

    name: str
    value: float
    limit: float
    unit: str = ""

    @property
    def passed(self) -> bool:
        """Whether it holds."""
        return self.value <= self.limit


@dataclass(slots=True)
class Answer:
    """What one question came to.

    Attributes:
        letter, title: of the question.
        tables: what was measured.
        checks: what must hold.
        notes: what a reader should know beside the figures, a reason for leaving something out, say.
    """

    letter: str
    title: str
    tables: list[Table] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note_load(self) -> None:
        """Say how busy the machine is."""
        self.notes.append(f"load of the machine: {os.getloadavg()[0]:.1f}; the ratios suffer from other work")


def compared(title: str, unit: str, values: dict[str, Values], ours: str) -> Table:
    """A table of `values` with the ratio of `ours` to each of the others."""
    rows = [Row(ours, values[ours])]
    rows += [Row(name, v, values[ours].over(v)) for name, v in values.items() if name != ours]
    return Table(title, unit, rows)


def machine() -> dict[str, Any]:
    """What the figures depend on; no names."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "cores": _cores(),
    }


def _cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def heading(quick: bool) -> str:
    """The line above everything."""
    about = machine()
    cores = f"{about['cores']} core{'s' if about['cores'] != 1 else ''}"
    judged = "; quick: fixed costs weigh more, so nothing is judged" if quick else ""
    return f"{about['python']}, {cores}, {about['system']}{judged}"


def text(answer: Answer, judged: bool) -> str:
    """`answer` for people."""
    lines = [f"({answer.letter}) {answer.title}"]
    for table in answer.tables:
        lines += _table(table)
    for check in answer.checks:
        word = ("PASS" if check.passed else "FAIL") if judged else "----"
        unit = f" {check.unit}" if check.unit else ""
        lines.append(f"  {word}  {check.name}: {number(check.value)}{unit}, at most {number(check.limit)}")
    lines += [f"  note: {note}" for note in answer.notes]
    return "\n".join(lines)


def _table(table: Table) -> Iterable[str]:
    width = max(30, *(len(row.name) for row in table.rows))
    yield f"  {table.title}"
    yield f"    {'':{width}} {table.unit:>12}  {'lowest..highest':>17}  {'ours / this':>11}  {'spread':>13}"
    for row in table.rows:
        line = f"    {row.name:{width}} {number(row.values.median):>12}  {_spread(row.values):>17}"
        if row.ratio is not None:
            line += f"  {number(row.ratio.median):>11}  {_spread(row.ratio):>13}"
        yield line.rstrip()


def _spread(values: Values) -> str:
    return f"{number(values.low)}..{number(values.high)}"


def number(value: float) -> str:
    """Three digits or so."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def as_json(answers: Iterable[Answer], quick: bool) -> dict[str, Any]:
    """`answers` for programs."""
    answers = list(answers)
    return {
        "machine": machine(),
        "quick": quick,
        "passed": None if quick else all(c.passed for a in answers for c in a.checks),
        "answers": [_answer(answer) for answer in answers],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "letter": answer.letter,
        "title": answer.title,
        "tables": [
            {
                "title": table.title,
                "unit": table.unit,
                "rows": [
                    {
                        "name": row.name,
                        **_values(row.values),
                        "ratio": None if row.ratio is None else _values(row.ratio),
                    }
                    for row in table.rows
                ],
            }
            for table in answer.tables
        ],
        "checks": [
            {"name": c.name, "value": c.value, "limit": c.limit, "unit": c.unit, "passed": c.passed}
            for c in answer.checks
        ],
        "notes": answer.notes,
    }


def _values(values: Values) -> dict[str, Any]:
    return {"median": values.median, "low": values.low, "high": values.high, "all": list(values.all)}
