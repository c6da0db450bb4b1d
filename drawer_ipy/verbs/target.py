"""The target of a verb: a drawer that is defined in a cell or on disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drawer_ipy.definition import Loaded, load_drawer
from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.errors import DefinitionError, UsageError, did_you_mean
from drawer_ipy.verbs.base import VerbCode, VerbContext, VerbError
from drawer_ipy.workspace.document import document
from drawer_ipy.workspace.drawers import save_drawer
from drawer_ipy.workspace.files import locked
from drawer_ipy.workspace.lookup import Workspace, slug


@dataclass(frozen=True, slots=True)
class Target:
    """A drawer by name.

    Attributes:
        name: its name: the key of a cell's drawer, or the folder of a drawer on disk.
        context: the context in which it was found.
        root: the workspace folder that contains it; ``None`` for a drawer defined in a cell.
    """

    name: str
    context: VerbContext
    root: Path | None = None

    @property
    def folder(self) -> Path | None:
        """Its folder on disk, or ``None``."""
        return None if self.root is None else self.root / "drawers" / self.name

    def load(self) -> Loaded:
        """Load the drawer in its current state.

        Raises:
            DefinitionError: it is on disk and has errors.
        """
        if self.folder is None:
            return Loaded(self.context.drawers[self.name])
        assert self.root is not None
        return Workspace.load_drawer(self.root, self.folder)

    def load_action(self, verb: str) -> Loaded:
        """Load it like :meth:`load`, for verbs that need steps.

        Raises:
            VerbError: DRAWER_KIND_MISMATCH, it is a flow drawer.
            DefinitionError: it is on disk and has errors.
        """
        loaded = self.load()
        if loaded.drawer.flow is not None or loaded.drawer.drawer_kind == "flow":
            raise VerbError(
                f"{self.name!r} is a flow drawer, which has no steps for `{verb}`",
                code=VerbCode.DRAWER_KIND_MISMATCH,
                remediation="flows are stored and checked here; edit drawer.json",
            )
        return loaded

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Lock the drawer while it is loaded, changed and saved, so that no other process changes it.

        Raises:
            DefinitionError: raised inside; nothing was changed.
        """
        try:
            with contextlib.nullcontext() if self.folder is None else locked(self.folder):
                yield
        except DefinitionError as error:
            raise DefinitionError(error.problems, error.source, self.name, "was not changed") from None

    def save(self, tree: dict[str, Any]) -> DrawerModel:
        """Save `tree` (see :meth:`tree`) as the drawer's new definition.

        Raises:
            DefinitionError: it has errors; nothing has changed.
            StoreError, UsageError: it cannot be written; nothing has changed.
        """
        drawer = self.checked(tree)
        if self.root is None:
            self.context.drawers[self.name] = drawer
        else:
            save_drawer(self.root, drawer, self.name)
        return drawer

    def checked(self, tree: dict[str, Any]) -> DrawerModel:
        """Make the drawer of `tree`.

        Raises:
            DefinitionError: `tree` has errors.
        """
        return load_drawer(tree, name=self.name, lenient=self.root is not None).drawer

    @staticmethod
    def tree(loaded: Loaded) -> dict[str, Any]:
        """The definition as mappings and lists that the caller may change."""
        return document(loaded.drawer)


def find_target(name: str, context: VerbContext) -> Target:
    """Find the drawer `name` in cells or on disk.

    Raises:
        VerbError: NOT_FOUND, with a suggestion.
        UsageError: a symbolic link points outside the workspace.
    """
    in_cells = {slug(key): key for key in context.drawers}
    if name in context.drawers or slug(name) in in_cells:
        return Target(name if name in context.drawers else in_cells[slug(name)], context)
    found = context.workspace.locate("drawers", name)
    if found is None:
        raise not_found(name, context)
    return Target(found[1].name, context, found[0])


def not_found(name: str, context: VerbContext) -> VerbError:
    """The error for an unknown drawer."""
    with contextlib.suppress(UsageError, OSError):
        known = [*context.drawers, *context.workspace.drawer_names()]
        hint = did_you_mean(name, known) or f"create it: drawer create {slug(name) or 'NAME'}"
        return VerbError(f"there is no drawer {name!r}", code=VerbCode.NOT_FOUND, remediation=hint)
    return VerbError(f"there is no drawer {name!r}", code=VerbCode.NOT_FOUND)
