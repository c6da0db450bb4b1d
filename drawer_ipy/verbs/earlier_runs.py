"""The earlier runs of a drawer: those that are stored whole, and the summaries of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from drawer_ipy.journal.folder import StoredRun
from drawer_ipy.pressing.stored import runs_in
from drawer_ipy.record.plain import rfc3339
from drawer_ipy.style.outcome import head_of
from drawer_ipy.verbs.target import Target
from drawer_ipy.workspace.history import History, is_fine

_REFUSED = 5


def earlier_runs(
    target: Target, failed: bool = False, limit: int = 20
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the last runs of a drawer, newest first, and notes about what could not be read.

    Args:
        failed: return only runs that did not end ok, or in which something failed.
        limit: the most runs to return.

    Returns:
        Runs as in the history (:meth:`~drawer_ipy.workspace.history.History.list`). Those that are stored
        have the key ``stored``, an id for ``runs open``.
    """
    found = [run.about for run in runs_in(target.context.workspace.runs_folder, target.name)]
    stored_as = {press: run.id for run in found for press in run.press_ids}
    history = None if target.root is None else History(target.root)
    summaries = [] if history is None else history.list(target.name, failed, limit)
    summarized = set() if history is None else history.ids(target.name)
    others = (_entry(run) for run in found if run.press_ids[-1] not in summarized)
    stored = [run for run in others if not (failed and is_fine(run))]
    runs = []
    for run in _merged(summaries, stored):
        run_id = run.get("run_id")
        kept = stored_as.get(run_id) if isinstance(run_id, str) else None
        runs.append(run if kept is None else {**run, "stored": kept})
    refused = [] if history is None else history.refused
    more = len(refused) - _REFUSED
    return runs[:limit], [*refused[:_REFUSED], f"and {more} more"] if more > 0 else refused[:_REFUSED]


def _merged(
    summaries: Iterable[dict[str, Any]], stored: Iterable[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Both lists as one, newest first; summaries keep their order, since some may have no time."""
    rest = list(stored)
    for run in summaries:
        began = run.get("started_at")
        while rest and isinstance(began, str) and rest[0]["started_at"] > began:
            yield rest.pop(0)
        yield run
    yield from rest


def _entry(run: StoredRun) -> dict[str, Any]:
    """Return a stored run in the form of a summary."""
    return {
        "drawer_name": run.drawer,
        "run_id": run.press_ids[-1],
        "started_at": rfc3339(run.continued),
        "duration_ms": round(1000 * max(0.0, run.seen - run.continued)),
        "status": run.status,
        **({"failed_items": run.failed} if run.failed else {}),
        "outcome": _outcome(run),
    }


def _outcome(run: StoredRun) -> Mapping[str, str]:
    if run.status in ("running", "cut off"):
        return {"state": "running" if run.status == "running" else "cancelled", "words": run.words}
    if run.total is None:
        head = head_of(run.status, {"ok": 0}, "step")
        return {"state": head.state, "words": head.words.partition(" · ")[0]}
    head = head_of(run.status, {"ok": run.ok, "failed": run.failed})
    return {"state": head.state, "words": head.words}
