"""Find buttons and drawers on disk: in the project's ``.buttons`` folder, then in the home folder's.

The layout is the original's (docs/original.md#1-storage): ``buttons/NAME/button.json`` beside ``main.sh``,
``main.py`` or ``main.js``, ``drawers/NAME/drawer.json``, and ``batteries.json``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from drawer_ipy.common.folders import check_regular, read_regular
from drawer_ipy.common.unreadable import why_unreadable
from drawer_ipy.errors import DrawerError, UsageError
from drawer_ipy.workspace.roots import find_roots as find_roots
from drawer_ipy.workspace.roots import look_for_roots

if TYPE_CHECKING:  # imported on demand at run time, since listing drawers does not need them
    from drawer_ipy.buttons.base import Button
    from drawer_ipy.definition import Loaded

Shelf = Literal["buttons", "drawers"]
"""The subfolders of a workspace folder."""

MAIN_FILE: Mapping[Shelf, str] = {"buttons": "button.json", "drawers": "drawer.json"}
"""The file that a button's or drawer's folder must contain."""

LONGEST_NAME = 128

_ORIGINALS_WORDS = (
    "create",
    "press",
    "list",
    "rm",
    "board",
    "drawer",
    "batteries",
    "smash",
    "store",
    "history",
)
_ORIGINALS_OTHERS = ("help", "version", "mcp", "serve", "update", "delete", "init")
RESERVED = frozenset((*_ORIGINALS_WORDS, *_ORIGINALS_OTHERS, "ls", "remove", "schema", "runs", "cache"))
"""Names that are not allowed because they are words of the command line, the original's or drawer_ipy's."""


def slug(name: str) -> str:
    """Return `name` as a folder name: lower case, ``-`` for spaces and ``_``, only ``[a-z0-9-]``."""
    text = re.sub(r"[ _]", "-", name.lower())
    text = re.sub(r"[^a-z0-9-]", "", text)
    return re.sub(r"-+", "-", text).strip("-")


def checked_name(name: str, what: str = "drawer") -> str:
    """Return the slug for the name of a new drawer or button (rules of docs/original.md#1-storage).

    Raises:
        UsageError: the name is empty, longer than 128 characters, a path or reserved, or its slug is empty.
    """
    shown = repr(name if len(name) <= 40 else name[:40] + "...")
    if len(name) > LONGEST_NAME:
        raise UsageError(f"the {what}'s name {shown} is longer than {LONGEST_NAME} characters")
    if ".." in name or "/" in name or "\\" in name:
        raise UsageError(
            f"{shown} is a path, not the name of a {what}",
            remediation="use letters, digits and hyphens; the name becomes a folder of the workspace",
        )
    folder = slug(name)
    if not folder:
        raise UsageError(
            f"{shown} is not a valid name for a {what}",
            remediation="use letters, digits and hyphens: my-pages",
        )
    if folder in RESERVED:
        raise UsageError(f"{folder!r} is a word of the command line, so it cannot be the name of a {what}")
    return folder


def within(root: Path, path: Path) -> Path:
    """Return `path` after checking that it is inside `root` when all symbolic links are followed.

    Raises:
        UsageError: it leads out of the workspace.
    """
    try:
        target = path.resolve()
    except (OSError, RuntimeError):
        raise UsageError(f"{path} cannot be used: its symbolic links form a cycle") from None
    if not target.is_relative_to(root.resolve()):
        raise UsageError(
            f"{path} leads out of the workspace, to {target}",
            remediation="replace the symbolic link by the files themselves",
        )
    return path


class Workspace:
    """Looks up buttons and drawers on disk. Files are read on demand and not cached.

    Args:
        roots: folders with the layout of ``.buttons``; they need not exist.
        refused: why another folder is not used, and how to change that; ``""`` if there is none.
    """

    def __init__(self, roots: tuple[Path, ...], refused: str = "") -> None:
        self.roots = roots
        self.refused = refused

    @classmethod
    def current(cls) -> Workspace:
        """Return the workspace for the current folder and environment."""
        found = look_for_roots()
        return cls(found.folders, found.refused)

    def explain(self, error: DrawerError) -> None:
        """Add to `error` that a folder was refused, which may be its cause."""
        if self.refused and self.refused not in error.remediation:
            error.remediation = f"{error.remediation}\n  {self.refused}".strip()

    @property
    def first(self) -> Path:
        """The folder for new buttons and drawers.

        Raises:
            UsageError: there is neither a project's folder nor a home folder, or the project's was refused.
        """
        if self.refused:
            raise UsageError(
                "the project's workspace folder is not used, and the home folder's is not written to instead",
                remediation=self.refused,
            )
        if not self.roots:
            raise UsageError(
                "there is no workspace folder: no .buttons in or above the current folder, and no home",
                remediation="create one: mkdir .buttons, or set BUTTONS_HOME=/some/folder",
            )
        return self.roots[0]

    def find_button(self, name: str, allowed_origins: Callable[[], Collection[str]] = tuple) -> Button | None:
        """Return the button whose folder is named by the slug of `name`; ``None`` if there is none.

        Raises:
            DefinitionError: its button.json is invalid.
            UsageError: it cannot be read, or a symbolic link leads out of the workspace.
        """
        found = self.locate("buttons", name)
        if found is None:
            return None
        from drawer_ipy.buttons import make_button
        from drawer_ipy.definition import load_button

        root, folder = found
        for file in ("main.sh", "main.py", "main.js", "AGENTS.md"):
            is_regular(root, folder / file)
        spec = load_button(read_text(root, folder / "button.json"), name=folder.name, lenient=True).button
        if spec.name != folder.name:  # the folder's name counts, since look-ups use it
            spec = spec.model_copy(update={"name": folder.name})
        spec = spec.read_from(folder / "button.json")
        return make_button(spec, folder=folder, allowed_origins=allowed_origins)

    def find_drawer(self, name: str) -> Loaded | None:
        """Return the drawer whose folder is named by the slug of `name`; ``None`` if there is none.

        Raises:
            DefinitionError: its drawer.json is invalid.
            UsageError: it cannot be read, or a symbolic link leads out of the workspace.
        """
        found = self.locate("drawers", name)
        return None if found is None else self.load_drawer(*found)

    @staticmethod
    def load_drawer(root: Path, folder: Path) -> Loaded:
        """Load the drawer in `folder` of the workspace folder `root`.

        It is named after its folder: a copied folder still contains the old name, and its runs must not be
        saved in the history of the other drawer.

        Raises:
            DefinitionError: its drawer.json is invalid.
            UsageError: it cannot be read.
        """
        from drawer_ipy.definition import load_drawer

        text = read_text(root, folder / MAIN_FILE["drawers"])
        loaded = load_drawer(text, name=folder.name, lenient=True)
        loaded.root = root
        if slug(loaded.drawer.name) != folder.name:
            loaded.drawer.name = folder.name
        return loaded

    def locate(self, shelf: Shelf, name: str) -> tuple[Path, Path] | None:
        """Return the root and the folder of the button or drawer `name`; ``None`` if no root has it.

        Raises:
            UsageError: a symbolic link leads out of the workspace, or its file is not a regular file.
        """
        folder = slug(name)
        if not folder:
            return None
        for root in self.roots:
            path = root / shelf / folder
            if is_regular(root, path / MAIN_FILE[shelf]):
                return root, path
        return None

    def button_names(self) -> list[str]:
        """Return the names of all buttons, sorted."""
        return sorted(set(self._names("buttons")))

    def drawer_names(self) -> list[str]:
        """Return the names of all drawers, sorted."""
        return sorted(set(self._names("drawers")))

    def batteries(self) -> dict[str, str]:
        """Return the secrets of ``batteries.json``; the project's take precedence over the home folder's.

        Raises:
            DrawerError: one of the files is invalid; the message contains no values.
            UsageError: one is not a regular file, or a symbolic link leads out of the workspace.
        """
        found: dict[str, str] = {}
        for root in reversed(self.roots):
            path = root / "batteries.json"
            if is_regular(root, path):
                found |= _batteries(root, path)
        return found

    @property
    def cache_folder(self) -> Path:
        """Return the cache folder: in the first existing root, otherwise in the user's cache folder."""
        from drawer_ipy.cache.private import user_folder

        root = next((root for root in self.roots if root.is_dir()), None)
        return user_folder() if root is None else root / "cache"

    @property
    def runs_folder(self) -> Path:
        """Return the folder of stored runs: in the first existing root, else in the user's state folder."""
        root = next((root for root in self.roots if root.is_dir()), None)
        if root is not None:
            return root / "runs"
        from platformdirs import user_state_path

        return user_state_path("drawer_ipy", appauthor=False) / "runs"

    def _names(self, shelf: Shelf) -> Iterator[str]:
        for root in self.roots:
            try:
                folders = list(within(root, root / shelf).iterdir())
            except (OSError, UsageError):  # missing or unreadable, so there are no names
                continue
            # A folder whose name is not a slug cannot be looked up, so it is not listed.
            yield from (p.name for p in folders if p.name == slug(p.name) and _is_file(p / MAIN_FILE[shelf]))


@dataclass(frozen=True, slots=True)
class ButtonsOnDisk:
    """The buttons of a workspace, as a catalogue looks them up.

    Attributes:
        workspace: the workspace.
        allowed_origins: returns the private origins that HTTP buttons may reach.
    """

    workspace: Workspace
    allowed_origins: Callable[[], Collection[str]] = tuple

    def find(self, name: str) -> Button | None:
        """See :meth:`Workspace.find_button`."""
        return self.workspace.find_button(name, self.allowed_origins)

    def names(self) -> list[str]:
        """See :meth:`Workspace.button_names`."""
        return self.workspace.button_names()


def load_drawer_file(path: Path, name: str = "") -> Loaded:
    """Load the drawer in a YAML or JSON file.

    Raises:
        DefinitionError: it is invalid.
        UsageError: it cannot be read, or is not a regular file.
    """
    from drawer_ipy.definition import load_drawer

    try:
        path = path.expanduser()
        text = read_regular(path.resolve()).decode("utf-8-sig")
    except (OSError, ValueError, RuntimeError) as error:
        reason, hint = why_unreadable(path, error)
        raise UsageError(f"{path} cannot be read: {reason}", remediation=hint) from None
    return load_drawer(text, name=name or path.stem, lenient=True)


def is_regular(root: Path, path: Path) -> bool:
    """Whether `path` in the workspace folder `root` is a regular file; nothing is opened.

    Raises:
        UsageError: it is something else, or a symbolic link leads out of the workspace.
    """
    if not os.path.lexists(path):
        return False
    try:
        check_regular(within(root, path).resolve())
    except FileNotFoundError:
        return False  # a dangling link inside the workspace, or the file has just been removed
    except OSError as error:
        raise UsageError(
            f"{path} cannot be used: {error.strerror or error}",
            remediation="replace it by a regular file, or remove it",
        ) from None
    return True


def read_text(root: Path, path: Path) -> str:
    """Read the text of a file in the workspace folder `root`.

    Raises:
        UsageError: it cannot be read, is not a regular file, is too large, or a link leads out of the
            workspace.
    """
    try:
        return read_regular(within(root, path).resolve()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason, hint = why_unreadable(path, error)
        raise UsageError(f"{path} cannot be read: {reason}", remediation=hint) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no permission, or an impossible file name
        return False


def _batteries(root: Path, path: Path) -> dict[str, str]:
    try:
        data: Any = json.loads(read_text(root, path))
    except (ValueError, RecursionError) as error:
        raise DrawerError(f"{path} is not valid JSON: {error}", remediation=_BATTERIES_FORM) from None
    if isinstance(data, dict) and isinstance(data.get("batteries"), dict):
        data = data["batteries"]
    if not isinstance(data, dict):
        raise DrawerError(f"{path} must contain an object of names and values", remediation=_BATTERIES_FORM)
    found = {key: value if isinstance(value, str) else json.dumps(value) for key, value in data.items()}
    for key, value in found.items():
        # They become environment variables, which cannot contain these characters.
        if not key or "=" in key or "\0" in key + value:
            raise DrawerError(
                f"{path}: battery {key!r} cannot become an environment variable",
                remediation="remove `=` from the name, and NUL characters from name and value",
            )
    return found


_BATTERIES_FORM = 'write it like {"API_KEY": "..."}'
