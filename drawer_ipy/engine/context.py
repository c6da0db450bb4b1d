"""What a step sees while it runs: the run it belongs to and the names its references may use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drawer_ipy.buttons.base import Resources
from drawer_ipy.buttons.threads import Threads
from drawer_ipy.engine.caching import RunCache
from drawer_ipy.engine.earlier import Past
from drawer_ipy.engine.events import Listeners
from drawer_ipy.engine.limits import Limits
from drawer_ipy.engine.secrets import Redactor
from drawer_ipy.record import LoopRecord, RunRecord

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
    cache: RunCache = field(init=False)
    button_env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.cache = RunCache(self.cache_folder, lambda: self.resources.get(Threads), self.notes)
        self.button_env = {f"BUTTONS_BAT_{name}": value for name, value in self.batteries.items()}
        self.redactor = self.redactor.also(self.batteries.values())

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
    """

    __slots__ = ("depth", "earlier", "index", "inputs", "loop", "path", "scope", "session")

    def __init__(
        self,
        session: Session,
        inputs: Mapping[str, Any],
        scope: Scope,
        path: tuple[str, ...] = (),
        loop: LoopRecord | None = None,
        index: int | None = None,
        depth: int = 0,
        earlier: Past | None = None,
    ) -> None:
        self.session = session
        self.inputs = inputs
        self.scope = scope
        self.path = path
        self.loop = loop
        self.index = index
        self.depth = depth
        self.earlier = earlier

    def within(self, scope: Scope, path: tuple[str, ...]) -> Context:
        """The same place with other names in scope (a branch, of which no press leaves anything)."""
        return Context(self.session, self.inputs, scope, path, self.loop, self.index, self.depth)


def new_run_id() -> str:
    """16 random hex digits, the original's form."""
    return secrets.token_hex(8)
