"""Recovery from loading problems: invalid parts are fixed or left out, so that the rest can be checked.

A recovered definition never runs. It serves to report all problems at once: validation continues with the
readable parts, and consults :class:`Lost` before it reports something as missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from pydantic import ValidationError

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.definition.model_base import Model
from drawer_ipy.definition.reading.pydantic_errors import Written
from drawer_ipy.definition.reading.shape import Finding
from drawer_ipy.definition.reading.source import Source, plain_tree
from drawer_ipy.definition.reading.step_paths import step_path
from drawer_ipy.definition.step_base import UNREAD

ModelT = TypeVar("ModelT", bound=Model)

_ROUNDS = 50  # each removes a part; a definition is not nested deeper than twice this

# Fields that contain a list or a mapping, and fields that contain either or a single value.
_COLLECTIONS = frozenset({"args", "steps", "cases", "branches", "inputs", "buttons", "flow"})
_EITHER = frozenset({"over", "from", "expression"})


@dataclass(frozen=True)  # no slots, for the cached properties
class Lost:
    """The parts that loading left out, so that validation does not report the consequences of an error.

    Attributes:
        fields: invalid fields and list entries; the model has their defaults or placeholders instead.
        strangers: unknown keys that were left out, and whether their value was a list or a mapping. Each may
            be the misspelt name of a field that now seems to be missing.
    """

    fields: frozenset[KeyPath] = frozenset()
    strangers: frozenset[tuple[KeyPath, bool]] = frozenset()

    def holds(self, owner: KeyPath, *keys: str) -> bool:
        """Whether one of `keys` may be missing from the mapping at `owner` only because it was left out."""
        if not self.fields and not self.strangers:
            return False
        if any((*owner, key) in self.fields for key in keys):
            return True
        shapes = self._shapes.get(owner)
        return shapes is not None and any(key in _EITHER or (key in _COLLECTIONS) in shapes for key in keys)

    def within(self, path: KeyPath) -> bool:
        """Whether something at `path` or below it was left out."""
        return path in self._prefixes

    @cached_property
    def _shapes(self) -> dict[KeyPath, set[bool]]:
        """The shapes of the unknown keys, by the path of their mapping."""
        out: dict[KeyPath, set[bool]] = {}
        for path, shape in self.strangers:
            out.setdefault(path[:-1], set()).add(shape)
        return out

    @cached_property
    def _prefixes(self) -> set[KeyPath]:
        paths = [*self.fields, *(stranger for stranger, _ in self.strangers)]
        return {path[:length] for path in paths for length in range(len(path) + 1)}


def corrected(
    tree: Mapping[str, Any], findings: Iterable[Finding], source: Source
) -> tuple[dict[str, Any], set[tuple[KeyPath, bool]]]:
    """Return a copy of `tree` with misspelt keys and kinds corrected, and the unknown keys left out.

    Args:
        source: receives the new paths of renamed values.
    """
    out: dict[str, Any] = plain_tree(tree)
    strangers: set[tuple[KeyPath, bool]] = set()
    for finding in findings:
        if finding.fix is None:
            continue
        what, word = finding.fix
        owner = _at(out, finding.path[:-1])
        key = finding.path[-1]
        if what == "kind":
            owner["kind"] = word
        elif what == "key" and word not in owner:
            _rename(owner, str(key), word)
            source.also(finding.path, (*finding.path[:-1], word))
        else:
            left = owner.pop(key)
            if what == "drop":
                strangers.add((finding.path, isinstance(left, Mapping | list)))
    return out, strangers


def _rename(owner: dict[str, Any], old: str, new: str) -> None:
    pairs = [(new if key == old else key, value) for key, value in owner.items()]
    owner.clear()
    owner.update(pairs)


def made_of(
    tree: Mapping[str, Any], model: type[ModelT]
) -> tuple[ModelT | None, ValidationError | None, set[KeyPath]]:
    """Make the model of `tree`, without the fields that it rejects.

    Returns:
        The model, or ``None`` if too little is left to make it; the error about the whole tree, or ``None``
        if it is valid; and the paths of the parts that were left out.
    """
    first: ValidationError | None = None
    lost: set[KeyPath] = set()
    work: Any = tree
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(work), first, lost
        except ValidationError as error:
            if first is None:
                first, work = error, plain_tree(tree)
            cut = _Cut(work, lost)
            if not cut.all(error):
                break
    return None, first, lost


class _Cut:
    """Removes from a tree, in place, everything that one round of validation rejected."""

    def __init__(self, tree: dict[str, Any], lost: set[KeyPath]) -> None:
        self._tree = tree
        self._lost = lost  # including earlier rounds: a part that is invalid again is removed with its owner
        self._done: set[KeyPath] = set()
        self._entries: dict[int, tuple[list[Any], set[int]]] = {}  # id of a list -> it, positions to remove

    def all(self, error: ValidationError) -> bool:
        """Whether everything could be removed."""
        details = error.errors(include_url=False, include_input=False, include_context=False)
        written = Written(self._tree)
        paths = dict.fromkeys(written.path(detail["loc"]) for detail in details)
        for path in paths:
            if not self._one(path):
                return False
        for owner, gone in self._entries.values():
            owner[:] = [entry for position, entry in enumerate(owner) if position not in gone]
        self._lost |= self._done
        return True

    def _one(self, path: KeyPath) -> bool:
        while path:
            if any(path[:n] in self._done for n in range(1, len(path) + 1)):
                return True
            if self._take(path):
                self._done.add(path)
                return True
            path = path[:-1]
        return False

    def _take(self, path: KeyPath) -> bool:
        """Whether the value at `path` could be removed or replaced; otherwise its owner must be removed."""
        owner, key = _at(self._tree, path[:-1]), path[-1]
        if isinstance(owner, list) and isinstance(key, int) and key < len(owner):
            instead = _stand_in(owner[key], path)
            if instead is None:
                self._entries.setdefault(id(owner), (owner, set()))[1].add(key)
            else:
                owner[key] = instead
                if instead.get("id") == _place_name(path):
                    self._done.add((*path, "id"))
            return True
        if not isinstance(owner, dict) or path in self._lost:
            return False
        if key == "id" and path[:-1] and step_path(path) == path[:-1]:
            owner["id"] = _place_name(path[:-1])
            return True
        if key not in owner:
            return False
        del owner[str(key)]
        return True


def _stand_in(entry: Any, path: KeyPath) -> Any:
    """A placeholder for a list's entry, so that later entries keep their positions; ``None`` for none."""
    if step_path(path) == path:
        named = entry.get("id") if isinstance(entry, Mapping) else None
        return {"id": named if isinstance(named, str) and named else _place_name(path), "kind": UNREAD}
    if len(path) == 2 and path[0] == "inputs":
        return {"name": _place_name(path)}
    return {"when": True} if path[-2] == "cases" else None


def _place_name(path: KeyPath) -> str:
    return f"{path[-2]}[{path[-1]}]"


def _at(tree: Any, path: KeyPath) -> Any:
    here = tree
    for part in path:
        if isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            here = here.get(part) if isinstance(here, Mapping) else None
    return here
