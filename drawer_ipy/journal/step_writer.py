"""The rows of a press and of its top-level steps."""

from __future__ import annotations

import copy
import pickle
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drawer_ipy.journal.codec import encode
from drawer_ipy.journal.press_source import PressSource
from drawer_ipy.journal.record_states import error_state, step_state
from drawer_ipy.journal.rows import REDACTED, Hide
from drawer_ipy.journal.scripts import ROW, encode_scripts
from drawer_ipy.journal.slices import encode_value
from drawer_ipy.journal.target import RunJournal
from drawer_ipy.record.loop import FAILED, OK, STATE_NAMES, LoopOutput
from drawer_ipy.record.step import StepResult

_HELD_SECRET = "it contained a secret, so it must be given again"


class StepWriter:
    """Writes what is not in a loop.

    Args:
        journal: the file.
        source: the press.
        note_lost: called with the reason for each value that cannot be kept.
    """

    def __init__(self, journal: RunJournal, source: PressSource, note_lost: Callable[[str], None]) -> None:
        self._journal = journal
        self._source = source
        self._note_lost = note_lost

    def press_body(self, number: int, hide: Hide | None) -> bytes:
        """Return the inputs of the press, and what else another process needs to know of it."""
        inputs: list[tuple[str, bytes, str]] = []
        for name, value in self._source.record.inputs.items():
            if name in self._source.asked or hasattr(value, "__next__") or hasattr(value, "__anext__"):
                inputs.append((name, b"", "it must be given again"))
                continue
            shown = value if hide is None else hide(value)
            data, lost = encode_value(shown, self._journal.files)
            hidden = shown is not value or self._source.is_input_hidden(name)
            inputs.append((name, data, _HELD_SECRET if hidden else lost))
        meta, _ = encode([_without_secrets(self._source.meta, hide)])
        return self._journal.sealed("press", number, pickle.dumps((meta, inputs), protocol=5))

    def before(self, step: StepResult) -> StepResult | None:
        """Return the step in the press before if it has the same output."""
        base = self._source.base
        for before in base.steps if base is not None else ():
            if before.id == step.id:
                mine, theirs = step.output, before.output
                if isinstance(mine, LoopOutput) and isinstance(theirs, LoopOutput):
                    return before if mine.record is theirs.record else None
                return before if mine is theirs else None
        return None

    def write_step(
        self, connection: sqlite3.Connection, number: int, step: StepResult, hide: Hide | None, status: str
    ) -> None:
        """Write the row of a step of press `number`, as if it had `status`."""
        before = self.before(step)
        if status != step.status:
            step = copy.copy(step)
            step.status = status
        if before is not None and before.started == step.started:
            body = pickle.dumps(None, protocol=5)
        else:
            is_loop = isinstance(step.output, LoopOutput)
            args = step.args if hide is None else hide(step.args)
            output = None if is_loop else step.output if hide is None else hide(step.output)
            (data, lost), state = encode_value(output, self._journal.files), step_state(step, None, None)
            arguments, _ = encode([args], self._journal.files)
            redacted = self._source.is_hidden(step) or (not is_loop and output is not step.output)
            if lost:
                self._note_lost(lost)
            about, _ = encode([state if hide is None else hide(state)])
            why = REDACTED if redacted else lost
            body = pickle.dumps((about, arguments, data, is_loop, why), protocol=5)
        self._put(connection, number, step.id, body)

    def write_end(self, connection: sqlite3.Connection, number: int, hide: Hide | None) -> None:
        """Write how press `number` ended."""
        record = self._source.record
        undone = [step_state(step, step.args, step.output) for step in record.compensations]
        end = (record.failed_step, error_state(record.error), undone)
        data, _ = encode([end if hide is None else hide(end)])
        self._put(connection, number, "", data)

    def write_scripts(
        self, connection: sqlite3.Connection, number: int, scripts: Sequence[tuple[int, str]]
    ) -> None:
        """Write which scripts of press `number` run now: id and start of each process."""
        self._put(connection, number, ROW, encode_scripts(scripts))

    def _put(self, connection: sqlite3.Connection, number: int, name: str, body: bytes) -> None:
        sealed = self._journal.sealed("step", f"{number} {name}", body)
        connection.execute("INSERT OR REPLACE INTO step VALUES (?, ?, ?)", (number, name, sealed))

    def write_counts(self, connection: sqlite3.Connection, number: int, *, is_end: bool) -> None:
        """Write how far press `number` is, and with `is_end` how it ended."""
        record = self._source.record
        loops = [step.output.record for step in list(record.steps) if isinstance(step.output, LoopOutput)]
        loop = loops[-1] if loops else None
        counts = [0] * len(STATE_NAMES) if loop is None else loop.counts
        connection.execute(
            "UPDATE press SET began=?, seen=?, status=?, total=?, ok=?, failed=?, kept=? WHERE number=?",
            (
                record.started,
                (record.finished if is_end else 0.0) or time.time(),
                record.status if is_end else "running",
                None if loop is None else loop.total,
                counts[OK],
                counts[FAILED],
                0 if loop is None else loop.kept,
                number,
            ),
        )


def _without_secrets(meta: Mapping[str, Any], hide: Hide | None) -> dict[str, Any]:
    """Return `meta`; a text that contains a secret is left out, since without it the text would be wrong."""
    if hide is None:
        return dict(meta)
    texts = {name: value for name, value in meta.items() if isinstance(value, str)}
    return hide({**meta, **{name: text if hide(text) is text else "" for name, text in texts.items()}})  # type: ignore[no-any-return]
