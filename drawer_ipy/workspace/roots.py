"""Where the workspace folders are, and whose: a folder of another user is not used unless this user says so.

Whoever can write into a ``.buttons`` folder above the current one decides what is run here, and where secrets
go. So its owner has to be who runs this, as with git's ``safe.directory``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drawer_ipy.errors import UsageError

FOLDER = ".buttons"

SAFE_FOLDERS = "BUTTONS_SAFE_FOLDERS"
"""Environment variable: folders of other users that may be used, separated as in PATH. ``/srv/course`` is
that folder, ``/srv/*`` whatever is in it, ``*`` any folder.
"""


@dataclass(frozen=True, slots=True)
class Roots:
    """The workspace folders that count.

    Attributes:
        folders: the first one first.
        refused: why a project's folder is not among them and what to do about it; ``""`` when it is, or when
            there is none.
    """

    folders: tuple[Path, ...]
    refused: str = ""


def find_roots(start: Path | None = None, environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The folders of :func:`look_for_roots`."""
    return look_for_roots(start, environ).folders


def look_for_roots(start: Path | None = None, environ: Mapping[str, str] = os.environ) -> Roots:
    """The workspace folders that count.

    ``BUTTONS_HOME`` alone when it is set; else the nearest ``.buttons`` at or above `start` (the current
    folder), if it belongs to this user or is called safe, then the home folder's.

    Raises:
        UsageError: ``BUTTONS_HOME`` leads nowhere.
    """
    override = environ.get("BUTTONS_HOME")
    try:
        if override:
            return Roots((Path(override).expanduser().absolute(),))
        start = (start or Path.cwd()).absolute()
    except FileNotFoundError:  # the current folder has been removed under our feet
        if override:
            raise UsageError(f"BUTTONS_HOME is {override!r}, seen from a folder that is gone") from None
        start = Path("/")
    except RuntimeError:
        raise UsageError(f"BUTTONS_HOME is {override!r}, and there is no home folder") from None
    try:
        home: Path | None = Path.home() / FOLDER
    except RuntimeError:  # no HOME, and nobody of our user's number is known
        home = None
    project = next((p / FOLDER for p in (start, *start.parents) if _is_dir(p / FOLDER)), None)
    refused = ""
    if project is not None and project != home and (owner := _foreign_owner(project, environ)) is not None:
        refused = (
            f"{project} belongs to {owner} and is not used; if you trust what is in it, set "
            f"{SAFE_FOLDERS}={project.parent}"
        )
        project = None
    return Roots(tuple(dict.fromkeys(p for p in (project, home) if p is not None)), refused)


def _foreign_owner(folder: Path, environ: Mapping[str, str]) -> str | None:
    """Who owns `folder`, when that is another user whose folders are not called safe; else ``None``."""
    if not hasattr(os, "geteuid"):  # Windows
        return None
    mine = {os.geteuid()}
    sudo = environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and sudo.isascii() and sudo.isdigit():
        mine.add(int(sudo))  # root for a moment, on behalf of this user
    try:
        # Of a link, who made it counts as well as what it leads to.
        owners = [os.lstat(folder).st_uid, os.stat(folder).st_uid]
    except OSError:
        return "nobody who could be found out"
    others = [owner for owner in owners if owner not in mine]
    return None if not others or _is_safe(folder, environ) else _user(others[0])


def _is_safe(folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether the user has called `folder`, or the project it is in, safe."""
    project = Path(os.path.realpath(folder.parent))
    for entry in environ.get(SAFE_FOLDERS, "").split(os.pathsep):
        if entry == "*":
            return True
        below = entry.endswith("/*")
        named = os.path.expanduser(entry[:-2] or "/" if below else entry)
        if not os.path.isabs(named):
            continue  # which folder that is would depend on the current one
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
