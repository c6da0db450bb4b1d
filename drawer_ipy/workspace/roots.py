"""Find the workspace folders; a folder of another user is used only if it is declared safe.

The owner of a ``.buttons`` folder above the current folder decides which code runs and where secrets are
sent. So it must belong to the current user, as with git's ``safe.directory``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drawer_ipy.errors import UsageError

FOLDER = ".buttons"

SAFE_FOLDERS = "BUTTONS_SAFE_FOLDERS"
"""Environment variable: other users' folders that may be used, separated as in PATH. ``/srv/course`` means
that folder, ``/srv/*`` every folder in it, ``*`` any folder.
"""


@dataclass(frozen=True, slots=True)
class Roots:
    """The workspace folders in use.

    Attributes:
        folders: in the order of precedence.
        refused: why the project's folder is not used, and how to change that; ``""`` if it is used or does
            not exist.
    """

    folders: tuple[Path, ...]
    refused: str = ""


def find_roots(start: Path | None = None, environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the folders of :func:`look_for_roots`."""
    return look_for_roots(start, environ).folders


def look_for_roots(start: Path | None = None, environ: Mapping[str, str] = os.environ) -> Roots:
    """Find the workspace folders.

    If ``BUTTONS_HOME`` is set, it is the only one. Otherwise, they are the nearest ``.buttons`` in or above
    `start` (the current folder), if it belongs to this user or is declared safe, and the home folder's.

    Raises:
    UsageError: ``BUTTONS_HOME`` cannot be resolved.
    """
    override = environ.get("BUTTONS_HOME")
    try:
        if override:
            return Roots((Path(override).expanduser().absolute(),))
        start = (start or Path.cwd()).absolute()
    except FileNotFoundError:  # the current folder has been removed
        if override:
            raise UsageError(
                f"BUTTONS_HOME is {override!r}, but the current folder no longer exists"
            ) from None
        start = Path("/")
    except RuntimeError:
        raise UsageError(f"BUTTONS_HOME is {override!r}, but there is no home folder") from None
    try:
        home: Path | None = Path.home() / FOLDER
    except RuntimeError:  # no HOME, and the user id has no passwd entry
        home = None
    project = next((p / FOLDER for p in (start, *start.parents) if _is_dir(p / FOLDER)), None)
    refused = ""
    if project is not None and project != home and (owner := _foreign_owner(project, environ)) is not None:
        refused = (
            f"{project} belongs to {owner} and is not used; if you trust its contents, set "
            f"{SAFE_FOLDERS}={project.parent}"
        )
        project = None
    return Roots(tuple(dict.fromkeys(p for p in (project, home) if p is not None)), refused)


def _foreign_owner(folder: Path, environ: Mapping[str, str]) -> str | None:
    """Return the owner of `folder` if it is another user and it is not declared safe; else ``None``."""
    if not hasattr(os, "geteuid"):  # Windows
        return None
    mine = {os.geteuid()}
    sudo = environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and sudo.isascii() and sudo.isdigit():
        mine.add(int(sudo))  # root through sudo, on behalf of this user
    try:
        # For a link, both its own owner and the owner of its target count.
        owners = [os.lstat(folder).st_uid, os.stat(folder).st_uid]
    except OSError:
        return "an unknown user"
    others = [owner for owner in owners if owner not in mine]
    return None if not others or _is_safe(folder, environ) else _user(others[0])


def _is_safe(folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether the user has declared `folder` or its project safe."""
    project = Path(os.path.realpath(folder.parent))
    for entry in environ.get(SAFE_FOLDERS, "").split(os.pathsep):
        if entry == "*":
            return True
        below = entry.endswith("/*")
        named = os.path.expanduser(entry[:-2] or "/" if below else entry)
        if not os.path.isabs(named):
            continue  # a relative path would depend on the current folder
        safe = Path(os.path.realpath(named))
        if safe in ((project, *project.parents) if below else (project, Path(os.path.realpath(folder)))):
            return True
    return False


def _user(number: int) -> str:
    try:
        import pwd

        return f"the user {pwd.getpwuid(number).pw_name!r}"
    except (ImportError, KeyError):
        return f"the user {number}"


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
