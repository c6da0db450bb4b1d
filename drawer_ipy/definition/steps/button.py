"""``kind: button``, the default kind of a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from drawer_ipy.definition.faults import Fault, unreadable
from drawer_ipy.definition.step_base import StepBase, StepKind
from drawer_ipy.definition.values import parse_rate


class ButtonStep(StepBase):
    """Presses one button."""

    kind: Literal["button", ""] = "button"
    button: str = ""
    rate: str | None = None  # extension: starts per time, "5/s"
    stdin: Any = None  # extension: the script's standard input, "${page.output}"

    templates = ("stdin",)
    key_texts: ClassVar[Mapping[str, str]] = {
        "button": "Name of the button to press.",
        "rate": 'Most starts per time: "5/s", "100/min", "1/h".',
        "stdin": "The script's standard input: text, bytes, or a value that is written as JSON.",
    }

    def summary(self) -> str:
        return f"press {self.button or '(no button)'}"

    def manner(self) -> list[str]:
        return [*super().manner(), *([f"at most {self.rate}"] if self.rate else [])]

    def faults(self) -> Iterator[Fault]:
        yield from unreadable("rate", parse_rate, self.rate)
        yield from super().faults()


KIND = StepKind(ButtonStep, "drawer_ipy.engine.steps.button:ButtonRunner")
