"""What failed in a run, also where the run itself ended ok."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drawer_ipy.record.loop import FAILED, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord

_DEEPEST = 4
_MOST_KEYS = 1000


@dataclass(frozen=True, slots=True)
class Failures:
    """What failed in a run.

    Attributes:
        items: failed items of all its loops, with loops within items, branches and outputs.
        steps: top-level steps that did not end ok, without loops that have failed items.
    """

    items: int = 0
    steps: int = 0

    @property
    def total(self) -> int:
        """Items and steps together."""
        return self.items + self.steps

    def beside(self, items: int, steps: int = 0) -> Failures:
        """Those that are left when `items` and `steps` are told of elsewhere."""
        return Failures(max(0, self.items - items), max(0, self.steps - steps))


NONE = Failures()


def failures_of(run: RunRecord) -> Failures:
    """What failed in `run`; the work grows with the number of items only where loops are nested."""
    items = steps = 0
    for step in run.steps:
        found = failed_items(step.output)
        items += found
        steps += step.error is not None and not found
    return Failures(items, steps)


def failed_items(output: Any) -> int:
    """How many items failed in the loops that a step's `output` holds, 0 when it holds none."""
    return sum(map(failed_in, _loops(output, 0)))


def failed_in(loop: LoopRecord) -> int:
    """How many items of `loop` failed, with those of loops within items that are ok."""
    return loop.counts[FAILED] + sum(
        failed_in(output.record)
        for column in loop.columns
        for output, status in zip(column.outputs, column.statuses, strict=True)
        if status == 1 and isinstance(output, LoopOutput)
    )


def _loops(output: Any, depth: int) -> Iterator[LoopRecord]:
    """The loops in an output: its own, and those in the mappings that branches give."""
    if isinstance(output, LoopOutput):
        yield output.record
    elif type(output) is dict and depth < _DEEPEST and len(output) <= _MOST_KEYS:
        for value in output.values():
            yield from _loops(value, depth + 1)
