"""Checks of sub-drawers: whether they exist, and whether one includes itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.declared import branches_of
from drawer_ipy.definition.models import DrawerModel, DrawerStep, StepBase
from drawer_ipy.definition.reading.loading import Loaded
from drawer_ipy.errors import DefinitionError

FindDrawer = Callable[[str], DrawerModel | Loaded | None]


def sub_drawers(steps: Iterable[StepBase]) -> Iterator[str]:
    """The names of the drawers that `steps` press, including nested steps."""
    for step in steps:
        if isinstance(step, DrawerStep) and step.drawer:
            yield step.drawer
        for branch in branches_of(step):
            yield from sub_drawers(branch.steps)


def _pressed(drawer: DrawerModel, handlers: bool) -> Iterator[str]:
    yield from sub_drawers(drawer.steps)
    if handlers and drawer.on_error is not None and drawer.on_error.drawer:
        yield drawer.on_error.drawer


@dataclass(frozen=True, slots=True)
class Met:
    """A drawer that another presses.

    Attributes:
        name: the name in the step that presses it.
        found: the drawer that the name refers to.
        where: the place of that step.
        given: the names of the inputs that it receives.
    """

    name: str
    found: DrawerModel | Loaded
    where: Where
    given: frozenset[str]


@dataclass(frozen=True, slots=True)
class Drawers:
    """Looks up drawers for one validation.

    Attributes:
        find: returns a drawer by name, or ``None``.
        names: returns all names, for hints.
        report: receives the findings.
        meet: called with every drawer that was found.
    """

    find: FindDrawer
    names: Callable[[], Collection[str]]
    report: Report
    meet: Callable[[Met], None]

    def get(
        self, name: str, where: Where, *, given: Iterable[str], strict: bool = True
    ) -> DrawerModel | None:
        """Return the drawer `name`; report it if it is missing or invalid."""
        try:
            found = self.find(name)
        except DefinitionError as error:
            first = next((p.message for p in error.problems if p.severity == "error"), error.message)
            self.report.error(where, f"drawer {name!r} has an error: {first}", strict=strict)
            return None
        if found is None:
            hint = self.report.near(name, self.names()) or "save it first, with `%%drawer NAME --define`"
            self.report.error(where, f"there is no drawer {name!r}", hint, strict=strict)
            return None
        self.meet(Met(name, found, where, frozenset(given)))
        return found.drawer if isinstance(found, Loaded) else found

    def cycle(self, start: str, first: str, *, handlers: bool = False) -> list[str]:
        """Return the names on a chain from `first` back to `start` or to itself, or ``[]``.

        With `handlers`, the chain includes the ``on_error`` drawers.
        """
        chain = [start, first] if start else [first]
        if first == start:
            return chain
        seen = set(chain)
        pending = [self._pressed_by(first, handlers)]  # one for each drawer of the chain except `start`
        while pending:
            name = next(pending[-1], None)
            if name is None:
                pending.pop()
                chain.pop()
            elif name not in seen:
                seen.add(name)
                chain.append(name)
                pending.append(self._pressed_by(name, handlers))
            elif name in chain:
                return [*chain[chain.index(name) :], name]
        return []

    def _pressed_by(self, name: str, handlers: bool) -> Iterator[str]:
        try:
            found = self.find(name)
        except DefinitionError:
            return
        drawer = found.drawer if isinstance(found, Loaded) else found
        if drawer is not None:
            yield from _pressed(drawer, handlers)
