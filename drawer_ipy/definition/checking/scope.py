"""Scopes: the names that a reference may use at one place of a drawer, and what is known about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from drawer_ipy.definition.checking.name_table import NameTable, Spelt
from drawer_ipy.definition.checking.schemas import NoSuchField, schema_at
from drawer_ipy.definition.declared import branches_of, output_keys_of
from drawer_ipy.definition.models import DrawerModel, StepBase
from drawer_ipy.definition.reading.recovery import Lost

ROOTS = ("inputs", "env", "webhooks", "batteries")
"""Names with a fixed meaning, which no step and no loop variable may have."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a name refers to.

    Attributes:
        kind: a fixed root, a step, or a variable (of a loop, of ``pluck``, or from the caller).
        step: the step's model.
        schema: the schema of the step's output, if its button declares one.
        asked: whether the button could declare a schema but does not.
    """

    kind: Literal["root", "step", "variable"]
    step: StepBase | None = None
    schema: Mapping[str, Any] | None = None
    asked: bool = False

    @property
    def output_keys(self) -> tuple[str, ...]:
        """The members that the step's output can have; ``()`` for any."""
        return output_keys_of(self.step) if self.step is not None else ()

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
    """The inputs of the drawer being checked.

    Attributes:
        types: name -> type; undeclared inputs of a press are ``any``.
        open: whether there may be more inputs, which could not be read.
    """

    types: Spelt[str]
    open: bool = False

    @classmethod
    def of(cls, drawer: DrawerModel, given: Iterable[str], lost: Lost) -> Inputs:
        """The inputs that `drawer` declares, that its webhook trigger implies, and that are `given`."""
        types = dict.fromkeys(given, "any")
        if any(trigger.kind == "webhook" for trigger in drawer.triggers):
            types["webhook"] = "any"
        types.update((spec.name, spec.type) for spec in drawer.inputs)
        entries = (path for path in lost.fields if path[0] == "inputs" and len(path) == 2)
        untold = not drawer.inputs and lost.holds((), "inputs")
        return cls(Spelt(types), untold or any(entries))


@dataclass(frozen=True, slots=True)
class NamesInScope:
    """The names in scope at one place.

    Attributes:
        known: name -> what it refers to; also knows which steps run later.
        inputs: the drawer's inputs.
        own: the id of the step whose field is being checked, ``""`` outside steps.
        around: the ids of the steps that this step is nested in, which have not ended yet.
        elsewhere: id of a nested step -> its dotted id, for hints.
        open: whether there may be more names, which could not be read.
    """

    known: NameTable[Known]
    inputs: Inputs
    own: str = ""
    around: frozenset[str] = frozenset()
    elsewhere: Spelt[str] = field(default_factory=Spelt)
    open: bool = False

    def find(self, name: str) -> tuple[str, Known] | None:
        """What `name` refers to, with its spelling in the definition; ``a_b`` also finds a step ``a-b``."""
        known = self.known.get(name)
        if known is not None:
            return name, known
        alias = self.known.alias(name)
        found = self.known.get(alias) if alias is not None else None
        return (alias, found) if alias is not None and found is not None else None

    def adding(self, name: str, known: Known) -> NamesInScope:
        """A copy with one more name, which hides an existing one."""
        layer = NameTable(self.known)
        layer.add(name, known)
        return replace(self, known=layer)

    def listing(self, steps: Sequence[str]) -> NamesInScope:
        """A copy for a list of steps with those ids; :meth:`NameTable.end_step` adds them one by one."""
        return replace(self, known=NameTable(self.known, steps))

    def opened(self, really: bool = True) -> NamesInScope:
        """A copy in which there may be more names, if `really`."""
        return replace(self, open=True) if really else self

    def without(self, name: str) -> NamesInScope:
        """A copy without `name`."""
        layer = NameTable(self.known)
        layer.hide(name)
        return replace(self, known=layer)

    def during(self, own: str) -> NamesInScope:
        """A copy for the fields of the step `own`."""
        return replace(self, own=own, around=self.around | {self.own} if self.own else self.around)

    def exists(self, path: tuple[str | int, ...]) -> bool:
        """Whether a path may exist, to distinguish a hyphen in a name from a minus sign."""
        name = str(path[0])
        found = self.find(name)
        if found is None:
            met = name == self.own or name in self.around or name in self.elsewhere
            return met or self.known.later(name) is not None
        if found[0] == "inputs" and found[1].kind == "root" and len(path) > 1:
            return self.inputs.types.named(str(path[1])) is not None
        if found[1].kind == "step" and len(path) > 2 and path[1] == "output":
            return found[1].may_have(path[2:])
        return True


def initial_names(
    drawer: DrawerModel, inputs: Inputs, extra_roots: Iterable[str], lost: Lost
) -> NamesInScope:
    """Return the names that a drawer's first step can refer to."""
    known: NameTable[Known] = NameTable()
    for name in ROOTS:
        known.add(name, Known("root"))
    for name in extra_roots:
        known.add(name, Known("variable"))
    unread = not drawer.steps and lost.holds((), "steps")
    return NamesInScope(known, inputs, elsewhere=_nested_ids(drawer), open=unread)


def _nested_ids(drawer: DrawerModel) -> Spelt[str]:
    out: Spelt[str] = Spelt()

    def collect(step: StepBase, prefix: str) -> None:
        for branch in branches_of(step):
            for inner in branch.steps:
                if inner.id not in out:
                    out[inner.id] = f"{prefix}.{inner.id}"
                collect(inner, f"{prefix}.{inner.id}")

    for step in drawer.steps:
        collect(step, step.id)
    return out
