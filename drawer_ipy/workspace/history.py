"""The history of runs: ``drawers/NAME/pressed/YYYY-MM-DDTHH-MM-SS-RUNID.json``
(docs/original.md#11-history-and-secrets).

The run's id in the name is ours: with the time alone, runs of the same second overwrite each other
(docs/original.md#processes-requests-history, number 67). Secrets are those of the record: the engine has
redacted them by the time it is written.
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
from drawer_ipy.record.failures import Failures, failures_of
from drawer_ipy.record.run import RunRecord
from drawer_ipy.workspace.bounded import bounded_record
from drawer_ipy.workspace.files import make_folder, write_file
from drawer_ipy.workspace.lookup import Workspace, is_regular, read_text, slug, within

KEPT = 100
"""Runs of a drawer that are kept, the newest."""

_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)(?:-[0-9A-Za-z]+)?\.json", re.ASCII)


class History:
    """The histories of the drawers of one workspace folder.

    Args:
        root: a folder laid out like ``.buttons``.

    Attributes:
        refused: what :meth:`list` did not read, and why.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.refused: list[str] = []

    def write(self, name: str, records: Iterable[RunRecord]) -> str:
        """Keep `records`, runs of the drawer `name`, and of all its runs the newest 100.

        Nothing happens when the drawer is not on disk here: it was removed meanwhile. A history that
        cannot be written fails nothing: that is what is returned.

        Returns:
            A note for the user, ``""`` when all went well.
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
            return f"the run is not in the history of {folder.name}: {error.message}"
        except Exception as error:
            # A value that cannot be written, a disk that does odd things: the run itself is done.
            return f"the run is not in the history of {folder.name}: {type(error).__name__}: {error}"
        finally:
            self._prune(pressed)
        return ""

    def _write(self, pressed: Path, record: RunRecord) -> None:
        # A run that was cancelled before it began has no time; those of now are at hand.
        stamp = datetime.fromtimestamp(record.started or time.time(), UTC).strftime("%Y-%m-%dT%H-%M-%S")
        text = json.dumps(entry(record), ensure_ascii=False)
        # Half a surrogate pair, from a button's broken text, is not UTF-8; the rest is worth keeping.
        text = text.encode("utf-8", errors="replace").decode("utf-8")
        path = pressed / f"{stamp}-{record.run_id}.json"
        write_file(self._root, path, text + "\n", durable=False)

    def list(self, name: str, failed: bool = False, limit: int = 20) -> list[dict[str, Any]]:
        """The runs of the drawer `name`, the newest first.

        Files that are no runs are skipped; those that it would be unsafe to read are in :attr:`refused`, too.

        Args:
            failed: only runs that did not end ok.
            limit: how many at most.
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
            if kept is not None and not (failed and kept.get("status") == "ok"):
                found.append(kept)
        return found

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
            for path in list(_newest_first(within(self._root, pressed)))[KEPT:]:
                with contextlib.suppress(OSError):  # another process may be doing the same
                    path.unlink()


def entry(record: RunRecord) -> dict[str, Any]:
    """`record` as the history holds it: the original's fields, and ours to say why it failed."""
    run = bounded_record(record)
    out = {
        "drawer_name": run["drawer"],
        "run_id": run["run_id"],
        "started_at": run["started_at"],
        "finished_at": run["finished_at"],
        "duration_ms": run["duration_ms"],
        # What an impatient second interrupt left running is over all the same.
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
    return out


def failures_in(run: Mapping[str, Any]) -> Failures:
    """What failed in a kept run that ended ok; none where it does not say, as those of other programs."""
    items, steps = (run.get(key) for key in ("failed_items", "failed_steps"))
    return Failures(*(max(0, n) if isinstance(n, int) else 0 for n in (items, steps)))


def _newest_first(folder: Path) -> Iterator[Path]:
    try:
        paths = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        return
    yield from sorted(paths, key=_age, reverse=True)


def _age(path: Path) -> tuple[str, int, str]:
    """What orders runs by age: the name's second, and within it when the file was written."""
    try:
        written = path.stat().st_mtime_ns
    except OSError:
        written = 0
    return path.name[:19], written, path.name


class Keeper:
    """Keeps the runs of one press: of the drawer itself, if it is on disk, and of the drawers it pressed.

    Those are remembered as they end and written at the end, so that no run waits for a disk; a drawer
    pressed a million times costs no more than the hundred runs that are kept.

    Args:
        workspace: where the drawers are that it may press.
        root: the workspace folder that the pressed drawer is in; ``None`` when it is not on disk.
        elsewhere: names of drawers that are not those on disk, though they may be called the same.
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
        """Remember the run of a drawer that was pressed within (``on_child`` of a run)."""
        if record.drawer not in self._elsewhere:
            self._children.setdefault(record.drawer, deque(maxlen=KEPT)).append(record)

    def write(self, record: RunRecord) -> list[str]:
        """Write what was remembered, and `record` if its drawer is on disk; notes on what failed."""
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
