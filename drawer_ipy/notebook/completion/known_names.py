"""The names for proposals: buttons, drawers, inputs, variables, and their arguments and fields."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawer_ipy.buttons.base import Button
from drawer_ipy.definition.models import ArgSpec, DrawerModel, InputSpec
from drawer_ipy.definition.step_base import outputs_of
from drawer_ipy.errors import DrawerError
from drawer_ipy.notebook.completion.half_written import OutlineNode
from drawer_ipy.pressing.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names known around a cell; invalid files on disk are ignored.

    Attributes:
        around: the surroundings in which they are looked up.
        cell: the outline of the cell's text.
        given: the inputs in the cell's first line.
    """

    around: Surroundings
    cell: OutlineNode
    given: Sequence[str] = ()

    def buttons(self) -> list[str]:
        """Names of buttons, the cell's own first."""
        own = list(_named(self.cell, "buttons"))
        return [*own, *(name for name in self.around.catalog(DrawerModel()).names() if name not in own)]

    def drawers(self) -> list[str]:
        """Names of drawers."""
        return self.around.drawer_names()

    def arguments(self, button: str) -> list[str]:
        """The arguments of a button, the required ones first."""
        own = _named(self.cell, "buttons").get(button)
        if own is not None:
            return list(_listed(own, "args"))
        found = self._button(button)
        return [] if found is None else _required_first(found.args)

    def inputs_of(self, drawer: str) -> list[str]:
        """The inputs of another drawer, the required ones first."""
        found = self._drawer(drawer)
        return [] if found is None else _required_first(found.inputs)

    def inputs(self) -> list[str]:
        """The inputs of this drawer."""
        return list(dict.fromkeys([*_listed(self.cell, "inputs"), *self.given]))

    def fields(self, step: OutlineNode) -> list[str]:
        """The known members of a step's output."""
        kind = step.said("kind") or "button"
        if kind == "button":
            found = self._button(step.said("button"))
            return _properties(None if found is None else found.output_schema)
        if kind == "drawer":
            drawer = self._drawer(step.said("drawer"))
            return [] if drawer is None else list(drawer.return_ or ())
        return list(outputs_of(kind))

    def variables(self) -> list[str]:
        """The user's variables."""
        return sorted(name for name in self.around.namespace if not name.startswith("_"))

    def batteries(self) -> list[str]:
        """The names of the batteries; their values are not read."""
        with contextlib.suppress(DrawerError):
            return sorted(self.around.workspace.batteries())
        return []

    def _button(self, name: str) -> Button | None:
        with contextlib.suppress(DrawerError):
            return self.around.catalog(DrawerModel()).find(name) if name else None
        return None

    def _drawer(self, name: str) -> DrawerModel | None:
        with contextlib.suppress(DrawerError):
            return self.around.find_drawer(name) if name else None
        return None


def _required_first(specs: Iterable[ArgSpec | InputSpec]) -> list[str]:
    return [spec.name for spec in sorted(specs, key=lambda spec: not spec.required)]


def _named(node: OutlineNode, key: str) -> Mapping[str, OutlineNode]:
    found = node.keys.get(key)
    return {} if found is None else found.keys


def _listed(node: OutlineNode, key: str) -> list[str]:
    """Names written as a list, as a list of mappings with a name, or as a mapping."""
    found = node.keys.get(key)
    if found is None:
        return []
    texts = [item.said("name") or item.text for item in found.items]
    return [*(text for text in texts if text), *found.keys]


def _properties(schema: Any) -> list[str]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return [str(name) for name in properties] if isinstance(properties, Mapping) else []
