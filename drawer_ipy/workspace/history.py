"""The history of runs: a summary of each, ``drawers/NAME/pressed/YYYY-MM-DDTHH-MM-SS-RUNID.json``
(docs/original.md#11-history-and-secrets).

It is the file of the original, for drawers on disk. What a run needs to be opened or resumed is in the folder
of stored runs (:mod:`drawer_ipy.journal`). Both have the same limits, but files of the original, which have
no id in their name, are removed only by the original's rule: the newest hundred stay.

The run's id in the name is an addition: with the time alone, runs of the same second overwrite each other
(docs/original.md#processes-requests-history, number 67). The engine has redacted secrets in the record before
it is written.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drawer_ipy.errors import DrawerError
from drawer_ipy.journal.folder import LONGEST, PER_DRAWER
from drawer_ipy.record.failures import Failures, failures_of
from drawer_ipy.record.run import RunRecord
from drawer_ipy.style.outcome import Head, counts_text, failed_text, outcome_of, verb_of
from drawer_ipy.style.preview import clean, cut
from drawer_ipy.workspace.bounded import bounded_record
from drawer_ipy.workspace.files import make_folder, write_file
from drawer_ipy.workspace.lookup import Workspace, is_regular, read_text, slug, within

KEPT = PER_DRAWER
"""Number of the newest summaries that are kept per drawer."""

_WORDS = 300

_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)(?:-([0-9A-Za-z]+))?\.json", re.ASCII)


class History:
    """The histories of the drawers of one workspace folder.

    Args:
        root: a folder with the layout of ``.buttons``.

    Attributes:
        refused: the files that :meth:`list` did not read, and why.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.refused: list[str] = []

    def write(self, name: str, records: Iterable[RunRecord]) -> str:
        """Save `records`, runs of the drawer `name`, and remove those beyond the limits.

        Does nothing if the drawer is not on disk, because it was removed meanwhile. If the history cannot be
        written, nothing fails; the returned note reports it.

        Returns:
            A note for the user, ``""`` if there was no problem.
        """
        folder = self._root / "drawers" / slug(name)
        pressed = folder / "pressed"
        try:
            if not slug(name) or not is_regular(self._root, folder / "drawer.json"):
                return ""
            make_folder(self._root, pressed)
            for record in records:
                self._write(pressed, record)
        except DrawerError as error:
            return f"the run was not saved in the history of {folder.name}: {error.message}"
        except Exception as error:
            # E.g. a value that cannot be written, or a faulty disk. The run itself is complete.
            return f"the run was not saved in the history of {folder.name}: {type(error).__name__}: {error}"
        finally:
            self._prune(pressed)
        return ""

    def _write(self, pressed: Path, record: RunRecord) -> None:
        # A run that was cancelled before it started has no time, so the current one is used.
        stamp = datetime.fromtimestamp(record.started or time.time(), UTC).strftime("%Y-%m-%dT%H-%M-%S")
        text = json.dumps(entry(record), ensure_ascii=False)
        # An unpaired surrogate in a button's text is not valid UTF-8; the rest is still worth keeping.
        text = text.encode("utf-8", errors="replace").decode("utf-8")
        path = pressed / f"{stamp}-{record.run_id}.json"
        write_file(self._root, path, text + "\n", durable=False)

    def list(self, name: str, failed: bool = False, limit: int = 20) -> list[dict[str, Any]]:
        """Return the runs of the drawer `name`, newest first.

        Files that are not runs are skipped; files that are unsafe to read are also listed in :attr:`refused`.

        Args:
            failed: return only runs that did not end ok, or in which something failed.
            limit: the most runs to return.
        """
        folder = self._root / "drawers" / slug(name) / "pressed"
        found: list[dict[str, Any]] = []
        if not slug(name):
            return found
        try:
            paths = list(_newest_first(within(self._root, folder)))
        except DrawerError as error:
            self.refused.append(error.message)
            return found
        for path in paths:
            if len(found) >= limit:
                break
            kept = self._read(path)
            if kept is not None and not (failed and is_fine(kept)):
                found.append(kept)
        return found

    def ids(self, name: str) -> set[str]:
        """Return the ids of the runs of a drawer that have a summary with the id in its file's name."""
        return {found for _, found in self._files(name) if found}

    def remove(self, name: str, ids: Collection[str]) -> None:
        """Remove the summaries of the runs `ids` of the drawer `name`; what cannot be removed stays."""
        for path, found in self._files(name):
            if found in ids:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _files(self, name: str) -> Iterator[tuple[Path, str]]:
        """The summaries of a drawer with the ids in their names, newest first."""
        if not slug(name):
            return
        folder = self._root / "drawers" / slug(name) / "pressed"
        with contextlib.suppress(DrawerError):
            for path in _newest_first(within(self._root, folder)):
                yield path, _id_in(path)

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            kept = json.loads(read_text(self._root, path))
        except DrawerError as error:
            self.refused.append(error.message)
            return None
        except (ValueError, RecursionError):
            return None
        return kept if isinstance(kept, dict) else None

    def _prune(self, pressed: Path) -> None:
        with contextlib.suppress(DrawerError):
            oldest = time.time() - LONGEST
            for place, path in enumerate(_newest_first(within(self._root, pressed))):
                with contextlib.suppress(OSError):  # another process may be doing the same
                    if place >= KEPT or (_id_in(path) and path.stat().st_mtime < oldest):
                        path.unlink()


def entry(record: RunRecord) -> dict[str, Any]:
    """Return `record` as in the history: the original's fields, and additional ones about failures."""
    from drawer_ipy.results.shown.summary import head_of_run  # listing drawers does not need the tables

    run = bounded_record(record)
    out = {
        "drawer_name": run["drawer"],
        "run_id": run["run_id"],
        "started_at": run["started_at"],
        "finished_at": run["finished_at"],
        "duration_ms": run["duration_ms"],
        # A step that a second interrupt left running has ended too.
        "status": "cancelled" if run["status"] == "running" else run["status"],
        "inputs": run.get("inputs", {}),
        "steps": run["steps"],
        "error_type": run.get("error", {}).get("code", ""),
    }
    for key in ("failed_step", "error", "compensations"):
        if key in run:
            out[key] = run[key]
    if record.error is not None:
        out["error"]["code"] = record.error.code
    if record.status == "ok":
        failures = failures_of(record)
        found = {"failed_items": failures.items, "failed_steps": failures.steps}
        out |= {key: n for key, n in found.items() if n}
    head = head_of_run(record)
    if head.state not in ("ok", "running"):
        out["outcome"] = {"state": head.state, "words": head.words}
    return out


def failures_in(run: Mapping[str, Any]) -> Failures:
    """Return the failures in a saved run that ended ok; none if the run does not list them."""
    items, steps = (run.get(key) for key in ("failed_items", "failed_steps"))
    found = [max(0, n) if isinstance(n, int) else 0 for n in (items, steps)]
    return Failures(found[0], found[1])


def is_fine(run: Mapping[str, Any]) -> bool:
    """Whether a saved run ended ok, and nothing in it failed."""
    return run.get("status") == "ok" and not failures_in(run).total


def head_in(run: Mapping[str, Any]) -> Head:
    """Return how a saved run ended, in the words of all displays.

    Runs that other programs saved, or earlier versions, have only their status and number of failures.
    """
    status, failures, saved = str(run.get("status", "?")), failures_in(run), run.get("outcome")
    if isinstance(saved, dict) and isinstance(saved.get("words"), str):
        return Head(str(saved.get("state", status)), cut(clean(saved["words"]), _WORDS))
    told = failed_text(failures) or (_all_ok(run) if status == "ok" else "")
    words = [verb_of(status), *filter(None, [told])]
    return Head(outcome_of(status, failures.total), " · ".join(words))


def _all_ok(run: Mapping[str, Any]) -> str:
    """Count the items of the last loop of a saved run that ended ok, or else its steps; ``""`` if unknown."""
    steps = run.get("steps")
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        return ""
    for step in reversed(steps):
        output = step.get("output")
        if "button" not in step and isinstance(output, dict) and output.keys() == {"results", "total"}:
            total = output["total"]
            return counts_text({"ok": total}) if isinstance(total, int) else ""
    return counts_text({"ok": len(steps)}, "step")


def _newest_first(folder: Path) -> Iterator[Path]:
    try:
        paths = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        return
    yield from sorted(paths, key=_age, reverse=True)


def _id_in(path: Path) -> str:
    """The id of the run in the name of a summary; ``""`` for a file of the original."""
    match = _NAME.fullmatch(path.name)
    return match[2] or "" if match is not None else ""


def _age(path: Path) -> tuple[str, int, str]:
    """Return the sort key of a run by age: the second in its name, then the time the file was written."""
    try:
        written = path.stat().st_mtime_ns
    except OSError:
        written = 0
    return path.name[:19], written, path.name


class Keeper:
    """Saves the runs of one press: of the drawer, if it is on disk, and of the drawers that it pressed.

    The latter are collected as they end and written at the end, so that no run waits for the disk. Only the
    hundred newest of each drawer are held, even if it is pressed a million times.

    Args:
        workspace: the workspace of the drawers that may be pressed.
        root: the workspace folder of the pressed drawer; ``None`` if it is not on disk.
        elsewhere: names of drawers that are not on disk, even if drawers on disk have the same names.
    """

    def __init__(self, workspace: Workspace, root: Path | None, elsewhere: Collection[str] = ()) -> None:
        self._workspace = workspace
        self._root = root
        self._elsewhere = elsewhere
        self._children: dict[str, deque[RunRecord]] = {}

    @property
    def has_work(self) -> bool:
        """Whether there is anything to write."""
        return self._root is not None or bool(self._children)

    def child(self, record: RunRecord) -> None:
        """Collect the run of a sub-drawer (``on_child`` of a run)."""
        if record.drawer not in self._elsewhere:
            self._children.setdefault(record.drawer, deque(maxlen=KEPT)).append(record)

    def write(self, record: RunRecord) -> list[str]:
        """Write the collected runs, and `record` if its drawer is on disk; return notes on failures."""
        children, self._children = self._children, {}
        notes = [self._write_children(name, list(runs)) for name, runs in children.items()]
        if self._root is not None:
            notes.append(History(self._root).write(record.drawer, [record]))
        return list(dict.fromkeys(note for note in notes if note))

    def _write_children(self, name: str, records: list[RunRecord]) -> str:
        try:
            found = self._workspace.locate("drawers", name)
        except DrawerError as error:
            return error.message
        return "" if found is None else History(found[0]).write(name, records)
