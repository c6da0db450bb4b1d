"""The catalogue that finds a step's button: in the cell, the kernel, the user's variables, the workspace."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import Any, Protocol

from drawer_ipy.buttons.base import Button
from drawer_ipy.buttons.factory import make_button
from drawer_ipy.buttons.function.button import MARK, FunctionButton, as_button
from drawer_ipy.definition.models import ButtonSpec


class ButtonFolder(Protocol):
    """A workspace folder that contains buttons."""

    def find(self, name: str) -> Button | None:
        """Return the button of that name, ``None`` if there is none."""

    def names(self) -> Iterable[str]:
        """Return the names of all its buttons."""


class ButtonCatalog:
    """Find buttons by name; the first place that has one wins.

    Found buttons are remembered: a catalogue is made for one press, and its steps must not see a variable
    change between them.

    Args:
        specs: buttons from the drawer's own ``buttons:`` block.
        registered: buttons defined in the kernel (``%%button``).
        namespace: the user's variables. A function marked with ``@button`` is found by its button's
            name, any other callable by its variable's name unless that begins with an underscore.
        folders: workspace folders, nearest first.
        allowed_origins: see HttpButton.
    """

    def __init__(
        self,
        specs: Mapping[str, ButtonSpec] | None = None,
        registered: Mapping[str, Button] | None = None,
        namespace: Mapping[str, Any] | None = None,
        folders: Iterable[ButtonFolder] = (),
        allowed_origins: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._specs = specs or {}
        self._registered = registered or {}
        self._namespace = namespace if namespace is not None else {}
        self._folders = tuple(folders)
        self._allowed_origins = allowed_origins
        self._found: dict[str, Button | None] = {}

    def find(self, name: str) -> Button | None:
        """Return the button of that name, ``None`` if there is none.

        Raises:
            UsageError: the button exists but its definition is invalid (see make_button).
        """
        if name not in self._found:
            self._found[name] = self._look(name)
        return self._found[name]

    def _look(self, name: str) -> Button | None:
        spec = self._specs.get(name)
        if spec is not None:
            return make_button(spec, allowed_origins=self._allowed_origins)
        found = self._registered.get(name) or self._variable(name)
        if found is not None:
            return found
        return next((b for folder in self._folders if (b := folder.find(name)) is not None), None)

    def _variable(self, name: str) -> Button | None:
        value = self._namespace.get(name)
        mark = _mark(value)
        if value is not None and mark is not None and mark.name == name:
            return as_button(value)
        if name in self._marked:
            return as_button(self._marked[name])
        # The variable's own name also finds a marked function, whatever its button is called.
        return as_button(value, name) if callable(value) and not name.startswith("_") else None

    @cached_property
    def _marked(self) -> dict[str, Any]:
        """The variables marked by ``@button``, by button name; the first variable of a name wins."""
        # A copy, because another thread may assign variables at the same time.
        variables = list(self._namespace.values())
        return {mark.name: value for value in reversed(variables) if (mark := _mark(value)) is not None}

    def names(self) -> list[str]:
        """Return the names worth suggesting, nearest first, without duplicates.

        Of the variables, only marked functions and functions that the user wrote are included. Imported
        callables can be pressed, too, but there are too many of them.
        """
        names = [*self._specs, *self._registered]
        variables = list(self._namespace.items())
        names += [mark.name for _, value in variables if (mark := _mark(value)) is not None]
        for folder in self._folders:
            names += folder.names()
        names += [name for name, value in variables if self._is_users_own(name, value)]
        return list(dict.fromkeys(names))

    def _is_users_own(self, name: str, value: Any) -> bool:
        if name.startswith("_") or not inspect.isfunction(value) or _mark(value) is not None:
            return False
        return bool(value.__module__ == self._namespace.get("__name__", "__main__"))


def _mark(value: Any) -> FunctionButton | None:
    """Return the button that ``@button`` attached to a value, ``None`` if it is not marked."""
    # Static, because a variable may be an object that has every attribute.
    mark = inspect.getattr_static(value, MARK, None)
    return mark if isinstance(mark, FunctionButton) else None
