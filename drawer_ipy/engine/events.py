"""The engine's events: small objects, passed to listeners as they happen.

The engine does not know notebooks, widgets or files; code that shows, stores or counts a run registers a
listener. Listeners register per event type, so an event without listeners is never created.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult


@dataclass(slots=True, frozen=True)
class RunStarted:
    """A run started; `step_ids` are the ids of its top-level steps."""

    run: RunRecord
    step_ids: tuple[str, ...]


@dataclass(slots=True, frozen=True)
class RunFinished:
    """A run ended, for any reason; `run` is complete."""

    run: RunRecord


@dataclass(slots=True, frozen=True)
class StepStarted:
    """A top-level step started (nested steps are covered by the events of their items)."""

    run: RunRecord
    result: StepResult


@dataclass(slots=True, frozen=True)
class StepFinished:
    """A top-level step ended."""

    run: RunRecord
    result: StepResult


@dataclass(slots=True, frozen=True)
class LoopStarted:
    """A loop started. Its record is live: a display may poll its bytes instead of listening to each item."""

    loop: LoopRecord


@dataclass(slots=True, frozen=True)
class LoopFinished:
    """A loop ended, for any reason."""

    loop: LoopRecord


@dataclass(slots=True, frozen=True)
class ItemStarted:
    """Item `index` of `loop` started."""

    loop: LoopRecord
    index: int


@dataclass(slots=True, frozen=True)
class ItemFinished:
    """Item `index` of `loop` ended; its state is ``loop.states[index]``."""

    loop: LoopRecord
    index: int


@dataclass(slots=True, frozen=True)
class StepRetried:
    """Attempt number `attempt` of a step failed with `error`; the next starts in `delay` seconds."""

    step_id: str
    index: int | None
    attempt: int
    delay: float
    error: ErrorInfo


@dataclass(slots=True, frozen=True)
class RequestRetried:
    """A button repeats a failed request by its own ``retries``."""

    step_id: str
    index: int | None


@dataclass(slots=True, frozen=True)
class Unsaved:
    """The run cannot be written to disk, as `text` says; ``""`` once it can be written again."""

    text: str


@dataclass(slots=True, frozen=True)
class LogLine:
    """A button printed or reported something while it ran."""

    step_id: str
    index: int | None
    text: str


Event = TypeVar("Event")


class Listeners:
    """The listeners by event type. They are called on the run's event loop and must be quick.

    A listener that raises is removed, and its error is kept in ``errors``: a broken display must not break
    the run.

    Attributes:
        errors: the errors of listeners that raised.
        hide: removes secrets from a text; for listeners that show values during the run, since a value may
            have changed after it was recorded.
    """

    def __init__(self) -> None:
        self.hide: Callable[[str], str] = str
        self._by_type: dict[type[Any], list[Callable[[Any], None]]] = {}
        self.errors: list[BaseException] = []

    def on(self, kind: type[Event], listener: Callable[[Event], None]) -> None:
        """Call `listener` with each event of type `kind` from now on."""
        self._by_type.setdefault(kind, []).append(listener)

    def wants(self, kind: type[Any]) -> bool:
        """Whether `kind` has a listener; if not, the event need not be created."""
        return bool(self._by_type.get(kind))

    def emit(self, event: Any) -> None:
        """Pass `event` to the listeners of its type."""
        listeners = self._by_type.get(type(event))
        if not listeners:
            return
        for listener in tuple(listeners):
            try:
                listener(event)
            except Exception as error:
                listeners.remove(listener)
                self.errors.append(error)
