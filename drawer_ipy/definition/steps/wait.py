"""``kind: wait``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from drawer_ipy.common.durations import parse_duration, parse_time
from drawer_ipy.definition.faults import Fault, unreadable
from drawer_ipy.definition.short_texts import short
from drawer_ipy.definition.step_base import StepBase, StepKind


class WaitStep(StepBase):
    """Waits for a Go duration or until an RFC 3339 time."""

    kind: Literal["wait"]
    duration: str = ""
    until: str = ""

    templates: ClassVar[tuple[str, ...]] = ("duration", "until")
    outputs: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "waited_ms": {"type": "integer"},
        "until": {"type": "string"},
    }
    key_texts: ClassVar[Mapping[str, str]] = {
        "duration": "How long to wait: `2s`, `1h30m`.",
        "until": "When to continue: an RFC 3339 time.",
    }

    def summary(self) -> str:
        if self.until and not self.duration:
            return f"wait until {short(self.until)}"
        return f"wait {short(self.duration, '(no duration)')}"

    def faults(self) -> Iterator[Fault]:
        if not self.duration and not self.until:
            message = "a wait step needs `duration` or `until`"
            yield Fault((), message, "`duration: 2s`", missing=("duration", "until"))
        if self.duration and self.until:
            yield Fault(("until",), "`until` is ignored, since `duration` is given", soft=True)
        yield from unreadable("duration", parse_duration, self.duration, strict=False)
        if not self.duration:
            yield from unreadable("until", parse_time, self.until, strict=False)
        yield from super().faults()


KIND = StepKind(WaitStep, "drawer_ipy.engine.steps.wait:WaitRunner")
