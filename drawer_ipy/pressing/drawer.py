"""A drawer as a Python object: load, inspect, check and press it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drawer_ipy.definition import models
from drawer_ipy.definition.reading.loading import loaded_from
from drawer_ipy.errors import UsageError
from drawer_ipy.pictures.graph import Graph
from drawer_ipy.pressing.callers import callers_names
from drawer_ipy.pressing.surroundings import Pressable, Surroundings
from drawer_ipy.pressing.validation import Validation


class Drawer(models.DrawerModel):
    """A workflow of steps.

    A drawer from :meth:`load` keeps its text, so that problems are reported with line and column. A drawer
    made from fields (``Drawer(name=..., steps=[...])``, ``Drawer.model_validate(mapping)``) is checked in the
    same way.
    """

    @classmethod
    def load(cls, drawer: Pressable) -> Drawer:
        """Load a drawer from YAML or JSON text, a mapping, a path, or the name of a drawer on disk.

        The readable parts of a definition with problems are loaded. :meth:`validate` reports the problems,
        and the drawer cannot be pressed.

        Raises:
            DefinitionError: nothing in it can be read; the error contains every problem.
            DrawerNotFound, UsageError: it does not exist, or its type cannot be a drawer.
        """
        loaded = Surroundings().load(drawer)
        fields = {name: getattr(loaded.drawer, name) for name in models.DrawerModel.model_fields}
        extra = loaded.drawer.model_extra or {}
        made = cls.model_construct(loaded.drawer.model_fields_set, **fields, **extra)
        made._origin = loaded  # noqa: SLF001 - of this class, and pydantic takes any other name for a field
        return made

    def validate(  # type: ignore[override]  # pydantic's, a class method, has another name by now
        self,
        inputs: Mapping[str, Any] | Iterable[str] = (),
        *,
        buttons: Mapping[str, Callable[..., Any]] | None = None,
    ) -> Validation:
        """Check the drawer, including nested steps and the drawers it presses.

        Args:
            inputs: the inputs of a press (names, or names and values); they count as declared.
            buttons: additional buttons, name -> callable. Others are looked up as in a press: in the drawer
                itself, among the functions that the caller can see, and on disk.

        Returns:
            The problems; the repr shows all of them. An error prevents a press. A missing argument is only a
            warning here, but it also prevents a press.

        Raises:
            UsageError: `inputs` or `buttons` has the wrong type, or a button is not callable.
        """
        if not isinstance(inputs, Iterable):
            raise UsageError(
                f"inputs must be names or a mapping of names to values, not {type(inputs).__name__}"
            )
        around = Surroundings.of_caller(callers_names(sys._getframe(1)), buttons)
        loaded = loaded_from(self)
        return Validation(around.problems(loaded, given=inputs), self.name, loaded.source.text)

    def graph(self) -> Graph:
        """Draw its steps, loops and branches, with arrows from the steps that a step refers to.

        A notebook displays the picture; use ``.svg``, ``.save(path)`` or ``.mermaid`` (text for Markdown)
        elsewhere.
        """
        return Graph(self)
