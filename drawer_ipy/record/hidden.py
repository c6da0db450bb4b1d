"""The values with secrets that a loop's record leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False, repr=False)
class Hidden:
    """The values with secrets that a loop's record leaves out, for later steps.

    They belong to the output in the steps' scope, never to the record. Results that can be retried keep them
    for the retry and never show them.

    Attributes:
        items: the list of items with the real values.
        outputs: (index, nested step's id) -> output, only if the record's copy differs.
        source: the iterator that the items come from, for a retry to go on with; ``None`` for a list.
        lost: (index, nested step's id) of the outputs whose real values are gone; they were read from disk.
        lost_inside: the same for loops of whose outputs some are gone.
    """

    items: Sequence[Any]
    outputs: dict[tuple[int, str], Any] = field(default_factory=dict)
    source: Any = None
    lost: set[tuple[int, str]] = field(default_factory=set)
    lost_inside: set[tuple[int, str]] = field(default_factory=set)

    def restore(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Return `entry` (from ``LoopRecord.entry``) with the real values in it."""
        index = entry["index"]
        entry["item"] = self.items[index]
        for step_id, cell in entry["steps"].items():
            if (index, step_id) in self.outputs:
                cell["output"] = self.outputs[index, step_id]
        return entry
