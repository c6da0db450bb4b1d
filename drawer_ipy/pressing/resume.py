"""Go on with a run that was stored, perhaps by a process that has ended since."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drawer_ipy.cache.canonical import Uncacheable, canonical
from drawer_ipy.definition import DrawerModel
from drawer_ipy.definition.looped_inputs import input_in
from drawer_ipy.definition.models import StepBase
from drawer_ipy.definition.steps.loop_base import LoopStep
from drawer_ipy.engine.earlier import EarlierPress, Redo
from drawer_ipy.engine.matching import value_key
from drawer_ipy.errors import UsageError
from drawer_ipy.journal.folder import StoredRun, files, glance
from drawer_ipy.journal.reader import read_run
from drawer_ipy.journal.rows import Cell, Lost
from drawer_ipy.journal.scripts import Script
from drawer_ipy.journal.stored_press import StoredPress, check_outputs
from drawer_ipy.journal.target import version_of
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.pressing.digests import changed_steps, named_steps
from drawer_ipy.pressing.journaling import is_running, users_key
from drawer_ipy.record.hidden import Hidden
from drawer_ipy.record.loop import LoopOutput
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step_column import STEP_OK
from drawer_ipy.workspace.lookup import slug

NAMELESS = "drawer"
"""The name of drawers that have none."""

_PRESSES_AGAIN = "--changed presses them again"


@dataclass(slots=True)
class Resumed:
    """A stored run that is to be continued.

    Attributes:
        path: its file.
        earlier: its last press.
        history: the records of all its presses, oldest first.
        notes: what the user should know.
        scripts: the processes of its scripts that may still run.
        version: the version of the file that was read.
    """

    path: Path
    earlier: EarlierPress
    history: list[RunRecord]
    version: tuple[int, int]
    notes: list[str] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)


def find_run(folder: Path, wanted: bool | str, name: str) -> StoredRun | None:
    """Return the run to resume; ``None`` if the drawer `name` has none yet.

    Args:
        folder: the folder of stored runs.
        wanted: True for the latest of the drawer, or the beginning of an id.

    Raises:
        UsageError: there is no run of that id, or several, or it cannot be read.
    """
    found = files(folder, run_id=wanted) if isinstance(wanted, str) else files(folder, slug(name))
    if isinstance(wanted, str) and len(found) != 1:
        what = f"are {len(found)} runs whose ids begin" if found else "is no run whose id begins"
        raise UsageError(
            f"there {what} with {wanted!r} in {folder}",
            remediation="drawer_ipy.runs() lists the stored runs with their ids",
        )
    for path in found:
        try:
            run = glance(path)
        except JournalTrouble as error:
            if isinstance(wanted, str):
                raise UsageError(f"the run cannot be resumed: {error}") from None
            continue
        if isinstance(wanted, str) and slug(run.drawer or NAMELESS) != slug(name):
            raise UsageError(
                f"the run {run.id} is of drawer {run.drawer!r}, not of {name!r}",
                remediation=f"resume it where {run.drawer!r} is defined",
            )
        return run
    return None


def check_idle(run: StoredRun) -> None:
    """Check that no process is pressing the run.

    Raises:
        UsageError: one is.
    """
    if run.holder is not None:
        raise is_running(f"{run.id} of {run.drawer}", run.holder)


def version_now(run: StoredRun) -> tuple[int, int]:
    """Return the version of the file of a stored run; see :func:`~drawer_ipy.journal.target.version_of`.

    Raises:
        UsageError: it is gone.
    """
    try:
        return version_of(run.path)
    except OSError as error:
        raise UsageError(f"the run {run.id} cannot be read: {error.strerror}") from None


def read_stored(run: StoredRun, *, lazily: bool = False) -> list[StoredPress]:
    """Return the presses of a stored run; see :func:`~drawer_ipy.journal.reader.read_run`.

    Raises:
        UsageError: its file cannot be read.
    """
    try:
        return read_run(run.path, users_key(), lazily=lazily)
    except JournalTrouble as error:
        raise UsageError(f"the run {run.id} cannot be read: {error}") from None


def earlier_press(press: StoredPress, kinds: Mapping[str, str] | None = None) -> EarlierPress:
    """Return a stored press as one that can be continued.

    Args:
        kinds: the ids and kinds of the steps that the drawer has now; others are left out.
    """
    record = press.record
    before = press.meta.get("kinds")
    before = before if isinstance(before, dict) else {}
    if kinds is not None:
        record.steps = [s for s in record.steps if s.id in kinds and before.get(s.id) == kinds[s.id]]
    scope: dict[str, Any] = {}
    for step in record.steps:
        if isinstance(step.output, LoopOutput):
            scope[step.id] = {"output": _with_hidden(step.output, press.lost.get(step.id, {}))}
        elif step.status == "ok" and step.id not in press.lost_steps:
            scope[step.id] = {"output": step.output}
    return EarlierPress(record, scope, resumed=True, dependents=True, in_flight=press.in_flight)


def mark_lost(earlier: EarlierPress, press: StoredPress) -> None:
    """Take note of outputs that were found to be lost after `earlier` was made from `press`."""
    for step in earlier.record.steps:
        if isinstance(step.output, LoopOutput) and step.id in earlier.scope:
            hidden = earlier.scope[step.id]["output"].hidden
            hidden.lost = _whole(press.lost.get(step.id, {}))


def _with_hidden(output: LoopOutput, lost: Lost) -> LoopOutput:
    """Return the output of a loop as steps see it: what was stored is what is real."""
    record = output.record
    whole = _whole(lost)
    hidden = Hidden(record.items, lost=whole, lost_inside=lost.keys() - whole)
    for column in record.columns:
        for index, inner in enumerate(column.entries):
            cell = index, column.id
            if isinstance(inner, LoopOutput) and cell not in whole:
                inside = lost.get(cell, {})
                hidden.outputs[cell] = _with_hidden(inner, inside if isinstance(inside, dict) else {})
    return LoopOutput(record, hidden)


def _whole(lost: Lost) -> set[Cell]:
    """Return the outputs that are lost as a whole."""
    return {cell for cell, why in lost.items() if isinstance(why, str)}


@dataclass(frozen=True, slots=True)
class DrawerNow:
    """The drawer as it is now.

    Attributes:
        drawer: its definition.
        inputs: the inputs of the press.
        meta: what is stored of the press; see :func:`meta_of`.
    """

    drawer: DrawerModel
    inputs: Mapping[str, Any]
    meta: Mapping[str, Any]


def holds_on_disk(drawer: DrawerModel) -> bool:
    """Whether a loop of the drawer has ``keep: disk``."""
    return any(isinstance(step, LoopStep) and step.keep == "disk" for step in drawer.steps)


def resume(run: StoredRun, now: DrawerNow, *, changed: bool = False, max_age: float | None = None) -> Resumed:
    """Prepare to continue a stored run.

    Args:
        changed: whether to press again what was made by steps that have changed since.
        max_age: seconds after which a result is not kept; ``None`` for any age.

    Raises:
        UsageError: it is running, cannot be read, or was written by another user.
    """
    check_idle(run)
    version = version_now(run)  # before it is read: another process may resume it meanwhile
    presses = read_stored(run, lazily=holds_on_disk(now.drawer))
    last = presses[-1]
    if not all(press.trusted for press in presses):
        raise UsageError(
            f"the run {run.id} of {run.drawer} was not written by you on this machine, so it is not resumed",
            remediation="Results.open() shows what is in it; press without resuming to begin your own run",
        )
    check_outputs(last)
    notes, redo = _changes(last, now, changed)
    ids: Any = now.meta["kinds"]
    gone = [step.id for step in last.record.steps if step.id not in ids]
    notes += [
        f"step {step_id!r} is not in the drawer any more, so its result was dropped" for step_id in gone
    ]
    earlier = earlier_press(last, ids)
    earlier.redo = Redo(redo, 0.0 if max_age is None else time.time() - max_age)
    scripts = [script for press in presses for script in press.scripts]
    return Resumed(run.path, earlier, [press.record for press in presses], version, notes, scripts)


def meta_of(
    drawer: DrawerModel, digests: Mapping[str, str], inputs: Mapping[str, Any], key: bytes | None
) -> dict[str, Any]:
    """Return what is stored of a press, as plain values.

    Args:
        key: the user's key, with which the values of secret inputs are hashed.
    """
    secret = {spec.name for spec in drawer.inputs if spec.secret}
    hashes = {}
    for name in secret & inputs.keys() if key is not None else ():
        try:
            content = canonical(inputs[name])
        except Uncacheable:
            continue
        hashes[name] = hashlib.blake2b(content, key=key or b"", digest_size=16).hexdigest()
    return {
        "definition": _definition(drawer),
        "kinds": {step.id: step.kind or "button" for step in drawer.steps},
        "digests": dict(digests),
        "secrets": hashes,
    }


def _definition(drawer: DrawerModel) -> str:
    """Return the drawer as JSON, without the defaults of secret inputs.

    ``""`` if it has a part that JSON cannot represent.
    """
    public = [spec.model_copy(update={"default": None}) if spec.secret else spec for spec in drawer.inputs]
    try:
        return drawer.model_copy(update={"inputs": public}).model_dump_json(by_alias=True, exclude_unset=True)
    except Exception:  # a function as the cost of a rate, or any object in an argument
        return ""


def _changes(last: StoredPress, now: DrawerNow, again: bool) -> tuple[list[str], frozenset[str]]:
    """Return notes about what has changed since, and the steps to press again because of that."""
    before = last.meta.get("digests")
    steps = changed_steps(now.meta["digests"], before) if isinstance(before, dict) else []
    notes = [note for name in steps if (note := _changed_note(last, name, again))]
    redo = set(steps)
    for name in _changed_inputs(last, now):
        users = [step_id for step_id, step in named_steps(now.drawer.steps) if _names(step, f"inputs.{name}")]
        redo |= set(users)
        done = "the results are made again" if again else f"the results are kept ({_PRESSES_AGAIN})"
        notes.append(f"input {name!r} has changed since; {done}")
    return notes, frozenset(redo) if again else frozenset()


def _changed_note(last: StoredPress, name: str, again: bool) -> str:
    rows = _rows_of(last.record, name)
    if rows == 0:
        return ""
    if again:
        return f"{name} has changed since, so it is pressed again"
    if rows is None:
        return f"{name} has changed since; its result is by the earlier one (--changed presses it again)"
    what = "1 row is" if rows == 1 else f"{rows:,} rows are"
    return f"{name} has changed since; {what} by the earlier one ({_PRESSES_AGAIN})"


def _rows_of(record: RunRecord, name: str) -> int | None:
    """Return the number of results of a step in a loop; ``None`` for the result of another step, else 0."""
    top, _, rest = name.partition(".")
    for step in record.steps:
        if step.id != top:
            continue
        if not rest:
            return None if step.status == "ok" and not isinstance(step.output, LoopOutput) else 0
        if not isinstance(step.output, LoopOutput):
            return None if step.status == "ok" else 0
        nested = rest.partition(".")[0]
        for column in step.output.record.columns:
            if column.id == nested:
                return column.statuses.count(STEP_OK)
    return 0


def _changed_inputs(last: StoredPress, now: DrawerNow) -> Iterator[str]:
    """Yield the inputs that are not items of a loop and have other values now."""
    items = {input_in(step.value_of("over")) for step in now.drawer.steps if "over" in step.lists}
    hashes, before = now.meta["secrets"], last.meta.get("secrets")
    before = before if isinstance(before, dict) else {}
    for name, value in now.inputs.items():
        if name in items:
            continue
        if name in hashes or name in before:
            if hashes.get(name) != before.get(name):
                yield name
        elif name in last.record.inputs and name not in last.asked:
            old, new = value_key(last.record.inputs[name]), value_key(value)
            if old is not None and new is not None and old != new:
                yield name


def _names(step: StepBase, text: str) -> bool:
    """Whether a step's own fields contain `text`; steps inside it do not count."""
    return text in repr(step.model_dump(exclude={"steps", "cases", "branches"}))
