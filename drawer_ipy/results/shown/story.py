"""The story of one row, as text and as HTML of limited size."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.errors import Code, ErrorInfo
from drawer_ipy.record.failures import failed_items
from drawer_ipy.record.step import Try
from drawer_ipy.results.shown.table import isolated, wrap
from drawer_ipy.results.source import StepCell
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.outcome import outcome_of
from drawer_ipy.style.palette import look_of, mark_of, state_of
from drawer_ipy.style.preview import clean, cut, pad, preview, text_width

_VALUE = 400
_TEXT = 3000
_NAMES = 30


@dataclass(slots=True)
class _Part:
    """A heading, named values below it, and longer texts that can be collapsed.

    Attributes:
        heading: one line.
        status: the status that the heading shows.
        facts: pairs of a name and a value, both cleaned.
        texts: pairs of a name and lines of text.
    """

    heading: str
    status: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)


def story_text(story: Story) -> str:
    """Format the story as plain text, one fact per line; captured text is indented."""
    out: list[str] = []
    for part in _parts(story):
        out.append(("" if not out else "\n") + part.heading)
        wide = max((text_width(name) for name, _ in part.facts), default=0)
        out += [f"  {pad(name, wide)}  {value}" for name, value in part.facts]
        for name, text in part.texts:
            out.append(f"  {name}")
            out += [f"    {line}" for line in text.splitlines()]
    return "\n".join(out)


def story_html(story: Story) -> str:
    """Format the story as HTML; captured text can be expanded, and is expanded already for failed steps."""
    out: list[str] = []
    for part in _parts(story):
        css = look_of(part.status).css
        space = ' style="margin-top:10px"' if out else ""
        out.append(f'<div class="dry-head {css}"{space}>{isolated(part.heading)}</div>')
        rows = "".join(
            f"<tr><th>{isolated(name)}</th>"
            f'<td style="white-space:pre-wrap;overflow-wrap:anywhere">{isolated(value)}</td></tr>'
            for name, value in part.facts
        )
        out.append(f'<div class="dry-scroll"><table><tbody>{rows}</tbody></table></div>' if rows else "")
        for name, text in part.texts:
            opened = " open" if state_of(part.status) == "failed" else ""
            out.append(
                f'<div class="dry-errors"><details{opened}><summary>{isolated(name)}</summary>'
                f"<pre>{isolated(text)}</pre></details></div>"
            )
    return wrap(out)


# The content


def _parts(story: Story) -> Iterator[_Part]:
    last = story.presses[-1]
    yield _head(story, last)
    for number, cell in enumerate(last.steps.values(), 1):
        yield _step(cell, number, alone=not story.where)
    for press in reversed(story.presses[:-1]):
        yield _earlier(press)


def _head(story: Story, last: PressStory) -> _Part:
    what = f"item {story.index} of {story.count:,} in {clean(story.where)}" if story.where else "step"
    if not story.where:
        what = f"step {preview(story.item, 60)}"
    took = f" after {seconds_text(last.seconds)}" if last.seconds is not None else ""
    failed = sum(failed_items(cell.output) for cell in last.steps.values())
    shown = outcome_of(last.status, failed)
    part = _Part(f"{mark_of(shown)} {what}: {last.status}{_within(failed)}{took}", shown)
    if story.where:
        part.facts.append((clean(story.label), preview(story.item, _VALUE)))
    part.facts += _error_facts(last.error)
    if last.started is None:
        part.facts.append(("began", "never: the loop ended before this item could start"))
    else:
        part.facts.append(("began", _when(last)))
    retried = f", press {last.number}" if last.number > 1 else ""
    part.facts.append(("run", f"{last.run_id} of drawer {clean(story.drawer)}{retried}"))
    part.facts += [(f"input {cut(clean(name), 40)}", _value(value)) for name, value in _few(story.inputs)]
    return part


def _step(cell: StepCell, number: int, alone: bool) -> _Part:
    button = f" (button {cut(clean(cell.button), 60)})" if cell.button and cell.button != cell.id else ""
    how = cell.status or "did not run"
    took = f" after {seconds_text(cell.seconds)}" if cell.seconds is not None else ""
    tries = f", {cell.attempts} attempts" if cell.attempts > 1 else ""
    kept = ", kept from an earlier press" if cell.cached else ""
    which = "" if alone else f"step {number} "
    failed = failed_items(cell.output)
    shown = outcome_of(cell.status, failed)
    words = f"{how}{_within(failed)}{took}{tries}{kept}"
    part = _Part(f"{mark_of(shown)} {which}{clean(cell.id)}{button}: {words}", shown)
    part.facts += [
        (f"args.{cut(clean(str(name)), 40)}", _value(value)) for name, value in _few(cell.args or {})
    ]
    part.facts += [(f"attempt {n}", _try(one)) for n, one in _numbered(cell)]
    part.facts += [(clean(str(name)), _value(value)) for name, value in _few(cell.about or {})]
    if code := _exit_code(cell.error, cell.exit_code):
        part.facts.append(("exit code", code))
    if cell.output is not None or cell.status == "ok":
        part.facts.append(("output", _value(cell.output)))
    part.facts += _error_facts(None if cell.error is None else ("", cell.error))
    for n, one in _numbered(cell):
        part.texts += _texts(f"attempt {n} ", one.stdout, one.stderr)
    part.texts += _texts("", cell.stdout, cell.stderr)
    return part


def _within(failed: int) -> str:
    return f", {failed:,} item{'' if failed == 1 else 's'} of loops within it failed" if failed else ""


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


def _earlier(press: PressStory) -> _Part:
    took = f" after {seconds_text(press.seconds)}" if press.seconds is not None else ""
    failed = sum(failed_items(cell.output) for cell in press.steps.values())
    shown = outcome_of(press.status, failed)
    heading = f"{mark_of(shown)} earlier press {press.number}: {press.status}{_within(failed)}{took}"
    part = _Part(heading, shown, _error_facts(press.error))
    part.facts.append(("began", _when(press)))
    for cell in press.steps.values():
        if cell.status:
            tries = f", {cell.attempts} attempts" if cell.attempts > 1 else ""
            part.facts.append((f"step {cut(clean(cell.id), 40)}", f"{cell.status}{tries}"))
            part.texts += _texts(f"{clean(cell.id)} ", "", cell.stderr if cell.error is not None else "")
    return part


def _when(press: PressStory) -> str:
    assert press.started is not None
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(press.started))
    return clock if press.offset is None else f"{clock}, {seconds_text(press.offset)} into the run"


def _error_facts(error: tuple[str, ErrorInfo] | None) -> list[tuple[str, str]]:
    if error is None:
        return []
    step, info = error
    where = f"{cut(clean(step), 40)}: " if step else ""
    facts = [("error", where + _error(info))]
    return [*facts, ("to fix it", cut(clean(info.remediation), _VALUE))] if info.remediation else facts


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
    """

    number: int
    run_id: str
    status: str
    started: float | None
    offset: float | None
    seconds: float | None
    error: tuple[str, ErrorInfo] | None
    steps: Mapping[str, StepCell]


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
