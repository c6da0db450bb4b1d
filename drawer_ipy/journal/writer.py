"""Writes a run to its file while it runs, from a thread that polls the record a few times a second.

The engine does not know of it. Nothing here fails a run: what cannot be written is tried again, and a note
says what was not kept.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from drawer_ipy.cache.store import in_words
from drawer_ipy.cache.trouble import CacheTrouble
from drawer_ipy.errors import DrawerError
from drawer_ipy.journal import file as run_file
from drawer_ipy.journal.lock import HEARTBEAT
from drawer_ipy.journal.loop_writer import LoopWriter, Marks
from drawer_ipy.journal.press_source import PressSource
from drawer_ipy.journal.rows import Hide
from drawer_ipy.journal.step_writer import StepWriter
from drawer_ipy.journal.strict import StrictLedger
from drawer_ipy.journal.target import RunJournal
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.record.backlog import Backlog
from drawer_ipy.record.loop import LoopOutput, LoopRecord

PATIENCE = 2.0
"""Seconds before anything is written of a run; a shorter run leaves no file."""

_INTERVAL = 0.2
_AGAIN = 2.0
"""Seconds between two attempts after the disk has failed."""

_LAST_PAUSES = (0.0, 0.05, 0.2)
"""Seconds before each attempt to write the end of a press."""

_HEARTBEAT = HEARTBEAT
"""Most seconds between two writes of a run in which nothing ends."""

_ROWS, _FEW_ROWS = 50_000, 100
"""Most items in one transaction, and after the disk has failed, when a smaller one may succeed."""


class PressWriter:
    """Writes one press.

    Args:
        journal: the file.
        source: the press.
        patience: seconds before the first write; 0 to write as soon as it begins.
        strict: makes the run wait for this writer; ``None`` if it does not wait.
        stop: for a strict run, called on its event loop with the reason why nothing can be written.
        report: called in the writer's thread with a text when the run cannot be written, ``""`` when it can.
    """

    def __init__(
        self,
        journal: RunJournal,
        source: PressSource,
        patience: float = PATIENCE,
        strict: StrictLedger | None = None,
        stop: Callable[[str], None] = lambda _why: None,
        report: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._report = report
        self._reported = ""
        self._strict = strict
        self._stop = stop
        self._journal = journal
        self._source = source
        self._patience = patience
        self._end = threading.Event()
        self._poked = threading.Event()
        self._backlogs: list[Backlog] = []
        self._thread: threading.Thread | None = None
        self._number = 0
        self._loops: dict[int, LoopWriter] = {}  # by the id of a record, which it keeps alive
        self._step_writer = StepWriter(journal, source, self._note_lost)
        self._steps: set[int] = set()
        self._begun: set[int] = set()
        self._scripts: list[tuple[int, str]] = []
        self._secrets: Hide | None = None
        self._unkept: dict[str, tuple[str, int]] = {}
        self._failed_at = 0.0
        self._trouble = ""
        self._updated = 0.0
        self._most = _ROWS if strict is None else sys.maxsize
        self._room = self._most
        self.notes: list[str] = []

    def start(self) -> None:
        """Start the thread; call it when the press begins. Without a thread the press is not kept."""
        thread = threading.Thread(target=self._live, name="journal of a drawer", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more threads, which the buttons may need
            self.notes.append(f"the run was not kept on disk: {error}")
            self._journal.close()
            self._give_up(str(error))
            return
        self._thread = thread

    def close(self) -> list[str]:
        """Write the rest, now that the press has ended; return notes for the user."""
        thread, self._thread = self._thread, None
        if thread is None:
            return self.notes
        self._end.set()
        if self._strict is not None:
            self._strict.wake()
        self._poked.set()
        thread.join()
        return self.notes

    def follow(self, loop: LoopRecord) -> None:
        """Take note of a loop that has begun, whose outputs are held on disk only."""
        if self._thread is not None and loop.backlog is not None:
            self._backlogs.append(loop.backlog)
            loop.backlog.attach(self._poked.set)

    @property
    def begun(self) -> bool:
        """Whether something has been written."""
        return self._number > 0

    def _live(self) -> None:
        try:
            if self._patience and self._end.wait(self._patience):
                return
            if self._strict is not None:
                self._serve(self._strict)
            while not self._end.is_set():
                began = time.perf_counter()
                done = self._try(final=False)
                pause = _pause_after(time.perf_counter() - began)
                self._poked.wait(0.0 if not done else _AGAIN if self._failed_at else pause)
                self._poked.clear()
            for pause in _LAST_PAUSES:
                time.sleep(pause)
                while not self._try(final=True):
                    pass
                if not self._failed_at:
                    break
            self._conclude()
        except Exception as error:  # an error of this package must not fail the run
            self.notes.append(f"the run was not kept on disk: {type(error).__name__}: {error}")
            self._give_up(f"{type(error).__name__}: {error}")
        finally:
            for backlog in self._backlogs:
                backlog.release()
            self._journal.close()

    def _serve(self, ledger: StrictLedger) -> None:
        """Write whenever the run waits for it, until the run ends or a write fails."""
        while not self._end.is_set():
            ledger.wait(_INTERVAL)
            batch = ledger.take()
            if not batch.is_empty or self._is_due():
                while not self._try(final=False):
                    pass
            else:
                self._journal.beat()
            if self._failed_at:
                self._give_up(self._trouble)
                self._end.wait()
                return
            ledger.written_now(batch)

    def _is_due(self) -> bool:
        """Whether there is something to write for which the run does not wait."""
        is_late = time.monotonic() - self._updated > _HEARTBEAT
        return self.begun and (is_late or self._source.scripts() != self._scripts)

    def _give_up(self, why: str) -> None:
        """Stop a strict run."""
        if self._strict is not None:
            self._strict.failed(lambda: self._stop(why))

    def _try(self, *, final: bool) -> bool:
        """Write what is new; return whether that was all, or it failed."""
        self._journal.beat()
        try:
            done = self.write(final=final)
        except (sqlite3.Error, OSError, CacheTrouble, JournalTrouble, DrawerError) as error:
            self._journal.reset()
            for backlog in self._backlogs:
                backlog.fail(True)
            self._room = _FEW_ROWS
            self._failed_at = self._failed_at or time.time()
            self._trouble = in_words(error)
            self._tell(f"not saved since {self._since()} ({self._trouble})")
            return True
        self._tell("")
        self._failed_at, self._room = 0.0, self._most
        for backlog in self._backlogs:
            backlog.fail(False)
        return done

    def _since(self) -> str:
        return time.strftime("%H:%M", time.localtime(self._failed_at))

    def _tell(self, text: str) -> None:
        if text != self._reported:
            self._reported = text
            self._report(text)

    def _conclude(self) -> None:
        if self._failed_at:
            where = "; the outputs made since are in memory only" if self._backlogs else ""
            self.notes.append(f"the run is not kept on disk since {self._since()}: {self._trouble}{where}")
        for why, count in self._unkept.values():
            values = "1 value was" if count == 1 else f"{count:,} values were"
            self.notes.append(f"{values} not kept on disk, so a resumed run makes them again: {why}")

    # One transaction

    def write(self, *, final: bool) -> bool:
        """Write what is new; return whether that was all."""
        source, journal = self._source, self._journal
        if not (final or source.record.steps):
            return True  # its inputs are not known yet
        connection = journal.opened(source.record if source.base is None else source.base)
        if source.base is not None and journal.last is not source.base and not self._number:
            write_whole(journal, replace(source, record=source.base, base=None))
        hide = source.hide()
        before = self._number, dict(self._loops), set(self._steps), set(self._begun)
        marks: Marks = []
        forgets = False
        self._rewrite(connection, hide)
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not self._number:  # by itself, so that the run is known however much it has to write
                self._number = self._begin(connection, hide)
                journal.files.sync()
                connection.execute("COMMIT")
                before = self._number, *before[1:]
                connection.execute("BEGIN IMMEDIATE")
            elif hide is not None and hide != self._secrets:
                forgets = True
                self._forget(connection, hide)
            done = self._write_parts(connection, hide, marks, final=final)
            self._write_counts(connection, is_new=bool(marks), is_end=final and done, final=final)
            journal.files.sync()
            connection.execute("COMMIT")
        except BaseException:
            self._number, self._loops, self._steps, self._begun = before
            self._roll_back(connection)
            raise
        if forgets:
            run_file.forget(connection)
        for mark in marks:
            mark()
        self._secrets = hide
        if done:
            journal.files.drop_doubtful()
        journal.last = source.record
        return done

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        self._scripts = []
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        for loop in self._loops.values():
            loop.rolled_back()

    def _begin(self, connection: sqlite3.Connection, hide: Hide | None) -> int:
        record = self._source.record
        (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM press").fetchone()
        number = int(last) + 1
        connection.execute(
            "INSERT INTO press VALUES (?, ?, ?, ?, 'running', NULL, 0, 0, 0, ?)",
            (number, record.run_id, record.started, time.time(), self._step_writer.press_body(number, hide)),
        )
        return number

    def _rewrite(self, connection: sqlite3.Connection, hide: Hide | None) -> None:
        """Write what is only on disk again if a secret has become known since."""
        if not self._number or hide is None or hide == self._secrets:
            return
        self._journal.files.doubt()
        for loop in self._loops.values():
            if loop.loop.backlog is not None:
                loop.rewrite(connection, hide)

    def _forget(self, connection: sqlite3.Connection, hide: Hide) -> None:
        """Remove what was written before a secret became known; it is written again without it."""
        stay = {key: loop for key, loop in self._loops.items() if loop.loop.backlog is not None}
        for loop in stay.values():
            loop.begin_anew(connection)
        numbers = [loop.number for key, loop in self._loops.items() if key not in stay]
        connection.executemany("DELETE FROM chunk WHERE loop = ?", [(number,) for number in numbers])
        connection.execute("DELETE FROM loop WHERE press = ?", (self._number,))
        connection.execute("DELETE FROM step WHERE press = ?", (self._number,))
        body = self._step_writer.press_body(self._number, hide)
        connection.execute("UPDATE press SET body = ? WHERE number = ?", (body, self._number))
        self._loops, self._steps, self._begun, self._scripts = stay, set(), set(), []
        for loop in stay.values():
            loop.write_head(connection, self._number)

    def _write_parts(
        self,
        connection: sqlite3.Connection,
        hide: Hide | None,
        marks: Marks,
        *,
        final: bool,
    ) -> bool:
        """Write what is new; return whether that was all."""
        room = self._room
        for step in list(self._source.record.steps):
            output = step.output
            if isinstance(output, LoopOutput) and self._step_writer.before(step) is None:
                loop = self._loop(connection, step.id, output.record)
                room -= loop.write(connection, room, hide, marks, final=final)
                if room <= 0:
                    return False
            if id(step) in self._steps:
                continue
            status = step.status if self._strict is None else self._strict.steps.get(id(step), step.status)
            if status not in ("running", "paused") or final:
                self._step_writer.write_step(connection, self._number, step, hide, status)
                marks.append(lambda step=step: self._steps.add(id(step)))  # type: ignore[misc]
            elif self._strict is not None and id(step) not in self._begun:
                self._step_writer.write_step(connection, self._number, step, hide, "running")
                marks.append(lambda step=step: self._begun.add(id(step)))  # type: ignore[misc]
        if final:
            self._step_writer.write_end(connection, self._number, hide)
        return True

    def _loop(self, connection: sqlite3.Connection, step_id: str, loop: LoopRecord) -> LoopWriter:
        found = self._loops.get(id(loop))
        if found is None:
            (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM loop").fetchone()
            found = self._loops[id(loop)] = LoopWriter(
                self._journal,
                loop,
                int(last) + 1,
                step_id,
                is_first=self._source.base is None,
                hidden_of=self._source.hidden_of,
                note_lost=self._note_lost,
                ahead=None if self._strict is None else self._strict.ahead_of(loop),
            )
            found.write_head(connection, self._number)
        return found

    def _note_lost(self, why: str) -> None:
        kind = why.partition(": ")[0]  # messages may differ for each object
        first, count = self._unkept.get(kind, (why, 0))
        self._unkept[kind] = first, count + 1

    def _write_counts(
        self, connection: sqlite3.Connection, *, is_new: bool, is_end: bool, final: bool
    ) -> None:
        pause, strict = time.monotonic() - self._updated, self._strict is not None
        self._write_scripts(connection, is_end=is_end)
        if strict or is_new or final or pause > _HEARTBEAT:
            self._write_heads(connection)
        if final or pause > (_HEARTBEAT if not is_new else _INTERVAL if strict else 0.0):
            self._step_writer.write_counts(connection, self._number, is_end=is_end)
            self._updated = time.monotonic()

    def _write_scripts(self, connection: sqlite3.Connection, *, is_end: bool) -> None:
        scripts = [] if is_end else self._source.scripts()
        if scripts == self._scripts:
            return
        self._step_writer.write_scripts(connection, self._number, scripts)
        self._scripts = scripts

    def _write_heads(self, connection: sqlite3.Connection) -> None:
        for step in list(self._source.record.steps):
            if isinstance(step.output, LoopOutput) and id(step.output.record) in self._loops:
                self._loops[id(step.output.record)].write_head(connection, self._number)


def _pause_after(took: float) -> float:
    """Return the seconds until the next write: five begin per second, fewer if a write takes long."""
    return max(_INTERVAL - took, min(took, _INTERVAL))


def write_whole(journal: RunJournal, source: PressSource) -> None:
    """Write a press that has ended, from its record.

    Raises:
        OSError, sqlite3.Error, CacheTrouble, JournalTrouble: it cannot be written.
    """
    writer = PressWriter(journal, source)
    while not writer.write(final=True):
        pass
