"""Keeps a press on disk while it runs: connects a run with the writer of :mod:`~drawer_ipy.journal`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.cache.private import private_key
from drawer_ipy.cache.trouble import CacheTrouble
from drawer_ipy.engine.events import LoopStarted, RunStarted, Unsaved
from drawer_ipy.engine.run import Run
from drawer_ipy.engine.secrets.redactor import Redactor
from drawer_ipy.errors import Code, ErrorInfo, UsageError
from drawer_ipy.journal.lock import SILENCE, Holder, holder
from drawer_ipy.journal.press_source import PressSource
from drawer_ipy.journal.rows import Hide
from drawer_ipy.journal.scripts import Script, end_scripts
from drawer_ipy.journal.strict import StrictLedger
from drawer_ipy.journal.target import RunJournal
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.journal.writer import PATIENCE, PressWriter
from drawer_ipy.record.run import RunRecord

DURABLE = ("auto", "on", "strict", "off")
"""Whether runs are kept on disk: those of more than two seconds, all, all before they go on, or none."""


class Journaling:
    """Writes one run.

    Args:
        run: the run, which has not started.
        journal: its file.
        meta: what another process needs to know of it, as plain values.
        durable: ``auto``, ``on`` or ``strict``.
        base: the record of the press that it continues.
        scripts: the processes of that press that may still run; they are ended first.
    """

    def __init__(
        self,
        run: Run,
        journal: RunJournal,
        meta: Mapping[str, Any],
        durable: str,
        base: RunRecord | None,
        scripts: Sequence[Script] = (),
    ) -> None:
        self._run = run
        self._scripts = scripts
        self._journal = journal
        self._seen: Redactor | None = None
        self._own: Redactor | None = None
        source = PressSource(
            run.record,
            base,
            meta,
            self._asked(),
            run.hidden_of,
            run.is_hidden,
            run.is_input_hidden,
            self._hide,
            run.scripts,
        )
        patience = PATIENCE if durable == "auto" and journal.path is None else 0.0
        self._strict = StrictLedger() if durable == "strict" else None
        run.ledger = self._strict
        journal.often = self._strict is not None
        self._writer = PressWriter(journal, source, patience, self._strict, self._cut_short, self._report)
        self._started = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def claim(self) -> None:
        """Take the file of a run that is resumed; later, if the disk does not permit it now.

        Raises:
            UsageError: another process, or another run of this one, writes to it, or has written to it since
                it was read.
        """
        path = self._journal.path
        if path is None:
            return
        try:
            self._journal.claim(path)
            outdated = self._journal.is_outdated()
        except OSError:
            # A read-only disk, for example: the writer tries again, and a note says so if it fails.
            outdated = False
        except JournalTrouble as error:
            raise is_running(f"of {self._run.plan.name}", holder(path)) from error
        if outdated:
            self._journal.close()
            raise UsageError(
                f"the run of {self._run.plan.name} has been written to since it was read",
                remediation="read it again: resume it, or open it with Results.open()",
            )
        if count := end_scripts(self._scripts):
            were = "1 script of it was" if count == 1 else f"{count:,} scripts of it were"
            self._run.notes.append(f"{were} still running, and ended before the run was resumed")

    def attach(self) -> None:
        """Begin to write when the run starts."""
        self._run.listeners.on(RunStarted, self._start)
        self._run.listeners.on(LoopStarted, lambda event: self._writer.follow(event.loop))

    def _start(self, _event: RunStarted) -> None:
        self._started = True
        self._loop = asyncio.get_running_loop()
        if self._strict is not None:
            self._strict.attach(self._loop)
        self._writer.start()

    def _report(self, text: str) -> None:
        """Report to the listeners, from the writer's thread, whether the run can be written."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the run has ended
                self._loop.call_soon_threadsafe(self._run.listeners.emit, Unsaved(text))

    def _cut_short(self, why: str) -> None:
        """Stop a strict run that cannot be written."""
        self._run.cut_short(
            ErrorInfo(
                Code.NOT_SAVED,
                f"the run was stopped, since it cannot be written to {self._journal.place}: {why}",
                "the results so far are in memory; mend that and resume the run, or press with "
                "`--durable on` (in Python: durable='on'), which continues while the disk fails",
            )
        )

    def close(self) -> list[str]:
        """Write the rest; return notes for the user. Blocks until it is on disk."""
        notes = self._writer.close()
        self._journal.close()
        return [self._run.redactor().text(note) for note in notes]

    @property
    def is_open(self) -> bool:
        """Whether there is something to close."""
        return self._started or self._journal.path is not None

    def _asked(self) -> set[str]:
        """The inputs whose values are secrets."""
        return {spec.name for spec in self._run.plan.inputs if spec.secret}

    def _hide(self) -> Hide | None:
        """Return what removes secrets; it belongs to the writer's thread, unlike the run's redactor."""
        current = self._run.redactor()
        if not current.hides:
            return None
        if current is not self._seen or self._own is None:
            self._seen, self._own = current, Redactor(current.secrets)
        return self._own.value


def is_running(which: str, holder: Holder | None) -> UsageError:
    """Return the error for a run that cannot be resumed, since it is being pressed.

    Args:
        which: the run, as words after "the run".
        holder: the process that presses it; ``None`` if that is not known.
    """
    where = "" if holder is None else holder.where
    hint = "wait until it ends, or press without resuming to begin another run"
    if holder is not None and holder.host:
        hint += f"; a process that gives no sign of life for {SILENCE:g} s counts as ended"
    return UsageError(f"the run {which} is running{where}, so it cannot be resumed", remediation=hint)


def users_key() -> bytes | None:
    """Return the user's key; ``None`` if there is none, so that no run can be trusted."""
    with contextlib.suppress(CacheTrouble):
        return private_key()
    return None
