"""From a definition to something that runs: expressions compiled, buttons and drawers looked up, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from drawer_ipy.buttons.base import Button
from drawer_ipy.common.tracebacks import describe
from drawer_ipy.definition.models import Drawer, InputSpec, StepBase
from drawer_ipy.definition.step_base import StepKind
from drawer_ipy.engine.step import Step
from drawer_ipy.errors import Code, DrawerError
from drawer_ipy.expressions import Template, compile_value

ButtonFinder = Callable[[str], Button | None]
DrawerFinder = Callable[[str], Drawer | None]


@dataclass(slots=True)
class Plan:
    """A drawer ready to run, any number of times.

    Attributes:
        name: the drawer's name.
        inputs: what it declares.
        steps: compiled top-level steps.
        returns: compiled ``return`` block, ``None`` when there is none.
        on_error: name of the handler drawer, ``""`` for none.
        on_error_with: compiled ``with`` of the handler.
        plans: where sub-drawers and the handler are found.
        drawer: the definition it came from.
    """

    name: str
    inputs: Sequence[InputSpec]
    steps: list[Step]
    returns: Template | None
    on_error: str
    on_error_with: Template
    plans: Plans
    drawer: Drawer


class Plans:
    """Compiles drawers, each at most once; sub-drawers when they are first pressed.

    Args:
        kinds: every kind of step by its word.
        buttons_of: drawer -> what finds the buttons its steps name (each may define its own).
        find_drawer: name -> definition, ``None`` when there is none.
    """

    def __init__(
        self,
        kinds: Mapping[str, StepKind],
        buttons_of: Callable[[Drawer], ButtonFinder],
        find_drawer: DrawerFinder = lambda _name: None,
    ) -> None:
        self.kinds = kinds
        self._buttons_of = buttons_of
        self._find_drawer = find_drawer
        self._named: dict[str, Plan | None] = {}

    def plan(self, drawer: Drawer) -> Plan:
        """`drawer`, compiled.

        Raises:
            ResolveError: when a reference has bad syntax.
        """
        compiler = Compiler(self, self._buttons_of(drawer))
        handler = drawer.on_error
        return Plan(
            name=drawer.name,
            inputs=drawer.inputs,
            steps=compiler.steps(drawer.steps),
            returns=None if drawer.return_ is None else compile_value(drawer.return_),
            on_error=handler.drawer if handler else "",
            on_error_with=compile_value(handler.with_ if handler else {}),
            plans=self,
            drawer=drawer,
        )

    def named(self, name: str) -> Plan | None:
        """The plan of the workspace's drawer `name`; ``None`` when there is none."""
        if name not in self._named:
            drawer = self._find_drawer(name)
            self._named[name] = None if drawer is None else self.plan(drawer)
        return self._named[name]


@dataclass(frozen=True, slots=True)
class Compiler:
    """What a step gets to compile itself with.

    Attributes:
        plans: compiles sub-drawers.
        find_button: name -> button, as seen from the drawer being compiled.
    """

    plans: Plans
    find_button: ButtonFinder

    def steps(self, models: Sequence[StepBase]) -> list[Step]:
        """Each of `models`, compiled by its kind."""
        return [self.step(model) for model in models]

    def step(self, model: StepBase) -> Step:
        """One step, compiled by its kind."""
        kind = self.plans.kinds.get(model.kind or "button")
        if kind is None:
            raise DrawerError(
                f"step {model.id!r}: no step kind {model.kind!r}", code=Code.KIND_NOT_IMPLEMENTED
            )
        try:
            step: Step = kind.compiler()(model, self)
        except DrawerError:
            raise
        except Exception as error:  # of a kind that another distribution brought
            message = (
                f"step {model.id!r}: the step kind {kind.name!r} could not prepare it: {describe(error)}"
            )
            raise DrawerError(message, code=Code.INTERNAL) from error
        return step


def roots_of(*templates: Template) -> frozenset[str]:
    """The first names of all references in `templates`."""
    return frozenset(ref.root for template in templates for ref in template.references)


def outer_roots(steps: Sequence[Step], *bound: str) -> frozenset[str]:
    """What a list of steps uses from outside: their roots without `bound` and without one another."""
    seen = set(bound)
    roots: set[str] = set()
    for step in steps:
        roots |= step.roots - seen
        seen.add(step.id)
    return frozenset(roots)
