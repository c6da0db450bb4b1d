"""Drawers inside drawers: whether they exist, and whether one includes itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from drawer_ipy.definition.checking.report import Report, Where
from drawer_ipy.definition.models import Drawer, DrawerStep, StepBase
from drawer_ipy.definition.reading.loading import Loaded
from drawer_ipy.errors import DefinitionError

FindDrawer = Callable[[str], Drawer | Loaded | None]


def sub_drawers(steps: Iterable[StepBase]) -> Iterator[str]:
    """Names of the drawers that `steps` press, nested steps included."""
    for step in steps:
        if isinstance(step, DrawerStep) and step.drawer:
            yield step.drawer
        for branch in step.nested():
            yield from sub_drawers(branch.steps)


def _pressed(drawer: Drawer, handlers: bool) -> Iterator[str]:
    yield from sub_drawers(drawer.steps)
    if handlers and drawer.on_error is not None and drawer.on_error.drawer:
        yield drawer.on_error.drawer


@dataclass(frozen=True, slots=True)
class Met:
    """A drawer that another presses.

    Attributes:
        name: it is pressed under.
        found: what that name refers to.
        where: of what presses it.
        given: names of the inputs it gets.
    """

    name: str
    found: Drawer | Loaded
    where: Where
    given: frozenset[str]


@dataclass(frozen=True, slots=True)
class Drawers:
    """Looks drawers up for one validation.

    Attributes:
        find: gives a drawer by name, or ``None``.
        names: gives all names, for hints.
        report: where findings go.
        meet: is told of every drawer that is there.
    """

    find: FindDrawer
    names: Callable[[], Collection[str]]
    report: Report
    meet: Callable[[Met], None]

    def get(self, name: str, where: Where, *, given: Iterable[str], strict: bool = True) -> Drawer | None:
        """The drawer `name`; when there is none or it is broken, that is reported."""
        try:
            found = self.find(name)
        except DefinitionError as error:
            first = next((p.message for p in error.problems if p.severity == "error"), error.message)
            self.report.error(where, f"drawer {name!r} is itself wrong: {first}", strict=strict)
            return None
        if found is None:
            hint = self.report.near(name, self.names()) or "save it first, with `%%drawer NAME --define`"
            self.report.error(where, f"there is no drawer {name!r}", hint, strict=strict)
            return None
        self.meet(Met(name, found, where, frozenset(given)))
        return found.drawer if isinstance(found, Loaded) else found

    def cycle(self, start: str, first: str, *, handlers: bool = False) -> list[str]:
        """The names on a chain from `first` back to `start` or to itself; ``[]`` when there is none.

        With `handlers`, what a drawer presses when it fails is part of the chain.
        """
        chain = [start, first] if start else [first]
        if first == start:
            return chain
        seen = set(chain)
        pending = [self._pressed_by(first, handlers)]  # one for each of the chain but `start`
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
