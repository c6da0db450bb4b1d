"""Look up the names in a drawer, and load a drawer from any of its forms."""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from drawer_ipy.buttons import ButtonCatalog, as_button
from drawer_ipy.buttons.base import Button
from drawer_ipy.buttons.lacking import lacking
from drawer_ipy.common.demo_origins import running_origins
from drawer_ipy.definition import DrawerModel, Loaded, load_drawer
from drawer_ipy.definition.checking.callee import Callee
from drawer_ipy.definition.checking.drawer import validate
from drawer_ipy.definition.checking.giving import Giving
from drawer_ipy.definition.checking.unmet import Present, Unmet
from drawer_ipy.definition.reading.loading import loaded_from
from drawer_ipy.engine.plan import ButtonFinder
from drawer_ipy.engine.secrets.redactor import Redactor
from drawer_ipy.errors import DrawerError, DrawerNotFound, Problem, UsageError, did_you_mean
from drawer_ipy.pressing.callers import callers_cells
from drawer_ipy.workspace.lookup import ButtonsOnDisk, Workspace, load_drawer_file

Pressable = str | Path | Mapping[str, Any] | DrawerModel | Loaded
"""The forms of a drawer: YAML or JSON text, a path, a name in the workspace, a mapping, or a Drawer."""


@dataclass(slots=True)
class Surroundings:
    """The places where names are looked up: the notebook's variables and registered buttons, and the disk.

    Attributes:
        registered: buttons by name (from ``%%button``, or the ``buttons`` argument of a press).
        namespace: the user's Python variables; callables among them are buttons.
        workspace: buttons and drawers on disk.
        drawers: drawers defined in cells, by name; they take precedence over those on disk.
        form, word: how inputs are given, for hints; see
            :class:`~drawer_ipy.definition.checking.giving.Giving`.
    """

    registered: Mapping[str, Button] = field(default_factory=dict)
    namespace: Mapping[str, Any] = field(default_factory=dict)
    workspace: Workspace = field(default_factory=Workspace.current)
    drawers: Mapping[str, DrawerModel] = field(default_factory=dict)
    form: Literal["line", "shell", "call"] = "call"
    word: str = ""

    @classmethod
    def of_caller(
        cls, names: Mapping[str, Any], buttons: Mapping[str, Callable[..., Any]] | None = None
    ) -> Surroundings:
        """Return the surroundings of a call: what its code can see, and the cells if that is a notebook's.

        Args:
            names: see :func:`~drawer_ipy.pressing.callers.callers_names`.
            buttons: further buttons by name; they come first.

        Raises:
            UsageError: see :func:`named_buttons`.
        """
        cells = callers_cells(names)
        if cells is None:
            return cls(named_buttons(buttons), names)
        return cls(ChainMap(named_buttons(buttons), cells.buttons), names, drawers=cells.drawers)

    def catalog(self, drawer: DrawerModel) -> ButtonCatalog:
        """Return the buttons that the steps of `drawer` may name."""
        return ButtonCatalog(
            specs=drawer.buttons,
            registered=self.registered,
            namespace=self.namespace,
            folders=[ButtonsOnDisk(self.workspace, running_origins)],
            allowed_origins=running_origins,
        )

    def find_drawer(self, name: str) -> DrawerModel | None:
        """Return the drawer `name` of a cell or the workspace; ``None`` if there is none."""
        if name in self.drawers:
            return self.drawers[name]
        loaded = self.workspace.find_drawer(name)
        return None if loaded is None else loaded.drawer

    def drawer_names(self) -> list[str]:
        """Return the names that :meth:`find_drawer` knows."""
        return [*self.drawers, *(n for n in self.workspace.drawer_names() if n not in self.drawers)]

    def buttons_of(self, top: DrawerModel, catalog: ButtonCatalog) -> Callable[[DrawerModel], ButtonFinder]:
        """Return a function from a drawer to the finder of its buttons; `catalog` has those of `top`."""
        return lambda drawer: catalog.find if drawer.buttons == top.buttons else self.catalog(drawer).find

    def problems(
        self,
        loaded: Loaded,
        *,
        given: Iterable[str] = (),
        pressing: bool = False,
        ordered: bool = True,
        catalog: ButtonCatalog | None = None,
    ) -> list[Problem]:
        """Return the problems of a drawer; see :func:`~drawer_ipy.definition.checking.drawer.validate`.

        Args:
            given: names of the inputs that the press receives.
            catalog: the drawer's catalogue, if it exists already.
        """
        catalog = catalog or self.catalog(loaded.drawer)
        return validate(
            loaded,
            find_button=catalog.find,
            button_names=catalog.names,
            find_drawer=self.find_drawer,
            drawer_names=self.drawer_names,
            given_inputs=given,
            pressing=pressing,
            ordered=ordered,
            buttons_of=self.buttons_of(loaded.drawer, catalog),
            present=self.present(),
        )

    def present(self) -> Present:
        """Return what a press would find outside its drawer at this moment."""
        values: dict[str, Mapping[str, str]] = {"env": dict(os.environ)}
        with suppress(DrawerError):  # a press reports the problem with the file
            values["batteries"] = self.workspace.batteries()
        redactor = Redactor(values.get("batteries", {}).values())

        def lacks(button: Callee, present: Present) -> Iterator[Unmet]:
            for one in lacking(button, present, running_origins):
                yield replace(one, message=redactor.text(one.message))

        return Present(values, lacks, giving=Giving(self.namespace, self.form, self.word))

    def load(self, drawer: Pressable) -> Loaded:
        """Load `drawer` from any of its forms; problems of a text or a mapping are in its ``errors``.

        Raises:
            DefinitionError: its text cannot be read at all, or its file is invalid.
            DrawerNotFound: it is a name that the workspace does not have.
            UsageError: it is something else, or a file that cannot be read.
        """
        if isinstance(drawer, Loaded):
            return drawer
        if isinstance(drawer, DrawerModel):
            return loaded_from(drawer)
        if isinstance(drawer, Mapping):
            return load_drawer(drawer, recover=True)
        if isinstance(drawer, Path):
            return load_drawer_file(drawer)
        if not isinstance(drawer, str):
            raise UsageError(
                f"a drawer cannot be made from {type(drawer).__name__}",
                remediation="pass YAML or JSON text, a mapping, a path, or the name of a drawer on disk",
            )
        if _is_text(drawer):
            return load_drawer(drawer, recover=True)
        if drawer.lower().endswith(_SUFFIXES):
            return load_drawer_file(Path(drawer))
        if drawer in self.drawers:
            return loaded_from(self.drawers[drawer])
        found = self.workspace.find_drawer(drawer)
        if found is None:
            names = self.drawer_names()
            folders = " or ".join(str(root / "drawers") for root in self.workspace.roots)
            hint = did_you_mean(drawer, names) or _path_hint(drawer)
            missing = DrawerNotFound(f"there is no drawer {drawer!r} in {folders}", remediation=hint)
            self.workspace.explain(missing)
            raise missing
        return found


_SUFFIXES = (".json", ".yaml", ".yml")


def _path_hint(name: str) -> str:
    """The hint for a name that looks like a path, which only some suffixes make one."""
    if not any(mark in name for mark in ("/", "\\", ".")):
        return ""
    return f"a path ends in .json, .yaml or .yml; for any other file, give pathlib.Path({name!r})"


def _is_text(drawer: str) -> bool:
    return "\n" in drawer or drawer.lstrip().startswith(("{", "[")) or ": " in drawer or not drawer.strip()


def named_buttons(buttons: Mapping[str, Callable[..., Any]] | None) -> dict[str, Button]:
    """Wrap functions as buttons with the given names.

    Raises:
        UsageError: `buttons` is not a mapping, or an entry is not callable.
    """
    if buttons is not None and not isinstance(buttons, Mapping):
        raise UsageError(
            f"buttons must be a mapping of names to functions, not {type(buttons).__name__}",
            remediation="write buttons={'name': function}",
        )
    return {name: as_button(function, name) for name, function in (buttons or {}).items()}
