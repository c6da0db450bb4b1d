"""A drawer as an object of Python: load it, look at it, check it, press it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drawer_ipy.definition import models
from drawer_ipy.definition.reading.loading import loaded_from
from drawer_ipy.errors import UsageError
from drawer_ipy.pictures.graph import Graph
from drawer_ipy.pressing.surroundings import Pressable, Surroundings, callers_names, named_buttons
from drawer_ipy.pressing.validation import Validation


class Drawer(models.Drawer):
    """A workflow of steps.

    Made by :meth:`load` it remembers its text, so that problems are told with line and column; made from
    fields (``Drawer(name=..., steps=[...])``, ``Drawer.model_validate(mapping)``) it is checked alike.
    """

    @classmethod
    def load(cls, drawer: Pressable) -> Drawer:
        """A drawer from YAML or JSON text, a mapping, a path, or the name of one on disk.

        What can be read in spite of problems is loaded: :meth:`validate` tells them, and no press runs it.

        Raises:
            DefinitionError: nothing can be read of it; every problem is in the error.
            DrawerNotFound, UsageError: it is not there, or cannot be a drawer.
        """
        loaded = Surroundings().load(drawer)
        fields = {name: getattr(loaded.drawer, name) for name in models.Drawer.model_fields}
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
        """Everything that is wrong with it, nested steps and the drawers it presses included.

        Args:
            inputs: what a press would hand over (names, or names and values); they count as declared.
            buttons: further buttons, name -> callable; else they are looked up as in a press: in the
                drawer itself, among the functions the caller can see, on disk.

        Returns:
            The problems; the repr shows them all. A press refuses for what is an error here, and for an
            argument that nobody gives, of which this only warns.

        Raises:
            UsageError: `inputs` or `buttons` is of another type, or a button cannot be called.
        """
        if not isinstance(inputs, Iterable):
            raise UsageError(
                f"inputs must be names, or a mapping of names to values, not {type(inputs).__name__}"
            )
        around = Surroundings(named_buttons(buttons), callers_names(sys._getframe(1)))
        loaded = loaded_from(self)
        return Validation(around.problems(loaded, given=inputs), self.name, loaded.source.text)

    def graph(self) -> Graph:
        """Its steps, loops and branches as a picture, with arrows from what a step refers to.

        The picture shows itself in a notebook; ``.svg``, ``.save(path)`` and ``.mermaid`` (text for Markdown)
        are for elsewhere.
        """
        return Graph(self)
