"""The failures in a run, including a run that ended ok."""

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
    """The number of failures in a run.

    Attributes:
        items: failed items of all loops, including loops in items, branches and outputs.
        steps: top-level steps that did not end ok, except loops with failed items.
    """

    items: int = 0
    steps: int = 0

    @property
    def total(self) -> int:
        """The number of failed items and steps."""
        return self.items + self.steps

    def beside(self, items: int, steps: int = 0) -> Failures:
        """Return the failures without `items` and `steps`, which are reported elsewhere."""
        return Failures(max(0, self.items - items), max(0, self.steps - steps))


NONE = Failures()


def failures_of(run: RunRecord) -> Failures:
    """Count the failures in `run`; the time depends on the number of items only for nested loops."""
    items = steps = 0
    for step in run.steps:
        found = failed_items(step.output)
        items += found
        steps += step.error is not None and not found
    return Failures(items, steps)


def failed_items(output: Any) -> int:
    """Return the number of failed items in the loops of a step's `output`."""
    return sum(map(failed_in, _loops(output, 0)))


def failed_in(loop: LoopRecord) -> int:
    """Return the number of failed items of `loop`, including those of loops in items that are ok."""
    return loop.counts[FAILED] + sum(
        failed_in(output.record)
        for column in loop.columns
        for output, status in zip(column.outputs, column.statuses, strict=False)  # a loop may grow meanwhile
        if status == 1 and isinstance(output, LoopOutput)
    )


def _loops(output: Any, depth: int) -> Iterator[LoopRecord]:
    """Yield the loops in an output: its own, and those in the mappings that branches return."""
    if isinstance(output, LoopOutput):
        yield output.record
    elif type(output) is dict and depth < _DEEPEST and len(output) <= _MOST_KEYS:
        for value in output.values():
            yield from _loops(value, depth + 1)
