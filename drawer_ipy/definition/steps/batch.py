"""``kind: batch`` (the original reserves the word)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from drawer_ipy.definition.model_base import NonNegativeInt
from drawer_ipy.definition.short_texts import short
from drawer_ipy.definition.step_base import StepKind
from drawer_ipy.definition.steps.loop_base import LoopStep


class BatchStep(LoopStep):
    """Extension: a for_each over chunks of ``size`` entries, with each chunk bound to ``as``."""

    kind: Literal["batch"]
    size: NonNegativeInt = 0
    as_: str = Field("batch", alias="as")

    reserved = True
    needs: ClassVar[Mapping[str, str]] = {
        "over": "a list, or a reference to one: `over: ${inputs.urls}`",
        "size": "`size: 100`",
    }
    key_texts: ClassVar[Mapping[str, str]] = {"size": "Entries per batch, at least 1."}

    def summary(self) -> str:
        return f"for each {self.as_} of {self.size} in {short(self.over, '(nothing yet)')}"


KIND = StepKind(BatchStep, "drawer_ipy.engine.steps.batch:BatchRunner")
