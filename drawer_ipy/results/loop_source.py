"""Rows that are the items of a loop, and the columns of their outputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.disk_outputs import DiskOutputs, StoredPiece
from drawer_ipy.record.inner import PLAIN, SLICE, contents_of
from drawer_ipy.record.loop import STATE_NAMES, LoopOutput, LoopRecord, shape_of
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step_column import STEP_OK, STEP_STATUSES, StepColumn
from drawer_ipy.record.waits import Waited, waited
from drawer_ipy.results.at_path import at_path
from drawer_ipy.results.source import OUTPUT, RESERVED, Getter, StepCell, cell_of, error_text, tally

MOST_KEYS = 200
"""Most keys that become columns; mappings with more keys are values of a single column."""


def shared_keys(loop: LoopRecord, column: StepColumn) -> list[str] | None:
    """Return the keys of the column's ok outputs in order of appearance; ``None`` if not all are mappings.

    Every ok output is examined, not only a sample, so that an export never loses a key.
    """
    if isinstance(column.outputs, DiskOutputs):
        return _stored_keys(column, column.outputs)
    contents = contents_of(loop, column)
    if contents.types <= {type(None)}:
        return None
    first = next((output for output in column.outputs if output is not None), None)
    if type(first) is dict and contents.keys == first.keys() != set():  # the usual case
        known = len(first) <= MOST_KEYS and all(isinstance(key, str) for key in first)
        return list(first) if known else None
    return _different_keys(column.statuses, column.outputs)


def _different_keys(statuses: Sequence[int], outputs: Sequence[Any]) -> list[str] | None:
    """Return the same for outputs in memory of which some have keys that others do not have."""
    seen: dict[str, None] = {}
    for at in range(0, len(outputs), SLICE):
        part = outputs[at : at + SLICE]
        if set(map(type, part)) <= PLAIN and seen.keys() >= set().union(*filter(None, part)):
            continue
        # A loop may grow meanwhile.
        for status, output in zip(statuses[at : at + SLICE], part, strict=False):
            if status != STEP_OK or output is None:
                continue
            if not isinstance(output, Mapping) or isinstance(output, LoopOutput) or len(output) > MOST_KEYS:
                return None
            new = [key for key in output if not isinstance(key, str) or key not in seen]
            if not new:
                continue
            seen.update(dict.fromkeys(new))
            if len(seen) > MOST_KEYS or not all(isinstance(key, str) for key in new):
                return None
    return list(seen) or None


def _stored_keys(column: StepColumn, outputs: DiskOutputs) -> list[str] | None:
    """Return the same for outputs on disk, whose keys are known without reading them."""
    seen: dict[str, None] = {}
    shapes: set[tuple[Any, ...]] = set()
    known: StoredPiece | None = None  # whose outputs all have keys that are known
    # A loop may grow meanwhile.
    for index, (status, output) in enumerate(zip(column.statuses, outputs.entries, strict=False)):
        if status != STEP_OK or output is None or output is known:
            continue
        if (stored := outputs.stored(index)) is not None and stored[0].is_none(stored[1]):
            continue
        shape = shape_of(outputs[index]) if stored is None else stored[0].shape(stored[1])
        if shape is None or len(shape) > MOST_KEYS:
            return None
        if isinstance(output, StoredPiece) and output.uniform:
            known = output
        if shape in shapes:
            continue
        if not all(isinstance(key, str) for key in shape):
            return None
        if len(shapes) < 1000:  # limits the memory if every output has different keys
            shapes.add(shape)
        seen.update(dict.fromkeys(shape))
        if len(seen) > MOST_KEYS:
            return None
    return list(seen) or None


def _key_getter(outputs: Sequence[Any], key: str) -> Getter:
    def get(index: int) -> Any:
        output = outputs[index]
        if type(output) is dict:  # the common case, which costs a third of the other test
            return output.get(key)
        return output.get(key) if isinstance(output, Mapping) else None

    return get


def _error_getter(loop: LoopRecord) -> Getter:
    def get(index: int) -> str | None:
        for column in loop.columns:
            if index in column.errors:
                return error_text(loop.error_of(index))
        return None  # most rows

    return get


def _free(name: str, prefix: str, taken: Iterable[str]) -> str:
    while name in taken:
        name = f"{prefix}.{name}"
    return name


class LoopSource:
    """The items of one loop."""

    always_states = False

    def __init__(self, loop: LoopRecord) -> None:
        self.loop: LoopRecord = loop
        self._known: tuple[tuple[object, ...], Mapping[str, Getter]] | None = None

    def follow(self, run: RunRecord) -> None:
        """Show the same loop in `run`, another press."""
        for step in run.steps:
            if step.id == self.loop.path[0] and isinstance(step.output, LoopOutput):
                self.loop, self._known = step.output.record, None

    @property
    def steps_known(self) -> tuple[str, ...]:
        return tuple(column.id for column in self.loop.columns)

    def __len__(self) -> int:
        return len(self.loop.states)

    def state(self, index: int) -> int:
        return self.loop.states[index]

    def counts(self, rows: Sequence[int] | None) -> list[int]:
        if rows is None:
            return list(self.loop.counts)
        states = self.loop.states
        if isinstance(rows, range) and rows.step > 0:  # a slice, which takes a hundredth of the time
            return tally(states[rows.start : rows.stop : rows.step])
        return tally(map(states.__getitem__, rows))

    def where(self, state: int, rows: Sequence[int] | None) -> Iterator[int]:
        states = self.loop.states
        if rows is None:  # a search in bytes finds a few failures among a million items fast
            # In a copy: a loop over an iterator, which goes on in another thread, adds to the bytes.
            return (found.start() for found in re.finditer(re.escape(bytes([state])), bytes(states)))
        return (row for row in rows if states[row] == state)

    def status(self, index: int) -> str:
        return STATE_NAMES[self.loop.states[index]]

    def item(self, index: int) -> Any:
        return self.loop.items[index]

    def output(self, index: int) -> Any:
        return self.loop.columns[-1].outputs[index] if self.loop.columns else None

    def error(self, index: int) -> tuple[str, ErrorInfo] | None:
        return self.loop.error_of(index)

    def steps(self, index: int) -> dict[str, StepCell]:
        return {column.id: _cell(column, index) for column in self.loop.columns}

    def waited(self, index: int) -> Mapping[str, Waited]:
        ids = ("", *(column.id for column in self.loop.columns))
        waits = () if self.loop.waits is None else self.loop.waits.of(index)
        every = {ids[place]: waited(w for w in waits if w.step + 1 == place) for place in range(len(ids))}
        return {step: found for step, found in every.items() if found}

    def started(self, index: int) -> float | None:
        offset = self.loop.started[index]
        return self.loop.began + offset if offset else None

    def duration(self, index: int) -> float | None:
        begin, end = self.loop.started[index], self.loop.finished[index]
        return max(0.0, end - begin) if begin and end else None

    def layout(self) -> Mapping[str, Getter]:
        # While a loop runs, every new output may add keys; after its end, the layout is fixed.
        version = (*self.loop.counts, self.loop.ended)
        if self._known is None or self._known[0] != version:
            self._known = (version, self._lay_out())
        return self._known[1]

    def _lay_out(self) -> Mapping[str, Getter]:
        loop = self.loop
        label = _free(loop.label, "item", RESERVED)
        columns: dict[str, Getter] = {label: loop.items.__getitem__}
        if not loop.columns:
            return columns
        last = loop.columns[-1]
        keys = shared_keys(loop, last)
        if keys is None:
            name = last.id if last.id not in (label, *RESERVED) else f"{last.id}.output"
            columns[_free(name, last.id, (label, *RESERVED))] = last.outputs.__getitem__
            return columns
        # The last step's id is available as a name: if its outputs are spread over columns, no column shows
        # them whole, and a step `title` that returns {"title": ...} should have a column `title`.
        taken = {label, *RESERVED, *(column.id for column in loop.columns[:-1])}
        plain = {key for key in keys if key not in taken}
        taken |= plain
        for key in keys:
            name = key if key in plain else _free(key, last.id, taken)
            taken.add(name)
            columns[name] = _key_getter(last.outputs, key)
        return columns

    def getter(self, name: str) -> Getter | None:
        loop = self.loop
        if name == "status":
            return self.status
        if name == "error":
            return _error_getter(loop)
        if name == loop.label:  # the common case, which needs no look at the outputs
            return loop.items.__getitem__
        steps = {column.id: column for column in loop.columns}
        if name in steps and steps[name] is not loop.columns[-1]:
            return steps[name].outputs.__getitem__
        shown = self.layout().get(name)
        if shown is not None:
            return shown
        if name in steps:
            return steps[name].outputs.__getitem__
        return self._dotted(steps, name)

    def _dotted(self, steps: Mapping[str, StepColumn], name: str) -> Getter | None:
        """Return the getter of ``step.key``, ``column.key`` or ``step.key.key`` if a row has a value there.

        ``output.key`` refers to the last step's output, unless a step or a column of that name has the key.
        For a step of a nested loop, ``inner.work``, the value is the list of its outputs.
        """
        columns = self.layout()

        def column(head: str) -> Getter | None:
            return steps[head].outputs.__getitem__ if head in steps else columns.get(head)

        return at_path(name, len(self), column) or at_path(name, len(self), {OUTPUT: self.output}.get)


def _cell(column: StepColumn, index: int) -> StepCell:
    status = STEP_STATUSES[column.statuses[index]]
    error, detail = column.errors.get(index), column.detail(index)
    if detail is None:
        output = column.outputs[index]
        about, cached = column.about.get(index), column.was_cached(index)
        return StepCell(
            column.id, status, output, error, attempts=1 if status else 0, about=about, cached=cached
        )
    return cell_of(detail, status)
