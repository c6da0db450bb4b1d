"""``runs`` and ``Results.open``: list the stored runs, and open their tables in any later process."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from drawer_ipy.cache.private import private_key
from drawer_ipy.definition import load_drawer
from drawer_ipy.engine.earlier import EarlierPress
from drawer_ipy.errors import DrawerError, UsageError, did_you_mean
from drawer_ipy.journal.folder import LEAST_ID, StoredRun, files, glance, is_run_id, is_short_id, remove
from drawer_ipy.journal.keeping import set_kept
from drawer_ipy.journal.stored_press import StoredPress, check_outputs
from drawer_ipy.journal.target import RunJournal
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.pressing.callers import callers_names
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.kept_run import KeptRun
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.resume import check_idle, earlier_press, mark_lost, read_stored, version_now
from drawer_ipy.pressing.retry import Retrier
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.record.plain import rfc3339
from drawer_ipy.results import Results
from drawer_ipy.results.origin import Origin
from drawer_ipy.style.amounts import ago
from drawer_ipy.workspace.history import History
from drawer_ipy.workspace.lookup import Workspace, slug

_LISTS = "drawer_ipy.runs() lists the stored runs"


@dataclass(frozen=True, slots=True)
class RunOnDisk:
    """A stored run.

    Attributes:
        about: what is known of it without reading its items.
    """

    about: StoredRun = field(repr=False)

    @property
    def id(self) -> str:
        """Its id, 16 hexadecimal digits; the beginning is enough wherever an id is expected."""
        return self.about.id

    @property
    def drawer(self) -> str:
        """The drawer's name."""
        return self.about.drawer

    @property
    def status(self) -> str:
        """``running``, ``cut off`` (its process ended first), ``ok``, ``failed`` or ``cancelled``."""
        return self.about.status

    def keep(self, keep: bool = True) -> None:
        """Keep the run when older ones are removed, or not.

        Raises:
            UsageError: its file cannot be changed.
        """
        try:
            set_kept(self.about.path, keep)
        except JournalTrouble as error:
            raise UsageError(f"the run {self.id} cannot be changed: {error}") from None

    def open(self, inputs: Mapping[str, Any] | None = None) -> Results:
        """Return its table; see :meth:`drawer_ipy.Results.open`.

        Raises:
            UsageError: its file cannot be read.
        """
        return open_in(self, Surroundings(namespace=callers_names(sys._getframe(1))), inputs or {})

    def remove(self) -> None:
        """Remove it from the disk, with the summaries of its presses in the history of its drawer.

        Raises:
            UsageError: it is being pressed, or its file cannot be removed.
        """
        if self.about.pid is not None:
            raise UsageError(f"the run {self.id} is running, so it cannot be removed")
        if not remove(self.about.path):
            raise UsageError(f"{self.about.path} cannot be removed")
        for root in Workspace.current().roots:
            History(root).remove(self.drawer, self.about.press_ids)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        about = self.about
        return {
            "id": about.id,
            "drawer": about.drawer,
            "status": about.status,
            "began_at": rfc3339(about.began),
            "seen_at": rfc3339(about.seen),
            "presses": about.presses,
            "total": about.total,
            "ok": about.ok,
            "failed": about.failed,
            "pid": about.pid,
            "host": about.host,
            "keep": about.keep,
            "bytes": about.size,
            "path": str(about.path),
        }

    def line(self) -> str:
        """Return it as one line of a list."""
        about = self.about
        done = about.ok + about.failed
        items = f"{done:,}" if about.total in (None, done) else f"{done:,} of {about.total:,}"
        words = [f"{about.id[:8]}  {about.drawer:<20} {about.status:<9} {items:>15} items"]
        if about.failed:
            words.append(f"{about.failed:,} failed")
        words.append(ago(max(0.0, time.time() - about.seen)))
        words.append(f"{about.size / 1e6:.1f} MB")
        if about.presses > 1:
            words.append(f"{about.presses} presses")
        if about.pid:
            words.append(f"pid {about.pid} on {about.host}" if about.host else f"pid {about.pid}")
        if about.keep:
            words.append("kept")
        return ", ".join(words)

    def __repr__(self) -> str:
        return f"<run {self.line()}>"


class StoredRuns(list[RunOnDisk]):
    """Stored runs, newest first; the repr has one line for each."""

    def __repr__(self) -> str:
        return "\n".join(run.line() for run in self) or "no stored runs"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))


def runs(drawer: str = "") -> StoredRuns:
    """Return the runs that are stored on disk, and those that are being pressed and stored, newest first.

    Args:
        drawer: only runs of the drawer with this name.
    """
    return runs_in(Workspace.current().runs_folder, drawer)


def runs_in(folder: Path, drawer: str = "") -> StoredRuns:
    """Return the runs in `folder`; files that cannot be read are left out."""
    found = StoredRuns()
    for path in files(folder, slug(drawer) if drawer else None):
        try:
            found.append(RunOnDisk(glance(path)))
        except JournalTrouble:
            continue
    return found


def find_stored(folder: Path, wanted: str, *, by_name: bool = True) -> RunOnDisk:
    """Return the run with the id, or the latest run of the drawer, that `wanted` names.

    Args:
        by_name: whether the name of a drawer is enough.

    Raises:
        UsageError: there is none, or several, or its file cannot be read.
    """
    by_id = files(folder, run_id=wanted) if is_run_id(wanted) else []
    named = files(folder, slug(wanted))
    if len(by_id) > 1 and not (named and by_name):
        raise UsageError(f"there are {len(by_id)} runs whose ids begin with {wanted!r}; write more of the id")
    if named and not by_id and not by_name:
        raise UsageError(
            f"{wanted!r} is the name of a drawer; the id of a run is needed",
            remediation=f"`runs {wanted}` lists its runs with their ids",
        )
    found = by_id if len(by_id) == 1 or not by_name else named
    trouble = ""
    for path in found:
        try:
            return RunOnDisk(glance(path))
        except JournalTrouble as error:
            trouble = trouble or str(error)
    if trouble:
        raise UsageError(f"the run cannot be read: {trouble}")
    names = sorted({run.drawer for run in runs_in(folder)})
    lists = f"an id has at least {LEAST_ID} characters; {_LISTS}" if is_short_id(wanted) else _LISTS
    hint = did_you_mean(wanted, names) or lists
    raise UsageError(f"there is no stored run {wanted!r} in {folder}", remediation=hint)


def open_stored(
    wanted: str, inputs: Mapping[str, Any], caller: FrameType, table: Callable[[Origin], Results]
) -> Results:
    """Return the table of a stored run; see :meth:`drawer_ipy.Results.open`.

    Args:
        caller: the frame in whose names functions are looked up.
        table: makes the table of a run.
    """
    if not isinstance(wanted, str):
        raise UsageError(f"open() needs the name of a drawer or the id of a run, not {type(wanted).__name__}")
    run = find_stored(Workspace.current().runs_folder, wanted)
    return open_in(run, Surroundings(namespace=callers_names(caller)), inputs, table)


def open_in(
    stored: RunOnDisk,
    around: Surroundings,
    inputs: Mapping[str, Any] | None = None,
    table: Callable[[Origin], Results] = Results.of,
) -> Results:
    """Return the table of a stored run.

    Args:
        around: where a retry looks up functions and buttons.
        inputs: the values of inputs that are not stored, for a retry.
        table: makes the table of a run.

    Raises:
        UsageError: its file cannot be read.
    """
    run = stored.about
    version = version_now(run)
    presses = read_stored(run, lazily=True)
    last = presses[-1]
    if run.pid is not None:
        last.record.status, last.record.error = "running", None
    retrier = _StoredRetrier(run, version, last, inputs or {}, around)
    origin = Origin(last.record, retrier)
    origin.earlier += [press.record for press in presses[:-1]]
    return table(origin)


class _StoredRetrier(Retrier):
    """Presses a stored run again, with the definition and the inputs that were stored."""

    def __init__(
        self,
        run: StoredRun,
        version: tuple[int, int],
        last: StoredPress,
        inputs: Mapping[str, Any],
        around: Surroundings,
    ) -> None:
        self._run = run
        self._last = last
        self._inputs = inputs
        self._around = around
        journal = RunJournal(run.path.parent, slug(run.drawer), private_key, run.path, last.record, version)
        self._keep = KeptRun(journal, last.scripts)
        self._checked = False
        super().__init__(self._prepared, earlier_press(last))

    def _prepared(self, earlier: EarlierPress) -> Job:
        run, last = self._run, self._last
        if not last.trusted:
            raise UsageError(f"the run {run.id} was not written by you on this machine, so it is not retried")
        if earlier.record is last.record:
            check_idle(run)
            if not self._checked:  # until now, nothing needed all the outputs
                check_outputs(last)
                mark_lost(earlier, last)
                self._checked = True
        text = last.meta.get("definition")
        if not text or not isinstance(text, str):
            raise UsageError(
                f"the definition of {run.drawer!r} was not stored with the run, so it cannot be retried",
                remediation="press the drawer with --resume (in Python: resume=True), which does the same",
            )
        missing = [name for name in last.asked if name not in self._inputs]
        if missing:
            raise UsageError(
                f"the value of input {missing[0]!r} was not stored with the run: {last.asked[missing[0]]}",
                remediation=f"give it again: Results.open({run.id[:8]!r}, inputs={{{missing[0]!r}: ...}})",
            )
        inputs = {**last.record.inputs, **self._inputs}
        loaded = load_drawer(json.loads(text))
        try:
            return prepare(loaded, inputs, Options(), self._around, earlier, self._keep)
        except DrawerError as error:
            hint = "pressing it again with --resume (in Python: resume=True) does the same as a retry"
            error.remediation = f"{error.remediation}\n  {hint}".strip()
            raise
