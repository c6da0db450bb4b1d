"""The story of one row, as text and as HTML of limited size."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from drawer_ipy.common.counted import number_of
from drawer_ipy.errors import Code, ErrorInfo
from drawer_ipy.record.failed_counts import Failures, added
from drawer_ipy.record.step import Try
from drawer_ipy.record.waits import Waited
from drawer_ipy.results.shown.table import isolated, wrap
from drawer_ipy.results.source import StepCell, failures_in_cell
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.documentation import with_link
from drawer_ipy.style.html_frame import PRE, scrolling
from drawer_ipy.style.outcome import failed_text, outcome_of
from drawer_ipy.style.palette import look_of, mark_of, state_of
from drawer_ipy.style.preview import clean, cut, end_within, pad, preview, text_width, within
from drawer_ipy.style.waiting import waited_text

_VALUE = 400
_TEXT = 3000
_NAMES = 30
_NAME = 80
_BYTES = 1600
_TEXT_BYTES = 6000
_MOST = 140_000
"""Bytes of HTML from which on parts are shortened."""

_PARTS = 100
"""Most parts that are shown, at least as headings."""

_ERROR = ("error", "to fix it")


@dataclass(slots=True)
class StoryPart:
    """A heading, named values below it, and longer texts that can be collapsed.

    Attributes:
        heading: one line.
        status: the status that the heading shows.
        facts: pairs of a name and a value, both cleaned.
        texts: pairs of a name and lines of text.
        code: the code of the error among the facts, ``""`` if there is none.
    """

    heading: str
    status: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    code: str = ""

    @property
    def state(self) -> str:
        """The state whose appearance the heading has."""
        return state_of(self.status)


def story_text(story: Story) -> str:
    """Format the story as plain text, one fact per line; captured text is indented."""
    out: list[str] = []
    for part in story_parts(story):
        out.append(("" if not out else "\n") + part.heading)
        wide = max((text_width(name) for name, _ in part.facts), default=0)
        out += [f"  {pad(name, wide)}  {value}" for name, value in part.facts]
        for name, text in part.texts:
            out.append(f"  {name}")
            out += [f"    {line}" for line in text.splitlines()]
    return "\n".join(out)


def story_html(story: Story) -> str:
    """Format the story as HTML of at most 170 KB; captured text is expanded already for failed steps.

    If there is too much, the last parts are only headings with their errors, and a note says so.
    """
    out: list[str] = []
    left, shortened = _MOST, 0
    for number, part in enumerate(story_parts(story)):
        html = _part_html(part, first=not out)
        if len(html.encode()) > left:
            shortened += 1
            short = replace(part, facts=[fact for fact in part.facts if fact[0] in _ERROR], texts=[])
            html = _part_html(short, first=not out) if number < _PARTS else ""
        left -= len(html.encode())
        out.append(html)
    if shortened:
        note = f"{number_of(shortened, 'step')} shortened here; print() shows everything"
        out.append(f'<div class="dry-note">{note}</div>')
    return wrap(out)


def _part_html(part: StoryPart, *, first: bool) -> str:
    css = look_of(part.status).css
    space = "" if first else ' style="margin-top:10px"'
    out = [f'<div class="dry-head {css}"{space}>{isolated(within(part.heading, _BYTES))}</div>']
    rows = "".join(
        f"<tr><th scope=row>{isolated(name)}</th><td class=all>{_fact_html(part, name, value)}</td></tr>"
        for name, value in part.facts
    )
    label = escape(cut(part.heading, _NAME))
    out.append(f'<table aria-label="{label}"><tbody>{rows}</tbody></table>' if rows else "")
    for name, text in part.texts:
        opened = " open" if state_of(part.status) == "failed" else ""
        out.append(
            f'<div class="dry-errors"><details{opened}><summary>{isolated(name)}</summary>'
            f"<pre {PRE} {scrolling(name)}>{isolated(end_within(text, _TEXT_BYTES))}</pre></details></div>"
        )
    return "".join(out)


def _fact_html(part: StoryPart, name: str, value: str) -> str:
    html = isolated(within(value, _BYTES))
    return with_link(html, part.code) if name == "error" else html


# The content


def story_parts(story: Story) -> Iterator[StoryPart]:
    """Yield the parts of the story: the row, its steps, and its earlier presses."""
    last = story.presses[-1]
    yield _head(story, last)
    for number, cell in enumerate(last.steps.values(), 1):
        yield _step(cell, last.waited.get(cell.id), number, alone=not story.where)
    for press in reversed(story.presses[:-1]):
        yield _earlier(press)


def _head(story: Story, last: PressStory) -> StoryPart:
    what = f"item {story.index} of {story.count:,} in {clean(story.where)}" if story.where else "step"
    if not story.where:
        what = f"step {preview(story.item, 60)}"
    took = f" after {seconds_text(last.seconds)}" if last.seconds is not None else ""
    failed = _inside(last)
    shown = outcome_of(last.status, failed.total, failed.nothing_ok)
    part = StoryPart(f"{mark_of(shown)} {what}: {last.status}{_within(failed)}{took}", shown)
    if story.where:
        part.facts.append((clean(story.label), preview(story.item, _VALUE)))
    _add_error(part, last.error)
    if last.started is None:
        part.facts.append(("began", "never: the loop ended before this item could start"))
    else:
        part.facts.append(("began", _when(last)))
    part.facts += _waited_facts(last.waited.get(""))
    retried = f", press {last.number}" if last.number > 1 else ""
    part.facts.append(("run", f"{last.run_id} of drawer {clean(story.drawer)}{retried}"))
    part.facts += [(f"input {cut(clean(name), 40)}", _value(value)) for name, value in _few(story.inputs)]
    return part


def _step(cell: StepCell, waited: Waited | None, number: int, alone: bool) -> StoryPart:
    button = f" (button {cut(clean(cell.button), 60)})" if cell.button and cell.button != cell.id else ""
    how = cell.status or "did not run"
    took = f" after {seconds_text(cell.seconds)}" if cell.seconds is not None else ""
    tries = f", {cell.attempts} attempts" if cell.attempts > 1 else ""
    kept = ", kept from an earlier press" if cell.cached else ""
    which = "" if alone else f"step {number} "
    failed = failures_in_cell(cell)
    if cell.error is not None:
        failed = replace(failed, steps=0)  # the step itself, which its status describes
    shown = outcome_of(cell.status, failed.total, failed.nothing_ok)
    words = f"{how}{_within(failed)}{took}{tries}{kept}"
    part = StoryPart(f"{mark_of(shown)} {which}{clean(cell.id)}{button}: {words}", shown)
    part.facts += [
        (f"args.{cut(clean(str(name)), 40)}", _value(value)) for name, value in _few(cell.args or {})
    ]
    part.facts += [(f"attempt {n}", _try(one)) for n, one in _numbered(cell)]
    part.facts += _waited_facts(waited)
    part.facts += [(clean(str(name)), _value(value)) for name, value in _few(cell.about or {})]
    if code := _exit_code(cell.error, cell.exit_code):
        part.facts.append(("exit code", code))
    if cell.output is not None or cell.status == "ok":
        part.facts.append(("output", _value(cell.output)))
    _add_error(part, None if cell.error is None else ("", cell.error))
    for n, one in _numbered(cell):
        part.texts += _texts(f"attempt {n} ", one.stdout, one.stderr)
    part.texts += _texts("", cell.stdout, cell.stderr)
    return part


def _inside(press: PressStory) -> Failures:
    """What failed in the row, except the step that failed the row itself."""
    decisive = press.error[0] if press.error is not None else None
    return added(failures_in_cell(cell) for cell in press.steps.values() if cell.id != decisive)


def _waited_facts(waited: Waited | None) -> list[tuple[str, str]]:
    found = (waited or {}).items()
    return [("waited", waited_text(why, times, seconds)) for why, (times, seconds) in found]


def _within(failed: Failures) -> str:
    return f", {failed_text(failed)} inside" if failed.total else ""


def _numbered(cell: StepCell) -> list[tuple[int, Try]]:
    first = cell.attempts - len(cell.tries)
    return list(enumerate(cell.tries, max(1, first)))


def _try(one: Try) -> str:
    code = _exit_code(one.error, one.exit_code)
    how = f", exit code {code}" if code else ""
    return f"failed after {seconds_text(one.finished - one.started)}{how}: {_error(one.error)}"


def _exit_code(error: ErrorInfo | None, exit_code: int) -> str:
    """The exit code of a failed script; ``""`` for functions, requests and timeouts, which have none."""
    return str(exit_code) if exit_code and error is not None and error.code == Code.SCRIPT_ERROR else ""


def _earlier(press: PressStory) -> StoryPart:
    took = f" after {seconds_text(press.seconds)}" if press.seconds is not None else ""
    failed = _inside(press)
    shown = outcome_of(press.status, failed.total, failed.nothing_ok)
    heading = f"{mark_of(shown)} earlier press {press.number}: {press.status}{_within(failed)}{took}"
    part = StoryPart(heading, shown)
    _add_error(part, press.error)
    part.facts.append(("began", _when(press)))
    for cell in press.steps.values():
        if cell.status:
            tries = f", {cell.attempts} attempts" if cell.attempts > 1 else ""
            part.facts.append((f"step {cut(clean(cell.id), 40)}", f"{cell.status}{tries}"))
            part.facts += _waited_facts(press.waited.get(cell.id))
            part.texts += _texts(f"{clean(cell.id)} ", "", cell.stderr if cell.error is not None else "")
    return part


def _when(press: PressStory) -> str:
    assert press.started is not None
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(press.started))
    return clock if press.offset is None else f"{clock}, {seconds_text(press.offset)} into the run"


def _add_error(part: StoryPart, error: tuple[str, ErrorInfo] | None) -> None:
    """Add the step that failed and its error to the facts of `part`."""
    if error is None:
        return
    step, info = error
    part.code = info.code
    where = f"{cut(clean(step), 40)}: " if step else ""
    part.facts.append(("error", where + _error(info)))
    if info.remediation:
        part.facts.append(("to fix it", cut(clean(info.remediation), _VALUE)))


def _error(info: ErrorInfo) -> str:
    return cut(clean(f"{info.code}: {info.message[: 2 * _VALUE].strip()}"), _VALUE)


def _value(value: Any) -> str:
    return "–" if value is None else preview(value, _VALUE)


def _few(named: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pairs = list(named.items())
    return pairs if len(pairs) <= _NAMES else [*pairs[:_NAMES], ("…", f"{len(pairs) - _NAMES} more")]


def _texts(prefix: str, stdout: str, stderr: str) -> list[tuple[str, str]]:
    named = (("stdout", stdout), ("stderr", stderr))
    return [(prefix + name, _tail(text)) for name, text in named if text.strip()]


def _tail(text: str) -> str:
    """The end of `text`, where the cause of an error usually is."""
    lines = [clean(line.replace("\t", "    ")) for line in text[-_TEXT:].strip("\n").splitlines()]
    return ("…" if len(text) > _TEXT else "") + "\n".join(lines)


@dataclass(frozen=True, slots=True)
class PressStory:
    """The result of one press of the drawer for one row.

    Attributes:
        number: 1 for the first press of the drawer, 2 for its first retry.
        run_id: the run id of that press.
        status: the row's status.
        started: when the row began, in seconds since the epoch; ``None`` if it never began.
        offset: seconds from the start of the press to the start of the row, or ``None``.
        seconds: how long the row took, or ``None``.
        error: the id of the step that failed, and its error; ``None`` if the row is ok or never began.
        steps: each nested step by id, including steps that did not run.
        waited: how often and how long the row waited, by step; ``""`` is before its first step.
    """

    number: int
    run_id: str
    status: str
    started: float | None
    offset: float | None
    seconds: float | None
    error: tuple[str, ErrorInfo] | None
    steps: Mapping[str, StepCell]
    waited: Mapping[str, Waited] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Story:
    """The result of :meth:`Results.explain`; its repr is readable text, and HTML in a notebook.

    Attributes:
        index: the row's position in the input.
        count: the number of rows.
        where: the loop's id, ``""`` for a run without a loop.
        label: the loop variable's name.
        item: the item.
        drawer: the drawer's name.
        inputs: the inputs of the run, with secrets redacted.
        presses: the presses that ran this row, oldest first; the table shows the last one.
    """

    index: int
    count: int
    where: str
    label: str
    item: Any
    drawer: str
    inputs: Mapping[str, Any]
    presses: list[PressStory] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The row's status in the last press."""
        return self.presses[-1].status

    @property
    def error(self) -> ErrorInfo | None:
        """The error that failed the row, or ``None``."""
        found = self.presses[-1].error
        return None if found is None else found[1]

    @property
    def steps(self) -> Mapping[str, StepCell]:
        """Each step of the row by id."""
        return self.presses[-1].steps

    def __repr__(self) -> str:
        return story_text(self)

    def _repr_html_(self) -> str:
        return story_html(self)
