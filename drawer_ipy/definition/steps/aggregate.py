"""``kind: aggregate``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from drawer_ipy.definition.faults import Fault, is_absent, no_list
from drawer_ipy.definition.short_texts import short
from drawer_ipy.definition.step_base import StepBase, StepKind, Use


class AggregateStep(StepBase):
    """Evaluates one expression for each entry of a list."""

    kind: Literal["aggregate"]
    from_: Any = Field(None, alias="from")
    pluck: Any = None

    expressions: ClassVar[tuple[str, ...]] = ("from", "pluck")
    lists: ClassVar[tuple[str, ...]] = ("from",)
    is_pure = True
    outputs: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "values": {"type": "array"},
        "count": {"type": "integer"},
    }
    needs: ClassVar[Mapping[str, str]] = {
        "from": "give a list: `from: ${each.output.results}`",
        "pluck": "give an expression for each entry: `pluck: ${item.steps.page.output}`",
    }
    key_texts: ClassVar[Mapping[str, str]] = {
        "from": "The list, or an expression for one.",
        "pluck": "Expression that is evaluated for each entry, as `item`.",
    }

    def summary(self) -> str:
        return f"take {short(self.pluck)} of each in {short(self.from_)}"

    def uses(self) -> Iterator[Use]:
        if not is_absent(self.from_):
            yield Use(("from",), self.from_)
        if not is_absent(self.pluck):
            yield Use(("pluck",), self.pluck, adds=("item",))

    def faults(self) -> Iterator[Fault]:
        if not is_absent(self.from_):
            yield from no_list("from", self.from_)
        yield from super().faults()


KIND = StepKind(AggregateStep, "drawer_ipy.engine.steps.aggregate:AggregateRunner")
