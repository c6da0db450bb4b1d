"""The context of a running step: its run, and the names that its references may use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from drawer_ipy.buttons.base import PressPlace, Resources
from drawer_ipy.common.cancellation import Stop
from drawer_ipy.common.clock import Clock
from drawer_ipy.common.notes import Note
from drawer_ipy.common.threads import Threads
from drawer_ipy.engine.backends.base import Backend
from drawer_ipy.engine.backends.of_run import Backends
from drawer_ipy.engine.caching import RunCache
from drawer_ipy.engine.earlier import EarlierSteps
from drawer_ipy.engine.events import Listeners, RequestRetried
from drawer_ipy.engine.ledger import Ledger
from drawer_ipy.engine.limits import Charges, Limits
from drawer_ipy.engine.pausing import Enclosing, OneByOne, pausing
from drawer_ipy.engine.secrets.redactor import Redactor
from drawer_ipy.record.hidden import Hidden
from drawer_ipy.record.loop import LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.waits import Reason

_Names = dict[str, Any]


@dataclass(slots=True)
class Session:
    """The state that all steps of a press share, including those of sub-drawers.

    Attributes:
        listeners: the listeners for events.
        resources: what is opened once per run (HTTP session, threads).
        redactor: hides secrets in everything that is recorded.
        limits: the limits on buttons across the run.
        env: the values of ``${env.X}`` and ``$ENV{X}``.
        batteries: the values of ``${batteries.X}``.
        webhooks: the values of ``${webhooks.X}``: drawer name -> URL.
        cache_folder: the folder of cached results; ``None`` for no cache.
        cache: answers presses with cached results.
        notes: observations for the user that failed nothing (e.g. an ``on_error`` handler that failed).
        button_env: environment variables of processes, in addition to the notebook's own.
        on_child: called with each sub-drawer's complete record (for the history).
        details_left: number of presses in loops that may still be recorded in full, apart from their output.
        clock: the clock for all times of the run.
        loops: the loops that have started, each with the values that its record hides.
        ledger: records what the run does ahead of it; ``None`` if nothing has to be.
        backends: where presses run that leave the kernel.
    """

    listeners: Listeners
    resources: Resources
    limits: Limits = field(default_factory=Limits)
    redactor: Redactor = field(default_factory=Redactor)
    env: Mapping[str, str] = field(default_factory=dict)
    batteries: Mapping[str, str] = field(default_factory=dict)
    webhooks: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    cache_folder: Path | None = None
    on_child: Callable[[RunRecord], None] | None = None
    details_left: int = 20_000
    clock: Clock = field(default_factory=Clock)
    loops: list[tuple[LoopRecord, Hidden]] = field(default_factory=list)
    ledger: Ledger | None = None
    backends: Backends = field(default_factory=Backends)
    cache: RunCache = field(init=False)
    button_env: dict[str, str] = field(init=False)
    _noted: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self.cache = RunCache(self.cache_folder, lambda: self.resources.get(Threads), self.notes)
        self.button_env = {f"BUTTONS_BAT_{name}": value for name, value in self.batteries.items()}
        self.redactor = self.redactor.also(self.batteries.values())

    def note(self, note: Note) -> None:
        """Add `note`, unless there is a note on the same subject already."""
        if note.key not in self._noted:
            self._noted.add(note.key)
            self.notes.append(self.redactor.text(note.text))

    async def backend(self, name: str) -> Backend:
        """Return the backend `name`, and open it first if necessary.

        Raises:
            BackendError: it cannot be used.
        """
        return self.backends.opened(name) or await self.backends.get(name, lambda text: self.note(Note(text)))

    def hide(self, secret: str) -> None:
        """Hide `secret`, which appeared during the run, in everything recorded from now on."""
        self.redactor = self.redactor.also([secret])

    def affords(self, presses: int) -> bool:
        """Whether this many more presses in a loop may be recorded in full; if so, count them."""
        enough = presses <= self.details_left
        self.details_left -= presses if enough else 0
        return enough

    def scope(self, inputs: Mapping[str, Any]) -> _Names:
        """Return the names that a drawer's steps start with."""
        return {
            "inputs": inputs,
            "env": self.env,
            "batteries": self.batteries,
            "webhooks": self.webhooks,
        }


@dataclass(frozen=True, slots=True)
class Level:
    """What the steps of one drawer, of one branch, or of all items of one loop have in common.

    Attributes:
        session: the state shared by the whole press.
        inputs: the inputs of the drawer that contains the steps.
        stop: the flag that nothing more may start here.
        path: ids of the enclosing loops, outermost first.
        loop: the record of the innermost loop; ``None`` outside loops.
        depth: number of enclosing drawers.
        place: the enclosing steps and items, outermost first, without the `items` of this level.
        items: id and attempt of the loop whose items these are; ``None`` for other steps.
        part_of: what the steps are a part of: the items of a loop, or a step with steps inside it; ``None``
            for the run's own steps.
    """

    session: Session
    inputs: Mapping[str, Any]
    stop: Stop
    path: tuple[str, ...] = ()
    loop: LoopRecord | None = None
    depth: int = 0
    place: PressPlace = ()
    items: tuple[str, int] | None = None
    part_of: Enclosing | None = None


class Context:
    """The position of a step in a run.

    Args:
        level: what the steps here have in common.

    Attributes:
        level: the argument.
        session, stop: those of the level.
        scope: name -> value for references. A loop gives each item a copy with its variable added, so
            items never see one another.
        index: the item's index in the innermost loop; ``None`` outside loops.
        earlier: what an earlier press left here; ``None`` if everything is to be pressed.
        parent: the result of the step whose branch this is; ``None`` if it is not a branch.
        real: step id -> the output of a loop with the values that its record hides; ``None`` until there is
            one. It is not in the record, which may be shown while the loop runs.
        step: the result of the step that runs here; ``None`` before the first.
        charges: what the item cost under the rates of its loop, until a press outside the kernel starts.
    """

    # Each item has one, so what its items share is in the level.
    __slots__ = (
        "_base",
        "charges",
        "earlier",
        "index",
        "level",
        "parent",
        "real",
        "scope",
        "session",
        "step",
        "stop",
    )

    def __init__(
        self,
        level: Level,
        scope: _Names,
        index: int | None = None,
        earlier: EarlierSteps | None = None,
        charges: Charges = (),
    ) -> None:
        self.level: Level = level
        self.session: Session = level.session
        self.stop: Stop = level.stop
        self.scope: dict[str, Any] = scope
        self.index: int | None = index
        self.earlier: EarlierSteps | None = earlier
        self.charges: Charges = charges
        self.parent: StepResult | None = None
        self.step: StepResult | None = None
        self.real: dict[str, LoopOutput] | None = None
        self._base: Context | None = None

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The inputs of the drawer that contains the step."""
        return self.level.inputs

    @property
    def path(self) -> tuple[str, ...]:
        """Ids of the enclosing loops, outermost first."""
        return self.level.path

    @property
    def loop(self) -> LoopRecord | None:
        """The record of the innermost loop; ``None`` outside loops."""
        return self.level.loop

    @property
    def depth(self) -> int:
        """Number of enclosing drawers."""
        return self.level.depth

    @property
    def place(self) -> PressPlace:
        """The enclosing steps and items, outermost first."""
        level = self.level
        return level.place if level.items is None else (*level.place, (*level.items, self.index))

    @property
    def part_of(self) -> Enclosing | None:
        """What the steps here are a part of."""
        return self.level.part_of

    def remember(self, step_id: str, output: LoopOutput) -> None:
        """Keep the output of a loop with its real values for the following steps."""
        self.real = {**(self.real or {}), step_id: output}
        if self._base is not None:
            self._base.remember(step_id, output)

    def output(self, result: StepResult) -> Any:
        """Return the output of a step as later steps see it."""
        real = None if self.real is None else self.real.get(result.id)
        if real is None or not isinstance(result.output, LoopOutput):
            return result.output
        return real if real.record is result.output.record else result.output

    def starts(self) -> Charges:
        """Return what the start of a press outside the kernel costs under the rates of the loop; only once.

        The item has had its turn, but its press may have waited for a place since.
        """
        charges, self.charges = self.charges, ()
        return charges

    def pausing(self, reason: Reason, seconds: float | None = None) -> AbstractContextManager[None]:
        """Return the context in which the step that runs here waits; see :meth:`Waiter.pausing`."""
        redactor = self.session.redactor
        if redactor.hides and reason.subject:
            reason = replace(reason, subject=redactor.text(reason.subject))
        return pausing(self, self.step, reason, seconds)

    def hide(self, secret: str) -> None:
        """Hide `secret`, which appeared during a press; see :class:`Waiter`."""
        self.session.hide(secret)

    def retried(self) -> None:
        """Take note that the button which is pressed here repeats a request; see :class:`Waiter`."""
        listeners = self.session.listeners
        if self.step is not None and listeners.wants(RequestRetried):
            listeners.emit(RequestRetried(self.step.id, self.index))

    def within(self, result: StepResult, part_of: Enclosing | None = None) -> Context:
        """Return the context of a branch of a step: its own scope, and nothing from an earlier press.

        Args:
            part_of: what the branch is a part of, if not only of the step.
        """
        part_of = part_of or OneByOne(self, result)
        place = self.inside(result.id, result.attempts)
        level = replace(self.level, place=place, items=None, part_of=part_of)
        branch = Context(level, dict(self.scope), self.index)
        branch.parent = result
        return branch

    def under(self, stop: Stop) -> Context:
        """Return the same context with another stop flag, for a part that can be stopped on its own."""
        level = replace(self.level, stop=stop)
        same = Context(level, self.scope, self.index, self.earlier)
        same.real, same._base, same.parent, same.step = self.real, self, self.parent, self.step
        return same

    def inside(self, step_id: str, press: int | str, index: int | None = None) -> PressPlace:
        """Return the place inside a press of a step, or inside its item `index`."""
        return (*self.place, (step_id, press, index))


def new_run_id() -> str:
    """Return 16 random hexadecimal digits, as the original does."""
    return secrets.token_hex(8)
