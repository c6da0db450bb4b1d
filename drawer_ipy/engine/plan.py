"""Plans: compile a definition once, with its expressions, buttons and sub-drawers, so that it can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from drawer_ipy.buttons.base import Button
from drawer_ipy.common.tracebacks import describe
from drawer_ipy.definition.models import DrawerModel, InputSpec, StepBase
from drawer_ipy.definition.step_base import STEP_KINDS, StepKind
from drawer_ipy.engine.backends.of_run import Backends
from drawer_ipy.engine.step import StepRunner
from drawer_ipy.errors import Code, DrawerError
from drawer_ipy.expressions import Template, compile_value

ButtonFinder = Callable[[str], Button | None]
DrawerFinder = Callable[[str], DrawerModel | None]


@dataclass(slots=True)
class Plan:
    """A compiled drawer, which can run any number of times.

    Attributes:
        name: the drawer's name.
        inputs: the inputs that it declares.
        steps: the compiled top-level steps.
        returns: the compiled ``return`` block, or ``None``.
        on_error: the name of the handler drawer, or ``""``.
        on_error_with: the compiled ``with`` of the handler.
        plans: finds the sub-drawers and the handler.
        drawer: the definition.
    """

    name: str
    inputs: Sequence[InputSpec]
    steps: list[StepRunner]
    returns: Template | None
    on_error: str
    on_error_with: Template
    plans: Plans
    drawer: DrawerModel


class Plans:
    """Compiles each drawer at most once, and sub-drawers when they are first pressed.

    Args:
        kinds: every step kind by name.
        buttons_of: drawer -> finder of the buttons that its steps name (a drawer may define its own).
        find_drawer: name -> definition, or ``None`` if there is no such drawer.
        backend: where the presses of functions run, unless a loop, a step or a button says otherwise; ``""``
            for threads of the kernel.

    Attributes:
        backend: see above.
        backends: the backends that the compiled steps use.
    """

    def __init__(
        self,
        kinds: Mapping[str, StepKind],
        buttons_of: Callable[[DrawerModel], ButtonFinder],
        find_drawer: DrawerFinder = lambda _name: None,
        backend: str = "",
    ) -> None:
        self.kinds = kinds
        self.backends: Backends = Backends()
        self.backend = backend
        self._buttons_of = buttons_of
        self._find_drawer = find_drawer
        self._named: dict[tuple[str, str], Plan | None] = {}

    def plan(self, drawer: DrawerModel, backend: str = "") -> Plan:
        """Compile `drawer`.

        Args:
            backend: the backend of the loop around it, if it has one.

        Raises:
            ResolveError: a reference has invalid syntax.
        """
        compiler = Compiler(self, self._buttons_of(drawer), backend or self.backend)
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

    def named(self, name: str, backend: str = "") -> Plan | None:
        """Return the plan of the workspace's drawer `name`, or ``None`` if there is no such drawer.

        Args:
            backend: as for :meth:`plan`.
        """
        if (name, backend) not in self._named:
            drawer = self._find_drawer(name)
            self._named[name, backend] = None if drawer is None else self.plan(drawer, backend)
        return self._named[name, backend]


@dataclass(frozen=True, slots=True)
class Compiler:
    """The context in which a step compiles itself.

    Attributes:
        plans: compiles sub-drawers.
        find_button: name -> button, as visible from the drawer being compiled.
        backend: the backend of the enclosing loop or of the run; ``""`` for threads of the kernel.
    """

    plans: Plans
    find_button: ButtonFinder
    backend: str = ""

    def steps(self, models: Sequence[StepBase]) -> list[StepRunner]:
        """Compile each of `models` by its kind."""
        return [self.step(model) for model in models]

    def step(self, model: StepBase) -> StepRunner:
        """Compile one step by its kind.

        Raises:
            DrawerError: the step's kind is unknown or cannot compile it.
        """
        kind = self.plans.kinds.get(model.kind or "button")
        if kind is None:
            raise DrawerError(
                f"step {model.id!r}: no step kind {model.kind!r}", code=Code.KIND_NOT_IMPLEMENTED
            )
        try:
            step: StepRunner = kind.compiler()(model, self)
        except DrawerError:
            raise
        except Exception as error:  # a step kind from another distribution may raise anything
            owner = STEP_KINDS.owner(kind.name)
            whose = f"{kind.name!r} of {owner}" if owner else repr(kind.name)
            message = f"step {model.id!r}: the step kind {whose} failed to compile it: {describe(error)}"
            raise DrawerError(message, code=Code.INTERNAL) from error
        return step


def roots_of(*templates: Template) -> frozenset[str]:
    """Return the first name of every reference in `templates`."""
    return frozenset(ref.root for template in templates for ref in template.references)


def outer_roots(steps: Sequence[StepRunner], *bound: str) -> frozenset[str]:
    """Return the names that `steps` use from outside: their roots except `bound` and each other's ids."""
    seen = set(bound)
    roots: set[str] = set()
    for step in steps:
        roots |= step.roots - seen
        seen.add(step.id)
    return frozenset(roots)
