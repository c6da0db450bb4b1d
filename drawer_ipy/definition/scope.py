"""Which names a reference may use at one place of a drawer, and what is known about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from drawer_ipy.definition.models import Drawer, SplitStep, StepBase, nested_steps
from drawer_ipy.definition.recovery import Lost
from drawer_ipy.definition.schemas import NoSuchField, schema_at
from drawer_ipy.expressions import alias_of

ROOTS = ("inputs", "env", "webhooks", "batteries")
"""Names that mean something everywhere; no step and no loop variable may take them."""

# What the output of a kind always holds; other kinds' outputs are whatever their button gives.
_OUTPUT_KEYS: Mapping[str, tuple[str, ...]] = {
    "for_each": ("results", "total", "completed"),
    "batch": ("results", "total", "completed"),
    "aggregate": ("values", "count"),
    "switch": ("matched", "steps"),
    "wait": ("waited_ms", "until"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """What a name stands for.

    Attributes:
        kind: a fixed root, a step, or a variable (of a loop, of ``pluck``, or handed in by the caller).
        step: the step's model.
        schema: of the step's output, where its button declares one.
        asked: whether the button could have declared a schema and did not.
    """

    kind: Literal["root", "step", "variable"]
    step: StepBase | None = None
    schema: Mapping[str, Any] | None = None
    asked: bool = False

    @property
    def output_keys(self) -> tuple[str, ...]:
        """The members the step's output can have, ``()`` when any."""
        if isinstance(self.step, SplitStep):
            return tuple(self.step.branches)
        return _OUTPUT_KEYS.get(self.step.kind, ()) if self.step is not None else ()

    def may_have(self, members: tuple[str | int, ...]) -> bool:
        """Whether the step's output may have the member at that path."""
        if self.schema is None:
            return not self.output_keys or members[0] in self.output_keys
        try:
            schema_at(self.schema, members)
        except NoSuchField:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of the drawer under check.

    Attributes:
        types: name -> type; undeclared ones given at press are ``any``.
        open: there may be more, which could not be read.
    """

    types: Mapping[str, str]
    open: bool = False

    @classmethod
    def of(cls, drawer: Drawer, given: Iterable[str], lost: Lost) -> Inputs:
        """What `drawer` declares, what its webhook trigger implies, and what is `given`."""
        types = dict.fromkeys(given, "any")
        if any(trigger.kind == "webhook" for trigger in drawer.triggers):
            types["webhook"] = "any"
        types.update((spec.name, spec.type) for spec in drawer.inputs)
        entries = (path for path in lost.fields if path[0] == "inputs" and len(path) == 2)
        untold = not drawer.inputs and lost.holds((), "inputs")
        return cls(types, untold or any(entries))


@dataclass(frozen=True, slots=True)
class Names:
    """The names in scope at one place.

    Attributes:
        known: name -> what it is.
        inputs: the drawer's inputs.
        own: id of the step whose field is being checked, ``""`` outside steps.
        around: ids of the steps that step is nested in; they have not ended yet.
        later: ids of steps that have not run by then.
        elsewhere: ids of steps inside others -> the dotted id, for hints.
        open: there may be more names, which could not be read.
    """

    known: Mapping[str, Known]
    inputs: Inputs
    own: str = ""
    around: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    open: bool = False

    def find(self, name: str) -> tuple[str, Known] | None:
        """What `name` stands for, under its own spelling; ``a_b`` also reads a step ``a-b``."""
        if name in self.known:
            return name, self.known[name]
        alias = alias_of(name, self.known)
        return (alias, self.known[alias]) if alias is not None else None

    def adding(self, name: str, known: Known) -> Names:
        """These names and one more, which hides another of the same name."""
        return replace(self, known={**self.known, name: known}, later=self.later - {name})

    def opened(self, really: bool = True) -> Names:
        """These names and maybe more, if `really`."""
        return replace(self, open=True) if really else self

    def without(self, name: str) -> Names:
        """These names without one."""
        return replace(self, known={key: known for key, known in self.known.items() if key != name})

    def during(self, own: str, later: Iterable[str]) -> Names:
        """These names while the step `own` runs and the steps `later` have yet to."""
        visible = frozenset(self.known)
        around = self.around | {self.own} if self.own else self.around
        return replace(self, own=own, around=around - visible, later=(self.later | {*later}) - visible)

    def exists(self, path: tuple[str | int, ...]) -> bool:
        """Whether a path may exist; tells a hyphen in a name from a minus sign."""
        name = str(path[0])
        found = self.find(name)
        if found is None:
            return name in self.later or name in self.around or name == self.own or name in self.elsewhere
        if found[0] == "inputs" and found[1].kind == "root" and len(path) > 1:
            return path[1] in self.inputs.types or alias_of(str(path[1]), self.inputs.types) is not None
        if found[1].kind == "step" and len(path) > 2 and path[1] == "output":
            return found[1].may_have(path[2:])
        return True


def initial_names(drawer: Drawer, inputs: Inputs, extra_roots: Iterable[str], lost: Lost) -> Names:
    """The names a drawer's first step sees."""
    known = {name: Known("root") for name in ROOTS}
    known.update((name, Known("variable")) for name in extra_roots)
    unread = not drawer.steps and lost.holds((), "steps")
    return Names(known, inputs, elsewhere=_nested_ids(drawer), open=unread)


def _nested_ids(drawer: Drawer) -> dict[str, str]:
    out: dict[str, str] = {}

    def collect(step: StepBase, prefix: str) -> None:
        for _, steps in nested_steps(step):
            for inner in steps:
                out.setdefault(inner.id, f"{prefix}.{inner.id}")
                collect(inner, f"{prefix}.{inner.id}")

    for step in drawer.steps:
        collect(step, step.id)
    return out
