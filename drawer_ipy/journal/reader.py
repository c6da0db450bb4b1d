"""Reads the file of a run: the records of its presses, with what is missing in them."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from drawer_ipy.journal.codec import Unkept, decode
from drawer_ipy.journal.cut_off import CUT_OFF, add_cut_off, mark_in_flight, settle
from drawer_ipy.journal.file import RunFile
from drawer_ipy.journal.folder import STATUSES
from drawer_ipy.journal.harmless import load
from drawer_ipy.journal.parts import decode_more
from drawer_ipy.journal.record_states import MAKERS, doubles, error_of, rebase, step_of
from drawer_ipy.journal.rows import Cell, Lost, decode_rows
from drawer_ipy.journal.scripts import ROW, decode_scripts
from drawer_ipy.journal.slices import decode_value
from drawer_ipy.journal.stored_columns import ChunkReader, StoredRows
from drawer_ipy.journal.stored_press import StoredPress
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.record.continued import take_earlier
from drawer_ipy.record.disk_outputs import DiskOutputs
from drawer_ipy.record.loop import LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult

_MOST_ITEMS = 100_000_000


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A part of a loop.

    Attributes:
        kind: what it has: ``items``, ``places``, ``rows``, ``part`` or ``more``.
        index: of the kinds ``part`` and ``more``, the item that was running; ``None`` for the others.
        number: its number in the file.
        data: its content.
    """

    kind: str
    index: int | None
    number: int
    data: bytes


def read_run(path: Path, key: bytes | None, *, lazily: bool = False) -> list[StoredPress]:
    """Return the presses of a run, oldest first.

    Args:
        key: the user's key; ``None`` if there is none.
        lazily: whether the outputs of all loops are read when they are accessed, and not only those of loops
            with ``keep: disk``. Of such loops, :func:`~drawer_ipy.journal.stored_press.check_outputs`
            finds what cannot be read.

    Raises:
        JournalTrouble: the file cannot be read.
    """
    file = RunFile(path, key)
    sources: list[ChunkReader] = []

    def reader() -> ChunkReader:
        if not sources:
            sources.append(ChunkReader(path, key, file))
        return sources[0]

    try:
        run = file.rows("SELECT drawer FROM run LIMIT 1")
        rows = file.rows("SELECT number, run_id, began, seen, status, body FROM press ORDER BY number")
        if not run or not rows:
            raise JournalTrouble(f"{path} has no run")
        presses: list[StoredPress] = []
        for row in rows:
            before = presses[-1] if presses else None
            presses.append(_PressReader(file, str(run[0][0]), before, reader, lazily=lazily).read(*row))
        return presses
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise JournalTrouble(f"{path} is damaged") from error
    finally:
        if not sources:
            file.close()


class _PressReader:
    """Reads one press.

    Args:
        file: the file.
        drawer: the drawer's name.
        before: the press that it continues.
        reader: returns what reads outputs when they are accessed.
        lazily: see :func:`read_run`.
    """

    def __init__(
        self,
        file: RunFile,
        drawer: str,
        before: StoredPress | None,
        reader: Callable[[], ChunkReader],
        *,
        lazily: bool,
    ) -> None:
        self._reader = reader
        self._lazily = lazily
        self._file = file
        self._drawer = drawer
        self._before = before
        self._steps_before = {} if before is None else {step.id: step for step in before.record.steps}
        self._trusted = True

    def read(self, number: Any, run_id: Any, began: Any, seen: Any, status: Any, body: Any) -> StoredPress:
        """Return the press in a row of the table.

        Raises:
            JournalTrouble, TypeError, ValueError, KeyError, IndexError: it is damaged.
        """
        if status not in STATUSES:
            raise JournalTrouble(f"{self._file.path} is damaged")
        data = self._body("press", number, body)
        meta, inputs = self._plain(data)
        record = RunRecord(str(run_id), self._drawer, str(status), float(began), float(seen))
        press = StoredPress(record, self._values(meta)[0], cut_off=status == "running")
        if not isinstance(press.meta, dict):
            raise JournalTrouble(f"{self._file.path} is damaged")
        values: dict[str, Any] = {}
        for name, value, why in inputs:
            values[name] = self._one_value(value) if value else "[not kept]"
            if why or type(values[name]) is Unkept:
                press.asked[name] = why or values[name].why
        record.inputs = values
        self._read_steps(press, number)
        if press.cut_off:
            record.status, record.error = "cancelled", CUT_OFF
        press.trusted = self._trusted
        return press

    def _body(self, table: str, place: Any, body: Any) -> bytes:
        data, trusted = self._file.opened_seal(table, place, body)
        self._trusted = self._trusted and trusted
        return data

    def _plain(self, data: bytes) -> Any:
        try:
            return load(data, MAKERS, trusted=self._trusted)
        except JournalTrouble as error:
            raise JournalTrouble(f"{self._file.path} is damaged") from error

    def _values(self, data: bytes, count: int = 1) -> list[Any]:
        return decode(data, count, trusted=self._trusted, files=self._file.files)

    def _one_value(self, data: bytes) -> Any:
        return decode_value(data, trusted=self._trusted, files=self._file.files)

    # Steps

    def _read_steps(self, press: StoredPress, number: Any) -> None:
        loops: dict[str, LoopRecord] = {}
        heads = self._file.rows("SELECT number, step, body FROM loop WHERE press = ? ORDER BY number", number)
        for loop_number, step_id, body in heads:
            head = self._plain(self._body("loop", loop_number, body))
            loops[str(step_id)] = self._loop(press, str(step_id), loop_number, head)
        found: dict[str, StepResult] = {}
        running: list[StepResult] = []
        end: bytes | None = None
        for step_id, body in self._file.rows("SELECT id, body FROM step WHERE press = ?", number):
            data = self._body("step", f"{number} {step_id}", body)
            if step_id == "":
                end = data
            elif step_id == ROW:
                press.scripts = decode_scripts(self._plain(data)) if press.cut_off else []
            elif (step := self._step(press, str(step_id), data, loops)) is not None:
                if step.status == "running":
                    running.append(step)
                else:
                    found[str(step_id)] = step
        add_cut_off(found, loops, running, press.record.finished)
        self._add_rest(press, found)
        known = press.meta.get("kinds")
        order = {step_id: at for at, step_id in enumerate(known if isinstance(known, dict) else ())}
        press.record.steps = sorted(found.values(), key=lambda s: (order.get(s.id, len(order)), s.started))
        if end is not None:
            press.record.failed_step, error, undone = self._values(end)[0]
            press.record.error = error_of(error)
            press.record.compensations = [step_of(*state) for state in undone]

    def _add_rest(self, press: StoredPress, found: dict[str, StepResult]) -> None:
        """Add the steps of the press before that a press which was cut off did not reach."""
        for step in self._steps_before.values() if press.cut_off else ():
            if step.id not in found:
                self._take(press, step, found)

    def _take(self, press: StoredPress, step: StepResult, found: dict[str, StepResult]) -> None:
        assert self._before is not None
        found[step.id] = dataclasses.replace(step)
        if step.id in self._before.lost:
            press.lost[step.id] = self._before.lost[step.id]
        if step.id in self._before.lost_steps:
            press.lost_steps[step.id] = self._before.lost_steps[step.id]

    def _step(
        self, press: StoredPress, step_id: str, data: bytes, loops: Mapping[str, LoopRecord]
    ) -> StepResult | None:
        content = self._plain(data)
        before = self._steps_before
        if content is None:
            kept: dict[str, StepResult] = {}
            if step_id in before:
                self._take(press, before[step_id], kept)
            return kept.get(step_id)
        about, arguments, output, is_loop, why = content
        step = step_of(*self._values(about)[0])
        step.args = self._values(arguments)[0]
        if is_loop:
            if step_id in loops:
                step.output = LoopOutput(loops[step_id])
            elif step_id in before:  # the loop could not begin again
                step.output = before[step_id].output
                press.lost[step_id] = {} if self._before is None else self._before.lost.get(step_id, {})
            else:
                raise JournalTrouble(f"{self._file.path} is damaged: a loop is missing")
            return step
        step.output = self._one_value(output)
        if type(step.output) is Unkept:
            why = why or step.output.why
        if why:
            press.lost_steps[step_id] = str(why)
        return step

    # Loops

    def _loop(self, press: StoredPress, step_id: str, number: Any, head: Any) -> LoopRecord:
        path, label, ids, parallelism, began, ended, total, count, span, *rest = head
        running, kept_places, kept, *rest = rest  # earlier versions did not write what follows
        moments, on_disk = (*rest, None, False)[:2]
        lazily = bool(on_disk) or self._lazily
        if not 0 <= count <= _MOST_ITEMS:
            raise JournalTrouble(f"{self._file.path} is damaged")
        items: Any = range(*span) if span is not None else [None] * count
        if len(items) != count:
            raise JournalTrouble(f"{self._file.path} is damaged")
        ends = total is not None
        loop = LoopRecord(path, label, items, ids, parallelism, began=began, ends=ends, on_disk=lazily)
        loop.backlog = loop.backlog if on_disk else None
        rebase(loop, began, ended)
        lost = press.lost[step_id] = {}
        parts = self._chunks(number, "kind <> 'rows'")
        places = self._read_items(loop, parts, None if kept_places is None else range(kept_places))
        if len(loop.items) != count:
            raise JournalTrouble(f"{self._file.path} is damaged")
        self._take_before(step_id, loop, places, lost)
        in_flight = self._read_results(press, loop, number, parts, (running, moments), lost)
        if in_flight:
            press.in_flight[step_id] = in_flight
        loop.kept = loop.kept_ok = kept
        self._close(press, loop, lost)
        if loop.marks is not None:
            loop.count_kept()
        return loop

    def _read_results(
        self,
        press: StoredPress,
        loop: LoopRecord,
        number: Any,
        parts: list[_Chunk],
        begun: tuple[bytes, bytes | None],
        lost: Lost,
    ) -> int:
        """Put the results of items into `loop`; return how many were running when the press was cut off.

        Args:
            number: the number of the loop.
            parts: its chunks that are not rows.
            begun: the items that had begun when the loop was written last, and when.
            lost: receives the outputs that are not there; see :attr:`StoredPress.lost`.
        """
        done: set[int] = set()
        lazily = bool(loop.columns) and isinstance(loop.columns[0].outputs, DiskOutputs)
        for found in self._rows_of(number):
            rows = partial(StoredRows, self._reader(), found.number, number, loop.items) if lazily else None
            indices = self._read_rows(loop, found.data, lost, rows)
            if press.cut_off:
                done.update(indices)
        if not press.cut_off:
            return 0
        for part in parts:
            if part.index in done:  # it has ended since
                continue
            if part.kind == "more":
                decode_more(loop, self._plain(part.data), trusted=self._trusted, files=self._file.files)
            if part.kind == "part":
                settle(loop, self._read_rows(loop, part.data, lost, None))
        running = array("q", begun[0])
        moments = doubles(bytes(8 * len(running)) if begun[1] is None else begun[1], len(running))
        return mark_in_flight(loop, {i: at for i, at in zip(running, moments, strict=True) if i not in done})

    def _read_rows(
        self,
        loop: LoopRecord,
        data: bytes,
        lost: Lost,
        rows: Callable[[Sequence[int]], StoredRows] | None,
    ) -> Sequence[int]:
        """Put items that were pressed into `loop`; return their indices.

        Args:
            lost: receives the outputs that are not there; see :attr:`StoredPress.lost`.
            rows: makes the chunk from which outputs are read when they are accessed; ``None`` for now.
        """
        trusted, files = self._trusted, self._file.files
        indices, missing = decode_rows(loop, data, trusted=trusted, files=files, chunk=rows)
        if loop.marks is not None:
            for index in indices:
                loop.marks[index] = 0
        ids = [column.id for column in loop.columns] if lost else []
        for cell in [(index, nested) for index in indices for nested in ids]:
            lost.pop(cell, None)
        lost |= missing
        return indices

    def _rows_of(self, number: Any) -> Iterator[_Chunk]:
        """Yield the rows of a loop, a few chunks at a time, since they may be larger than the memory."""
        last = -1
        while found := self._chunks(number, f"kind = 'rows' AND number > {last}", 4):
            yield from found
            last = found[-1].number

    def _chunks(self, number: Any, condition: str, most: int = -1) -> list[_Chunk]:
        query = f"SELECT kind, body, number FROM chunk WHERE loop = ? AND {condition} ORDER BY number LIMIT ?"
        found = []
        for kind, body, chunk in self._file.rows(query, number, most):
            name, _, index = str(kind).partition(" ")
            data = self._body(f"chunk {name}", number, body)
            found.append(_Chunk(name, int(index) if index else None, int(str(chunk)), data))
        return found

    def _read_items(self, loop: LoopRecord, parts: list[_Chunk], places: Any) -> Any:
        """Put the items into `loop`; return where they were in the press before."""
        for part in parts:
            if part.kind == "items":
                first, length, values = self._plain(part.data)
                loop.items[first : first + length] = self._values(values, length)  # type: ignore[index]
            elif part.kind == "places":
                first, values = self._plain(part.data)
                places = [*(places or ())][:first] + array("q", values).tolist()
        return places

    def _take_before(self, step_id: str, loop: LoopRecord, places: Any, lost: Lost) -> None:
        """Put the items that the press kept from the one before into `loop`."""
        if places is None or self._before is None:
            return
        step = self._steps_before.get(step_id)
        if step is None or not isinstance(step.output, LoopOutput):
            return
        earlier = step.output.record
        n = min(len(places), len(loop.states))
        places = range(min(n, len(earlier.states))) if isinstance(places, range) else places[:n]
        if any(place >= len(earlier.states) for place in (() if isinstance(places, range) else places)):
            raise JournalTrouble(f"{self._file.path} is damaged")
        take_earlier(loop, earlier, places, ())
        now = {place: index for index, place in enumerate(places) if place >= 0}
        for (index, nested), why in self._before.lost.get(step_id, {}).items():
            if index in now:
                lost[now[index], nested] = why

    def _close(self, press: StoredPress, loop: LoopRecord, lost: Lost) -> None:
        """Complete a loop: what never began was skipped."""
        loop.recount()
        ended = loop.ended
        loop.close()
        loop.ended = ended or loop.epoch + max(0.0, press.record.finished - loop.began)
        for cell in [cell for cell in lost if not _is_there(loop, cell)]:
            del lost[cell]


def _is_there(loop: LoopRecord, cell: Cell) -> bool:
    index, step_id = cell
    return any(column.id == step_id and column.statuses[index] for column in loop.columns)
