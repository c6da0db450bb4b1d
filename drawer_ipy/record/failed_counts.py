"""The number of failures inside a run, a step or a loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failures:
    """The number of failures in a run, or inside one of its steps.

    Attributes:
        items: failed items of all loops, including loops in items, branches and sub-drawers.
        steps: steps that did not end ok, except loops with failed items.
        nothing_ok: whether nothing succeeded; ``False`` if that is unknown.
    """

    items: int = 0
    steps: int = 0
    nothing_ok: bool = False

    @property
    def total(self) -> int:
        """The number of failed items and steps."""
        return self.items + self.steps

    def beside(self, items: int, steps: int = 0) -> Failures:
        """Return the failures without `items` and `steps`, which are reported elsewhere."""
        return Failures(max(0, self.items - items), max(0, self.steps - steps), self.nothing_ok)


NONE = Failures()


def added(parts: Iterable[Failures]) -> Failures:
    """Add up `parts`; nothing is ok in the whole if there are parts and nothing is ok in each of them."""
    items = steps = 0
    some, nothing_ok = False, True
    for part in parts:
        some = True
        items += part.items
        steps += part.steps
        nothing_ok = nothing_ok and part.nothing_ok
    return Failures(items, steps, some and nothing_ok)
