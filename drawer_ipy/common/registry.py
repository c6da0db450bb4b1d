"""Registries: things by name, built in, registered at run time or offered by entry points."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from drawer_ipy.common.tracebacks import describe
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ThingT = TypeVar("ThingT")


class Registration:
    """The handle of a registration; as a context manager it unregisters the thing on exit."""

    def __init__(self, remove: Callable[[], None]) -> None:
        self._remove = remove

    def unregister(self) -> None:
        """Remove the thing; a second call has no effect."""
        self._remove()

    def __enter__(self) -> Registration:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.unregister()


class Registry(Mapping[str, ThingT], Generic[ThingT]):
    """A mapping of names to things; each is imported on first use.

    Entry points are read when a name is looked up that is neither built in nor registered, when the names are
    listed, or by :meth:`read_offers`. One that cannot be loaded is left out; :meth:`trouble` says why.

    Args:
        what: the word for one of the things in messages, e.g. ``"step kind"``.
        group: the entry point group in which other distributions offer things.
        built_in: name -> location, as ``"package.module:NAME"``.
        check: returns what is wrong with a thing offered under a name; ``""`` if it is valid.
        reserved: further names that always have a meaning of drawer_ipy.
    """

    def __init__(
        self,
        what: str,
        group: str,
        built_in: Mapping[str, str],
        check: Callable[[str, Any], str],
        reserved: Collection[str] = (),
    ) -> None:
        self._reserved = frozenset(reserved)
        self._what = what
        self._group = group
        self._built_in = built_in
        self._check = check
        self._known: dict[str, ThingT] = {}
        self._registered: dict[str, ThingT] = {}
        self._offers: dict[str, list[EntryPoint]] | None = None
        self._troubles: dict[str, str] = {}

    def register(self, name: str, thing: ThingT) -> Registration:
        """Add `thing` under `name`.

        Raises:
            UsageError: the name is taken, or the thing is invalid.
        """
        if name in self._built_in or name in self._registered or name in self._entry_points():
            raise UsageError(
                f"the {self._what} {name!r} is already taken by {self._owner(name)}",
                remediation="choose another name, or unregister the other one first",
            )
        if wrong := self._check(name, thing):
            raise UsageError(f"{name!r} cannot be registered as a {self._what}: {wrong}")
        self._registered[name] = thing

        def remove() -> None:
            if self._registered.get(name) is thing:
                del self._registered[name]

        return Registration(remove)

    def owner(self, name: str) -> str:
        """Return who offers `name`, in words: a distribution, or ``""`` for a registration."""
        return "" if name in self._registered else self._owner(name)

    def read_offers(self) -> None:
        """Read the entry points now. Warns once of each that has the name of something built in."""
        self._entry_points()

    def trouble(self, name: str) -> str:
        """Return why `name` of another distribution could not be loaded; ``""`` if it could."""
        self.get(name)
        return self._troubles.get(name, "")

    def names(self) -> list[str]:
        """Return all names, including those of things that cannot be loaded; nothing is imported."""
        return list(dict.fromkeys([*self._built_in, *self._registered, *self._entry_points()]))

    def in_use(self) -> list[ThingT]:
        """Return the things that are registered or already loaded; nothing is imported."""
        return [*self._registered.values(), *self._known.values()]

    def added(self) -> list[ThingT]:
        """Return the things that are not built in."""
        return [self[name] for name in self if name not in self._built_in]

    def __getitem__(self, name: str) -> ThingT:
        thing = self._registered.get(name) or self._known.get(name)
        if thing is None:
            thing = self._known[name] = self._load(name)
        return thing

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.names() if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _load(self, name: str) -> ThingT:
        where = self._built_in.get(name)
        if where is not None:
            found: ThingT = imported(where)
            return found
        offers = self._entry_points().get(name, [])
        if not offers or name in self._troubles:
            raise KeyError(name)
        try:
            thing: ThingT = offers[0].load()
            wrong = self._check(name, thing)
            if len(offers) > 1:
                wrong = f"{self._owner(name)} all offer that name"
        except BaseException as error:  # another distribution's module may raise anything
            pass_on_interrupt(error)
            wrong = describe(error)
        if wrong:
            self._troubles[name] = (
                f"the {self._what} {name!r} of {self._owner(name)} could not be loaded: {wrong}"
            )
            raise KeyError(name)
        return thing

    def _owner(self, name: str) -> str:
        if name in self._built_in:
            return "drawer_ipy"
        offers = self._entry_points().get(name)
        if not offers:
            return "an earlier registration"
        return ", ".join(map(_distribution, offers))

    def _entry_points(self) -> Mapping[str, list[EntryPoint]]:
        if self._offers is None:
            from importlib.metadata import entry_points  # slow to import, and rarely needed

            self._offers = {}
            for one in entry_points(group=self._group):
                if one.name in self._built_in or one.name in self._reserved:
                    self._warn_of(one)
                else:
                    self._offers.setdefault(one.name, []).append(one)
        return self._offers

    def _warn_of(self, ignored: EntryPoint) -> None:
        what = f"the {self._what} {ignored.name!r} of {_distribution(ignored)}"
        reason = f"drawer_ipy has a {self._what} of that name, which cannot be replaced"
        warnings.warn(f"{what} is ignored: {reason}", stacklevel=2)


def _distribution(offer: EntryPoint) -> str:
    return f"the distribution {offer.dist.name if offer.dist else '?'}"


def imported(where: str) -> Any:
    """Import the object at ``"package.module:NAME"``.

    Raises:
        ImportError, AttributeError: it does not exist.
    """
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)
