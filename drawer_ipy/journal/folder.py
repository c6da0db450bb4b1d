"""The folder of stored runs: names of files, what is in them at a glance, and what is removed when."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drawer_ipy.cache.private import make_folder
from drawer_ipy.common.folders import ignored_by_git
from drawer_ipy.journal.file import BESIDE, RunFile, unfinished
from drawer_ipy.journal.lock import Holder, Lock, holder
from drawer_ipy.journal.reading_lock import is_read, lock_path
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.journal.value_files import remove_leftovers, remove_values, size_of

PER_DRAWER = 100
"""Most runs of a drawer that are kept."""

LONGEST = 30 * 86400.0
"""Seconds after which a run may be removed."""

ROOM = 2 * 1024**3
"""Most bytes of all runs."""

STATUSES = frozenset({"running", "ok", "failed", "cancelled"})
"""What a press can be in its file."""

_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{6})-([a-z0-9-]{1,100})-([0-9a-f]{16})\.db", re.ASCII)
LEAST_ID = 4
"""Least characters of an id that name a run."""

_ID = re.compile(r"[0-9a-f]{1,16}", re.ASCII)
_SETTLED = 60.0
"""Seconds during which a file is not removed, since its process may be about to lock it."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run on disk, at a glance.

    Attributes:
        path: its file.
        id: the id of its first press, 16 hexadecimal digits.
        drawer: the drawer's name.
        began: seconds since the epoch at the start of its first press.
        continued: the same of its last press.
        seen: the last time something was written, or its end.
        status: ``running`` while it is pressed, ``cut off`` if its process ended without an end of the run,
            else ``ok``, ``failed`` or ``cancelled``.
        press_ids: the ids of its presses, oldest first: one if it was never continued.
        total: the items of its last loop, ``None`` if that is not known.
        ok, failed: the items that ended ok, and failed.
        holder: the process that presses it; ``None`` if none does.
        keep: whether it is kept when older runs are removed.
        size: bytes on disk, with its large values.
    """

    path: Path
    id: str
    drawer: str
    began: float
    continued: float
    seen: float
    status: str
    press_ids: tuple[str, ...]
    total: int | None
    ok: int
    failed: int
    holder: Holder | None
    keep: bool
    size: int

    @property
    def presses(self) -> int:
        """The number of its presses."""
        return len(self.press_ids)

    @property
    def pid(self) -> int | None:
        """The process that presses it, 0 if that is not known, ``None`` if none does."""
        return None if self.holder is None else self.holder.pid

    @property
    def host(self) -> str:
        """The machine on which it is pressed; ``""`` for this one, and if it is not pressed."""
        return "" if self.holder is None else self.holder.host

    @property
    def words(self) -> str:
        """Its status, for a run without an end also where it is: ``cut off at 7,703 of 20,000``."""
        words = self.status + ("" if self.holder is None else self.holder.where)
        if self.status not in ("running", "cut off") or (self.total is None and not self.ok + self.failed):
            return words
        of = "" if self.total is None else f" of {self.total:,}"
        return f"{words} at {self.ok + self.failed:,}{of}"

    @property
    def unfinished(self) -> bool:
        """Whether there is something left to press."""
        return self.status != "ok" or self.failed > 0 or (self.total is not None and self.ok < self.total)


def make_runs_folder(folder: Path) -> None:
    """Create the folder, accessible only to its owner, and exclude it from version control.

    Raises:
        CacheTrouble, OSError: it cannot be created, is a symbolic link, or belongs to another user.
    """
    make_folder(folder)
    ignored_by_git(folder)


def file_name(began: float, slug: str, run_id: str) -> str:
    """Return the name of the file of a run; names are in the order of their times."""
    stamp = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
    return f"{stamp}-{_in_name(slug)}-{run_id}.db"


def _in_name(slug: str) -> str:
    """Return the part of a file's name that stands for a drawer."""
    return slug[:100].strip("-") or "run"


def is_run_id(text: str) -> bool:
    """Whether `text` is the id of a run, or a beginning of one that is long enough to be asked for."""
    return _ID.fullmatch(text) is not None and len(text) >= LEAST_ID


def is_short_id(text: str) -> bool:
    """Whether `text` may be the beginning of an id, but is too short."""
    return _ID.fullmatch(text) is not None and len(text) < LEAST_ID


def files(folder: Path, slug: str | None = None, run_id: str = "") -> list[Path]:
    """Return the files of runs, newest first.

    Args:
        slug: of the drawer with this name as part of a file name; ``None`` for all.
        run_id: the beginning of one id; ``""`` for all.
    """
    wanted = None if slug is None else _in_name(slug)
    found = []
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    for name in names:
        match = _NAME.fullmatch(name)
        if match is not None and wanted in (None, match[2]) and match[3].startswith(run_id):
            found.append(name)
    return [folder / name for name in sorted(found, reverse=True)]


def latest(folder: Path, slug: str) -> Path | None:
    """Return the file of the newest run of a drawer, ``None`` if there is none."""
    wanted = f"-{_in_name(slug)}-"
    try:
        names = sorted((name for name in os.listdir(folder) if wanted in name), reverse=True)
    except OSError:
        return None
    found = (name for name in names if (match := _NAME.fullmatch(name)) and f"-{match[2]}-" == wanted)
    return next((folder / name for name in found), None)


def glance(path: Path) -> StoredRun:
    """Return what a file has, without reading its items.

    Raises:
        JournalTrouble: it cannot be read.
    """
    file = RunFile(path, None)
    try:
        runs = file.rows("SELECT id, drawer, began, kept FROM run LIMIT 2")
        presses = file.rows(
            "SELECT seen, status, total, ok, failed, began, run_id FROM press ORDER BY number DESC LIMIT 1000"
        )
    finally:
        file.close()
    if len(runs) != 1 or not presses:
        raise JournalTrouble(f"{path} has no run")
    run_id, drawer, began, keep = runs[0]
    seen, status, total, ok, failed, continued, _ = presses[0]
    match = _NAME.fullmatch(path.name)
    texts = isinstance(run_id, str) and isinstance(drawer, str) and isinstance(status, str)
    numbers = all(isinstance(number, int | float) for number in (began, continued, seen, keep, ok, failed))
    if (
        not texts
        or not numbers
        or status not in STATUSES
        or not (total is None or isinstance(total, int))
        or match is None
    ):
        raise JournalTrouble(f"{path} is damaged")
    found = holder(path)
    words = "cut off" if status == "running" and found is None else str(status)
    with contextlib.suppress(OSError):
        size = path.stat().st_size + size_of(path)
        return StoredRun(
            path,
            match[3],
            str(drawer),
            float(began),  # type: ignore[arg-type]
            float(continued),  # type: ignore[arg-type]
            float(seen),  # type: ignore[arg-type]
            words,
            tuple(str(press[-1]) for press in reversed(presses)),
            total,
            int(ok),  # type: ignore[call-overload]
            int(failed),  # type: ignore[call-overload]
            found,
            bool(keep),
            size,
        )
    raise JournalTrouble(f"{path} has been removed")


def prune(folder: Path, current: Path, now: float | None = None) -> None:
    """Remove runs beyond the limits; unfinished ones last, and never one that is kept or being pressed.

    Args:
        current: a file that stays.
    """
    now = time.time() if now is None else now
    remove_leftovers(folder)
    sizes = {}
    for path in files(folder):
        with contextlib.suppress(OSError):
            about = path.stat()
            sizes[path] = about.st_size + size_of(path), about.st_mtime
    total = sum(size for size, _ in sizes.values())
    of_drawer: dict[str, int] = {}
    for path in sizes:
        of_drawer[_slug(path)] = of_drawer.get(_slug(path), 0) + 1

    def is_beyond(path: Path) -> bool:
        old = now - sizes[path][1] > LONGEST
        return old or total > ROOM or of_drawer[_slug(path)] > PER_DRAWER

    doubtful = [p for p in reversed(sizes) if p != current and now - sizes[p][1] >= _SETTLED]  # oldest first
    if not any(map(is_beyond, doubtful)):
        return
    removable = {path: found for path in doubtful if (found := _removable(path)) is not None}
    for late in (False, True):
        for path, run in removable.items():
            if run.unfinished == late and is_beyond(path) and remove(path):
                total -= sizes[path][0]
                of_drawer[_slug(path)] -= 1


def _slug(path: Path) -> str:
    match = _NAME.fullmatch(path.name)
    return match[2] if match is not None else ""


def _removable(path: Path) -> StoredRun | None:
    try:
        found = glance(path)
    except JournalTrouble:
        return None  # not of this version, so not for this version to remove
    if is_read(path):
        return None
    return None if found.keep or found.holder is not None else found


def sweep(folder: Path, now: float | None = None) -> None:
    """Remove what processes left that were killed before they had stored anything of their run."""
    now = time.time() if now is None else now
    for lock in folder.glob("*.lock"):
        path = lock.with_suffix(".db")
        try:
            if _NAME.fullmatch(path.name) is None or now - lock.stat().st_mtime < _SETTLED or has_press(path):
                continue
            own = Lock(path)
            if own.take():
                path.unlink(missing_ok=True)
                _remove_beside(path)
                own.release()
        except (OSError, JournalTrouble):
            continue


def has_press(path: Path) -> bool:
    """Whether a press has been stored in the file of a run, which may be missing.

    Raises:
        JournalTrouble: it cannot be read.
    """
    if not os.path.lexists(path):
        return False
    with contextlib.closing(RunFile(path, None)) as file:
        return bool(file.rows("SELECT 1 FROM press LIMIT 1"))


def remove(path: Path) -> bool:
    """Remove the file of a run and its large values; return whether the file is gone."""
    try:
        path.unlink()
    except OSError:
        return False
    _remove_beside(path)
    return True


def _remove_beside(path: Path) -> None:
    beside = [Path(f"{path}{end}") for end in BESIDE]
    for other in (*beside, unfinished(path), path.with_suffix(".lock"), lock_path(path)):
        with contextlib.suppress(OSError):
            other.unlink()
    remove_values(path)
