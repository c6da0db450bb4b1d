"""The headline of a table, and the errors of its rows in groups."""

from __future__ import annotations

import re
import traceback
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from html import escape
from itertools import islice

from drawer_ipy.common.tracebacks import name_cells
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import Code
from drawer_ipy.record.failures import NONE, Failures, failures_in_loop, failures_of, last_loop
from drawer_ipy.record.inner import loops_in
from drawer_ipy.record.loop import FAILED
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step_column import STEP_OK
from drawer_ipy.results.failed_item import UNKNOWN, ItemError, failed_item
from drawer_ipy.results.origin import Origin
from drawer_ipy.results.table_view import TableView
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.documentation import documentation, with_link
from drawer_ipy.style.html_frame import PRE, scrolling
from drawer_ipy.style.outcome import Head, beside_text, head_of, outcome_of, outcome_of_rows, verb_of
from drawer_ipy.style.preview import clean, cut, end_within, fit, within

GROUPS = 5
"""Most groups of similar errors that are shown."""

GROUPED = 20_000
"""Most failures that are grouped, so that a table is shown without a wait."""

_INDICES = 5
_NUMBERS = re.compile(r"\d+")
_ZEROS = re.compile("00+")
_TO_ZERO = str.maketrans("123456789", "000000000")
_BETWEEN = "\x00"
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
        is_told: whether it is a single failure whose row shows the whole message.
    """

    first: ItemError
    count: int
    indices: list[int]
    differ: bool = False
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Headline:
    """The summary of a table in one line.

    Attributes:
        head: how the rows, or the run, ended, with their number by outcome.
        rest: how many rows were cached, the time and the rate.
    """

    head: Head
    rest: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " · ".join([str(self.head), *self.rest])


def headline(view: TableView) -> str:
    """The number of rows by outcome; for a whole table also the time and the rate."""
    return str(headline_of(view))


def headline_of(view: TableView) -> Headline:
    """The headline in parts."""
    if not len(view.source):
        return Headline(_nothing(view))
    counts = {word: k for word, k in view.counts().items() if k}
    if not view.is_whole:
        return Headline(_of_some(view, counts))
    loop = view.source.loop
    noun, so_far = ("step", False) if loop is None else ("item", loop.total is None)
    beside = _beside(view, counts) if view.run.status == "ok" else NONE
    head = head_of(view.run.status, counts, noun, beside, so_far)
    return Headline(head, tuple(_figures(view, counts)))


def head_of_run(run: RunRecord) -> Head:
    """How `run` ended, as above its table: counts of the items of its last loop, or else of its steps."""
    origin = Origin(run)
    return headline_of(TableView(origin, origin.source(origin.last_loop()))).head


def _of_some(view: TableView, counts: dict[str, int]) -> Head:
    n, of = len(view), len(view.source)
    noun = "items" if view.source.loop is not None else "steps"
    parts = [] if counts.keys() <= {"ok"} else [f"{k:,} {word}" for word, k in counts.items()]
    return Head(outcome_of_rows(counts), " · ".join([*parts, f"{n:,} of {of:,} {noun}"]))


def _beside(view: TableView, counts: dict[str, int]) -> Failures:
    """The failures of the run that are not among the rows."""
    failed = counts.get("failed", 0)
    whole, loop = failures_of(view.run), view.source.loop
    if loop is None:
        return whole.beside(0, failed)
    nothing_ok = failures_in_loop(loop).nothing_ok if loop is not last_loop(view.run) else whole.nothing_ok
    return replace(whole.beside(failed), nothing_ok=nothing_ok)


def _figures(view: TableView, counts: dict[str, int]) -> Iterator[str]:
    """How many rows were cached and how many were kept, how long the run took, and the rate."""
    loop = view.source.loop
    cached = loop.cached if loop else sum(step.cached for step in view.run.steps)
    if cached:
        yield f"{cached:,} cached"
    if loop and loop.kept_ok:
        yield f"{loop.kept_ok:,} kept"
    elapsed = loop.elapsed if loop else view.run.duration
    yield seconds_text(elapsed)
    done = counts.get("ok", 0) + counts.get("failed", 0) - (loop.kept if loop else 0)
    if loop and elapsed > 0 and done > 1:
        pace = done / elapsed
        yield f"{pace:,.0f}/s" if pace >= 10 else f"{pace:.2g}/s"


def _nothing(view: TableView) -> Head:
    run = view.run
    failures = failures_of(run) if run.status == "ok" else NONE
    loop = view.source.loop
    why = f": {cut(clean(str(run.error)), _MESSAGE)}" if run.error is not None else ""
    if loop is not None and loop.total is None:
        words = [f"no item so far{why}"]
    elif loop is not None:
        words = ["0 items: the loop had nothing to do", *beside_text(failures)]
    elif run.status == "running":
        words = ["no step has run yet"]
    else:
        words = [f"no step ran{why}"]
    state = outcome_of(run.status, failures.total, failures.nothing_ok)
    return Head(state, " · ".join([verb_of(run.status), *words]))


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


def error_groups(
    view: TableView, most: int = GROUPS, told: Collection[int] = ()
) -> tuple[list[ErrorGroup], int]:
    """The largest groups of similar errors, and how many more groups there are.

    Only the first :data:`GROUPED` failures are grouped. A single failure is left out if its row already shows
    everything about it.

    Args:
        view: the table.
        most: the most groups to return.
        told: the indices of the rows that show the whole message of their error.
    """
    loop = view.source.loop if view.is_whole else None
    found = _groups(view) if loop is None else loop.once_ended(_groups, lambda: _groups(view))
    kept: list[ErrorGroup] = []
    for group in found:
        is_told = group.count == 1 and group.first.index in told
        if not (is_told and _is_plain(view, group.first)):
            kept.append(replace(group, is_told=is_told))
    return kept[:most], max(0, len(kept) - most)


def _groups(view: TableView) -> list[ErrorGroup]:
    """The groups of similar errors, largest first."""
    source, items = view.source, view.source.loop is not None
    groups: dict[tuple[str, str, str], ErrorGroup] = {}
    indices = list(islice(source.where(FAILED, view.rows), GROUPED))
    errors = [source.error(index) or ("", UNKNOWN) for index in indices]
    texts = without_numbers([error.message[: 2 * _MESSAGE] for _, error in errors])
    for index, (step, error), text in zip(indices, errors, texts, strict=True):
        key = (step, error.code, text)
        group = groups.get(key)
        if group is None:
            groups[key] = ErrorGroup(failed_item(source, index), 1, [index] if items else [])
        else:
            group.count += 1
            group.differ = group.differ or error.message != group.first.message
            if items and len(group.indices) < _INDICES:
                group.indices.append(index)
    return sorted(groups.values(), key=lambda group: (-group.count, group.first.index))


def without_numbers(texts: list[str]) -> list[str]:
    """Return `texts` with ``0`` in place of each number.

    They are changed all at once, which takes an eighth of the time of a search in each.
    """
    whole = _BETWEEN.join(texts)
    if not whole.isascii() or whole.count(_BETWEEN) != len(texts) - 1:
        return [_NUMBERS.sub("0", text) for text in texts]
    return _ZEROS.sub("0", whole.translate(_TO_ZERO)).split(_BETWEEN)


def _not_grouped(view: TableView) -> str:
    """A line that says that there are more failures than are grouped, or ``""``."""
    failed = view.source.counts(view.rows)[FAILED]
    return f"counted in the first {GROUPED:,} of {failed:,} failures" if failed > GROUPED else ""


def _is_plain(view: TableView, error: ItemError) -> bool:
    """Whether there is nothing to say about `error` but its code and message."""
    return not error.remediation and not detail_text(view, error)


def group_text(group: ErrorGroup) -> str:
    """One line: ``4 × CODE in step: message (items 3, 17, …)``, with ``such as`` if the messages differ.

    The message is left out if a row of the table shows it.
    """
    error = group.first
    where = f" in {cut(error.step, 60)}" if error.step else ""
    indices = ", ".join(map(str, group.indices)) + (", …" if group.count > len(group.indices) else "")
    which = "item" if group.count == 1 else "items"
    what = f"{cut(error.code, 60)}{where}{', such as' if group.differ else ''}"
    told = f"{group.count:,} × {what}" + ("" if group.is_told else f": {_message(error.message)}")
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
        loops = [inner for index, inner in loops_in(loop, column) if column.statuses[index] == STEP_OK]
        failed = sum(loop.counts[FAILED] for loop in loops)
        if failed:
            told = f"{failed:,} of {sum(map(len, loops)):,} items of the loops {cut(clean(column.id), 60)!r}"
            lines.append(f"{told} failed within rows that are ok")
    return lines


def trouble_text(view: TableView, width: int, told: Collection[int] = ()) -> list[str]:
    """The lines below a table in text: why the run failed, and the groups of errors.

    Args:
        view: the table.
        width: the most columns of a line.
        told: see :func:`error_groups`.
    """
    out = [fit(line, width) for line in [run_trouble(view), *trouble_within(view)] if line]
    groups, more = error_groups(view, told=told)
    for group in groups:
        out.append(fit(clean(group_text(group)), width))
        if group.first.remediation:
            out.append(fit(clean("    " + group.first.remediation[: 2 * _MESSAGE]), width))
    if more:
        out.append(f"and {more:,} more kinds of error; see .errors")
    partly = _not_grouped(view)
    return [*out, partly] if partly else out


def trouble_html(view: TableView, told: Collection[int] = ()) -> str:
    """The same as HTML; the stderr or traceback of each group's first failure can be expanded."""
    out = []
    trouble = run_trouble(view)
    if trouble:
        out.append(f'<div class="dry-bad"><bdi>{escape(trouble)}</bdi></div>')
    out += [f"<div><bdi>{escape(line)}</bdi></div>" for line in trouble_within(view)]
    groups, more = error_groups(view, told=told)
    out += [_group_html(view, group) for group in groups]
    if more:
        out.append(f"<div>and {more:,} more kinds of error; see <code>.errors</code></div>")
    partly = _not_grouped(view)
    if partly:
        out.append(f"<div>{partly}</div>")
    return f'<div class="dry-errors">{"".join(out)}</div>' if out else ""


def _group_html(view: TableView, group: ErrorGroup) -> str:
    code = group.first.code
    line = escape(within(clean(group_text(group)), _LINE_BYTES))
    detail = end_within(detail_text(view, group.first), _DETAIL_BYTES)
    hint = within(clean(group.first.remediation[: 2 * _MESSAGE]), _LINE_BYTES)
    if not hint and not detail:
        return f"<div><bdi>{with_link(line, code)}</bdi></div>"
    inner = [f"<div>{escape(hint)}</div>"] if hint else []
    if documentation(code):  # not in the summary: a control may not contain a link
        inner.append(f"<div>see {with_link(code, code)}</div>")
    if detail:
        inner.append(f"<pre {PRE} {scrolling('details')}>{escape(detail)}</pre>")
    return f"<details><summary><bdi>{line}</bdi></summary>{''.join(inner)}</details>"
