"""The headline of a table, and the errors of its rows in groups."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from drawer_ipy.common.tracebacks import name_cells
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import Code
from drawer_ipy.record.failures import NONE, Failures, failures_of
from drawer_ipy.record.loop import FAILED, LoopOutput
from drawer_ipy.record.step_column import STEP_OK
from drawer_ipy.results.failed_item import ItemError, failed_item
from drawer_ipy.results.table_view import TableView
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.outcome import counts_text, elsewhere_text, outcome_of, outcome_of_rows
from drawer_ipy.style.palette import mark_of
from drawer_ipy.style.preview import clean, cut, fit, within

GROUPS = 5
"""Most groups of similar errors that are shown."""

_INDICES = 5
_NUMBERS = re.compile(r"\d+")
_SCANNED = 100_000
_MESSAGE = 300
_DETAIL = 1500
# The same for HTML, where an escaped character may take five bytes: saved notebooks should stay small.
_LINE_BYTES = 1200
_DETAIL_BYTES = 4000


@dataclass(slots=True)
class ErrorGroup:
    """Failures with the same step, the same code and the same message (ignoring numbers in it).

    Attributes:
        first: the first failure.
        count: the number of failures.
        indices: the positions of the first few in the input; empty if the rows are steps.
        differ: whether the messages differ in a number.
    """

    first: ItemError
    count: int
    indices: list[int]
    differ: bool = False


@dataclass(frozen=True, slots=True)
class Headline:
    """The summary of a table in one line.

    Attributes:
        state: the state that the rows, or the run, are shown in.
        word: a word for that state, ``""`` if the counts are enough.
        counts: the number of rows, by outcome.
        rest: how many rows were cached, the time and the rate.
    """

    state: str
    word: str
    counts: str
    rest: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """The part that describes the outcome: a mark and words."""
        return f"{mark_of(self.state)} {' · '.join(filter(None, (self.word, self.counts)))}"

    def __str__(self) -> str:
        return " · ".join([self.told, *self.rest])


def headline(view: TableView) -> str:
    """The number of rows by outcome; for a whole table also the time and the rate."""
    return str(headline_of(view))


def headline_of(view: TableView) -> Headline:
    """The headline in parts."""
    if not len(view.source):
        return _nothing(view)
    counts = {word: k for word, k in view.counts().items() if k}
    if not view.is_whole:
        return _of_some(view, counts)
    run, n, ok = view.run, len(view), counts.get("ok", 0)
    noun = "item" if view.source.loop is not None else "step"
    beside = _beside(view, counts) if run.status == "ok" else NONE
    state = outcome_of(run.status, n - ok + beside.total)
    if state == "ok":
        told = f"{n:,} {noun}{'' if n == 1 else 's'}"
    else:
        so_far = view.source.loop is not None and view.source.loop.total is None
        told = ", ".join([counts_text(counts, noun, so_far), *elsewhere_text(beside.items, beside.steps)])
    word = state if state in ("failed", "cancelled") else ""
    return Headline(state, word, told, tuple(_figures(view, counts)))


def _of_some(view: TableView, counts: dict[str, int]) -> Headline:
    n, of = len(view), len(view.source)
    noun = "items" if view.source.loop is not None else "steps"
    parts = [] if counts.keys() <= {"ok"} else [f"{k:,} {word}" for word, k in counts.items()]
    return Headline(outcome_of_rows(counts), "", " · ".join([*parts, f"{n:,} of {of:,} {noun}"]))


def _beside(view: TableView, counts: dict[str, int]) -> Failures:
    """The failures of the run that are not among the rows."""
    failed = counts.get("failed", 0)
    whole = failures_of(view.run)
    return whole.beside(failed) if view.source.loop is not None else whole.beside(0, failed)


def _figures(view: TableView, counts: dict[str, int]) -> Iterator[str]:
    """How many rows were cached, how long the run took, and the rate."""
    loop = view.source.loop
    cached = loop.cached if loop else sum(step.cached for step in view.run.steps)
    if cached:
        yield f"{cached:,} cached"
    elapsed = loop.elapsed if loop else view.run.duration
    yield seconds_text(elapsed)
    done = counts.get("ok", 0) + counts.get("failed", 0) - (loop.kept if loop else 0)
    if loop and elapsed > 0 and done > 1:
        pace = done / elapsed
        yield f"{pace:,.0f}/s" if pace >= 10 else f"{pace:.2g}/s"


def _nothing(view: TableView) -> Headline:
    run = view.run
    failures = failures_of(run) if run.status == "ok" else NONE
    state = outcome_of(run.status, failures.total)
    loop = view.source.loop
    if loop is not None and loop.total is None:
        why = f": {cut(clean(str(run.error)), _MESSAGE)}" if run.error is not None else ""
        return Headline(state, "", f"no item so far{why}")
    if loop is not None:
        told = ["0 items: the loop had nothing to do", *elsewhere_text(failures.items, failures.steps)]
        return Headline(state, "", ", ".join(told))
    if run.error is not None:
        return Headline(state, "", f"no step ran: {cut(clean(str(run.error)), _MESSAGE)}")
    return Headline(state, "", "no step has run yet" if run.status == "running" else "0 rows: no step ran")


def run_trouble(view: TableView) -> str:
    """Why the run failed, if the rows do not show it; otherwise ``""``."""
    run = view.run
    if run.error is None or not len(view.source) or not view.is_whole:
        return ""
    loop = view.source.loop
    told = loop is None or (
        loop.path[:1] == (run.failed_step,) and run.error.code == Code.FOREACH_ITEM_FAILED
    )
    if told and view.counts()["failed"]:
        return ""
    where = f" in step {run.failed_step!r}" if run.failed_step else ""
    hint = f" ({run.error.remediation})" if run.error.remediation else ""
    how = "was cancelled" if run.status == "cancelled" else run.status
    text = f"the run {how}{where}: {cut(str(run.error), _MESSAGE)}{hint}"
    return cut(clean(text), 2 * _MESSAGE)


def error_groups(view: TableView, most: int = GROUPS) -> tuple[list[ErrorGroup], int]:
    """The largest groups of similar errors, and how many more groups there are.

    Only the first 100,000 failures are grouped.
    """
    failed, items = view.in_state(FAILED).index, view.source.loop is not None
    groups: dict[tuple[str, str, str], ErrorGroup] = {}
    for index in failed[:_SCANNED]:
        error = failed_item(view.source, index)
        key = (error.step, error.code, _NUMBERS.sub("0", error.message[: 2 * _MESSAGE]))
        group = groups.get(key)
        if group is None:
            groups[key] = ErrorGroup(error, 1, [error.index] if items else [])
        else:
            group.count += 1
            group.differ = group.differ or error.message != group.first.message
            if items and len(group.indices) < _INDICES:
                group.indices.append(error.index)
    largest = sorted(groups.values(), key=lambda g: (-g.count, g.first.index))
    return largest[:most], max(0, len(largest) - most)


def group_text(group: ErrorGroup) -> str:
    """One line: ``4 × CODE in step: message (items 3, 17, …)``, with ``such as`` if the messages differ."""
    error = group.first
    where = f" in {cut(error.step, 60)}" if error.step else ""
    indices = ", ".join(map(str, group.indices)) + (", …" if group.count > len(group.indices) else "")
    which = "item" if group.count == 1 else "items"
    what = f"{cut(error.code, 60)}{where}{', such as' if group.differ else ''}"
    told = f"{group.count:,} × {what}: {_message(error.message)}"
    return f"{told} ({which} {indices})" if group.indices else told


def _message(message: str) -> str:
    return cut(clean(message[: 2 * _MESSAGE].strip()), _MESSAGE)


def detail_text(view: TableView, error: ItemError) -> str:
    """The end of the failed step's stderr, or else of the exception's traceback, or ``""``."""
    cell = view.source.steps(error.index).get(error.step)
    text = cell.stderr if cell is not None else ""
    if not text.strip() and error.exception is not None:
        try:
            text = name_cells("".join(traceback.format_exception(error.exception, limit=-20)))
        except BaseException as fault:  # an exception whose own __str__ fails
            pass_on_interrupt(fault)
            text = type(error.exception).__name__
    tail = text[-_DETAIL:].strip()
    lines = [clean(line.replace("\t", "    ")) for line in tail.splitlines()]
    return ("…" if len(text) > _DETAIL else "") + "\n".join(lines)


def trouble_within(view: TableView) -> list[str]:
    """One line for each nested loop with failed items in rows that are ok."""
    loop = view.source.loop
    if loop is None or not view.is_whole:
        return []
    lines = []
    for column in loop.columns:
        loops = [
            output.record
            for output, status in zip(column.outputs, column.statuses, strict=False)  # it may grow meanwhile
            if status == STEP_OK and isinstance(output, LoopOutput)
        ]
        failed = sum(loop.counts[FAILED] for loop in loops)
        if failed:
            told = f"{failed:,} of {sum(map(len, loops)):,} items of the loops {cut(clean(column.id), 60)!r}"
            lines.append(f"{told} failed within rows that are ok")
    return lines


def trouble_text(view: TableView, width: int) -> list[str]:
    """The lines below a table in text: why the run failed, and the groups of errors."""
    out = [fit(line, width) for line in [run_trouble(view), *trouble_within(view)] if line]
    groups, more = error_groups(view)
    for group in groups:
        out.append(fit(clean(group_text(group)), width))
        if group.first.remediation:
            out.append(fit(clean("    " + group.first.remediation[: 2 * _MESSAGE]), width))
    if more:
        out.append(f"and {more:,} more kinds of error; see .errors")
    return out


def trouble_html(view: TableView) -> str:
    """The same as HTML; the stderr or traceback of each group's first failure can be expanded."""
    out = []
    trouble = run_trouble(view)
    if trouble:
        out.append(f'<div class="dry-bad"><bdi>{escape(trouble)}</bdi></div>')
    out += [f"<div><bdi>{escape(line)}</bdi></div>" for line in trouble_within(view)]
    groups, more = error_groups(view)
    for group in groups:
        line = f"<bdi>{escape(within(clean(group_text(group)), _LINE_BYTES))}</bdi>"
        detail = _end_within(detail_text(view, group.first), _DETAIL_BYTES)
        hint = within(clean(group.first.remediation[: 2 * _MESSAGE]), _LINE_BYTES)
        inner = (f"<div>{escape(hint)}</div>" if hint else "") + (
            f"<pre>{escape(detail)}</pre>" if detail else ""
        )
        out.append(f"<details><summary>{line}</summary>{inner}</details>" if inner else f"<div>{line}</div>")
    if more:
        out.append(f"<div>and {more:,} more kinds of error; see <code>.errors</code></div>")
    return f'<div class="dry-errors">{"".join(out)}</div>' if out else ""


def _end_within(text: str, most: int) -> str:
    """`text`, shortened at its start to at most `most` bytes when escaped."""
    while len(escape(text).encode()) > most:
        text = "…" + text[-(len(text) * 3 // 4) :]
    return text
