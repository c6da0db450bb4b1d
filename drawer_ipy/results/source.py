"""Where a table's rows come from: what the loop's items and a run's steps both can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import STATE_NAMES, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult, Try

Getter = Callable[[int], Any]
"""From a row's index in the record to a value."""

RESERVED = ("status", "error")
"""Columns of the run itself; a field of the outputs that is called so has another name beside them."""

OUTPUT = "output"
"""What stands for the last step's output in the name of a column: ``output.status``."""

_ERROR_CHARS = 200


class RowSource(Protocol):
    """Rows by index, each question answered from the record as it is now."""

    always_states: bool
    """Whether status and error are among the columns even when all is ok."""

    @property
    def loop(self) -> LoopRecord | None:
        """The loop whose items they are; ``None`` where they are the steps of a run."""

    @property
    def steps_known(self) -> tuple[str, ...]:
        """Ids of the steps that can be asked for as columns."""

    def __len__(self) -> int: ...
    def follow(self, run: RunRecord) -> None:
        """Show what `run`, another press of the same drawer, did."""

    def state(self, index: int) -> int:
        """The row's state, one of the record's numbers."""

    def counts(self, rows: Sequence[int] | None) -> list[int]:
        """How many of `rows` (``None``: all) are in each state."""

    def where(self, state: int, rows: Sequence[int] | None) -> Iterable[int]:
        """Those of `rows` (``None``: all) that are in `state`, in order."""

    def status(self, index: int) -> str: ...
    def item(self, index: int) -> Any: ...
    def output(self, index: int) -> Any: ...
    def error(self, index: int) -> tuple[str, ErrorInfo] | None: ...
    def steps(self, index: int) -> dict[str, StepCell]: ...
    def started(self, index: int) -> float | None: ...
    def duration(self, index: int) -> float | None: ...
    def layout(self) -> Mapping[str, Getter]:
        """The columns shown, without status and error unless :attr:`always_states`."""

    def getter(self, name: str) -> Getter | None:
        """How to read column `name`, shown or not; ``None`` when there is none."""


def error_text(found: tuple[str, ErrorInfo] | None) -> str | None:
    """``CODE: first line of the message``, cut; ``None`` for no error."""
    if found is None:
        return None
    head = found[1].message[: 2 * _ERROR_CHARS].strip().splitlines()
    text = f"{found[1].code}: {head[0] if head else ''}"
    return text if len(text) <= _ERROR_CHARS else text[: _ERROR_CHARS - 1] + "…"


def tally(states: Iterable[int]) -> list[int]:
    """How many there are of each state."""
    raw = bytes(states)
    return [raw.count(state) for state in range(len(STATE_NAMES))]


@dataclass(frozen=True, slots=True, eq=False)
class StepCell:
    """What one step did for one item.

    Attributes:
        id: the step's id.
        status: ``ok``, ``error``, ``timeout``, ``failed``, ``cancelled``; ``""`` when it did not run.
        output: its value, ``None`` where it did not run or failed.
        error: why it failed, else ``None``.
        stdout, stderr: captured text. In loops of more than 20,000 presses it is kept for failures, for
            steps tried more than once and for those that wrote to stderr only; else it is ``""``.
        attempts: how often it was tried; 0 when it did not run.
        args: the arguments it was given; ``None`` where they were not kept (as with stdout).
        seconds: how long it took, ``None`` where that was not kept (as with stdout).
        button: the button pressed, ``""`` for other kinds of step and where it was not kept.
        exit_code: of a script; the HTTP status of a request; 0 where it was not kept.
        about: what a button told beside its output (of a request: status, url, headers, elapsed).
        cached: whether the output was kept from an earlier press.
        tries: the attempts before the last.
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

    def __repr__(self) -> str:
        from drawer_ipy.style.preview import preview

        what = str(self.error) if self.error is not None else preview(self.output, 60, quoted=True)
        tries = f", {self.attempts} attempts" if self.attempts > 1 else ""
        return f"<step {self.id!r} {self.status or 'did not run'}{tries}: {what}>"


_COPIED = tuple(
    f.name for f in fields(StepCell) if f.name in {g.name for g in fields(StepResult)} - {"status"}
)
"""What a cell and a step's result have in common."""


def cell_of(step: StepResult, status: str) -> StepCell:
    """What `step` did, in a table's words."""
    seconds = step.duration if step.started and step.finished else None
    copied = {name: getattr(step, name) for name in _COPIED}
    return StepCell(status=status, seconds=seconds, **copied)
