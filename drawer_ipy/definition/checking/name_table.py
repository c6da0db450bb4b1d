"""Tables of names with lookups in constant time for any number of steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

V = TypeVar("V")


class Spelt(dict[str, V]):
    """A mapping by name that also finds names with hyphens by their spelling with underscores."""

    def __init__(self, entries: Mapping[str, V] | Iterable[tuple[str, V]] = ()) -> None:
        super().__init__()
        self._alike: dict[str, list[str]] = {}
        for name, value in dict(entries).items():
            self[name] = value

    def __setitem__(self, name: str, value: V) -> None:
        if "-" in name and name not in self:
            self._alike.setdefault(name.replace("-", "_"), []).append(name)
        super().__setitem__(name, value)

    def alike(self, name: str) -> Sequence[str]:
        """The names with hyphens that are spelt like `name` if underscores replace the hyphens."""
        return self._alike.get(name.replace("-", "_"), ()) if "_" in name else ()

    def named(self, name: str) -> str | None:
        """The key `name`, or the only key that is spelt like it except for hyphens; otherwise ``None``."""
        if name in self:
            return name
        alike = self.alike(name)
        return alike[0] if len(alike) == 1 else None


class NameTable(Collection[str], Generic[V]):
    """Names and their meaning in layers; each list of steps adds a layer to the names around it.

    Args:
        around: the names outside the list.
        steps: the ids of the steps of the list, in order; those that were not added yet run later.
    """

    def __init__(self, around: NameTable[V] | None = None, steps: Sequence[str] = ()) -> None:
        self._around = around
        self._own: Spelt[V | None] = Spelt()  # None hides a name of the layers around
        self._last: Spelt[int] = Spelt((name, at) for at, name in enumerate(steps))
        self._ended = 0

    def add(self, name: str, value: V) -> None:
        """Add one name; it hides another of the same name."""
        self._own[name] = value

    def hide(self, name: str) -> None:
        """Make a name unknown."""
        self._own[name] = None

    def end_step(self, name: str, value: V) -> None:
        """Add the next step of the list; later steps can refer to it."""
        self.add(name, value)
        self._ended += 1

    def get(self, name: str) -> V | None:
        """What `name` refers to, or ``None`` if it is unknown."""
        for layer in self._layers():
            if name in layer._own:
                return layer._own[name]
        return None

    def alias(self, name: str) -> str | None:
        """The only name that is spelt like `name` except for hyphens, or ``None``."""
        same = {
            found
            for layer in self._layers()
            for found in layer._own.alike(name)
            if self.get(found) is not None
        }
        return same.pop() if len(same) == 1 else None

    def later(self, name: str) -> str | None:
        """The step that `name` refers to, if it runs later than the step being checked."""
        for layer in self._layers():
            ahead = [one for one in (name, *layer._last.alike(name)) if layer._is_ahead(one)]
            if ahead:
                return ahead[0]
        return None

    def _is_ahead(self, name: str) -> bool:
        return self._last.get(name, -1) > self._ended

    def _layers(self) -> Iterator[NameTable[V]]:
        layer: NameTable[V] | None = self
        while layer is not None:
            yield layer
            layer = layer._around

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        seen: set[str] = set()
        for layer in reversed(list(self._layers())):
            for name in layer._own:
                if name not in seen and self.get(name) is not None:
                    seen.add(name)
                    yield name

    def __len__(self) -> int:
        return sum(len(layer._own) for layer in self._layers())
