"""What a step sees while it runs: the run it belongs to and the names its references may use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drawer_ipy.buttons.base import PressPlace, Resources
from drawer_ipy.common.cancellation import Stop
from drawer_ipy.common.clock import Clock
from drawer_ipy.common.notes import Note
from drawer_ipy.common.threads import Threads
from drawer_ipy.engine.caching import RunCache
from drawer_ipy.engine.earlier import EarlierSteps
from drawer_ipy.engine.events import Listeners
from drawer_ipy.engine.limits import Limits
from drawer_ipy.engine.secrets.redactor import Redactor
from drawer_ipy.record.loop import Hidden, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult

Scope = dict[str, Any]


@dataclass(slots=True)
class Session:
    """What all steps of a press share, sub-drawers included.

    Attributes:
        listeners: who hears the events.
        resources: things opened once per run (HTTP session, threads).
        redactor: hides secrets in everything that is recorded.
        limits: what holds buttons back across the run.
        env: what ``${env.X}`` and ``$ENV{X}`` see.
        batteries: what ``${batteries.X}`` sees.
        webhooks: what ``${webhooks.X}`` sees, drawer name to URL.
        cache_folder: where results of presses are kept; ``None`` keeps none.
        cache: answers presses from them.
        notes: things worth telling that failed nothing (an ``on_error`` handler that failed itself).
        button_env: what a process finds in its environment beside the notebook's own.
        on_child: called with each sub-drawer's complete record (history keeps them).
        details_left: presses within loops of which everything may still be kept, their output aside.
        clock: what all times of the run are read from.
        loops: those that were begun, each with what its record hides.
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
    cache: RunCache = field(init=False)
    button_env: dict[str, str] = field(init=False)
    _noted: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self.cache = RunCache(self.cache_folder, lambda: self.resources.get(Threads), self.notes)
        self.button_env = {f"BUTTONS_BAT_{name}": value for name, value in self.batteries.items()}
        self.redactor = self.redactor.also(self.batteries.values())

    def note(self, note: Note) -> None:
        """Tell `note`, unless another about the same was told before."""
        if note.key not in self._noted:
            self._noted.add(note.key)
            self.notes.append(self.redactor.text(note.text))

    def hide(self, secret: str) -> None:
        """Keep `secret`, which turned up while the run went on, out of what is recorded from now on."""
        self.redactor = self.redactor.also([secret])

    def affords(self, presses: int) -> bool:
        """Whether everything may be kept of so many more presses within a loop."""
        enough = presses <= self.details_left
        self.details_left -= presses if enough else 0
        return enough

    def scope(self, inputs: Mapping[str, Any]) -> Scope:
        """The names a drawer's steps start with."""
        return {
            "inputs": inputs,
            "env": self.env,
            "batteries": self.batteries,
            "webhooks": self.webhooks,
        }


class Context:
    """Where a step stands.

    Attributes:
        session: what the whole press shares.
        inputs: the inputs of the drawer the step belongs to.
        scope: name -> value for references. A loop gives each item a copy with its variable added, so
            items never see one another.
        path: ids of the loops around, outermost first.
        loop, index: the innermost loop and the item's index in it; ``None`` outside loops.
        depth: how many drawers are around this one.
        earlier: what an earlier press left here; ``None`` where everything is to be pressed.
        place: which steps and items are around it, the outermost first.
        stop: tells that nothing more may begin here.
        real: step id -> the output of a loop with the values that its record hides; ``None`` until there is
            one. The record may be looked at while the loop runs, so it is not kept there.
    """

    __slots__ = (
        "_base",
        "depth",
        "earlier",
        "index",
        "inputs",
        "loop",
        "path",
        "place",
        "real",
        "scope",
        "session",
        "stop",
    )

    def __init__(
        self,
        session: Session,
        inputs: Mapping[str, Any],
        scope: Scope,
        stop: Stop,
        path: tuple[str, ...] = (),
        loop: LoopRecord | None = None,
        index: int | None = None,
        depth: int = 0,
        earlier: EarlierSteps | None = None,
        place: PressPlace = (),
    ) -> None:
        self.session = session
        self.inputs = inputs
        self.scope = scope
        self.stop = stop
        self.path = path
        self.loop = loop
        self.index = index
        self.depth = depth
        self.earlier = earlier
        self.place = place
        self.real: dict[str, LoopOutput] | None = None
        self._base: Context | None = None

    def remember(self, step_id: str, output: LoopOutput) -> None:
        """Keep the output of a loop with its real values, for the steps after it."""
        self.real = {**(self.real or {}), step_id: output}
        if self._base is not None:
            self._base.remember(step_id, output)

    def output(self, result: StepResult) -> Any:
        """The output of a step as later steps see it."""
        real = None if self.real is None else self.real.get(result.id)
        if real is None or not isinstance(result.output, LoopOutput):
            return result.output
        return real if real.record is result.output.record else result.output

    def within(self, result: StepResult) -> Context:
        """A branch of the step that `result` is of, with a scope of its own; no press leaves it anything."""
        return Context(
            self.session,
            self.inputs,
            dict(self.scope),
            self.stop,
            self.path,
            self.loop,
            self.index,
            self.depth,
            place=self.inside(result.id, result.attempts),
        )

    def under(self, stop: Stop) -> Context:
        """The very same place, as part of something that can be stopped alone."""
        same = Context(
            self.session,
            self.inputs,
            self.scope,
            stop,
            self.path,
            self.loop,
            self.index,
            self.depth,
            self.earlier,
            self.place,
        )
        same.real, same._base = self.real, self
        return same

    def inside(self, step_id: str, press: int | str, index: int | None = None) -> PressPlace:
        """The place within a press of a step, within item `index` of it."""
        return (*self.place, (step_id, press, index))


def new_run_id() -> str:
    """16 random hex digits, the original's form."""
    return secrets.token_hex(8)
