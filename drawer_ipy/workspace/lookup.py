"""Buttons and drawers on disk: ``.buttons`` of the project, then of the home folder.

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
from drawer_ipy.errors import DrawerError, UsageError
from drawer_ipy.workspace.roots import find_roots as find_roots
from drawer_ipy.workspace.roots import look_for_roots

if TYPE_CHECKING:  # at run time they are imported when they are needed: naming drawers needs neither
    from drawer_ipy.buttons.base import Button
    from drawer_ipy.definition import Loaded

Shelf = Literal["buttons", "drawers"]
"""What a workspace folder holds, by the name of the folder it is in."""

MAIN_FILE: Mapping[Shelf, str] = {"buttons": "button.json", "drawers": "drawer.json"}
"""The file that makes a folder a button or a drawer."""

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
"""Names nothing may have, since they are words of the command line: the original's, and ours."""


def slug(name: str) -> str:
    """`name` as folders spell it: lower case, ``-`` for spaces and ``_``, nothing but ``[a-z0-9-]``."""
    text = re.sub(r"[ _]", "-", name.lower())
    text = re.sub(r"[^a-z0-9-]", "", text)
    return re.sub(r"-+", "-", text).strip("-")


def checked_name(name: str, what: str = "drawer") -> str:
    """The slug of a new thing's name (rules of docs/original.md#1-storage).

    Raises:
        UsageError: it is empty, longer than 128 characters, part of a path, reserved, or nothing is left
            of it once it is spelt as a folder's name.
    """
    shown = repr(name if len(name) <= 40 else name[:40] + "...")
    if len(name) > LONGEST_NAME:
        raise UsageError(f"the {what}'s name {shown} is longer than {LONGEST_NAME} characters")
    if ".." in name or "/" in name or "\\" in name:
        raise UsageError(
            f"{shown} is a path, a {what} has a name",
            remediation="letters, digits and hyphens; it is made a folder of the workspace",
        )
    folder = slug(name)
    if not folder:
        raise UsageError(
            f"{shown} is not a name for a {what}", remediation="use letters, digits and hyphens: my-pages"
        )
    if folder in RESERVED:
        raise UsageError(f"{folder!r} is a word of the command line, so no {what} may have it as its name")
    return folder


def within(root: Path, path: Path) -> Path:
    """`path`, after making sure that it is inside `root` once all symbolic links are followed.

    Raises:
        UsageError: it leads out of the workspace.
    """
    try:
        target = path.resolve()
    except (OSError, RuntimeError):
        raise UsageError(f"{path} leads nowhere: its symbolic links run in a circle") from None
    if not target.is_relative_to(root.resolve()):
        raise UsageError(
            f"{path} leads out of the workspace, to {target}",
            remediation="put the files themselves there instead of a symbolic link",
        )
    return path


class Workspace:
    """What can be looked up on disk. Nothing is read before it is asked for, nor kept.

    Args:
        roots: folders laid out like ``.buttons``; they need not exist.
        refused: why another folder is not among them and what to do about it; ``""`` when there is none.
    """

    def __init__(self, roots: tuple[Path, ...], refused: str = "") -> None:
        self.roots = roots
        self.refused = refused

    @classmethod
    def current(cls) -> Workspace:
        """The workspace as seen from the current folder and environment."""
        found = look_for_roots()
        return cls(found.folders, found.refused)

    def explain(self, error: DrawerError) -> None:
        """Let `error`, which may come of it, say that a folder was refused."""
        if self.refused and self.refused not in error.remediation:
            error.remediation = f"{error.remediation}\n  {self.refused}".strip()

    @property
    def first(self) -> Path:
        """The folder that new things are written to.

        Raises:
            UsageError: there is none: no project's, and no home folder; or the project's was refused.
        """
        if self.refused:
            raise UsageError("nothing is written to the home folder instead", remediation=self.refused)
        if not self.roots:
            raise UsageError(
                "there is no folder to write to: no .buttons at or above the current folder, and no home",
                remediation="make one: mkdir .buttons; or say where: BUTTONS_HOME=/some/folder",
            )
        return self.roots[0]

    def find_button(self, name: str, allowed_origins: Callable[[], Collection[str]] = tuple) -> Button | None:
        """The button whose folder's name is the slug of `name`; ``None`` when there is none.

        Raises:
            DefinitionError: when its button.json is wrong.
            UsageError: when it cannot be read, or a symbolic link leads out of the workspace.
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
        if spec.name != folder.name:  # it is called as its folder is, which is what names are looked up by
            spec = spec.model_copy(update={"name": folder.name})
        spec = spec.read_from(folder / "button.json")
        return make_button(spec, folder=folder, allowed_origins=allowed_origins)

    def find_drawer(self, name: str) -> Loaded | None:
        """The drawer whose folder's name is the slug of `name`; ``None`` when there is none.

        Raises:
            DefinitionError: when its drawer.json is wrong.
            UsageError: when it cannot be read, or a symbolic link leads out of the workspace.
        """
        found = self.locate("drawers", name)
        return None if found is None else self.load_drawer(*found)

    @staticmethod
    def load_drawer(root: Path, folder: Path) -> Loaded:
        """The drawer in `folder` of the workspace folder `root`.

        It is called as its folder is: a copied folder holds the old name still, and its runs must not end
        up in the history of the other.

        Raises:
            DefinitionError: when its drawer.json is wrong.
            UsageError: when it cannot be read.
        """
        from drawer_ipy.definition import load_drawer

        text = read_text(root, folder / MAIN_FILE["drawers"])
        loaded = load_drawer(text, name=folder.name, lenient=True)
        loaded.root = root
        if slug(loaded.drawer.name) != folder.name:
            loaded.drawer.name = folder.name
        return loaded

    def locate(self, shelf: Shelf, name: str) -> tuple[Path, Path] | None:
        """The root and the folder of what is called `name`; ``None`` when it is in no root.

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
        """Names of all buttons, sorted."""
        return sorted(set(self._names("buttons")))

    def drawer_names(self) -> list[str]:
        """Names of all drawers, sorted."""
        return sorted(set(self._names("drawers")))

    def batteries(self) -> dict[str, str]:
        """Key-value secrets of ``batteries.json``, the project's over the home folder's.

        Raises:
            DrawerError: when one of the files is wrong; no value is in the message.
            UsageError: when one is not a regular file, or a symbolic link leads out of the workspace.
        """
        found: dict[str, str] = {}
        for root in reversed(self.roots):
            path = root / "batteries.json"
            if is_regular(root, path):
                found |= _batteries(root, path)
        return found

    @property
    def cache_folder(self) -> Path:
        """Where results of presses are kept: below the first root there is, else in the user's own folder."""
        from drawer_ipy.cache.private import user_folder

        root = next((root for root in self.roots if root.is_dir()), None)
        return user_folder() if root is None else root / "cache"

    def _names(self, shelf: Shelf) -> Iterator[str]:
        for root in self.roots:
            try:
                folders = list(within(root, root / shelf).iterdir())
            except (OSError, UsageError):  # it is not there, or not for us to read: nothing to name
                continue
            # A folder whose name is not a slug can never be looked up, so it is not proposed either.
            yield from (p.name for p in folders if p.name == slug(p.name) and _is_file(p / MAIN_FILE[shelf]))


@dataclass(frozen=True, slots=True)
class ButtonsOnDisk:
    """A workspace's buttons as a catalogue looks them up.

    Attributes:
        workspace: where they are.
        allowed_origins: origins that HTTP buttons may reach in spite of being private.
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
    """The drawer in a file, YAML or JSON.

    Raises:
        DefinitionError: when it is wrong.
        UsageError: when it cannot be read.
    """
    from drawer_ipy.definition import load_drawer

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    return load_drawer(text, name=name or path.stem, lenient=True)


def is_regular(root: Path, path: Path) -> bool:
    """Whether there is a regular file at `path` of the workspace folder `root`; nothing is opened.

    Raises:
        UsageError: there is something else, or a symbolic link leads out of the workspace.
    """
    if not os.path.lexists(path):
        return False
    try:
        check_regular(within(root, path).resolve())
    except FileNotFoundError:
        return False  # a link to nothing within the workspace, or it has just been removed
    except OSError as error:
        raise UsageError(
            f"{path} is not used: {error.strerror or error}",
            remediation="put a regular file there, or remove it",
        ) from None
    return True


def read_text(root: Path, path: Path) -> str:
    """The text of a file of the workspace folder `root`.

    Raises:
        UsageError: it cannot be read, is not a regular file, is too large, or a link leads
            out of the workspace.
    """
    try:
        return read_regular(within(root, path).resolve()).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # not for us to look at, or a name that no file can have
        return False


def _batteries(root: Path, path: Path) -> dict[str, str]:
    try:
        data: Any = json.loads(read_text(root, path))
    except (ValueError, RecursionError) as error:
        raise DrawerError(f"{path} is not JSON: {error}", remediation=_BATTERIES_FORM) from None
    if isinstance(data, dict) and isinstance(data.get("batteries"), dict):
        data = data["batteries"]
    if not isinstance(data, dict):
        raise DrawerError(f"{path} must hold a mapping of names to values", remediation=_BATTERIES_FORM)
    found = {key: value if isinstance(value, str) else json.dumps(value) for key, value in data.items()}
    for key, value in found.items():
        # They become environment variables, where neither can be.
        if not key or "=" in key or "\0" in key + value:
            raise DrawerError(
                f"{path}: battery {key!r} cannot become an environment variable",
                remediation="a name has no `=`, and neither name nor value has a NUL character",
            )
    return found


_BATTERIES_FORM = 'it looks like {"API_KEY": "..."}'
