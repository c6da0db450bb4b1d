"""Things by name that ship with the package, are registered while it runs, or come from elsewhere."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from drawer_ipy.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ThingT = TypeVar("ThingT")


class Registration:
    """What registering gives back; a context manager that removes the thing again at its end."""

    def __init__(self, remove: Callable[[], None]) -> None:
        self._remove = remove

    def unregister(self) -> None:
        """Remove it; doing so twice is harmless."""
        self._remove()

    def __enter__(self) -> Registration:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.unregister()


class Registry(Mapping[str, ThingT], Generic[ThingT]):
    """A mapping from names to things, each imported the first time it is asked for.

    Entry points are looked up the first time a name is asked for that is neither built in nor registered,
    or when the names are listed. One that cannot be loaded is left out; :meth:`trouble` says why.

    Args:
        what: what one of them is called in messages, ``"step kind"``.
        group: the group of entry points in which other distributions offer theirs.
        built_in: name -> where it is, ``"package.module:NAME"``.
        check: says what is wrong with a thing that is offered under a name, ``""`` when nothing.
    """

    def __init__(
        self, what: str, group: str, built_in: Mapping[str, str], check: Callable[[str, Any], str]
    ) -> None:
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
            UsageError: the name is taken, or the thing is not in order.
        """
        if name in self._built_in or name in self._registered or name in self._entry_points():
            raise UsageError(
                f"the {self._what} {name!r} is taken by {self._owner(name)}",
                remediation="choose another name, or unregister the other one first",
            )
        if wrong := self._check(name, thing):
            raise UsageError(f"{name!r} cannot be registered as a {self._what}: {wrong}")
        self._registered[name] = thing

        def remove() -> None:
            if self._registered.get(name) is thing:
                del self._registered[name]

        return Registration(remove)

    def trouble(self, name: str) -> str:
        """Why `name` of another distribution could not be loaded; ``""`` when nothing is wrong."""
        self.get(name)
        return self._troubles.get(name, "")

    def names(self) -> list[str]:
        """All names, those of things that cannot be loaded included; nothing is imported."""
        return list(dict.fromkeys([*self._built_in, *self._registered, *self._entry_points()]))

    def in_use(self) -> list[ThingT]:
        """What is registered or has been asked for; nothing is imported."""
        return [*self._registered.values(), *self._known.values()]

    def added(self) -> list[ThingT]:
        """The things that do not ship with the package."""
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
                wrong = f"{self._owner(name)} all offer one of that name"
        except Exception as error:  # whatever the module of somebody else raises
            wrong = f"{type(error).__name__}: {error}"
        if wrong:
            self._troubles[name] = (
                f"the {self._what} {name!r} of {self._owner(name)} could not be loaded: {wrong}"
            )
            raise KeyError(name)
        return thing

    def _owner(self, name: str) -> str:
        if name in self._built_in:
            return "drawer_ipy itself"
        offers = self._entry_points().get(name)
        if not offers:
            return "an earlier registration"
        return ", ".join(f"the distribution {one.dist.name if one.dist else '?'}" for one in offers)

    def _entry_points(self) -> Mapping[str, list[EntryPoint]]:
        if self._offers is None:
            from importlib.metadata import entry_points  # takes a while, and is rarely needed

            offers: dict[str, list[EntryPoint]] = {}
            for one in entry_points(group=self._group):
                offers.setdefault(one.name, []).append(one)
            self._offers = offers
        return self._offers


def imported(where: str) -> Any:
    """The object at ``"package.module:NAME"``.

    Raises:
        ImportError, AttributeError: there is none.
    """
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)
