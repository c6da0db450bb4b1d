"""``kind: split`` (the original reserves the word)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from drawer_ipy.definition.faults import Fault
from drawer_ipy.definition.short_texts import short
from drawer_ipy.definition.step_base import AnyStep, Branch, StepBase, StepKind


class SplitStep(StepBase):
    """Extension: runs named branches concurrently; the output of each is under its name."""

    kind: Literal["split"]
    branches: dict[str, list[AnyStep]] = {}

    reserved = True
    is_pure = True
    needs: ClassVar[Mapping[str, str]] = {
        "branches": "named lists of steps: `branches: {left: [...], right: [...]}`"
    }
    key_texts: ClassVar[Mapping[str, str]] = {
        "branches": "Named lists of steps that run concurrently; the output has one entry per name.",
    }

    def summary(self) -> str:
        return "all branches side by side"

    def nested(self) -> Iterator[Branch]:
        for name, steps in self.branches.items():
            yield Branch(("branches", name), steps, name, f"branch {short(name)}")

    def may_skip(self) -> bool:
        return False

    def output_keys(self) -> tuple[str, ...]:
        return tuple(self.branches)

    def faults(self) -> Iterator[Fault]:
        for name, steps in self.branches.items():
            if not steps:
                message = f"branch {name!r} has no steps"
                yield Fault(("branches", name), message, soft=True, missing=(name,))
        yield from super().faults()


KIND = StepKind(SplitStep, "drawer_ipy.engine.steps.split:SplitRunner")
