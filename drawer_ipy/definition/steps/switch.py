"""``kind: switch``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.faults import Fault, is_absent
from drawer_ipy.definition.model_base import Model
from drawer_ipy.definition.short_texts import short
from drawer_ipy.definition.step_base import AnyStep, Branch, StepBase, StepKind, Use


class SwitchCase(Model):
    """One branch of a switch: taken if ``when`` is true and no earlier case was taken."""

    id: str = ""
    when: Any = None
    steps: list[AnyStep] = []

    key_texts: ClassVar[Mapping[str, str]] = {
        "id": "Name of the case, shown as `matched`.",
        "when": "An expression that is true or false.",
        "steps": "The steps, in order.",
    }


class SwitchStep(StepBase):
    """Takes the first case whose ``when`` is true, or else the default ``steps``."""

    kind: Literal["switch"]
    cases: list[SwitchCase] = []
    steps: list[AnyStep] = []

    is_pure = True
    outputs: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "matched": {"type": "string"},
        "steps": {"type": "object"},
    }
    key_texts: ClassVar[Mapping[str, str]] = {
        "cases": "The branches; the first whose `when` is true is taken.",
        "steps": "The default branch, taken if no case is.",
    }

    def summary(self) -> str:
        return "the first case that is true"

    def nested(self) -> Iterator[Branch]:
        for i, case in enumerate(self.cases):
            when = f"when {short(case.when)}"
            title = f"{short(case.id)}: {when}" if case.id else when
            yield Branch(("cases", i, "steps"), case.steps, case.id or f"case-{i}", title)
        yield Branch(("steps",), self.steps, "default", "default")

    def uses(self) -> Iterator[Use]:
        for i, case in enumerate(self.cases):
            if not is_absent(case.when):
                yield Use(("cases", i, "when"), case.when, unsure=i > 0, arg="when")

    def faults(self) -> Iterator[Fault]:
        if not self.cases and not self.steps:
            message = "a switch step needs `cases`, or `steps` as the default"
            nothing = "this switch step has no cases, so it never takes one"
            yield Fault(("cases",), message, missing=("cases", "steps"), pressed=nothing)
        for i, case in enumerate(self.cases):
            path = ("cases", i, "when")
            name = repr(case.id) if case.id else f"number {i}"
            if is_absent(case.when):
                hint = "give an expression that is true or false"
                yield Fault(path, f"case {name} has no `when`", hint, missing=("when",), arg="when")
            elif not isinstance(case.when, str | bool):
                message = f"`when` of case {name} must be an expression, not {shown(case.when)}"
                yield Fault(path, message, arg="when")
        yield from super().faults()


KIND = StepKind(SwitchStep, "drawer_ipy.engine.steps.switch:SwitchRunner")
