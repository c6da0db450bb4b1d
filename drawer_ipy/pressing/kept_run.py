"""Where a run is kept on disk, from its first press to its last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from drawer_ipy.buttons.base import Button
from drawer_ipy.cache.private import private_key
from drawer_ipy.definition import DrawerModel
from drawer_ipy.engine.earlier import EarlierPress
from drawer_ipy.engine.inputs import prepare_inputs
from drawer_ipy.engine.run import Run
from drawer_ipy.errors import UsageError
from drawer_ipy.journal.folder import glance, latest
from drawer_ipy.journal.scripts import Script
from drawer_ipy.journal.target import RunJournal
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.pressing.digests import step_digests
from drawer_ipy.pressing.journaling import Journaling, users_key
from drawer_ipy.pressing.resume import NAMELESS, DrawerNow, find_run, holds_on_disk, meta_of, resume
from drawer_ipy.record.run import RunRecord
from drawer_ipy.style.amounts import ago
from drawer_ipy.workspace.lookup import Workspace, slug


class Wanted(Protocol):
    """The options that concern stored runs; see :class:`~drawer_ipy.pressing.job.Options`."""

    @property
    def durable(self) -> str: ...
    @property
    def resume(self) -> bool | str: ...
    @property
    def changed(self) -> bool: ...
    @property
    def max_age(self) -> float | None: ...


@dataclass(slots=True)
class Stored:
    """What is known of the run before a press.

    Attributes:
        earlier: the press that is to be continued, from disk; ``None`` if there is none.
        history: the records of the presses on disk.
        notes: what the user should know.
    """

    earlier: EarlierPress | None = None
    history: list[RunRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class KeptRun:
    """The file of a run and of the presses that continue it.

    Args:
        journal: the file, if it exists.
        scripts: the processes of its scripts that may still run.
    """

    def __init__(self, journal: RunJournal | None = None, scripts: Sequence[Script] = ()) -> None:
        self._journal = journal
        self._scripts = scripts
        self._meta: dict[str, Any] = {}
        self._on_disk = False

    def begin(
        self,
        drawer: DrawerModel,
        inputs: Mapping[str, Any],
        find_button: Callable[[str], Button | None],
        workspace: Workspace,
        options: Wanted,
    ) -> Stored:
        """Take note of what is pressed, and look for the run that it is to continue.

        Raises:
            UsageError: the run to resume cannot be resumed.
        """
        if options.durable == "off" and options.resume is False:
            return Stored()
        self._on_disk = holds_on_disk(drawer)
        digests = step_digests(drawer, find_button)
        inputs, _ = prepare_inputs(drawer.inputs, inputs)
        key = users_key() if any(spec.secret for spec in drawer.inputs) else None
        self._meta = meta_of(drawer, digests, inputs, key)
        if self._journal is not None:
            return Stored()
        name, folder = drawer.name or NAMELESS, workspace.runs_folder
        self._journal = RunJournal(folder, slug(name), private_key)
        if options.resume is False:
            note = "" if name == NAMELESS else cut_off_note(folder, name)
            return Stored(notes=[note] if note else [])
        if options.resume is True and name == NAMELESS:
            raise UsageError(
                "a drawer without a name cannot be resumed",
                remediation="give it a name: %%drawer NAME --resume, or `name: NAME` in the definition",
            )
        run = find_run(folder, options.resume, name)
        if run is None:
            return Stored()
        now = DrawerNow(drawer, inputs, self._meta)
        found = resume(run, now, changed=options.changed, max_age=options.max_age)
        self._journal = RunJournal(
            folder, slug(name), private_key, found.path, found.earlier.record, found.version
        )
        self._scripts = found.scripts
        return Stored(found.earlier, found.history, found.notes)

    def journaling(self, run: Run, durable: str, base: RunRecord | None) -> Journaling | None:
        """Return what writes `run`, ``None`` if it is not to be kept.

        Args:
            base: the record of the press that it continues.
        """
        if durable == "off" or self._journal is None:
            return None
        if self._on_disk and durable == "auto":
            durable = "on"
        scripts, self._scripts = self._scripts, ()
        return Journaling(run, self._journal, self._meta, durable, base, scripts)


def cut_off_note(folder: Path, name: str) -> str:
    """Return a note if the latest run of a drawer was cut off; ``""`` otherwise."""
    path = latest(folder, slug(name))
    if path is None:
        return ""
    try:
        run = glance(path)
    except JournalTrouble:
        return ""
    if run.status != "cut off":
        return ""
    when = ago(max(0.0, time.time() - run.seen))
    return f"a run of {name} was {run.words}, {when}; --resume goes on with it"
