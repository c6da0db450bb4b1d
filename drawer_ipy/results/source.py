"""The source of a table's rows: the common interface of a loop's items and a run's steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.failed_counts import Failures
from drawer_ipy.record.failures import count_failures
from drawer_ipy.record.loop import STATE_NAMES, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult, Try
from drawer_ipy.record.waits import Waited

Getter = Callable[[int], Any]
"""Returns the value for a row's index in the record."""

RESERVED = ("status", "error")
"""Columns of the run itself; a field of the outputs with such a name gets another name."""

OUTPUT = "output"
"""The word for the last step's output in a column's name: ``output.status``."""

_ERROR_CHARS = 200


class RowSource(Protocol):
    """Rows by index; every method reads the current record."""

    always_states: bool
    """Whether the columns include status and error even if all rows are ok."""

    @property
    def loop(self) -> LoopRecord | None:
        """The loop whose items are the rows; ``None`` if the rows are the steps of a run."""

    @property
    def steps_known(self) -> tuple[str, ...]:
        """Return the ids of the steps that are available as columns."""

    def __len__(self) -> int: ...
    def follow(self, run: RunRecord) -> None:
        """Show `run`, another press of the same drawer."""

    def state(self, index: int) -> int:
        """Return the row's state, one of the record's numbers."""

    def counts(self, rows: Sequence[int] | None) -> list[int]:
        """Return how many of `rows` (``None``: all) are in each state."""

    def where(self, state: int, rows: Sequence[int] | None) -> Iterator[int]:
        """Return those of `rows` (``None``: all) that are in `state`, in order, as they are found."""

    def status(self, index: int) -> str: ...
    def item(self, index: int) -> Any: ...
    def output(self, index: int) -> Any: ...
    def error(self, index: int) -> tuple[str, ErrorInfo] | None: ...
    def steps(self, index: int) -> dict[str, StepCell]: ...
    def started(self, index: int) -> float | None: ...
    def duration(self, index: int) -> float | None: ...
    def waited(self, index: int) -> Mapping[str, Waited]:
        """Return how often and how long the row waited, by step; ``""`` is before its first step."""

    def layout(self) -> Mapping[str, Getter]:
        """Return the visible columns, without status and error unless :attr:`always_states`."""

    def getter(self, name: str) -> Getter | None:
        """Return the getter of the column `name`, visible or not; ``None`` if there is no such column."""


def error_text(found: tuple[str, ErrorInfo] | None) -> str | None:
    """Return ``CODE: first line of the message``, shortened; ``None`` if there is no error."""
    if found is None:
        return None
    head = found[1].message[: 2 * _ERROR_CHARS].strip().splitlines()
    text = f"{found[1].code}: {head[0] if head else ''}"
    return text if len(text) <= _ERROR_CHARS else text[: _ERROR_CHARS - 1] + "…"


def tally(states: Iterable[int]) -> list[int]:
    """Count the states."""
    raw = bytes(states)
    return [raw.count(state) for state in range(len(STATE_NAMES))]


@dataclass(frozen=True, slots=True, eq=False)
class StepCell:
    """The result of one step for one item.

    Attributes:
        id: the step's id.
        status: ``ok``, ``error``, ``timeout``, ``failed`` or ``cancelled``; ``""`` if it did not run.
        output: its value; ``None`` if it did not run or failed.
        error: why it failed, or ``None``.
        stdout, stderr: captured text. In loops of more than 20,000 presses it is kept only for failures,
            steps with several attempts and steps that wrote to stderr; otherwise it is ``""``.
        attempts: number of attempts; 0 if it did not run.
        args: its arguments; ``None`` if they were not kept (see stdout).
        seconds: its duration; ``None`` if it was not kept (see stdout).
        button: the button pressed; ``""`` for other kinds of step, or if it was not kept.
        exit_code: a script's exit code, or a request's status code; 0 if it was not kept.
        about: what a button reported beside its output (for a request: status, url, headers, elapsed).
        cached: whether the output is from an earlier press.
        tries: the attempts before the last one.
    """

    id: str
    status: str
    output: Any = None
    error: ErrorInfo | None = None
    stdout: str = ""
    stderr: str = ""
    attempts: int = 0
    args: Mapping[str, Any] | None = None
    seconds: float | None = None
    button: str = ""
    exit_code: int = 0
    about: Mapping[str, Any] | None = None
    cached: bool = False
    tries: tuple[Try, ...] = ()
    _inside: Failures | None = None

    def __repr__(self) -> str:
        from drawer_ipy.style.preview import preview

        what = str(self.error) if self.error is not None else preview(self.output, 60, quoted=True)
        tries = f", {self.attempts} attempts" if self.attempts > 1 else ""
        return f"<step {self.id!r} {self.status or 'did not run'}{tries}: {what}>"


_COPIED = tuple(
    f.name for f in fields(StepCell) if f.name in {g.name for g in fields(StepResult)} - {"status"}
)
"""The fields that a cell and a step's result share."""


def cell_of(step: StepResult, status: str) -> StepCell:
    """Convert the result of `step` to a cell."""
    seconds = step.duration if step.started and step.finished else None
    copied = {name: getattr(step, name) for name in _COPIED}
    return StepCell(status=status, seconds=seconds, _inside=step.inside, **copied)


def failures_in_cell(cell: StepCell) -> Failures:
    """Count the failures of a step of a row and of everything inside it."""
    inside = cell._inside  # noqa: SLF001 - of the class above, whose users see only what the row shows
    return count_failures(cell.id, cell.output, cell.error, inside)
