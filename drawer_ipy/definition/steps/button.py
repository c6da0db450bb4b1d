"""``kind: button``, the default kind of a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from drawer_ipy.definition.backends import KEY_TEXT as KEY_TEXT_OF_BACKEND
from drawer_ipy.definition.backends import backend_words, parse_backend
from drawer_ipy.definition.faults import Fault, unreadable
from drawer_ipy.definition.rates import KEY_TEXT, Rates, costs_in, parse_rates, rate_words
from drawer_ipy.definition.step_base import StepBase, StepKind, Use


class ButtonStep(StepBase):
    """Presses one button."""

    kind: Literal["button", ""] = "button"
    button: str = ""
    rate: Rates = None  # extension: starts per time, "5/s"
    stdin: Any = None  # extension: what the script reads, "${page.output}"
    backend: str = ""  # extension: where the press runs

    templates: ClassVar[tuple[str, ...]] = ("stdin",)
    key_texts: ClassVar[Mapping[str, str]] = {
        "button": "Name of the button to press.",
        "rate": KEY_TEXT,
        "stdin": "What the script reads: text, bytes, or a value that is written as JSON.",
        "backend": KEY_TEXT_OF_BACKEND,
    }

    def summary(self) -> str:
        return f"press {self.button or '(no button)'}"

    def manner(self) -> list[str]:
        return [*super().manner(), *rate_words(self.rate), *backend_words(self.backend)]

    def uses(self) -> Iterator[Use]:
        yield from super().uses()
        for path, cost in costs_in(self.rate):
            yield Use(("rate", *path), cost, arg="rate")

    def faults(self) -> Iterator[Fault]:
        yield from unreadable("rate", parse_rates, self.rate)
        yield from unreadable("backend", parse_backend, self.backend or None)
        yield from super().faults()


KIND = StepKind(ButtonStep, "drawer_ipy.engine.steps.button:ButtonRunner")
