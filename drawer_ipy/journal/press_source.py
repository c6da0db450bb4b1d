"""What the journal needs to know about a press to write it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.journal.rows import Hide
from drawer_ipy.record.loop import Hidden, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult


@dataclass(slots=True)
class PressSource:
    """What the writer needs to know about a press.

    Attributes:
        record: its record, which changes while it runs.
        base: the record of the press that it continues; ``None`` for the first one.
        meta: the definition, the options and what else another process needs, as plain values.
        asked: names of the inputs whose values are not kept, such as secrets.
        hidden_of: returns what the record of a loop hides.
        is_hidden: whether the recorded output of a top-level step hides secrets.
        is_input_hidden: whether the recorded value of an input hides secrets.
        hide: returns the function that removes secrets; ``None`` if there are none.
        scripts: returns id and start of each process that runs a script now.
    """

    record: RunRecord
    base: RunRecord | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    asked: Collection[str] = ()
    hidden_of: Callable[[LoopRecord], Hidden | None] = lambda _loop: None
    is_hidden: Callable[[StepResult], bool] = lambda _step: False
    is_input_hidden: Callable[[str], bool] = lambda _name: False
    hide: Callable[[], Hide | None] = lambda: None
    scripts: Callable[[], list[tuple[int, str]]] = list
