"""``kind: for_each``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from drawer_ipy.definition.short_texts import short
from drawer_ipy.definition.step_base import StepKind
from drawer_ipy.definition.steps.loop_base import LoopStep


class ForEachStep(LoopStep):
    """Runs ``steps`` once per entry of the list ``over``, at most ``parallelism`` at once."""

    kind: Literal["for_each"]
    as_: str = Field("item", alias="as")

    needs: ClassVar[Mapping[str, str]] = {
        "over": "give a list, or a reference to one: `over: ${inputs.urls}`"
    }

    @field_validator("as_", mode="before")
    @classmethod
    def _empty_as(cls, value: Any) -> Any:
        return value or "item"

    def summary(self) -> str:
        return f"for each {self.as_} in {short(self.over, '(nothing yet)')}"


KIND = StepKind(ForEachStep, "drawer_ipy.engine.steps.for_each:ForEachRunner")
