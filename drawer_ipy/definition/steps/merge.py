"""``kind: merge`` (the original reserves the word)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from drawer_ipy.definition.faults import Fault, is_absent, no_list
from drawer_ipy.definition.short_texts import short
from drawer_ipy.definition.step_base import StepBase, StepKind


class MergeStep(StepBase):
    """Extension: merges objects deeply or joins lists."""

    kind: Literal["merge"]
    from_: Any = Field(None, alias="from")

    reserved = True
    is_pure = True
    expressions: ClassVar[tuple[str, ...]] = ("from",)
    needs: ClassVar[Mapping[str, str]] = {"from": "what to merge: `from: [a.output, b.output]`"}
    key_texts: ClassVar[Mapping[str, str]] = {
        "from": "What to merge: a list of expressions, or one expression for a list.",
    }

    def summary(self) -> str:
        if isinstance(self.from_, list):
            return f"merge {', '.join(map(short, self.from_))}"
        return f"merge {short(self.from_)}"

    def faults(self) -> Iterator[Fault]:
        if not is_absent(self.from_):
            yield from no_list("from", self.from_)
        yield from super().faults()


KIND = StepKind(MergeStep, "drawer_ipy.engine.steps.merge:MergeRunner")
