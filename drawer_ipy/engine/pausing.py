"""Waits during a run: which steps, items and loops are paused while a part of them waits.

Code that waits does so in ``with ctx.pausing(reason):``. The wait belongs to the step of that context. If the
step is inside an item, the item is paused; a step whose parts run at once is paused while all of them are.
Nothing is done here for steps that never wait.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import Protocol

from drawer_ipy.record.loop import PAUSED, RUNNING, LoopRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.waits import SHORT, Pause, Reason


class Enclosing(Protocol):
    """What a step or an item is a part of."""

    def hold(self, place: Place, step: StepResult | None, pause: Pause) -> None:
        """Take note that the part at `place` waits in `step`."""

    def release(self, place: Place, step: StepResult | None, pause: Pause) -> None:
        """Take note that this wait has ended."""


class Place(Protocol):
    """The position of a step: what it is a part of, and the item of the innermost loop."""

    index: int | None

    @property
    def part_of(self) -> Enclosing | None: ...


class Pausing:
    """A wait at a place, from ``__enter__`` to ``__exit__``.

    Args:
        place: where.
        step: the step that waits; ``None`` for an item that has not begun.
        pause: the reason.
    """

    __slots__ = ("_pause", "_place", "_step")

    def __init__(self, place: Place, step: StepResult | None, pause: Pause) -> None:
        self._place, self._step, self._pause = place, step, pause

    def __enter__(self) -> None:
        hold(self._place, self._step, self._pause)

    def __exit__(self, *_: object) -> None:
        release(self._place, self._step, self._pause)


_AT_ONCE = nullcontext()


def pausing(
    place: Place, step: StepResult | None, reason: Reason, seconds: float | None
) -> AbstractContextManager[None]:
    """Return the context in which `step` waits.

    Args:
        seconds: how long, ``None`` if that is unknown. A short wait is not shown.
    """
    if seconds is not None and seconds < SHORT:
        return _AT_ONCE
    return Pausing(place, step, Pause(reason, None if seconds is None else perf_counter() + seconds))


def hold(place: Place, step: StepResult | None, pause: Pause) -> None:
    """Pause `step`, and what consists of it."""
    part_of = place.part_of
    if step is not None and not isinstance(part_of, LoopItems):  # a loop keeps the waits of its items itself
        step.pause(pause, _now(step))
    if part_of is not None:
        part_of.hold(place, step, pause)


def release(place: Place, step: StepResult | None, pause: Pause) -> None:
    """End the pause of `step`, and of what consists of it."""
    part_of = place.part_of
    if part_of is not None:
        part_of.release(place, step, pause)
    if step is not None:
        step.resume(pause, _now(step))


def _now(step: StepResult) -> float:
    return step.clock() if step.clock is not None else 0.0


class OneByOne:
    """A step whose parts run one after the other, so that it waits when a part does.

    Args:
        place, step: the step.
    """

    __slots__ = ("place", "step")

    def __init__(self, place: Place, step: StepResult | None) -> None:
        self.place: Place = place
        self.step: StepResult | None = step

    def hold(self, place: Place, step: StepResult | None, pause: Pause) -> None:  # noqa: ARG002 - as Enclosing
        """See :class:`Enclosing`."""
        hold(self.place, self.step, pause)

    def release(self, place: Place, step: StepResult | None, pause: Pause) -> None:  # noqa: ARG002 - as Enclosing
        """See :class:`Enclosing`."""
        release(self.place, self.step, pause)


class Branches(OneByOne):
    """A step whose parts run at once, so that it waits when all that have not ended do.

    Args:
        active: the number of parts.
    """

    __slots__ = ("_active", "_paused", "_shown")

    def __init__(self, place: Place, step: StepResult, active: int) -> None:
        super().__init__(place, step)
        self._active = active
        self._paused: dict[int, Pause] = {}
        self._shown: Pause | None = None

    def hold(self, place: Place, step: StepResult | None, pause: Pause) -> None:  # noqa: ARG002 - as Enclosing
        """See :class:`Enclosing`."""
        self._paused[id(pause)] = pause
        self._settle()

    def release(self, place: Place, step: StepResult | None, pause: Pause) -> None:  # noqa: ARG002 - as Enclosing
        """See :class:`Enclosing`."""
        self._paused.pop(id(pause), None)
        self._settle()

    def ended(self) -> None:
        """Take note that a part has ended."""
        self._active -= 1
        self._settle()

    def _settle(self) -> None:
        waits = 0 < self._active <= len(self._paused)
        if waits and self._shown is None:
            self._shown = next(reversed(self._paused.values()))
            hold(self.place, self.step, self._shown)
        elif not waits and self._shown is not None:
            release(self.place, self.step, self._shown)
            self._shown = None


class LoopItems:
    """The items of a loop. The loop waits when none of them runs and at least one waits.

    Args:
        record: the record of the loop.
        place, step: the step that is the loop.

    Attributes:
        shown: the pause of the loop itself, ``None`` if it does not wait.
    """

    __slots__ = ("_place", "_record", "_step", "shown")

    def __init__(self, record: LoopRecord, place: Place, step: StepResult | None) -> None:
        self._record, self._place, self._step = record, place, step
        self.shown: Pause | None = None

    def hold(self, place: Place, step: StepResult | None, pause: Pause) -> None:
        """See :class:`Enclosing`."""
        assert place.index is not None
        if self._record.pause(place.index, pause, "" if step is None else step.id):
            self.settle()

    def release(self, place: Place, step: StepResult | None, pause: Pause) -> None:  # noqa: ARG002 - as Enclosing
        """See :class:`Enclosing`."""
        assert place.index is not None
        self._record.resume(place.index, pause)
        self.settle()

    def settle(self) -> None:
        """Pause the loop or continue it, after an item has begun, waited or ended."""
        counts = self._record.counts
        waits = counts[PAUSED] > 0 and not counts[RUNNING]
        if waits and self.shown is None and self._record.waits is not None:
            _, pause = next(self._record.waits.now())
            self.shown = Pause(pause.reason, pause.until)
            hold(self._place, self._step, self.shown)
        elif not waits and self.shown is not None:
            shown, self.shown = self.shown, None
            release(self._place, self._step, shown)

    def pausing(
        self, index: int | None, reason: Reason, seconds: float | None
    ) -> AbstractContextManager[None]:
        """Return the context in which the item `index`, which has not begun, waits."""
        return pausing(_Before(index, self), None, reason, seconds)


class _Before:
    """The place of an item that has not begun."""

    __slots__ = ("index", "part_of")

    def __init__(self, index: int | None, part_of: Enclosing) -> None:
        self.index: int | None = index
        self.part_of: Enclosing | None = part_of
